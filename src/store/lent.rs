//! A connection lent by the pool, and what becomes of it when its borrower goes away in the middle of a statement or a
//! transaction: the statement is cancelled in the database, and the connection is closed, which rolls the transaction back.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, RecycleError, RecycleResult};
use diesel::ConnectionError;
use diesel::connection::{Instrumentation, InstrumentationEvent, get_default_instrumentation};
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::NoTls;

/// How long the database may take to hear of a cancelled statement.
const CANCEL_TIME: Duration = Duration::from_secs(5);

/// Opens connections for the pool.
pub(super) struct Opener {
    url: String,
}

/// A connection that counts the statements which it has begun and not yet finished.
pub(super) struct Counted {
    connection: AsyncPgConnection,
    unfinished: Arc<AtomicUsize>,
    abandoned: bool,
}

struct Counter {
    unfinished: Arc<AtomicUsize>,
    next: Option<Box<dyn Instrumentation>>,
}

impl Opener {
    /// One for that database.
    pub(super) fn new(url: &str) -> Self {
        Self { url: url.to_owned() }
    }
}

impl Manager for Opener {
    type Type = Counted;
    type Error = ConnectionError;

    async fn create(&self) -> Result<Counted, ConnectionError> {
        let mut connection = AsyncPgConnection::establish(&self.url).await?;
        let unfinished = Arc::<AtomicUsize>::default();
        let next = get_default_instrumentation();
        connection.set_instrumentation(Counter { unfinished: unfinished.clone(), next });
        Ok(Counted { connection, unfinished, abandoned: false })
    }

    async fn recycle(&self, counted: &mut Counted, _: &Metrics) -> RecycleResult<ConnectionError> {
        // A look at the connection's own state instead of a round trip before each use.
        if counted.is_at_rest() { Ok(()) } else { Err(RecycleError::message("not at rest")) }
    }
}

impl Counted {
    /// The connection itself, to be kept.
    pub(super) fn keep(self) -> AsyncPgConnection {
        self.connection
    }

    /// Whether it is between statements, and in no transaction.
    fn is_at_rest(&mut self) -> bool {
        !self.abandoned && self.unfinished.load(Ordering::Relaxed) == 0 && !self.connection.is_broken()
    }
}

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => _ = self.unfinished.fetch_add(1, Ordering::Relaxed),
            InstrumentationEvent::FinishQuery { .. } => _ = self.unfinished.fetch_sub(1, Ordering::Relaxed),
            _ => {}
        }
        self.next.on_connection_event(event);
    }
}

/// A connection lent by the pool.
pub struct Pooled(Object<Opener>);

impl Pooled {
    pub(super) fn new(lent: Object<Opener>) -> Self {
        Self(lent)
    }
}

impl Deref for Pooled {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.0.connection
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.0.connection
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if self.0.is_at_rest() {
            return;
        }
        self.0.abandoned = true;
        let (Ok(runtime), Some(pool)) = (Handle::try_current(), Object::pool(&self.0)) else { return };
        let running = self.0.connection.cancel_token();
        runtime.spawn(async move {
            let _ = timeout(CANCEL_TIME, running.cancel_query(NoTls)).await;
            // Unless somebody has met it in the pool by now, and passed over it.
            pool.retain(|counted, _| !counted.abandoned);
        });
    }
}
