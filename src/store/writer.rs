//! Connections that write. The one place that knows of every commit, and so of every commit of events: whoever tells
//! subscribers is woken from here, once the events can be read.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::{Connection, Pooled, Work};
use crate::domain::Result;

tokio::task_local! {
    /// Whether the transaction that runs has written events.
    static WRITTEN: Cell<bool>;
}

/// Notes that the transaction that runs has written events. Outside of one that [`Transactional`] runs it does nothing, and
/// those who wait find the events when they next look by themselves.
pub(super) fn note_events() {
    let _ = WRITTEN.try_with(|written| written.set(true));
}

/// A pooled connection for writes.
pub struct Writer {
    connection: Pooled,
    recorded: Arc<Notify>,
}

impl Writer {
    pub(super) fn new(connection: Pooled, recorded: Arc<Notify>) -> Self {
        Self { connection, recorded }
    }
}

impl Deref for Writer {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Writer {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

/// What transactions are run on.
pub trait Transactional {
    /// Does `work` in a transaction, which commits if it succeeds and rolls back with its error if not. After the commit,
    /// whoever waits for events is told if there are any.
    ///
    /// What is done is on the heap: it is large, and whoever does it would have to have it on the stack.
    fn transaction<'c, R, F>(&'c mut self, work: F) -> BoxFuture<'c, Result<R>>
    where
        for<'r> F:
            AsyncFnOnce(&'r mut Connection) -> Result<R> + Work<&'r mut Connection, Result<R>, Done: Send> + Send + 'c,
        R: Send + 'c;
}

impl Transactional for Writer {
    fn transaction<'c, R, F>(&'c mut self, work: F) -> BoxFuture<'c, Result<R>>
    where
        for<'r> F:
            AsyncFnOnce(&'r mut Connection) -> Result<R> + Work<&'r mut Connection, Result<R>, Done: Send> + Send + 'c,
        R: Send + 'c,
    {
        let (connection, recorded) = (&mut *self.connection, &self.recorded);
        Box::pin(WRITTEN.scope(Cell::new(false), async move {
            let done = connection.transaction(async |tx| work(tx).await).await?;
            if WRITTEN.with(Cell::get) {
                recorded.notify_one();
            }
            Ok(done)
        }))
    }
}
