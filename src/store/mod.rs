//! The database: a pool, and one file a table. SQL lives here and nowhere else.
//!
//! Reads take a pooled connection for one statement; writes open a transaction on [`Store::writer`]
//! and read what they decide on there, under the lock of the row.

pub mod bulk;
pub mod cloud_storages;
mod connection;
pub mod deliveries;
pub mod email_tokens;
pub mod entrances;
pub mod enums;
pub mod error;
pub mod events;
pub mod expiry;
pub mod external_identities;
pub mod generate;
pub mod idempotency_keys;
pub mod imports;
pub mod installation;
pub mod invitations;
pub mod jobs;
mod lent;
mod locks;
pub mod mails;
pub mod memberships;
pub mod migrate;
pub mod onlookers;
pub mod organizations;
pub mod ownership_offers;
pub mod paging;
pub mod plans;
mod pool;
mod prepared;
pub mod projects;
pub mod schema;
pub mod sessions;
pub mod tasks;
pub mod transfers;
mod unfinished;
pub mod usage;
pub mod users;
pub mod visible;
pub mod wakeups;
mod writer;

use std::sync::Arc;

use deadpool::managed::Object;

use crate::domain::{Error, Fault, Result};
pub use connection::Connection;
pub use lent::Pooled;
pub use pool::BuildError;
pub use writer::{Transactional, Writer};

/// What is done in a transaction: an async closure over it. It says in passing that the future of the closure can be bounded,
/// which the language has no words for yet.
pub trait Work<Tx, R>: AsyncFnOnce(Tx) -> R + FnOnce(Tx) -> <Self as Work<Tx, R>>::Done {
    /// The future of the closure.
    type Done: Future<Output = R>;
}

impl<F, Tx, Done, R> Work<Tx, R> for F
where
    F: AsyncFnOnce(Tx) -> R + FnOnce(Tx) -> Done,
    Done: Future<Output = R>,
{
    type Done = Done;
}

/// The pool of connections to one database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: pool::Pool,
    recorded: Arc<tokio::sync::Notify>,
}

impl Store {
    /// A pool of at most `size` connections, none of which is opened yet.
    pub fn connect(database_url: &str, size: usize) -> std::result::Result<Self, BuildError> {
        Ok(Self { pool: pool::build(database_url, size)?, recorded: Arc::default() })
    }

    /// A connection for reads. Fails with a passing fault when the database is away or all connections are busy for 5 s.
    pub async fn read(&self) -> Result<Pooled> {
        self.lend().await.map(Pooled::new)
    }

    async fn lend(&self) -> Result<Object<pool::Manager>> {
        self.pool.get().await.map_err(|cause| Error::Failed(Fault { passing: true, cause: Box::new(cause) }))
    }

    /// A connection for a write: `store.writer().await?.transaction(async |tx| { … }).await` commits if the closure succeeds
    /// and rolls back with its error if not.
    pub async fn writer(&self) -> Result<Writer> {
        Ok(Writer::new(self.read().await?, self.recorded.clone()))
    }

    /// Waits until a transaction of this process that wrote events is committed. Those that come while nobody waits are told
    /// as one.
    pub async fn recorded(&self) {
        self.recorded.notified().await;
    }

    /// A connection that is the caller's own, and no longer counts among those of the pool.
    async fn own_connection(&self) -> Result<Connection> {
        Ok(Object::take(self.lend().await?))
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        use diesel_async::RunQueryDsl;
        let mut connection = self.read().await?;
        diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>("true")).execute(&mut connection).await?;
        Ok(())
    }

    /// Closes the pool: connections are closed as they come back.
    pub fn close(&self) {
        self.pool.close();
    }
}
