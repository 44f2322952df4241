//! The user that runs PostgreSQL. PostgreSQL refuses to run as root, so root switches to the owner of the existing
//! cluster, else to `postgres`, else to `nobody`; other users run PostgreSQL themselves.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::embedded::error::EmbeddedError;

/// The user that runs PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OsUser {
    current: u32,
    switch_to: Option<(u32, u32)>,
}

impl OsUser {
    /// Returns the current user, or for root, the user to switch to: the owner of `cluster` if it exists and its owner
    /// is not root.
    pub(super) fn choose(cluster: &Path) -> Result<Self, EmbeddedError> {
        let current = current_uid()?;
        if current != 0 {
            return Ok(Self { current, switch_to: None });
        }
        let owner = fs::metadata(cluster).ok().map(|folder| (folder.uid(), folder.gid()));
        if let Some(owner) = owner.filter(|(uid, _)| *uid != 0) {
            return Ok(Self { current, switch_to: Some(owner) });
        }
        let passwd = fs::read_to_string("/etc/passwd").map_err(EmbeddedError::io("read", Path::new("/etc/passwd")))?;
        let ids = passwd_entry(&passwd, "postgres").or_else(|| passwd_entry(&passwd, "nobody"));
        Ok(Self { current, switch_to: Some(ids.ok_or(EmbeddedError::NoUser)?) })
    }

    /// Returns the user and group that own the cluster's folders, if they differ from the current user.
    pub(super) fn switch_to(self) -> Option<(u32, u32)> {
        self.switch_to
    }

    /// Whether this is the user ID of this process.
    pub(super) fn is_current(self, uid: u32) -> bool {
        uid == self.current
    }

    /// Whether a folder with this owner may be used for the cluster.
    pub(super) fn may_own(self, uid: u32) -> bool {
        uid == self.current || self.switch_to.is_some_and(|(other, _)| other == uid)
    }

    /// Whether the user has access to every folder on the path, which must be canonical.
    pub(super) fn can_access(self, path: &Path) -> bool {
        let Some((uid, gid)) = self.switch_to else {
            return true;
        };
        path.ancestors().all(|folder| {
            let Ok(folder) = fs::metadata(folder) else {
                return false;
            };
            let bit = match () {
                () if folder.uid() == uid => 0o100,
                () if folder.gid() == gid => 0o010,
                () => 0o001,
            };
            folder.mode() & bit != 0
        })
    }

    /// Returns a command that runs as this user in `folder`, without the `PG…` variables of the environment. The
    /// standard library drops root's supplementary groups together with the user ID.
    pub(super) fn command(self, program: impl AsRef<OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).stdin(Stdio::null()).env("LC_ALL", "C");
        for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        if let Some((uid, gid)) = self.switch_to {
            command.uid(uid).gid(gid);
        }
        command
    }
}

fn current_uid() -> Result<u32, EmbeddedError> {
    if let Ok(process) = fs::metadata("/proc/self") {
        return Ok(process.uid());
    }
    let output = Command::new("id").arg("-u").output().map_err(EmbeddedError::io("run", Path::new("id")))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(u32::MAX))
}

/// Returns user and group ID of a name in the text of `/etc/passwd`; a name with the user ID of root does not count.
fn passwd_entry(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid: u32 = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        (uid != 0).then_some((uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::passwd_entry;

    #[test]
    fn ids_are_read_from_the_line_of_the_name() {
        let passwd =
            "root:x:0:0::/:/bin/sh\npostgres2:x:9:9::/:\npostgres:x:101:104:P,,,:/var:/bin/bash\nnobody:x:0:0:::\n";
        assert_eq!(passwd_entry(passwd, "postgres"), Some((101, 104)));
        assert_eq!(passwd_entry(passwd, "nobody"), None);
        assert_eq!(passwd_entry(passwd, "missing"), None);
    }
}
