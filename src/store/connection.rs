//! Connection to the database. Statements are prepared once and cached. Writes whose result is not needed are queued,
//! and sent together with the next statement, at the latest with the end of the transaction: all of them take one round
//! trip.
//!
//! The database runs the statements of a session in the order in which they are sent, each on its own snapshot. They
//! are sent in the order in which they are first polled, [`BEGIN`] and [`COMMIT`] included, because each waits for its
//! turn at the cache of prepared statements. Statements of a batched connection that are polled together run in any
//! order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel::pg::Pg;
use diesel::query_builder::{AsQuery, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error};
use diesel::{QueryResult, sql_query};
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::{AsyncConnection, AsyncConnectionCore, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::future::{BoxFuture, join, join_all, ready};
use futures_util::stream::{iter, pending};
use futures_util::{FutureExt, Stream, StreamExt, TryFutureExt};
use parking_lot::Mutex;
use tokio::time::timeout;
use tokio_postgres::CancelToken;

use super::connect::{ConnectError, Connector};
use super::error::is_connection_lost;
use super::query_batching::BatchedReads;
use super::write::QueuedStatement;
use super::{Work, Write, outcome};
use crate::domain::Result;
use crate::store::in_flight::StatementsInFlight;
use crate::store::statement_cache::Cached;
use crate::store::type_mappings;

const BEGIN: &str = "BEGIN";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";
/// Settings of one transaction, for sessions of a pooler, which start without them.
const LOCAL_SETTINGS: &str = "SELECT set_config('lock_timeout', '5s', true), \
                              set_config('statement_timeout', '30s', true), \
                              set_config('idle_in_transaction_session_timeout', '15s', true), \
                              set_config('plan_cache_mode', 'force_generic_plan', true)";

/// Time in which the database answers a request's statement: longer than `statement_timeout`, so that it only ends when
/// the network is silent.
const ANSWER_LIMIT: Duration = Duration::from_secs(35);

/// Connection, with or without an open transaction. The functions of the table files take one.
pub struct Connection {
    backend: Backend,
    unsent: Mutex<Unsent>,
    /// Whether a transaction is open.
    in_transaction: bool,
    /// Whether the transaction has recorded events.
    has_recorded_events: bool,
    unfinished: StatementsInFlight,
    /// Whether the caller was dropped during a statement or transaction.
    abandoned: bool,
    /// Whether the actor was found with a live token since [`Connection::forget_actor`].
    actor_is_live: AtomicBool,
    /// Whether the session started without our settings, so that each transaction begins with them.
    lacks_settings: bool,
    /// Time in which the database answers a statement; `None` for commands, whose statements may take long.
    answer_limit: Option<Duration>,
}

/// Backend that runs the statements.
enum Backend {
    /// Database session of this connection alone.
    Session(Box<AsyncPgConnection>),
    /// Any free session, for reads only.
    Batched(BatchedReads),
}

/// Statements that are sent together with the next one.
#[derive(Default)]
struct Unsent {
    begin: bool,
    writes: Vec<QueuedStatement>,
}

/// Future of a statement, which is sent at the first poll.
pub(super) type StatementFuture<'c, R> = BoxFuture<'c, QueryResult<R>>;

/// Row as the driver returns it.
pub(super) type Row = <AsyncPgConnection as AsyncConnectionCore>::Row<'static, 'static>;

type Rows = <AsyncPgConnection as AsyncConnectionCore>::Stream<'static, 'static>;

impl Connection {
    /// Opens a connection.
    pub async fn establish(connector: &Connector) -> std::result::Result<Self, ConnectError> {
        let mut session = connector.connect().await?;
        let unfinished = StatementsInFlight::default();
        session.set_instrumentation(unfinished.counter());
        // Looked up now, because a statement that waited for the lookup later could be overtaken by another one.
        type_mappings::look_up_oids(&session).await.map_err(|cause| connector.set_up_error(&cause))?;
        let lacks_settings = !connector.options().has_session_settings();
        let answer_limit = connector.options().has_statement_timeout().then_some(ANSWER_LIMIT);
        Ok(Self { unfinished, lacks_settings, answer_limit, ..Self::on(Backend::Session(Box::new(session))) })
    }

    /// Returns a connection whose statements are batched with those of other requests.
    pub(super) fn batched(reads: BatchedReads) -> Self {
        Self::on(Backend::Batched(reads))
    }

    fn on(backend: Backend) -> Self {
        let (unsent, unfinished) = (Mutex::default(), StatementsInFlight::default());
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
            lacks_settings: false,
            answer_limit: None,
        }
    }

    /// Queues a write, which is sent together with the next awaited statement. Needs a transaction. Only for writes
    /// whose rows exist for certain, such as locked rows, because the number of changed rows is not checked. An error
    /// is returned by the statement that is sent with the write; if that is COMMIT, the database rolls back instead.
    pub fn queue(&mut self, write: Write) {
        self.has_recorded_events |= write.records_events;
        self.unsent.get_mut().writes.extend(write.statements);
    }

    /// Returns whether the open transaction, or the last one, has recorded events.
    pub(super) fn has_recorded_events(&self) -> bool {
        self.has_recorded_events
    }

    /// Runs `work` in a transaction. Commits if it succeeds, and otherwise rolls back and returns its error. A
    /// transaction without statements sends nothing.
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
                    // A COMMIT that the database refuses is a rollback. After a lost connection the outcome is unknown.
                    self.end(COMMIT).await.inspect_err(|cause| {
                        if !is_connection_lost(cause) {
                            outcome::commit_refused();
                        }
                    })?;
                    Ok(done)
                }
                Err(error) => {
                    self.unsent.get_mut().writes.clear();
                    // If the rollback fails, the connection is closed, which also ends the transaction.
                    if let Err(cause) = self.end(ROLLBACK).await {
                        tracing::debug!(%cause, "could not roll back");
                    }
                    Err(error)
                }
            }
        }
    }

    async fn end(&mut self, command: &'static str) -> QueryResult<()> {
        let is_empty = {
            let unsent = self.unsent.get_mut();
            let is_empty = unsent.begin && unsent.writes.is_empty();
            unsent.begin &= !is_empty;
            is_empty
        };
        if !is_empty {
            self.send_pipeline(self.backend.execute(sql_query(command))).await?;
        }
        self.in_transaction = false;
        Ok(())
    }

    /// Fails if the database does not answer in time. The connection is closed then, because its statement goes on.
    fn bounded<'c, R: Send + 'c>(&self, sent: StatementFuture<'c, R>) -> StatementFuture<'c, R> {
        let Some(limit) = self.answer_limit else { return sent };
        timeout(limit, sent).map(|answer| answer.unwrap_or_else(|_| Err(no_answer()))).boxed()
    }

    /// Sends the queued statements and then `last`. Returns the first error, or the result of `last`.
    fn send_pipeline<'c, R: Send + 'c>(&'c self, last: StatementFuture<'c, R>) -> StatementFuture<'c, R> {
        let Backend::Session(session) = &self.backend else { return last };
        let Unsent { begin, writes } = std::mem::take(&mut *self.unsent.lock());
        if !begin && writes.is_empty() {
            return self.bounded(last);
        }
        let begin = begin.then(|| execute(session, sql_query(BEGIN)));
        let settings = (begin.is_some() && self.lacks_settings).then(|| execute(session, sql_query(LOCAL_SETTINGS)));
        let before = begin.into_iter().chain(settings).chain(writes.into_iter().map(|statement| statement(session)));
        // `join` and `join_all` poll in this order.
        let sent = join(join_all(before.collect::<Vec<_>>()), last);
        let all = sent.map(|(before, last)| before.into_iter().find_map(QueryResult::err).map_or(last, Err));
        self.bounded(all.boxed())
    }

    /// Returns whether another caller may use the connection: it is open, and no statement or transaction is
    /// unfinished.
    pub(super) fn is_usable(&mut self) -> bool {
        let is_idle = !self.in_transaction && self.unsent.get_mut().writes.is_empty() && self.unfinished.is_none();
        let is_broken = match &mut self.backend {
            Backend::Session(session) => session.is_broken(),
            Backend::Batched(_) => false,
        };
        is_idle && !self.abandoned && !is_broken
    }

    /// Resets [`Connection::has_live_actor`] before a transaction.
    pub fn forget_actor(&self) {
        self.actor_is_live.store(false, Ordering::Relaxed);
    }

    /// Records that the actor was found with a live token.
    pub fn note_live_actor(&self) {
        self.actor_is_live.store(true, Ordering::Relaxed);
    }

    /// Returns whether the transaction has found the actor with a live token.
    pub fn has_live_actor(&self) -> bool {
        self.actor_is_live.load(Ordering::Relaxed)
    }

    /// Marks the connection as unusable.
    pub(super) fn abandon(&mut self) {
        self.abandoned = true;
    }

    /// Returns whether the connection was marked as unusable.
    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    /// Returns the token that cancels the running statement; `None` for a batched connection.
    pub(super) fn cancel_token(&self) -> Option<CancelToken> {
        match &self.backend {
            Backend::Session(session) => Some(session.cancel_token()),
            Backend::Batched(_) => None,
        }
    }

    /// Returns the notifications that the connection receives after LISTEN.
    pub(super) fn notifications(&mut self) -> impl Stream<Item = QueryResult<diesel::pg::PgNotification>> + '_ {
        match &mut self.backend {
            Backend::Session(session) => session.notifications_stream().left_stream(),
            Backend::Batched(_) => pending().right_stream(),
        }
    }
}

