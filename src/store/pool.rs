//! Opens connections, lends them, and throws away those that are of no use any more.

use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, QueueMode, RecycleError, RecycleResult};
use diesel::ConnectionError;

use super::Connection;
use super::query_batching::{LatestTypeCatalog, TypeCatalog};

/// Connections to one database.
pub(super) type Pool = managed::Pool<Manager>;

/// Why there is no pool.
pub type BuildError = managed::BuildError;

/// Time to wait for a free connection, and for a new one to open.
pub(super) const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// What makes a pool one of [`Connection`]s.
pub struct Manager {
    database_url: String,
    types: LatestTypeCatalog,
}

impl Manager {
    /// The types of the database; `None` before the first connection.
    pub(super) fn type_catalog(&self) -> Option<Arc<TypeCatalog>> {
        self.types.get()
    }
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = ConnectionError;

    async fn create(&self) -> Result<Connection, ConnectionError> {
        // On the heap: it is large, and part of whatever asks for a connection.
        Box::pin(async {
            let connection = Connection::establish(&self.database_url).await?;
            self.types.refresh(&connection).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
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
    Pool::builder(Manager { database_url: database_url.to_owned(), types: LatestTypeCatalog::default() })
        .max_size(size)
        // The one that was used last has the most at hand.
        .queue_mode(QueueMode::Lifo)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(CONNECTION_TIMEOUT))
        .create_timeout(Some(CONNECTION_TIMEOUT))
        .build()
}
