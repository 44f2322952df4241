//! Information about a postmaster: the PID file in its cluster, and the process with that ID.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The parts of `postmaster.pid` that are used here.
#[derive(Debug)]
pub(super) struct PidFile {
    /// Process ID of the postmaster.
    pub(super) pid: u32,
    /// Folder of its socket; empty until the postmaster has written it.
    pub(super) socket_folder: PathBuf,
}

impl PidFile {
    /// Reads the PID file of the cluster; `None` if it is missing or incomplete.
    pub(super) fn read(cluster: &Path) -> Option<Self> {
        let text = fs::read_to_string(Self::path(cluster)).ok()?;
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok()?;
        Some(Self { pid, socket_folder: PathBuf::from(lines.nth(3).unwrap_or_default()) })
    }

    pub(super) fn path(cluster: &Path) -> PathBuf {
        cluster.join("postmaster.pid")
    }

    /// Returns the path of the socket for port 5432.
    pub(super) fn socket(&self) -> PathBuf {
        self.socket_folder.join(".s.PGSQL.5432")
    }
}

/// The identity of a process.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// The postmaster of this cluster.
    Ours,
    /// Another PostgreSQL process, of this cluster or of another one.
    Postgres,
    /// No process, or another program that has reused the process ID.
    Other,
}

/// Identifies a process by its command line, because process IDs are reused, especially after a reboot.
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

/// Returns the command line, with words separated by zero bytes if the system provides them.
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
    fn identify_recognizes_another_program_with_a_reused_process_id() {
        assert_eq!(identify(std::process::id(), Path::new("/nowhere/data")), Identity::Other);
        assert_eq!(identify(u32::MAX - 1, Path::new("/nowhere/data")), Identity::Other);
    }
}