impl Backend {
    fn execute<'c, Q>(&'c self, statement: Q) -> StatementFuture<'c, usize>
    where
        Q: QueryFragment<Pg> + QueryId,
    {
        match self {
            Self::Session(session) => execute(session, statement),
            Self::Batched(_) => ready(Err(read_only())).boxed(),
        }
    }

    fn load<'c, T>(&'c self, source: T) -> StatementFuture<'c, Rows>
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

/// Error of a statement without an answer. The outcome of the statement is unknown.
fn no_answer() -> Error {
    Error::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new("the database did not answer".to_owned()))
}

/// Error of a write on a connection for reads.
fn read_only() -> Error {
    Error::QueryBuilderError("a connection for reads takes no writes: use `Database::writer`".into())
}

pub(super) fn execute<'c, Q>(mut session: &'c AsyncPgConnection, statement: Q) -> StatementFuture<'c, usize>
where
    Q: QueryFragment<Pg> + QueryId,
{
    match Cached::of(statement) {
        Cached::ByType(statement) => session.execute_returning_count(statement),
        Cached::ByText(statement) => session.execute_returning_count(statement),
    }
}

fn load<'c, T>(mut session: &'c AsyncPgConnection, source: T) -> StatementFuture<'c, Rows>
where
    T: AsQuery,
    T::Query: QueryFragment<Pg> + QueryId,
{
    match Cached::of(source.as_query()) {
        Cached::ByType(statement) => AsyncConnectionCore::load(&mut session, statement),
        Cached::ByText(statement) => AsyncConnectionCore::load(&mut session, statement),
    }
}

