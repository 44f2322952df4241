//! What the operating system knows of a postmaster: the file it leaves in its cluster, and the process behind it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The parts of `postmaster.pid` that matter here.
#[derive(Debug)]
pub(super) struct PidFile {
    /// The postmaster's process.
    pub(super) pid: u32,
    /// Where it listens; empty until it has got that far.
    pub(super) socket_folder: PathBuf,
}

impl PidFile {
    /// Reads the file of the cluster; none if it is missing or half written.
    pub(super) fn read(cluster: &Path) -> Option<Self> {
        let text = fs::read_to_string(Self::path(cluster)).ok()?;
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok()?;
        Some(Self { pid, socket_folder: PathBuf::from(lines.nth(3).unwrap_or_default()) })
    }

    pub(super) fn path(cluster: &Path) -> PathBuf {
        cluster.join("postmaster.pid")
    }

    /// The socket that the port 5432 stands for.
    pub(super) fn socket(&self) -> PathBuf {
        self.socket_folder.join(".s.PGSQL.5432")
    }
}

/// Whose a process is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// The postmaster of this cluster.
    Ours,
    /// Some PostgreSQL, of this cluster or not.
    Postgres,
    /// Gone, or a stranger that was given the number since.
    Other,
}

/// Looks at the command line: process numbers are given anew, after a reboot above all.
pub(super) fn identify(pid: u32, cluster: &Path) -> Identity {
    let words = command_line(pid);
    let ours = cluster.to_string_lossy();
    let program = words.split('\0').next().unwrap_or_default();
    if words.split('\0').any(|word| word == ours) || (!words.contains('\0') && words.contains(&*ours)) {
        Identity::Ours
    } else if program.split([' ', ':']).next().unwrap_or_default().ends_with("postgres") {
        Identity::Postgres
    } else {
        Identity::Other
    }
}

/// The words, divided by zero bytes where the system tells them apart.
fn command_line(pid: u32) -> String {
    if Path::new("/proc/self/cmdline").exists() {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    let output = Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_with_a_reused_number_is_not_taken_for_a_postmaster() {
        assert_eq!(identify(std::process::id(), Path::new("/nowhere/data")), Identity::Other);
        assert_eq!(identify(u32::MAX - 1, Path::new("/nowhere/data")), Identity::Other);
    }
}
