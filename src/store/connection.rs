//! A connection to the database. Every statement is prepared once and kept. Writes whose outcome nobody reads are queued, and
//! sent together with the next statement, at the latest with the end of the transaction: one round trip for all of them.
//!
//! The database runs statements one after another in the order in which they were sent, each on a snapshot of its own. They
//! are sent in the order in which they were made, because each of them waits for its turn at the cache of prepared statements,
//! [`BEGIN`] and [`COMMIT`] too. Statements of a batched connection that are sent at once run in any order.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::pg::Pg;
use diesel::query_builder::{AsQuery, QueryFragment, QueryId};
use diesel::result::Error;
use diesel::{ConnectionError, ConnectionResult, QueryResult, sql_query};
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::{AsyncConnection, AsyncConnectionCore, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::future::{BoxFuture, join, join_all, ready};
use futures_util::stream::{iter, pending};
use futures_util::{FutureExt, Stream, StreamExt, TryFutureExt};
use parking_lot::Mutex;
use tokio_postgres::CancelToken;

use super::error::is_connection_lost;
use super::query_batching::BatchedReads;
use super::{Work, outcome};
use crate::domain::Result;
use crate::store::type_mappings;
use crate::store::in_flight::Unfinished;
use crate::store::statement_cache::Cached;

const BEGIN: &str = "BEGIN";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";
/// Each statement is asked by keys and in an order that an index has: the plan is the same whatever the values are, and to make
/// it anew for them takes longer than to run it.
const ONE_PLAN_EACH: &str = "SET plan_cache_mode = force_generic_plan";
/// Rows that are looked up for others are looked up by a key, mostly each of them once: to remember them for the case that one comes
/// again takes longer than that.
const NOTHING_MEMOIZED: &str = "SET enable_memoize = off";
/// A plan is made once and run thousands of times, each time for some milliseconds at most: to compile it each time takes longer.
const NOTHING_COMPILED: &str = "SET jit = off";
/// A statement that waits for a lock for longer gives its connection back: others need it.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '5s'";

/// A connection, inside a transaction or not. The functions of the table files take one.
pub struct Connection {
    backend: Backend,
    unsent: Mutex<Unsent>,
    /// Whether a transaction was begun and has not come to its end.
    in_transaction: bool,
    /// Whether the transaction has recorded events.
    has_recorded_events: bool,
    unfinished: Unfinished,
    /// Whether its last borrower was dropped in the middle of a statement or transaction.
    abandoned: bool,
    /// Whether the actor was found with a live token since [`Connection::forget_actor`].
    actor_is_live: AtomicBool,
}

/// What runs the statements.
enum Backend {
    /// A session of the database that is this connection's alone.
    Session(Box<AsyncPgConnection>),
    /// Whichever session is free, for reads alone.
    Batched(BatchedReads),
}

/// What is sent together with the next statement.
#[derive(Default)]
struct Unsent {
    begin: bool,
    writes: Vec<QueuedStatement>,
}

type QueuedStatement = Box<dyn for<'c> FnOnce(&'c AsyncPgConnection) -> Sent<'c, usize> + Send>;

/// Statements that change rows, for [`Connection::queue`].
#[must_use = "a write is sent only if it is queued: `tx.queue(…)`"]
#[derive(Default)]
pub struct Write {
    statements: Vec<QueuedStatement>,
    records_events: bool,
}

impl Write {
    /// A write of one statement.
    pub fn of<Q>(statement: Q) -> Self
    where
        Q: QueryFragment<Pg> + QueryId + Send + 'static,
    {
        Self { statements: vec![queued(move |session| execute(session, statement))], records_events: false }
    }

    /// A write of events, to which [`Write::and`] adds the statements.
    pub(super) fn of_events() -> Self {
        Self { records_events: true, ..Self::default() }
    }

    /// This write and then the other one.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.statements.extend(other.statements);
        self.records_events |= other.records_events;
        self
    }
}

/// A statement: it is sent when this is first polled.
type Sent<'c, R> = BoxFuture<'c, QueryResult<R>>;

/// A row as the driver gives it.
pub(super) type Row = <AsyncPgConnection as AsyncConnectionCore>::Row<'static, 'static>;

type Rows = <AsyncPgConnection as AsyncConnectionCore>::Stream<'static, 'static>;

impl Connection {
    /// Opens a connection.
    pub async fn establish(database_url: &str) -> ConnectionResult<Self> {
        let mut session = AsyncPgConnection::establish(database_url).await?;
        let unfinished = Unfinished::default();
        session.set_instrumentation(unfinished.counter());
        // Whoever waits for this later could be overtaken by a statement that need not.
        type_mappings::look_up_oids(&session).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
        for setting in [ONE_PLAN_EACH, NOTHING_MEMOIZED, NOTHING_COMPILED, LOCK_TIMEOUT] {
            session.batch_execute(setting).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
        }
        Ok(Self { unfinished, ..Self::on(Backend::Session(Box::new(session))) })
    }

