//! A running postmaster: a child of this process, or one that a killed process left and this one adopts. Starting waits
//! until it accepts connections; stopping is PostgreSQL's fast shutdown, which ends sessions and writes all data.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::error::EmbeddedError;
use crate::embedded::binaries::Binaries;
use crate::embedded::os_user::OsUser;
use crate::embedded::pid_file::{Identity, PidFile, identify};
use crate::embedded::readiness;
use crate::embedded::readiness::Readiness;

/// Interval between checks of the process.
const POLL: Duration = Duration::from_millis(4);
/// Time limit of a start. A start after a crash first replays the WAL.
const START_LIMIT: Duration = Duration::from_secs(120);
/// Signals that stop PostgreSQL, and their time limits: a fast shutdown, an immediate shutdown that leaves recovery to
/// the next start, and a kill. Committed data is never lost.
const STOP_SIGNALS: [(&str, Duration); 3] =
    [("INT", Duration::from_secs(20)), ("QUIT", Duration::from_secs(5)), ("KILL", Duration::from_secs(5))];
/// Time after which a running process without a socket is stopped: a cleanup of the temporary folder may have deleted
/// the socket. Also the time limit of retries while sessions of a killed postmaster still run.
const NO_SOCKET_LIMIT: Duration = Duration::from_secs(5);
/// Size in bytes above which the log is emptied at the next start.
const LOG_LIMIT: u64 = 8 << 20;

/// Settings of every private cluster.
const SETTINGS: [(&str, &str); 9] = [
    ("listen_addresses", ""),
    ("port", "5432"),
    ("unix_socket_permissions", "0700"),
    ("cluster_name", "guildhall"),
    ("logging_collector", "off"),
    ("log_checkpoints", "off"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("max_wal_size", "512MB"),
];

/// The programs, user and paths that are needed to start a postmaster and to find it again.
#[derive(Debug)]
pub(super) struct ClusterPaths {
    pub(super) binaries: Binaries,
    pub(super) os_user: OsUser,
    pub(super) location: PathBuf,
    pub(super) cluster: PathBuf,
    pub(super) log: PathBuf,
}

/// A postmaster that accepts connections.
#[derive(Debug)]
pub(super) struct Postmaster {
    pid: u32,
    child: Option<Child>,
    pub(super) socket_folder: PathBuf,
}

impl Postmaster {
    /// Adopts the running postmaster of the cluster, if a killed owner left one.
    pub(super) async fn adopt(paths: &ClusterPaths) -> Result<Option<Self>, EmbeddedError> {
        let started = Instant::now();
        let mut signalled = false;
        while let Some(file) = PidFile::read(&paths.cluster) {
            match identify(file.pid, &paths.cluster) {
                Identity::Ours => {}
                // PostgreSQL itself would mistake the other process for a postmaster, and refuse to start.
                Identity::Other => return remove(&PidFile::path(&paths.cluster)).map(|()| None),
                Identity::Postgres => return Ok(None),
            }
            if readiness::probe(&file.socket_folder).await? == Readiness::Ready {
                return Ok(Some(Self { pid: file.pid, child: None, socket_folder: file.socket_folder }));
            }
            if started.elapsed() > NO_SOCKET_LIMIT && !file.socket().exists() && !signalled {
                paths.signal("INT", file.pid);
                signalled = true;
            }
            if started.elapsed() > START_LIMIT {
                return Err(paths.timeout(file.pid, "become ready", START_LIMIT));
            }
            sleep(POLL).await;
        }
        Ok(None)
    }

    /// Starts a postmaster. Retries while the sessions of a killed postmaster still hold the cluster.
    pub(super) async fn start(
        paths: &ClusterPaths,
        socket_folder: &Path,
        extra: &[(&str, &str)],
    ) -> Result<Self, EmbeddedError> {
        let started = Instant::now();
        loop {
            match Self::spawn(paths, socket_folder, extra)?.ready(paths).await {
                Err(EmbeddedError::Start { tail, .. })
                    if tail.contains("shared memory block") && started.elapsed() < NO_SOCKET_LIMIT =>
                {
                    sleep(20 * POLL).await;
                }
                outcome => return outcome,
            }
        }
    }

    fn spawn(paths: &ClusterPaths, socket_folder: &Path, extra: &[(&str, &str)]) -> Result<Self, EmbeddedError> {
        let log = paths.open_log()?;
        let errors = log.try_clone().map_err(EmbeddedError::io("open", &paths.log))?;
        let program = paths.binaries.program("postgres");
        let mut command = paths.os_user.command(&program, &paths.location);
        // The setting is a list: a quoted element may hold commas and spaces.
        let mut sockets = OsString::from("unix_socket_directories=\"");
        sockets.push(socket_folder);
        sockets.push("\"");
        command.arg("-D").arg(&paths.cluster).arg("-c").arg(sockets);
        for (name, value) in SETTINGS.iter().chain(extra) {
            command.args(["-c", &format!("{name}={value}")]);
        }
        // In a separate process group, so that Ctrl-C in the terminal reaches only the server, which then stops
        // PostgreSQL.
        command.stdout(Stdio::from(log)).stderr(Stdio::from(errors)).process_group(0);
        let child = command.spawn().map_err(EmbeddedError::io("run", &program))?;
        Ok(Self { pid: child.id(), child: Some(child), socket_folder: socket_folder.to_owned() })
    }

    async fn ready(mut self, paths: &ClusterPaths) -> Result<Self, EmbeddedError> {
        let started = Instant::now();
        loop {
            let state = readiness::probe(&self.socket_folder).await;
            if !self.is_alive(&paths.cluster) {
                return Err(EmbeddedError::Start { log: paths.log.clone(), tail: paths.log_tail() });
            }
            match state {
                Ok(Readiness::Ready) => return Ok(self),
                Ok(Readiness::NotYet) if started.elapsed() < START_LIMIT => sleep(POLL).await,
                Ok(Readiness::NotYet) => {
                    self.request_stop(paths);
                    return Err(paths.timeout(self.pid, "become ready", START_LIMIT));
                }
                Err(error) => {
                    self.request_stop(paths);
                    return Err(error.into());
                }
            }
        }
    }

    /// Stops the postmaster, with stronger signals after each time limit; returns when the process has ended.
    pub(super) async fn stop(&mut self, paths: &ClusterPaths) -> Result<(), EmbeddedError> {
        for (signal, limit) in paths.stop_signals() {
            let started = Instant::now();
            self.send(paths, signal);
            while started.elapsed() < *limit {
                if !self.is_alive(&paths.cluster) {
                    return Ok(());
                }
                sleep(POLL).await;
            }
            tracing::warn!(pid = self.pid, signal, "PostgreSQL does not stop");
        }
        Err(paths.timeout(self.pid, "stop", STOP_SIGNALS.iter().map(|(_, limit)| *limit).sum()))
    }

    /// Like `stop`, for synchronous code and with a short time limit.
    pub(super) fn stop_blocking(&mut self, paths: &ClusterPaths, limit: Duration) {
        let started = Instant::now();
        self.request_stop(paths);
        while self.is_alive(&paths.cluster) && started.elapsed() < limit {
            std::thread::sleep(POLL);
        }
    }

    fn request_stop(&mut self, paths: &ClusterPaths) {
        if let Some((signal, _)) = paths.stop_signals().first() {
            self.send(paths, signal);
        }
    }

    fn send(&mut self, paths: &ClusterPaths, signal: &str) {
        if self.is_alive(&paths.cluster) {
            paths.signal(signal, self.pid);
        }
    }

    fn is_alive(&mut self, cluster: &Path) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => identify(self.pid, cluster) == Identity::Ours,
        }
    }
}

