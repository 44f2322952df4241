//! A connection lent by the pool, and what becomes of it when its borrower goes away in the middle of a statement or a
//! transaction: the statement is cancelled in the database, and the connection closed, which rolls the transaction back.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use deadpool::managed::Object;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::NoTls;

use super::Connection;
use super::pool::Manager;

/// How long the database may take to hear of a cancelled statement.
const CANCEL_TIME: Duration = Duration::from_secs(5);

/// A connection lent by the pool.
pub struct Pooled(Object<Manager>);

impl Pooled {
    pub(super) fn new(lent: Object<Manager>) -> Self {
        Self(lent)
    }
}

impl Deref for Pooled {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if self.0.is_usable() {
            return;
        }
        self.0.abandon();
        let (Ok(runtime), Some(pool)) = (Handle::try_current(), Object::pool(&self.0)) else { return };
        let running = self.0.cancel_token();
        runtime.spawn(async move {
            let _ = timeout(CANCEL_TIME, running.cancel_query(NoTls)).await;
            // Unless somebody has met it in the pool by now, and passed over it.
            pool.retain(|connection, _| !connection.is_abandoned());
        });
    }
}