    /// A connection whose statements are batched with those of others.
    pub(super) fn batched(reads: BatchedReads) -> Self {
        Self::on(Backend::Batched(reads))
    }

    fn on(backend: Backend) -> Self {
        let (unsent, unfinished) = (Mutex::default(), Unfinished::default());
        let actor_is_live = AtomicBool::new(false);
        let has_recorded_events = false;
        Self {
            backend,
            unsent,
            in_transaction: false,
            has_recorded_events,
            unfinished,
            abandoned: false,
            actor_is_live,
        }
    }

    /// Sends a write together with the next statement that is awaited. For writes that cannot fail to find their rows, such as
    /// of rows that are locked: the number of rows is not looked at, and by the time that an error is seen the end of the
    /// transaction was sent. It is a rollback then. Needs a transaction.
    pub fn queue(&mut self, write: Write) {
        self.has_recorded_events |= write.records_events;
        self.unsent.get_mut().writes.extend(write.statements);
    }

    /// Whether the transaction, or the last one if none runs, has recorded events.
    pub(super) fn has_recorded_events(&self) -> bool {
        self.has_recorded_events
    }

    /// Does `work` in a transaction, which commits if it succeeds and rolls back with its error if not. Nothing is sent for one
    /// that does not ask anything.
    pub(super) fn transaction<'c, R, F>(&'c mut self, work: F) -> impl Future<Output = Result<R>> + Send + 'c
    where
        for<'r> F:
            AsyncFnOnce(&'r mut Connection) -> Result<R> + Work<&'r mut Connection, Result<R>, Done: Send> + Send + 'c,
        R: Send + 'c,
    {
        self.in_transaction = true;
        self.has_recorded_events = false;
        self.unsent.get_mut().begin = true;
        async move {
            match work(self).await {
                Ok(done) => {
                    outcome::commit_sent();
                    // What the database itself refuses is rolled back; after a lost connection, it may be committed.
                    self.end(COMMIT).await.inspect_err(|cause| {
                        if !is_connection_lost(cause) {
                            outcome::commit_refused();
                        }
                    })?;
                    Ok(done)
                }
                Err(error) => {
                    self.unsent.get_mut().writes.clear();
                    // If that fails, the connection is given up, and with it the transaction.
                    if let Err(cause) = self.end(ROLLBACK).await {
                        tracing::debug!(%cause, "could not roll back");
                    }
                    Err(error)
                }
            }
        }
    }

    async fn end(&mut self, how: &'static str) -> QueryResult<()> {
        let untouched = {
            let unsent = self.unsent.get_mut();
            let untouched = unsent.begin && unsent.writes.is_empty();
            unsent.begin &= !untouched;
            untouched
        };
        if !untouched {
            self.flight(self.backend.execute(sql_query(how))).await?;
        }
        self.in_transaction = false;
        Ok(())
    }

    /// Sends what was queued, and after it the last statement. The first error is what went wrong.
    fn flight<'c, R: Send + 'c>(&'c self, last: Sent<'c, R>) -> Sent<'c, R> {
        let Backend::Session(session) = &self.backend else { return last };
        let Unsent { begin, writes } = std::mem::take(&mut *self.unsent.lock());
        if !begin && writes.is_empty() {
            return last;
        }
        let begin = begin.then(|| execute(session, sql_query(BEGIN)));
        let before = begin.into_iter().chain(writes.into_iter().map(|statement| statement(session)));
        // These poll in order.
        let sent = join(join_all(before.collect::<Vec<_>>()), last);
        sent.map(|(before, last)| before.into_iter().find_map(QueryResult::err).map_or(last, Err)).boxed()
    }

    /// Whether another may have it: it is open, and nobody has left a transaction or a statement behind.
    pub(super) fn is_usable(&mut self) -> bool {
        let is_at_rest = !self.in_transaction && self.unsent.get_mut().writes.is_empty() && self.unfinished.is_none();
        let is_broken = match &mut self.backend {
            Backend::Session(session) => session.is_broken(),
            Backend::Batched(_) => false,
        };
        is_at_rest && !self.abandoned && !is_broken
    }

    /// Begins anew: the actor of the next transaction was not looked up yet.
    pub fn forget_actor(&self) {
        self.actor_is_live.store(false, Ordering::Relaxed);
    }

    /// Notes that the actor was looked up, and that the token is live.
    pub fn note_live_actor(&self) {
        self.actor_is_live.store(true, Ordering::Relaxed);
    }

    /// Whether the transaction has looked the actor up, and the token is live.
    pub fn has_live_actor(&self) -> bool {
        self.actor_is_live.load(Ordering::Relaxed)
    }

    /// Nobody may have it any more.
    pub(super) fn abandon(&mut self) {
        self.abandoned = true;
    }

    /// Whether nobody may have it any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    /// With which to stop the statement that runs on it, if that is its own.
    pub(super) fn cancel_token(&self) -> Option<CancelToken> {
        match &self.backend {
            Backend::Session(session) => Some(session.cancel_token()),
            Backend::Batched(_) => None,
        }
    }

    /// What it is told of by others, if it listens.
    pub(super) fn notifications(&mut self) -> impl Stream<Item = QueryResult<diesel::pg::PgNotification>> + '_ {
        match &mut self.backend {
            Backend::Session(session) => session.notifications_stream().left_stream(),
            Backend::Batched(_) => pending().right_stream(),
        }
    }
}

