//! Opens the database of a command, and starts the private PostgreSQL if the settings choose it.

use crate::commands::error::CliError;
use crate::config::{DataDirSettings, DatabaseSettings, DatabaseSource, HttpSettings, OnOff};
use crate::domain::Error;
use crate::embedded::{Embedded, Programs};
use crate::operations::maintenance::fill_text_keys::fill_text_keys;
use crate::store::{BuildError, Database, migrate};

/// Name of the database in the private PostgreSQL.
const NAME: &str = "guildhall";

/// A database, with the private PostgreSQL that must be stopped after use.
pub struct CommandDatabase {
    /// URL of the database.
    pub url: String,
    private: Option<Embedded>,
}

impl CommandDatabase {
    /// Starts and migrates the private PostgreSQL of the data folder.
    pub async fn start(folders: &DataDirSettings) -> Result<Self, CliError> {
        let programs = Programs { bin: folders.postgres_bin.clone(), download: folders.postgres_download.into() };
        let private = Embedded::start(&folders.data_dir, programs).await?;
        let database = Self { url: private.url(NAME), private: Some(private) };
        let ready = async {
            migrate::migrate(&database.url).await?;
            migrate::settle_log(&database.url).await
        };
        match ready.await {
            Ok(()) => Ok(database),
            Err(error) => {
                database.stop().await?;
                Err(error.into())
            }
        }
    }

    /// Opens the database to serve: the one of DATABASE_URL, which must be migrated, or the private one.
    pub async fn open_migrated(database: &DatabaseSettings, folders: &DataDirSettings) -> Result<Self, CliError> {
        match database.choice()? {
            DatabaseSource::Embedded => Self::start(folders).await,
            DatabaseSource::Url(url) => Self::migrated(url).await,
        }
    }

    /// Opens the database for a command that may run beside a server: as above, or the private PostgreSQL of a running
    /// server.
    pub async fn open_existing(database: &DatabaseSettings, folders: &DataDirSettings) -> Result<Self, CliError> {
        let running = if database.url().is_none() { Embedded::running(&folders.data_dir) } else { None };
        match running {
            Some(url) => Self::migrated(&url).await,
            None => Self::open_migrated(database, folders).await,
        }
    }

    async fn migrated(url: &str) -> Result<Self, CliError> {
        let pending = migrate::pending(url).await.map_err(|error| unusable(CliError::from(error)))?;
        match pending.len() {
            0 => {
                migrate::settle_log(url).await?;
                Ok(Self { url: url.to_owned(), private: None })
            }
            count => {
                Err(CliError::new(format!("The database lacks {count} migrations: run `guildhall migrate` first.")))
            }
        }
    }

    /// Creates a pool of at most `size` connections.
    pub fn connect(&self, size: u16) -> Result<Database, CliError> {
        Database::connect(&self.url, size.into()).map_err(no_connections)
    }

    /// Creates the pool of a server, with the configured size and batching of reads.
    pub fn connect_to_serve(&self, settings: &HttpSettings) -> Result<Database, CliError> {
        let size = settings.pool_size.into();
        match settings.database_batching {
            OnOff::On => Database::connect_with_batching(&self.url, size),
            OnOff::Off => Database::connect(&self.url, size),
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
    if let Ok(DatabaseSource::Url(url)) = database.choice() {
        let ready = async {
            let done = migrate::migrate(url).await?;
            migrate::settle_log(url).await?;
            Ok(done)
        };
        let done = ready.await.map_err(|error: Error| unusable(error.into()))?;
        let database = CommandDatabase { url: url.to_owned(), private: None };
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

fn no_connections(cause: BuildError) -> CliError {
    CliError::new(format!("The connection pool cannot be created: {cause}."))
}

fn unusable(failure: CliError) -> CliError {
    CliError::new(format!("The database of DATABASE_URL cannot be used: {failure}."))
}
