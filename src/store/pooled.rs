//! Pooled connection. If the caller is dropped during a statement or transaction, the statement is cancelled in the
//! database and the connection is closed, which rolls the transaction back.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use deadpool::managed::Object;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::NoTls;

use crate::store::Connection;
use crate::store::pool::Manager;
use crate::store::query_batching::ReadPermit;

/// Maximum duration of a cancel request.
const CANCEL_TIME: Duration = Duration::from_secs(5);

/// Connection of the pool, or a connection whose reads are batched.
pub struct PooledConnection {
    connection: Inner,
    _permit: Option<ReadPermit>,
}

enum Inner {
    Pooled(Object<Manager>),
    Batched(Connection),
}

impl PooledConnection {
    pub(super) fn new(connection: Object<Manager>, permit: Option<ReadPermit>) -> Self {
        Self { connection: Inner::Pooled(connection), _permit: permit }
    }

    pub(super) fn batched(connection: Connection) -> Self {
        Self { connection: Inner::Batched(connection), _permit: None }
    }
}

impl Deref for PooledConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.connection {
            Inner::Pooled(pooled) => pooled,
            Inner::Batched(connection) => connection,
        }
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        match &mut self.connection {
            Inner::Pooled(pooled) => pooled,
            Inner::Batched(connection) => connection,
        }
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        let Inner::Pooled(pooled) = &mut self.connection else { return };
        if pooled.is_usable() {
            return;
        }
        pooled.abandon();
        let (Ok(runtime), Some(pool), Some(cancel_token)) =
            (Handle::try_current(), Object::pool(pooled), pooled.cancel_token())
        else {
            return;
        };
        runtime.spawn(async move {
            let _ = timeout(CANCEL_TIME, cancel_token.cancel_query(NoTls)).await;
            // Closes the connection at once. Otherwise the pool would keep it until its next use.
            pool.retain(|connection, _| !connection.is_abandoned());
        });
    }
}
