//! Opens connections, lends them, and throws away those that are of no use any more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, QueueMode, RecycleError, RecycleResult};
use diesel::ConnectionError;

use super::Connection;
use super::catalog::Catalog;

/// Connections to one database.
pub(super) type Pool = managed::Pool<Manager>;

/// Why there is no pool.
pub type BuildError = managed::BuildError;

/// How long to wait for a connection that is free, and for one to open.
const PATIENCE: Duration = Duration::from_secs(5);

/// What makes a pool one of [`Connection`]s.
pub struct Manager {
    database_url: String,
    /// As it was when a connection was last opened: another database may have taken the place of the one before.
    catalog: Mutex<Option<Arc<Catalog>>>,
}

impl Manager {
    /// The types of the database, once there was a connection.
    pub(super) fn catalog(&self) -> Option<Arc<Catalog>> {
        self.latest().clone()
    }

    fn latest(&self) -> MutexGuard<'_, Option<Arc<Catalog>>> {
        self.catalog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = ConnectionError;

    async fn create(&self) -> Result<Connection, ConnectionError> {
        // On the heap: it is large, and part of whatever asks for a connection.
        Box::pin(async {
            let connection = Connection::establish(&self.database_url).await?;
            let catalog = Catalog::read(&connection).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
            let mut latest = self.latest();
            if !latest.as_ref().is_some_and(|known| known.agrees_with(&catalog)) {
                *latest = Some(Arc::new(catalog));
            }
            drop(latest);
            Ok(connection)
        })
        .await
    }

    /// A look at the connection's own state instead of a round trip before each use.
    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<ConnectionError> {
        if connection.is_usable() { Ok(()) } else { Err(RecycleError::message("the connection is of no use any more")) }
    }
}

/// A pool of at most `size` connections, none of which is opened yet.
pub(super) fn build(database_url: &str, size: usize) -> Result<Pool, BuildError> {
    Pool::builder(Manager { database_url: database_url.to_owned(), catalog: Mutex::default() })
        .max_size(size)
        // The one that was used last has the most at hand.
        .queue_mode(QueueMode::Lifo)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(PATIENCE))
        .create_timeout(Some(PATIENCE))
        .build()
}
