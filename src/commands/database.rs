//! Opens the database of a command, and starts the private PostgreSQL if the settings choose it.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::commands::error::CliError;
use crate::config::{DataDirSettings, DatabaseSettings, DatabaseSource, HttpSettings, OnOff};
use crate::domain::Error;
use crate::embedded::{Embedded, Programs};
use crate::operations::maintenance::fill_text_keys::fill_text_keys;
use crate::store::migrate::{self, SchemaState};
use crate::store::{BuildError, ConnectOptions, Connector, Database, OptionsError};

/// Name of the database in the private PostgreSQL.
const NAME: &str = "guildhall";
/// Pause between two attempts to reach the database at the start of a server, and between two entries in the log.
const WAIT_RETRY: Duration = Duration::from_millis(500);
const WAIT_NOTICE: Duration = Duration::from_secs(5);

/// A database, with the private PostgreSQL that must be stopped after use.
pub struct CommandDatabase {
    /// Opens connections to the database.
    pub connector: Connector,
    private: Option<Embedded>,
}

impl CommandDatabase {
    /// Starts and migrates the private PostgreSQL of the data folder.
    pub async fn start(folders: &DataDirSettings) -> Result<Self, CliError> {
        let programs = Programs { bin: folders.postgres_bin.clone(), download: folders.postgres_download.into() };
        let private = Embedded::start(&folders.data_dir, programs).await?;
        let connector = Connector::to_url(&private.url(NAME)).map_err(wrong_url)?;
        let database = Self { connector, private: Some(private) };
        let ready = async {
            migrate::migrate(&database.connector).await?;
            migrate::ensure_event_base(&database.connector).await
        };
        match ready.await {
            Ok(()) => Ok(database),
            Err(error) => {
                database.stop().await?;
                Err(error.into())
            }
        }
    }

    /// Opens the database of a command: the one of DATABASE_URL, which must be migrated, or the private one.
    pub async fn open_migrated(database: &DatabaseSettings, folders: &DataDirSettings) -> Result<Self, CliError> {
        match database.source()? {
            DatabaseSource::Embedded => Self::start(folders).await,
            DatabaseSource::Url { url, direct } => Self::usable(connector(&url, direct.as_deref())?).await,
        }
    }

    /// Opens the database for a command that may run beside a server: as above, or the private PostgreSQL of a running
    /// server.
    pub async fn open_existing(database: &DatabaseSettings, folders: &DataDirSettings) -> Result<Self, CliError> {
        let running = if database.is_private() { Embedded::running(&folders.data_dir) } else { None };
        match running {
            Some(url) => Self::usable(Connector::to_url(&url).map_err(wrong_url)?).await,
            None => Self::open_migrated(database, folders).await,
        }
    }

    /// Opens the database of DATABASE_URL for a server. Waits up to `wait` until it can be reached.
    pub async fn wait_for(connector: Connector, wait: Duration, migrates: bool) -> Result<Self, CliError> {
        let deadline = Instant::now() + wait;
        let mut notice = Instant::now();
        while let Err(Error::Failed(failure)) = migrate::schema_state(&connector).await {
            if !failure.transient || Instant::now() + WAIT_RETRY > deadline {
                return Err(unusable(failure.into()));
            }
            if Instant::now() >= notice {
                tracing::warn!(cause = %failure.cause, "waiting for the database");
                notice = Instant::now() + WAIT_NOTICE;
            }
            sleep(WAIT_RETRY).await;
        }
        if migrates {
            let done = migrate::migrate(&connector).await.map_err(|error| unusable(error.into()))?;
            if !done.is_empty() {
                tracing::info!(migrations = done.len(), "migrated the database");
            }
        }
        Self::usable(connector).await
    }

    async fn usable(connector: Connector) -> Result<Self, CliError> {
        match migrate::schema_state(&connector).await.map_err(|error| unusable(error.into()))? {
            SchemaState::Usable => {
                migrate::ensure_event_base(&connector).await?;
                Ok(Self { connector, private: None })
            }
            SchemaState::Behind(pending) => Err(CliError::new(format!(
                "The database lacks {} migrations: run `guildhall migrate` first.",
                pending.len()
            ))),
            SchemaState::Newer => Err(CliError::new(
                "A newer release has migrated the database, and this release cannot use its schema: run the newer release.",
            )),
        }
    }

