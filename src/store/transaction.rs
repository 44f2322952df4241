//! Connections for transactions, and the wake-up of the event dispatcher after a commit that recorded events.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, OwnedSemaphorePermit};

use super::{Connection, PooledConnection, Work};
use crate::domain::Result;

/// Pooled connection for transactions.
pub struct Writer {
    connection: PooledConnection,
    recorded: Arc<Notify>,
    _permit: OwnedSemaphorePermit,
}

impl Writer {
    pub(super) fn new(connection: PooledConnection, recorded: Arc<Notify>, permit: OwnedSemaphorePermit) -> Self {
        Self { connection, recorded, _permit: permit }
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

/// Runs transactions on a connection.
pub trait Transactional {
    /// Runs `work` in a transaction. Commits if it succeeds, and otherwise rolls back and returns its error. After a
    /// commit that recorded events, it wakes the event dispatcher, which can read the events only then.
    ///
    /// The future is boxed because it is large, and would otherwise be part of each caller's future.
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
        Box::pin(async move {
            let done = self.connection.transaction(work).await?;
            if self.connection.has_recorded_events() {
                self.recorded.notify_one();
            }
            Ok(done)
        })
    }
}
