//! A private PostgreSQL for a server that was given no database: made at the first start, kept in the data folder, reached
//! through a unix socket only, stopped with the server. One process at a time owns it; if that one was killed, the next
//! adopts what still runs.
//!
//! In the data folder: `postgres` (the cluster and its socket, or a link to them), `postgres.log`, `postgres.lock`.

mod binaries;
mod data_dir;
mod download;
mod error;
mod initdb;
mod install_hint;
mod os_user;
mod pid_file;
mod postmaster;
mod readiness;
#[cfg(test)]
mod tests;
mod url;

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

pub use binaries::Programs;
pub use error::EmbeddedError;

use binaries::Binaries;
use os_user::OsUser;
use pid_file::PidFile;
use postmaster::{ClusterPaths, Postmaster};

/// How long a dropped cluster is waited for.
const DROP: Duration = Duration::from_secs(3);

/// A running private PostgreSQL that this process owns. Dropping it without [`Embedded::stop`] stops it too, but blocks
/// the thread for up to three seconds.
#[derive(Debug)]
pub struct Embedded {
    site: ClusterPaths,
    running: Option<Postmaster>,
    // The last field: the folder is free again only when all else is done.
    _lock: File,
}

impl Embedded {
    /// Starts the cluster of `data_dir`, makes it first if need be, or adopts one that a killed process left running.
    /// Where the machine has no programs for it, and they may be got, this may take minutes, and says so on standard error.
    pub async fn start(data_dir: &Path, programs: Programs) -> Result<Self, EmbeddedError> {
        Self::start_with(data_dir, programs, &[]).await
    }

    /// The same with further settings of PostgreSQL, name and value; an adopted cluster keeps those that it has.
    /// `("fsync", "off")` also makes the first start quicker, for data that may be lost.
    pub async fn start_with(
        data_dir: &Path,
        programs: Programs,
        settings: &[(&str, &str)],
    ) -> Result<Self, EmbeddedError> {
        fs::create_dir_all(data_dir).map_err(EmbeddedError::io("create", data_dir))?;
        let data_dir = &fs::canonicalize(data_dir).map_err(EmbeddedError::io("open", data_dir))?;
        let lock = data_dir::lock(data_dir)?;
        let entrance = data_dir::entrance(data_dir);
        let account = OsUser::choose(&entrance)?;
        let cluster = data_dir::cluster(&entrance);
        let found = tokio::task::spawn_blocking(move || Binaries::find(&programs, &cluster, account)).await;
        let tools = found.map_err(|_| EmbeddedError::Interrupted)??;
        let location = data_dir::settle(data_dir, account)?;
        let cluster = data_dir::cluster(&location);
        let site = ClusterPaths { tools, account, location, cluster, log: data_dir.join("postgres.log") };

        let durable = !settings.contains(&("fsync", "off"));
        initdb::ensure(&site.location, &site.tools, account, durable).await?;
        let running = match Postmaster::adopt(&site).await? {
            Some(adopted) => adopted,
            None => {
                let socket_folder = data_dir::socket_folder(&site.location, account)?;
                Postmaster::start(&site, &socket_folder, settings).await?
            }
        };
        Ok(Self { site, running: Some(running), _lock: lock })
    }

    /// URL of the database `guildhall` of a cluster in `data_dir` that some process keeps running; none if none is.
    pub fn running(data_dir: &Path) -> Option<String> {
        let location = fs::canonicalize(data_dir::entrance(data_dir)).ok()?;
        let file = PidFile::read(&data_dir::cluster(&location))?;
        UnixStream::connect(file.socket()).ok()?;
        Some(url::url(&file.socket_folder, url::DATABASE))
    }

    /// URL of a database in the cluster, which need not exist yet.
    pub fn url(&self, database: &str) -> String {
        let socket_folder = self.running.as_ref().map(|running| running.socket_folder.as_path());
        url::url(socket_folder.unwrap_or(&self.site.location), database)
    }

    /// The folder of the cluster. Not within the data folder when PostgreSQL's user cannot get there.
    pub fn location(&self) -> &Path {
        &self.site.location
    }

    /// Fast shutdown: ends all sessions, writes everything down, returns when the process is gone. After 20 seconds, or if the
    /// cluster was deleted, it does not wait for the writing.
    pub async fn stop(mut self) -> Result<(), EmbeddedError> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        running.stop(&self.site).await?;
        if !running.socket_folder.starts_with(&self.site.location) {
            let _ = fs::remove_dir(&running.socket_folder);
        }
        Ok(())
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.stop_blocking(&self.site, DROP);
        }
    }
}