/// Statements on a shared reference that are polled together are sent together, in the order of their first polls.
impl<'c> AsyncConnectionCore for &'c Connection {
    type ExecuteFuture<'conn, 'query> = StatementFuture<'c, usize>;
    type LoadFuture<'conn, 'query> = StatementFuture<'c, Rows>;
    type Stream<'conn, 'query> = Rows;
    type Row<'conn, 'query> = <AsyncPgConnection as AsyncConnectionCore>::Row<'conn, 'query>;
    type Backend = Pg;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Pg> + QueryId + 'query,
    {
        self.send_pipeline(self.backend.load(source))
    }

    fn execute_returning_count<'conn, 'query, T>(&'conn mut self, source: T) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Pg> + QueryId + 'query,
    {
        self.send_pipeline(self.backend.execute(source))
    }
}

impl AsyncConnectionCore for Connection {
    type ExecuteFuture<'conn, 'query> = StatementFuture<'conn, usize>;
    type LoadFuture<'conn, 'query> = StatementFuture<'conn, Rows>;
    type Stream<'conn, 'query> = Rows;
    type Row<'conn, 'query> = <AsyncPgConnection as AsyncConnectionCore>::Row<'conn, 'query>;
    type Backend = Pg;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Pg> + QueryId + 'query,
    {
        self.send_pipeline(self.backend.load(source))
    }

    fn execute_returning_count<'conn, 'query, T>(&'conn mut self, source: T) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Pg> + QueryId + 'query,
    {
        self.send_pipeline(self.backend.execute(source))
    }
}

impl SimpleAsyncConnection for Connection {
    async fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        SimpleAsyncConnection::batch_execute(&mut &*self, query).await
    }
}

/// A statement that is not prepared could overtake prepared ones, so it first waits for their results.
impl SimpleAsyncConnection for &Connection {
    async fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.send_pipeline(ready(Ok(())).boxed()).await?;
        match &self.backend {
            Backend::Session(session) => SimpleAsyncConnection::batch_execute(&mut &**session, query).await,
            Backend::Batched(_) => Err(read_only()),
        }
    }
}
