//! Database access: the connection pool, and one file per table. All SQL is in this folder.
//!
//! Reads take a pooled connection for one statement. Writes open a transaction on [`Database::writer`] and read there,
//! under row locks, the data on which they depend.

mod advisory_locks;
pub mod bulk_insert;
pub mod cloud_storages;
mod connect;
mod connection;
pub mod email_tokens;
pub mod error;
pub mod events;
pub mod expiry;
pub mod external_identities;
pub mod idempotency_keys;
pub mod imports;
mod in_flight;
pub mod installation;
pub mod invitations;
pub mod jobs;
pub mod mail_counts;
pub mod mails;
pub mod memberships;
pub mod migrate;
pub mod notify;
pub mod organizations;
pub mod outcome;
pub mod ownership_offers;
pub mod paging;
pub mod plans;
mod pool;
mod pooled;
pub mod projects;
pub mod query_batching;
pub mod resource_lists;
pub mod schema;
pub mod seed;
pub mod sessions;
pub mod sign_in_networks;
pub mod signing_keys;
pub mod sql_types;
mod statement_cache;
pub mod tasks;
pub mod text_keys;
mod transaction;
pub mod transfers;
mod type_mappings;
pub mod usage;
pub mod users;
pub mod workspace_access;
mod write;

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

use self::pool::{CONNECTION_TIMEOUT, Pool};
use self::query_batching::QueryBatcher;
use crate::domain::{Error, InternalError, Result};
pub use connect::{ConnectError, ConnectOptions, Connector, OptionsError};
pub use connection::Connection;
pub use pool::BuildError;
pub use pooled::PooledConnection;
pub use transaction::{Transactional, Writer};
pub use write::Write;

/// Async closure that runs in a transaction. Its associated type allows a bound on the closure's future, which Rust
/// cannot express for `AsyncFnOnce` yet.
pub trait Work<Tx, R>: AsyncFnOnce(Tx) -> R + FnOnce(Tx) -> <Self as Work<Tx, R>>::Done {
    /// Future of the closure.
    type Done: Future<Output = R>;
}

impl<F, Tx, Done, R> Work<Tx, R> for F
where
    F: AsyncFnOnce(Tx) -> R + FnOnce(Tx) -> Done,
    Done: Future<Output = R>,
{
    type Done = Done;
}

/// One of this many connections is reserved for reads.
const READS_SHARE: usize = 5;

/// Connection pool of one database. Cheap to clone.
#[derive(Clone)]
pub struct Database(Arc<Shared>);

struct Shared {
    pool: Pool,
    batcher: Option<QueryBatcher>,
    writers: Arc<Semaphore>,
    recorded: Arc<Notify>,
}

impl Database {
    /// Returns a pool of at most `size` connections, without batching of reads. It opens no connection yet.
    pub fn connect(connector: &Connector, size: usize) -> std::result::Result<Self, BuildError> {
        Self::open(connector, size, None)
    }

    /// Returns the same pool with batching of identical reads, while more than one connection per processor is in use
    /// for reads.
    pub fn connect_with_batching(connector: &Connector, size: usize) -> std::result::Result<Self, BuildError> {
        let processors = available_parallelism().map_or(2, usize::from);
        Self::open(connector, size, Some(processors.min(size)))
    }

    fn open(
        connector: &Connector,
        size: usize,
        batching_limit: Option<usize>,
    ) -> std::result::Result<Self, BuildError> {
        let pool = Pool::new(connector.clone(), size)?;
        let batcher = batching_limit.map(|limit| QueryBatcher::new(pool.clone(), limit));
        let writers = Arc::new(Semaphore::new(size - size / READS_SHARE));
        Ok(Self(Arc::new(Shared { pool, batcher, writers, recorded: Arc::default() })))
    }

    /// Returns a connection for reads. Fails with a transient error if the database is unreachable or all connections
    /// are busy for 5 s.
    pub async fn read(&self) -> Result<PooledConnection> {
        self.read_since(Instant::now()).await
    }

    /// Returns a connection for the reads of a request that began at `began`. Older requests come first in the queue of
    /// reads.
    pub async fn read_since(&self, began: Instant) -> Result<PooledConnection> {
        match &self.0.batcher {
            Some(batcher) => batcher.connection(began).await,
            None => self.pooled().await,
        }
    }

    /// Returns a connection for a write: `store.writer().await?.transaction(async |tx| { … }).await` commits if the
    /// closure succeeds, and otherwise rolls back and returns the closure's error. Writers never use all connections,
    /// so reads continue while writers wait for locks. Fails with a transient error like [`Database::read`].
    pub async fn writer(&self) -> Result<Writer> {
        let permit = timeout(CONNECTION_TIMEOUT, self.0.writers.clone().acquire_owned()).await.map_err(unavailable)?;
        let connection = self.pooled().await?;
        Ok(Writer::new(connection, self.0.recorded.clone(), permit.map_err(unavailable)?))
    }

    async fn pooled(&self) -> Result<PooledConnection> {
        let pool = &self.0.pool;
        pool.get().await.map(|lease| PooledConnection::new(lease, pool.clone(), None)).map_err(unavailable)
    }

    /// Waits until this process commits a transaction that recorded events. Several commits between two calls count as
    /// one.
    pub async fn recorded(&self) {
        self.0.recorded.notified().await;
    }

    /// Opens a connection to the database itself, past a pooler, that does not belong to the pool.
    async fn own_connection(&self) -> Result<Connection> {
        let connector = self.0.pool.connector().direct();
        timeout(CONNECTION_TIMEOUT, Connection::establish(&connector)).await.map_err(unavailable)?.map_err(unavailable)
    }

    /// Runs a query to check that the database answers.
    pub async fn ping(&self) -> Result<()> {
        use diesel_async::RunQueryDsl;
        let one = diesel::dsl::sql::<diesel::sql_types::Bool>("true");
        Ok(diesel::select(one).get_result::<bool>(&mut *self.read().await?).await.map(|_| ())?)
    }

    /// Closes the pool. Connections in use are closed when they are returned.
    pub fn close(&self) {
        self.0.pool.close();
    }
}

/// Time without an answer of the database after which background work gives its request up.
const SILENCE: Duration = Duration::from_secs(10);

/// Runs a request of background work. Fails with a transient error if the database does not answer for 10 s: its
/// connection may be silent for good.
pub async fn answered<T>(request: impl Future<Output = Result<T>>) -> Result<T> {
    let silent = |_| InternalError::transient("the database did not answer for 10 s");
    timeout(SILENCE, request).await.map_err(silent)?
}

/// Error of a request that got no connection.
fn unavailable(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Failed(InternalError { transient: true, cause: Box::new(cause) })
}
