//! Finds the database that a command works on, and starts the private PostgreSQL where it is asked to.

use crate::commands::error::CliError;
use crate::config::{DataDirSettings, DatabaseSettings, DatabaseSource, HttpSettings, OnOff};
use crate::domain::Error;
use crate::embedded::{Embedded, Programs};
use crate::operations::maintenance::fill_text_keys::fill_text_keys;
use crate::store::{BuildError, Database, migrate};

/// Name of the database in the private PostgreSQL.
const NAME: &str = "guildhall";

/// A database, and what has to be stopped after it was used.
pub struct CommandDatabase {
    /// Its URL.
    pub url: String,
    private: Option<Embedded>,
}

impl CommandDatabase {
    /// The private PostgreSQL of the data folder, started and migrated.
    pub async fn start(place: &DataDirSettings) -> Result<Self, CliError> {
        let programs = Programs { bin: place.postgres_bin.clone(), download: place.postgres_download.into() };
        let private = Embedded::start(&place.data_dir, programs).await?;
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

    /// The database to serve: that of DATABASE_URL, which must be migrated, or the private one.
    pub async fn open_migrated(database: &DatabaseSettings, place: &DataDirSettings) -> Result<Self, CliError> {
        match database.choice()? {
            DatabaseSource::Embedded => Self::start(place).await,
            DatabaseSource::Url(url) => Self::migrated(url).await,
        }
    }

    /// The database to work on beside a server: as above, or the private one of a server that runs.
    pub async fn open_existing(database: &DatabaseSettings, place: &DataDirSettings) -> Result<Self, CliError> {
        let running = if database.url().is_none() { Embedded::running(&place.data_dir) } else { None };
        match running {
            Some(url) => Self::migrated(&url).await,
            None => Self::open_migrated(database, place).await,
        }
    }

    async fn migrated(url: &str) -> Result<Self, CliError> {
        let pending = migrate::pending(url).await.map_err(|error| unreachable(CliError::from(error)))?;
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

    /// A pool of at most `size` connections.
    pub fn connect(&self, size: u16) -> Result<Database, CliError> {
        Database::connect(&self.url, size.into()).map_err(no_connections)
    }

    /// The pool of a server, with its size and batching of reads as set.
    pub fn connect_to_serve(&self, settings: &HttpSettings) -> Result<Database, CliError> {
        let size = settings.pool_size.into();
        match settings.database_batching {
            OnOff::On => Database::connect_with_batching(&self.url, size),
            OnOff::Off => Database::connect(&self.url, size),
        }
        .map_err(no_connections)
    }

    /// Stops what was started.
    pub async fn stop(self) -> Result<(), CliError> {
        match self.private {
            Some(private) => Ok(private.stop().await?),
            None => Ok(()),
        }
    }
}

/// Brings the database of DATABASE_URL, or the private one, to the present schema, and fills the keys that its texts lack. Returns
/// the names of the migrations that were run, and the number of keys.
pub async fn migrate(database: &DatabaseSettings, place: &DataDirSettings) -> Result<(Vec<String>, usize), CliError> {
    if let Ok(DatabaseSource::Url(url)) = database.choice() {
        let ready = async {
            let done = migrate::migrate(url).await?;
            migrate::settle_log(url).await?;
            Ok(done)
        };
        let done = ready.await.map_err(|error: Error| unreachable(error.into()))?;
        let database = CommandDatabase { url: url.to_owned(), private: None };
        return Ok((done, fill_text_keys(&database.connect(1)?).await?));
    }
    let database = CommandDatabase::open_existing(database, place).await?;
    let filled = match database.connect(1) {
        Ok(store) => fill_text_keys(&store).await.map_err(CliError::from),
        Err(failure) => Err(failure),
    };
    database.stop().await?;
    Ok((Vec::new(), filled?))
}

fn no_connections(cause: BuildError) -> CliError {
    CliError::new(format!("No connections can be made: {cause}."))
}

fn unreachable(failure: CliError) -> CliError {
    CliError::new(format!("The database of DATABASE_URL cannot be used: {failure}."))
}