impl Backend {
    fn execute<'c, Q>(&'c self, statement: Q) -> Sent<'c, usize>
    where
        Q: QueryFragment<Pg> + QueryId,
    {
        match self {
            Self::Session(session) => execute(session, statement),
            Self::Batched(_) => ready(Err(read_only())).boxed(),
        }
    }

    fn load<'c, T>(&'c self, source: T) -> Sent<'c, Rows>
    where
        T: AsQuery,
        T::Query: QueryFragment<Pg> + QueryId,
    {
        match self {
            Self::Session(session) => load(session, source),
            Self::Batched(reads) => {
                reads.load(&source.as_query()).map_ok(|rows| iter(rows.into_iter().map(Ok)).boxed()).boxed()
            }
        }
    }
}

/// The error of a write on a connection for reads.
fn read_only() -> Error {
    Error::QueryBuilderError("a connection for reads takes no writes: ask for `Store::writer`".into())
}

/// Tells the compiler the type of the closure, which it does not infer.
fn queued<F>(statement: F) -> QueuedStatement
where
    F: for<'c> FnOnce(&'c AsyncPgConnection) -> Sent<'c, usize> + Send + 'static,
{
    Box::new(statement)
}

fn execute<'c, Q>(mut session: &'c AsyncPgConnection, statement: Q) -> Sent<'c, usize>
where
    Q: QueryFragment<Pg> + QueryId,
{
    match Cached::of(statement) {
        Cached::ByType(statement) => session.execute_returning_count(statement),
        Cached::ByText(statement) => session.execute_returning_count(statement),
    }
}

fn load<'c, T>(mut session: &'c AsyncPgConnection, source: T) -> Sent<'c, Rows>
where
    T: AsQuery,
    T::Query: QueryFragment<Pg> + QueryId,
{
    match Cached::of(source.as_query()) {
        Cached::ByType(statement) => AsyncConnectionCore::load(&mut session, statement),
        Cached::ByText(statement) => AsyncConnectionCore::load(&mut session, statement),
    }
}

/// Several that are made on a shared reference and polled together make one flight, in the order in which they are first
/// polled.
impl<'c> AsyncConnectionCore for &'c Connection {
    type ExecuteFuture<'conn, 'query> = Sent<'c, usize>;
    type LoadFuture<'conn, 'query> = Sent<'c, Rows>;
    type Stream<'conn, 'query> = Rows;
    type Row<'conn, 'query> = <AsyncPgConnection as AsyncConnectionCore>::Row<'conn, 'query>;
    type Backend = Pg;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Pg> + QueryId + 'query,
    {
        self.flight(self.backend.load(source))
    }

    fn execute_returning_count<'conn, 'query, T>(&'conn mut self, source: T) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Pg> + QueryId + 'query,
    {
        self.flight(self.backend.execute(source))
    }
}

impl AsyncConnectionCore for Connection {
    type ExecuteFuture<'conn, 'query> = Sent<'conn, usize>;
    type LoadFuture<'conn, 'query> = Sent<'conn, Rows>;
    type Stream<'conn, 'query> = Rows;
    type Row<'conn, 'query> = <AsyncPgConnection as AsyncConnectionCore>::Row<'conn, 'query>;
    type Backend = Pg;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Pg> + QueryId + 'query,
    {
        self.flight(self.backend.load(source))
    }

    fn execute_returning_count<'conn, 'query, T>(&'conn mut self, source: T) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Pg> + QueryId + 'query,
    {
        self.flight(self.backend.execute(source))
    }
}

impl SimpleAsyncConnection for Connection {
    async fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        SimpleAsyncConnection::batch_execute(&mut &*self, query).await
    }
}

/// What is not prepared could overtake what is, so it waits until that was answered.
impl SimpleAsyncConnection for &Connection {
    async fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.flight(ready(Ok(())).boxed()).await?;
        match &self.backend {
            Backend::Session(session) => SimpleAsyncConnection::batch_execute(&mut &**session, query).await,
            Backend::Batched(_) => Err(read_only()),
        }
    }
}
