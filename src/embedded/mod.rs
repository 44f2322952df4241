//! A private PostgreSQL for a server without a configured database. It is created at the first start, kept in the data
//! folder, reached only through a Unix socket, and stopped with the server. One process at a time owns it; if that
//! process was killed, the next one adopts the running cluster.
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

/// Time limit for a dropped cluster to stop.
const DROP_LIMIT: Duration = Duration::from_secs(3);

/// A running private PostgreSQL that this process owns. Dropping it without [`Embedded::stop`] also stops it, but
/// blocks the thread for up to three seconds.
#[derive(Debug)]
pub struct Embedded {
    paths: ClusterPaths,
    running: Option<Postmaster>,
    // Must be the last field: the lock is released after everything else is dropped.
    _lock: File,
}

impl Embedded {
    /// Starts the cluster of `data_dir`, creates it first if necessary, or adopts one that a killed process left
    /// running. A download of missing programs, if allowed, may take minutes, and is announced on standard error.
    pub async fn start(data_dir: &Path, programs: Programs) -> Result<Self, EmbeddedError> {
        Self::start_with(data_dir, programs, &[]).await
    }

    /// Like [`start`](Self::start), with further settings of PostgreSQL as name and value; an adopted cluster keeps its
    /// settings. `("fsync", "off")` also speeds up the first start, for data that may be lost.
    pub async fn start_with(
        data_dir: &Path,
        programs: Programs,
        settings: &[(&str, &str)],
    ) -> Result<Self, EmbeddedError> {
        fs::create_dir_all(data_dir).map_err(EmbeddedError::io("create", data_dir))?;
        let data_dir = &fs::canonicalize(data_dir).map_err(EmbeddedError::io("open", data_dir))?;
        let lock = data_dir::lock(data_dir)?;
        let cluster_link = data_dir::cluster_link(data_dir);
        let os_user = OsUser::choose(&cluster_link)?;
        let cluster = data_dir::cluster(&cluster_link);
        let search = tokio::task::spawn_blocking(move || Binaries::find(&programs, &cluster, os_user)).await;
        let binaries = search.map_err(|_| EmbeddedError::Interrupted)??;
        let location = data_dir::prepare(data_dir, os_user)?;
        let cluster = data_dir::cluster(&location);
        let paths = ClusterPaths { binaries, os_user, location, cluster, log: data_dir.join("postgres.log") };

        let durable = !settings.contains(&("fsync", "off"));
        initdb::ensure(&paths.location, &paths.binaries, os_user, durable).await?;
        let running = match Postmaster::adopt(&paths).await? {
            Some(adopted) => adopted,
            None => {
                let socket_folder = data_dir::socket_folder(&paths.location, os_user)?;
                Postmaster::start(&paths, &socket_folder, settings).await?
            }
        };
        Ok(Self { paths, running: Some(running), _lock: lock })
    }

    /// Returns the URL of the database `guildhall` in a running cluster of `data_dir`; `None` if no cluster is running.
    pub fn running(data_dir: &Path) -> Option<String> {
        let location = fs::canonicalize(data_dir::cluster_link(data_dir)).ok()?;
        let file = PidFile::read(&data_dir::cluster(&location))?;
        UnixStream::connect(file.socket()).ok()?;
        Some(url::url(&file.socket_folder, url::DATABASE))
    }

    /// Returns the URL of a database in the cluster; the database need not exist.
    pub fn url(&self, database: &str) -> String {
        let socket_folder = self.running.as_ref().map(|running| running.socket_folder.as_path());
        url::url(socket_folder.unwrap_or(&self.paths.location), database)
    }

    /// Returns the folder of the cluster, which is outside of the data folder if PostgreSQL's user cannot access that.
    pub fn location(&self) -> &Path {
        &self.paths.location
    }

    /// Stops the cluster with a fast shutdown: ends all sessions, writes all data, and returns when the process has
    /// ended. After 20 seconds, or if the cluster was deleted, the shutdown skips writing the data.
    pub async fn stop(mut self) -> Result<(), EmbeddedError> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        running.stop(&self.paths).await?;
        if !running.socket_folder.starts_with(&self.paths.location) {
            let _ = fs::remove_dir(&running.socket_folder);
        }
        Ok(())
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.stop_blocking(&self.paths, DROP_LIMIT);
        }
    }
}