impl ClusterPaths {
    /// Returns the signals to send, in order. Skips the fast shutdown if the cluster was deleted, because writing the
    /// data would then only take time.
    fn stop_signals(&self) -> &'static [(&'static str, Duration)] {
        if self.cluster.exists() { &STOP_SIGNALS } else { &STOP_SIGNALS[1..] }
    }

    /// Sends a signal with `pg_ctl`, which every server has; `kill` is missing in small images. Runs in `/`, which
    /// always exists.
    fn signal(&self, name: &str, pid: u32) {
        let mut command = self.os_user.command(self.binaries.program("pg_ctl"), Path::new("/"));
        command.args(["kill", name, &pid.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        if let Err(error) = command.process_group(0).status() {
            tracing::warn!(%error, pid, "could not signal PostgreSQL");
        }
    }

    fn open_log(&self) -> Result<File, EmbeddedError> {
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(0o600);
        let log = options.open(&self.log).map_err(EmbeddedError::io("open", &self.log))?;
        if log.metadata().is_ok_and(|file| file.len() > LOG_LIMIT) {
            log.set_len(0).map_err(EmbeddedError::io("empty", &self.log))?;
        }
        Ok(log)
    }

    fn log_tail(&self) -> String {
        let mut text = Vec::new();
        if let Ok(mut log) = File::open(&self.log) {
            let length = log.metadata().map(|file| file.len()).unwrap_or_default();
            let _ = log.seek(SeekFrom::Start(length.saturating_sub(2048)));
            let _ = log.read_to_end(&mut text);
        }
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(6)..].join("\n")
    }

    fn timeout(&self, pid: u32, action: &'static str, limit: Duration) -> EmbeddedError {
        EmbeddedError::Timeout { pid, action, seconds: limit.as_secs(), log: self.log.clone() }
    }
}

fn remove(path: &Path) -> Result<(), EmbeddedError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(EmbeddedError::io("remove", path)(error)),
        _ => Ok(()),
    }
}
