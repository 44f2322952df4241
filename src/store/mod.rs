//! The database: a pool, and one file a table. SQL lives here and nowhere else.
//!
//! Reads take a pooled connection for one statement; writes open a transaction on [`Store::writer`]
//! and read what they decide on there, under the lock of the row.
//!
//! The busier it is, the more is done at once. Where a request finds many connections in use, it stands in a `line`: reads of one
//! text are run on the next free connection as one statement over the lists of their values (`reader`, `together`), and writes of
//! a kind that come by [`Store::turn`] as one transaction (`joint`). Where nobody waits, all that is not there.

mod batch;
pub mod bulk;
mod catalog;
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
pub mod invitation_lists;
pub mod invitations;
pub mod jobs;
mod joint;
mod lanes;
mod lent;
mod line;
mod locks;
pub mod mails;
pub mod members;
pub mod memberships;
pub mod migrate;
pub mod onlookers;
pub mod organization_lists;
pub mod organizations;
pub mod ownership_offers;
pub mod paging;
pub mod plans;
mod pool;
mod prepared;
pub mod projects;
mod reader;
pub mod schema;
pub mod sessions;
mod statement;
pub mod tasks;
pub mod together;
pub mod transfers;
mod unfinished;
pub mod usage;
pub mod users;
pub mod visible;
pub mod wakeups;
mod writer;

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use deadpool::managed::{Object, PoolError, TimeoutType, Timeouts};
use diesel::ConnectionError;
use diesel::result::{DatabaseErrorKind, Error as Diesel};
use tokio::sync::Notify;

use self::catalog::Catalog;
use self::lanes::Lanes;
use self::line::Line;
use self::reader::{Ask, Reader};
use self::writer::Applicant;
use crate::domain::{Error, Fault, Result};
pub use connection::Connection;
pub use lent::Pooled;
pub use pool::BuildError;
pub use writer::{Transactional, Turn, Writer};

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
pub struct Store(Arc<Shared>);

struct Shared {
    pool: pool::Pool,
    lanes: Lanes,
    reads: Line<Ask>,
    writes: Line<Applicant>,
    recorded: Arc<Notify>,
}

impl Store {
    /// A pool of at most `size` connections, none of which is opened yet.
    pub fn connect(database_url: &str, size: usize) -> std::result::Result<Self, BuildError> {
        // Who brings something from the database goes on with it here: more at once would only wait for a processor.
        let processors = available_parallelism().map_or(2, usize::from);
        Ok(Self(Arc::new(Shared {
            pool: pool::build(database_url, size)?,
            lanes: Lanes::new(processors.min(size)),
            reads: Line::default(),
            writes: Line::default(),
            recorded: Arc::default(),
        })))
    }

    /// A connection for reads. While many are in use, those with one text are run together on the next that is free. Fails with a
    /// passing fault when the database is away or all connections are busy for 5 s.
    pub async fn read(&self) -> Result<Pooled> {
        self.read_since(Instant::now()).await
    }

    /// The same for a request that began then: it is served before those that began later.
    pub async fn read_since(&self, began: Instant) -> Result<Pooled> {
        if let Some(connection) = self.lend_at_once().await? {
            return Ok(connection);
        }
        match self.catalog() {
            Some(catalog) => Ok(Pooled::shared(Connection::with(Reader::new(self.clone(), catalog, began)))),
            None => self.lend_next().await.map_err(unavailable),
        }
    }

    /// A connection for a write: `store.writer().await?.transaction(async |tx| { … }).await` commits if the closure succeeds
    /// and rolls back with its error if not.
    pub async fn writer(&self) -> Result<Writer> {
        Ok(self.writer_on(self.lend_next().await.map_err(unavailable)?))
    }

    /// The same, or a part in a transaction with others who want the same and wait as well.
    pub async fn turn(&self, wants: &'static str) -> Result<Turn> {
        match self.lend_at_once().await? {
            Some(connection) => Ok(Turn::Alone(self.writer_on(connection))),
            None => Applicant::wait(self, wants).await,
        }
    }

    fn writer_on(&self, connection: Pooled) -> Writer {
        Writer::new(connection, self.0.recorded.clone())
    }

    /// A connection that is free. None: many are in use.
    async fn lend_at_once(&self) -> Result<Option<Pooled>> {
        let Some(lane) = self.0.lanes.free() else { return Ok(None) };
        let at_once = Timeouts { wait: Some(Duration::ZERO), ..self.0.pool.timeouts() };
        match self.0.pool.timeout_get(&at_once).await {
            Ok(lent) => Ok(Some(Pooled::new(lent, lane))),
            Err(PoolError::Timeout(TimeoutType::Wait)) => Ok(None),
            Err(cause) => Err(unavailable(cause)),
        }
    }

    /// The next connection that those may have who wait.
    async fn lend_next(&self) -> std::result::Result<Pooled, PoolError<ConnectionError>> {
        let lane = self.0.lanes.next().await;
        self.0.pool.get().await.map(|lent| Pooled::new(lent, lane))
    }

    /// The types of the database, once there was a connection.
    fn catalog(&self) -> Option<Arc<Catalog>> {
        self.0.pool.manager().catalog()
    }

    /// Waits until a transaction of this process that wrote events is committed. Those that come while nobody waits are told
    /// as one.
    pub async fn recorded(&self) {
        self.0.recorded.notified().await;
    }

    /// A connection that is the caller's own, and no longer counts among those of the pool.
    async fn own_connection(&self) -> Result<Connection> {
        self.0.pool.get().await.map(Object::take).map_err(unavailable)
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
        self.0.pool.close();
    }
}

fn unavailable(cause: PoolError<ConnectionError>) -> Error {
    Error::Failed(Fault { passing: true, cause: Box::new(cause) })
}

/// The same, for whoever asked for a statement.
fn away(cause: &impl ToString) -> Diesel {
    Diesel::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new(cause.to_string()))
}

/// What somebody is told whose answer was lost, which is a fault of ours.
fn unanswered() -> Diesel {
    Diesel::DatabaseError(DatabaseErrorKind::Unknown, Box::new("nobody answered".to_owned()))
}
