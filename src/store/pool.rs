//! Connection pool: opens connections, hands them out, and drops those that are no longer usable.

use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{
    self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult, TimeoutType, Timeouts,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};

use super::Connection;
use super::connect::{ConnectError, Connector};
use super::query_batching::{LatestTypeCatalog, TypeCatalog};

/// Error of a pool that cannot be built.
pub type BuildError = managed::BuildError;

/// Error of a request that got no connection.
pub(super) type NoConnection = PoolError<ConnectError>;

/// Maximum time to wait for a free connection, and for a new one to open.
pub(super) const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time to open a connection while others are in use: one of those may become free sooner.
const CREATE_TIMEOUT: Duration = Duration::from_secs(2);
/// Time after which a connection that the database did not grant is tried again.
const SLOT_RETRY: Duration = Duration::from_secs(30);

/// Pool manager for [`Connection`]s.
pub struct Manager {
    connector: Connector,
    types: LatestTypeCatalog,
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = ConnectError;

    async fn create(&self) -> Result<Connection, ConnectError> {
        // Boxed, because this large future would be part of each caller's future.
        Box::pin(async {
            let connection = Connection::establish(&self.connector).await?;
            self.types.refresh(&connection).await.map_err(|cause| self.connector.set_up_error(&cause))?;
            Ok(connection)
        })
        .await
    }

    /// Checks the state of the connection without a round trip to the database.
    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<ConnectError> {
        if connection.is_usable() { Ok(()) } else { Err(RecycleError::message("the connection is no longer usable")) }
    }
}

/// Pool of connections to one database. Cheap to clone.
///
/// The database may grant fewer connections than the pool's size, for example by a limit of the role. The pool then works
/// with those that it has, and tries the others again from time to time.
#[derive(Clone)]
pub(super) struct Pool {
    connections: managed::Pool<Manager>,
    /// One permit for each connection that the database is expected to grant.
    slots: Arc<Semaphore>,
}

/// Connection of the pool. Dropping it returns the connection.
pub(super) struct Lease {
    pub(super) connection: Object<Manager>,
    _slot: OwnedSemaphorePermit,
}

impl Pool {
    /// Returns a pool of at most `size` connections. It opens no connection yet.
    pub(super) fn new(connector: Connector, size: usize) -> Result<Self, BuildError> {
        let connections = managed::Pool::builder(Manager { connector, types: LatestTypeCatalog::default() })
            .max_size(size)
            // The connection that was used last has the most prepared statements.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(Self { connections, slots: Arc::new(Semaphore::new(size)) })
    }

    /// Returns the type catalog of the database; `None` before the first connection.
    pub(super) fn type_catalog(&self) -> Option<Arc<TypeCatalog>> {
        self.connections.manager().types.get()
    }

    /// Returns a connection, after at most 5 s.
    pub(super) async fn get(&self) -> Result<Lease, NoConnection> {
        let deadline = Instant::now() + CONNECTION_TIMEOUT;
        loop {
            let slot = timeout_at(deadline, self.slots.clone().acquire_owned())
                .await
                .map_err(|_| PoolError::Timeout(TimeoutType::Wait))?
                .map_err(|_| PoolError::Closed)?;
            match self.connect(slot, deadline).await {
                Ok(lease) => return Ok(lease),
                Err(None) => {}
                Err(Some(error)) => return Err(error),
            }
        }
    }

    /// Returns a connection if one is free or can be opened without waiting for other requests; `None` otherwise.
    pub(super) async fn try_get(&self) -> Result<Option<Lease>, NoConnection> {
        let Ok(slot) = self.slots.clone().try_acquire_owned() else { return Ok(None) };
        match self.connect(slot, Instant::now() + CONNECTION_TIMEOUT).await {
            Ok(lease) => Ok(Some(lease)),
            Err(None) => Ok(None),
            Err(Some(error)) => Err(error),
        }
    }

    /// Takes a free connection, or opens one. The error is `None` if the database grants no further connection while
    /// others are in use: the caller may wait for one of those.
    async fn connect(&self, slot: OwnedSemaphorePermit, deadline: Instant) -> Result<Lease, Option<NoConnection>> {
        let size = self.connections.status().max_size;
        let has_others = self.slots.available_permits() + 1 < size;
        let create = if has_others { CREATE_TIMEOUT } else { CONNECTION_TIMEOUT };
        let remaining = deadline.saturating_duration_since(Instant::now());
        let timeouts = Timeouts { wait: Some(remaining), create: Some(create), recycle: None };
        match self.connections.timeout_get(&timeouts).await {
            Ok(connection) => Ok(Lease { connection, _slot: slot }),
            Err(error) => {
                let is_slow = matches!(error, PoolError::Timeout(TimeoutType::Create));
                let is_refused = matches!(&error, PoolError::Backend(error) if error.is_too_many());
                if is_refused && has_others {
                    self.suspend(slot);
                }
                if has_others && (is_slow || is_refused) { Err(None) } else { Err(Some(error)) }
            }
        }
    }

    /// Removes a slot for a while. At least one slot remains, because another one is in use.
    fn suspend(&self, slot: OwnedSemaphorePermit) {
        tracing::warn!(
            connections = self.connections.status().size,
            size = self.connections.status().max_size,
            "the database grants fewer connections than the pool's size"
        );
        slot.forget();
        let slots = Arc::downgrade(&self.slots);
        tokio::spawn(async move {
            sleep(SLOT_RETRY).await;
            if let Some(slots) = slots.upgrade() {
                slots.add_permits(1);
            }
        });
    }

    /// Closes idle connections for which `keep` returns false.
    pub(super) fn retain(&self, keep: impl FnMut(&Connection) -> bool) {
        let mut keep = keep;
        self.connections.retain(|connection, _| keep(connection));
    }

    /// Closes the pool. Connections in use are closed when they are returned.
    pub(super) fn close(&self) {
        self.slots.close();
        self.connections.close();
    }

    /// Returns the connector of the pool.
    pub(super) fn connector(&self) -> &Connector {
        &self.connections.manager().connector
    }
}
