//! As whom PostgreSQL runs. It refuses to run as root, so root steps down to the owner of the existing cluster, else to
//! `postgres`, else to `nobody`; anybody else runs it as themselves.

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
    me: u32,
    step_down: Option<(u32, u32)>,
}

impl OsUser {
    /// Ourselves, or whom root steps down to: the owner of `cluster` if that exists and is not root.
    pub(super) fn choose(cluster: &Path) -> Result<Self, EmbeddedError> {
        let me = my_uid()?;
        if me != 0 {
            return Ok(Self { me, step_down: None });
        }
        let owner = fs::metadata(cluster).ok().map(|folder| (folder.uid(), folder.gid()));
        if let Some(owner) = owner.filter(|(uid, _)| *uid != 0) {
            return Ok(Self { me, step_down: Some(owner) });
        }
        let passwd = fs::read_to_string("/etc/passwd").map_err(EmbeddedError::io("read", Path::new("/etc/passwd")))?;
        let account = entry(&passwd, "postgres").or_else(|| entry(&passwd, "nobody"));
        Ok(Self { me, step_down: Some(account.ok_or(EmbeddedError::NoAccount)?) })
    }

    /// The user and group that our folders are given to, if that is not ourselves.
    pub(super) fn step_down(self) -> Option<(u32, u32)> {
        self.step_down
    }

    /// Whether that is the user id of this process.
    pub(super) fn is(self, uid: u32) -> bool {
        uid == self.me
    }

    /// Whether a folder of this user id may be taken as ours.
    pub(super) fn owns(self, uid: u32) -> bool {
        uid == self.me || self.step_down.is_some_and(|(other, _)| other == uid)
    }

    /// Whether the account may pass through every folder on the way to `path`, which must be canonical.
    pub(super) fn reaches(self, path: &Path) -> bool {
        let Some((uid, gid)) = self.step_down else {
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

    /// A command that runs as this account, in `folder`, free of PostgreSQL's settings in our environment. The standard
    /// library drops root's supplementary groups together with the user id.
    pub(super) fn command(self, program: impl AsRef<OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).stdin(Stdio::null()).env("LC_ALL", "C");
        for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        if let Some((uid, gid)) = self.step_down {
            command.uid(uid).gid(gid);
        }
        command
    }
}

fn my_uid() -> Result<u32, EmbeddedError> {
    if let Ok(process) = fs::metadata("/proc/self") {
        return Ok(process.uid());
    }
    let output = Command::new("id").arg("-u").output().map_err(EmbeddedError::io("run", Path::new("id")))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(u32::MAX))
}

/// User and group id of a name in the text of `/etc/passwd`; root under another name does not count.
fn entry(passwd: &str, name: &str) -> Option<(u32, u32)> {
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
    use super::entry;

    #[test]
    fn ids_are_read_from_the_line_of_the_name() {
        let passwd =
            "root:x:0:0::/:/bin/sh\npostgres2:x:9:9::/:\npostgres:x:101:104:P,,,:/var:/bin/bash\nnobody:x:0:0:::\n";
        assert_eq!(entry(passwd, "postgres"), Some((101, 104)));
        assert_eq!(entry(passwd, "nobody"), None);
        assert_eq!(entry(passwd, "missing"), None);
    }
}
