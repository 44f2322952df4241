//! A connection to the database. Every statement is prepared once and kept; one whose outcome nobody waits for is posted, and
//! goes out together with the next, at the latest with the end of the transaction: one way there and back for all of them.
//!
//! The database runs statements one after another in the order in which they were sent, each on a snapshot of its own. They
//! are sent in the order in which they were made, because each of them waits for its turn at the cache of prepared statements,
//! [`BEGIN`] and [`COMMIT`] too. That is so for a connection with a session of its own: several that are sent at once by one that
//! has none run in whatever order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::pg::Pg;
use diesel::query_builder::{AsQuery, QueryFragment, QueryId};
use diesel::{ConnectionError, ConnectionResult, QueryResult, sql_query};
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::{AsyncConnection, AsyncConnectionCore, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::future::{BoxFuture, join, join_all, ready};
use futures_util::stream::{iter, pending};
use futures_util::{FutureExt, Stream, StreamExt, TryFutureExt};
use tokio_postgres::CancelToken;

use super::catalog::Catalog;
use super::prepared::Kept;
use super::statement::Statement;
use super::unfinished::Unfinished;
use super::{Work, enums};
use crate::domain::Result;

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

/// A connection, inside a transaction or not. The functions of the table files take one.
pub struct Connection {
    link: Link,
    unsent: Mutex<Unsent>,
    /// Whether a transaction was begun and has not come to its end.
    in_transaction: bool,
    unfinished: Unfinished,
    /// Whether its last borrower went away in the middle of something.
    abandoned: bool,
}

/// Where statements go.
enum Link {
    /// To the database, by a session of its own.
    Session(Box<AsyncPgConnection>),
    /// To whoever has them run on a session that serves several.
    Other(Box<dyn Courier>),
}

/// Takes statements to a session that is not the caller's alone.
pub(super) trait Courier: Send + Sync {
    /// Has a statement run whose rows are wanted.
    fn load(&self, statement: QueryResult<Statement>) -> BoxFuture<'static, QueryResult<Vec<Row>>>;
    /// Has a statement run, and tells how many rows it found.
    fn execute(&self, statement: QueryResult<Statement>) -> BoxFuture<'static, QueryResult<usize>>;
    /// Has a statement run before the next one, or before the transaction ends.
    fn post(&self, statement: QueryResult<Statement>);
    /// What is needed to take statements apart.
    fn catalog(&self) -> &Arc<Catalog>;
}

/// What goes out together with the next statement.
#[derive(Default)]
struct Unsent {
    begin: bool,
    posted: Vec<Posted>,
}

type Posted = Box<dyn for<'c> FnOnce(&'c AsyncPgConnection) -> Sent<'c, usize> + Send>;

/// A statement: it is sent when this is first polled.
type Sent<'c, R> = BoxFuture<'c, QueryResult<R>>;

/// A row as the driver gives it.
pub(super) type Row = <AsyncPgConnection as AsyncConnectionCore>::Row<'static, 'static>;

type Rows = <AsyncPgConnection as AsyncConnectionCore>::Stream<'static, 'static>;

impl Connection {
    /// Opens one.
    pub async fn establish(database_url: &str) -> ConnectionResult<Self> {
        let mut session = AsyncPgConnection::establish(database_url).await?;
        let unfinished = Unfinished::default();
        session.set_instrumentation(unfinished.counter());
        // Whoever waits for this later could be overtaken by a statement that need not.
        enums::look_up(&session).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
        for setting in [ONE_PLAN_EACH, NOTHING_MEMOIZED, NOTHING_COMPILED] {
            session.batch_execute(setting).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
        }
        Ok(Self { unfinished, ..Self::by(Link::Session(Box::new(session))) })
    }

    /// One whose statements are run by somebody who has a session.
    pub(super) fn with(courier: impl Courier + 'static) -> Self {
        Self::by(Link::Other(Box::new(courier)))
    }

    fn by(link: Link) -> Self {
        let (unsent, unfinished) = (Mutex::default(), Unfinished::default());
        Self { link, unsent, in_transaction: false, unfinished, abandoned: false }
    }

