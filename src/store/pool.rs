//! Connection pool: opens connections, and closes those that are no longer usable.

use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, QueueMode, RecycleError, RecycleResult};
use diesel::ConnectionError;

use super::Connection;
use super::query_batching::{LatestTypeCatalog, TypeCatalog};

/// Connection pool of one database.
pub(super) type Pool = managed::Pool<Manager>;

/// Error of a pool that cannot be built.
pub type BuildError = managed::BuildError;

/// Maximum time to wait for a free connection, and for a new one to open.
pub(super) const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// Pool manager for [`Connection`]s.
pub struct Manager {
    database_url: String,
    types: LatestTypeCatalog,
}

impl Manager {
    /// Returns the type catalog of the database; `None` before the first connection.
    pub(super) fn type_catalog(&self) -> Option<Arc<TypeCatalog>> {
        self.types.get()
    }
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = ConnectionError;

    async fn create(&self) -> Result<Connection, ConnectionError> {
        // Boxed, because this large future would be part of each caller's future.
        Box::pin(async {
            let connection = Connection::establish(&self.database_url).await?;
            self.types.refresh(&connection).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(connection)
        })
        .await
    }

    /// Checks the state of the connection without a round trip to the database.
    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<ConnectionError> {
        if connection.is_usable() { Ok(()) } else { Err(RecycleError::message("the connection is no longer usable")) }
    }
}

/// Returns a pool of at most `size` connections. It opens no connection yet.
pub(super) fn build(database_url: &str, size: usize) -> Result<Pool, BuildError> {
    Pool::builder(Manager { database_url: database_url.to_owned(), types: LatestTypeCatalog::default() })
        .max_size(size)
        // The connection that was used last has the most prepared statements.
        .queue_mode(QueueMode::Lifo)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(CONNECTION_TIMEOUT))
        .create_timeout(Some(CONNECTION_TIMEOUT))
        .build()
}
