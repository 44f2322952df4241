//! Connections for transactions, and the wake-up of the event dispatcher after a commit that recorded events.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, OwnedSemaphorePermit};

use super::{Connection, PooledConnection, Work};
use crate::domain::Result;

/// A pooled connection for writes.
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

/// Runs transactions.
pub trait Transactional {
    /// Runs `work` in a transaction, which commits if it succeeds and rolls back with its error if not. After a commit that
    /// recorded events the dispatcher is woken: only then can it read them.
    ///
    /// The future is boxed because it is large, and callers would hold it on their stacks.
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