    /// Creates a pool of at most `size` connections.
    pub fn connect(&self, size: u16) -> Result<Database, CliError> {
        Database::connect(&self.connector.direct(), size.into()).map_err(no_connections)
    }

    /// Creates the pool of a server, with the configured size and batching of reads.
    pub fn connect_to_serve(&self, settings: &HttpSettings) -> Result<Database, CliError> {
        let (size, connector) = (settings.pool_size.into(), self.connector.with_statement_timeout());
        match settings.database_batching {
            OnOff::On => Database::connect_with_batching(&connector, size),
            OnOff::Off => Database::connect(&connector, size),
        }
        .map_err(no_connections)
    }

    /// Stops the private PostgreSQL, if this command started it.
    pub async fn stop(self) -> Result<(), CliError> {
        match self.private {
            Some(private) => Ok(private.stop().await?),
            None => Ok(()),
        }
    }
}

/// Migrates the database of DATABASE_URL, or the private one, to the current schema, and fills missing text keys.
/// Returns the names of the migrations that ran, and the number of filled keys.
pub async fn migrate(database: &DatabaseSettings, folders: &DataDirSettings) -> Result<(Vec<String>, usize), CliError> {
    if let Ok(DatabaseSource::Url { url, direct }) = database.source() {
        let connector = connector(&url, direct.as_deref())?;
        let ready = async {
            let done = migrate::migrate(&connector).await?;
            migrate::ensure_event_base(&connector).await?;
            Ok(done)
        };
        let done = ready.await.map_err(|error: Error| unusable(error.into()))?;
        let database = CommandDatabase { connector, private: None };
        return Ok((done, fill_text_keys(&database.connect(1)?).await?));
    }
    let database = CommandDatabase::open_existing(database, folders).await?;
    let filled = match database.connect(1) {
        Ok(store) => fill_text_keys(&store).await.map_err(CliError::from),
        Err(failure) => Err(failure),
    };
    database.stop().await?;
    Ok((Vec::new(), filled?))
}

/// Returns the names of the migrations that the database of DATABASE_URL lacks.
pub async fn pending(database: &DatabaseSettings) -> Result<Vec<String>, CliError> {
    let connector = database.connector()?;
    let connector = connector.ok_or_else(|| CliError::new("--dry-run needs DATABASE_URL."))?;
    match migrate::schema_state(&connector).await.map_err(|error| unusable(error.into()))? {
        SchemaState::Behind(pending) => Ok(pending),
        SchemaState::Usable | SchemaState::Newer => Ok(Vec::new()),
    }
}

/// Returns a connector to the database at `url`, and past its pooler by `direct`. Both take what they lack from libpq's
/// variables.
fn connector(url: &str, direct: Option<&str>) -> Result<Connector, CliError> {
    let connect = |url: &str, is_direct| {
        let options = ConnectOptions::parse(url, |name| std::env::var(name).ok())?;
        Connector::new(if is_direct { options.with_session_settings() } else { options })
    };
    let Some(direct) = direct else { return connect(url, true).map_err(wrong_url) };
    let wrong = |cause| CliError::new(format!("DATABASE_DIRECT_URL cannot be used: {cause}."));
    Ok(connect(url, false).map_err(wrong_url)?.with_direct(connect(direct, true).map_err(wrong)?))
}

impl DatabaseSettings {
    /// Returns the connector of DATABASE_URL; `None` if the private PostgreSQL is chosen.
    pub fn connector(&self) -> Result<Option<Connector>, CliError> {
        match self.source()? {
            DatabaseSource::Embedded => Ok(None),
            DatabaseSource::Url { url, direct } => connector(&url, direct.as_deref()).map(Some),
        }
    }
}

fn wrong_url(cause: OptionsError) -> CliError {
    CliError::new(format!("DATABASE_URL cannot be used: {cause}."))
}

fn no_connections(cause: BuildError) -> CliError {
    CliError::new(format!("The connection pool cannot be created: {cause}."))
}

fn unusable(failure: CliError) -> CliError {
    CliError::new(format!("The database of DATABASE_URL cannot be used: {failure}."))
}
