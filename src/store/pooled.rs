//! Pooled connection. If the caller is dropped during a statement or transaction, the statement is cancelled in the
//! database and the connection is closed, which rolls the transaction back.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::store::Connection;
use crate::store::pool::{Lease, Pool};
use crate::store::query_batching::ReadPermit;

/// Maximum duration of a cancel request.
const CANCEL_TIME: Duration = Duration::from_secs(5);

/// Connection of the pool, or a connection whose reads are batched.
pub struct PooledConnection {
    connection: Inner,
    _permit: Option<ReadPermit>,
}

enum Inner {
    Pooled(Lease, Pool),
    Batched(Connection),
}

impl PooledConnection {
    pub(super) fn new(lease: Lease, pool: Pool, permit: Option<ReadPermit>) -> Self {
        Self { connection: Inner::Pooled(lease, pool), _permit: permit }
    }

    pub(super) fn batched(connection: Connection) -> Self {
        Self { connection: Inner::Batched(connection), _permit: None }
    }
}

impl Deref for PooledConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.connection {
            Inner::Pooled(lease, _) => &lease.connection,
            Inner::Batched(connection) => connection,
        }
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        match &mut self.connection {
            Inner::Pooled(lease, _) => &mut lease.connection,
            Inner::Batched(connection) => connection,
        }
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        let Inner::Pooled(lease, pool) = &mut self.connection else { return };
        let connection: &mut Connection = &mut lease.connection;
        if connection.is_usable() {
            return;
        }
        connection.abandon();
        let (Ok(runtime), Some(cancel_token)) = (Handle::try_current(), connection.cancel_token()) else { return };
        let pool = pool.clone();
        runtime.spawn(async move {
            let _ = timeout(CANCEL_TIME, pool.connector().cancel(cancel_token)).await;
            // Closes the connection at once. Otherwise the pool would keep it until its next use.
            pool.retain(|connection| !connection.is_abandoned());
        });
    }
}