    /// Has a statement go out with the next one that is waited for. For writes that cannot come to nothing, such as of rows that
    /// are locked: how many rows it found is not looked at, and by the time that an error is seen, the end of the transaction
    /// was sent. It is a rollback then. Needs a transaction.
    pub fn post<Q>(&mut self, statement: Q)
    where
        Q: QueryFragment<Pg> + QueryId + Send + 'static,
    {
        match &self.link {
            Link::Session(_) => self.unsent().posted.push(posted(move |session| execute(session, statement))),
            Link::Other(courier) => courier.post(Statement::of(&statement, courier.catalog())),
        }
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
        self.unsent().begin = true;
        async move {
            match work(self).await {
                Ok(done) => {
                    self.end(COMMIT).await?;
                    Ok(done)
                }
                Err(error) => {
                    self.unsent().posted.clear();
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
            let mut unsent = self.unsent();
            let untouched = unsent.begin && unsent.posted.is_empty();
            unsent.begin &= !untouched;
            untouched
        };
        if !untouched {
            self.flight(self.link.execute(sql_query(how))).await?;
        }
        self.in_transaction = false;
        Ok(())
    }

    /// Sends what was posted, and after it the last statement. The first error is what went wrong.
    fn flight<'c, R: Send + 'c>(&'c self, last: Sent<'c, R>) -> Sent<'c, R> {
        let Link::Session(session) = &self.link else { return last };
        let Unsent { begin, posted } = std::mem::take(&mut *self.unsent());
        if !begin && posted.is_empty() {
            return last;
        }
        let begin = begin.then(|| execute(session, sql_query(BEGIN)));
        let before = begin.into_iter().chain(posted.into_iter().map(|statement| statement(session)));
        // These poll in order.
        let sent = join(join_all(before.collect::<Vec<_>>()), last);
        sent.map(|(before, last)| before.into_iter().find_map(QueryResult::err).map_or(last, Err)).boxed()
    }

    /// Whether another may have it: it is open, and nobody has left a transaction or a statement behind.
    pub(super) fn is_usable(&mut self) -> bool {
        let is_at_rest = !self.in_transaction && self.unsent().posted.is_empty() && self.unfinished.is_none();
        let is_broken = match &mut self.link {
            Link::Session(session) => session.is_broken(),
            Link::Other(_) => false,
        };
        is_at_rest && !self.abandoned && !is_broken
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
        match &self.link {
            Link::Session(session) => Some(session.cancel_token()),
            Link::Other(_) => None,
        }
    }

    /// What it is told of by others, if it listens.
    pub(super) fn notifications(&mut self) -> impl Stream<Item = QueryResult<diesel::pg::PgNotification>> + '_ {
        match &mut self.link {
            Link::Session(session) => session.notifications_stream().left_stream(),
            Link::Other(_) => pending().right_stream(),
        }
    }

    fn unsent(&self) -> MutexGuard<'_, Unsent> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    fn execute<'c, Q>(&'c self, statement: Q) -> Sent<'c, usize>
    where
        Q: QueryFragment<Pg> + QueryId,
    {
        match self {
            Self::Session(session) => execute(session, statement),
            Self::Other(courier) => courier.execute(Statement::of(&statement, courier.catalog())),
        }
    }

    fn load<'c, T>(&'c self, source: T) -> Sent<'c, Rows>
    where
        T: AsQuery,
        T::Query: QueryFragment<Pg> + QueryId,
    {
        match self {
            Self::Session(session) => load(session, source),
            Self::Other(courier) => {
                let rows = courier.load(Statement::of(&source.as_query(), courier.catalog()));
                rows.map_ok(|rows| iter(rows.into_iter().map(Ok)).boxed()).boxed()
            }
        }
    }
}

/// Says what the closure is, which the language does not find out by itself.
fn posted<F>(statement: F) -> Posted
where
    F: for<'c> FnOnce(&'c AsyncPgConnection) -> Sent<'c, usize> + Send + 'static,
{
    Box::new(statement)
}

fn execute<'c, Q>(mut session: &'c AsyncPgConnection, statement: Q) -> Sent<'c, usize>
where
    Q: QueryFragment<Pg> + QueryId,
{
    match Kept::of(statement) {
        Kept::ByType(statement) => session.execute_returning_count(statement),
        Kept::ByText(statement) => session.execute_returning_count(statement),
    }
}

fn load<'c, T>(mut session: &'c AsyncPgConnection, source: T) -> Sent<'c, Rows>
where
    T: AsQuery,
    T::Query: QueryFragment<Pg> + QueryId,
{
    match Kept::of(source.as_query()) {
        Kept::ByType(statement) => AsyncConnectionCore::load(&mut session, statement),
        Kept::ByText(statement) => AsyncConnectionCore::load(&mut session, statement),
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
        self.flight(self.link.load(source))
    }

    fn execute_returning_count<'conn, 'query, T>(&'conn mut self, source: T) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Pg> + QueryId + 'query,
    {
        self.flight(self.link.execute(source))
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
        self.flight(self.link.load(source))
    }

    fn execute_returning_count<'conn, 'query, T>(&'conn mut self, source: T) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Pg> + QueryId + 'query,
    {
        self.flight(self.link.execute(source))
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
        match &self.link {
            Link::Session(session) => SimpleAsyncConnection::batch_execute(&mut &**session, query).await,
            Link::Other(courier) => {
                courier.execute(Statement::of(&sql_query(query), courier.catalog())).await.map(|_| ())
            }
        }
    }
}
