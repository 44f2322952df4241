//! A connection lent by the pool, and what becomes of it when its borrower goes away in the middle of a statement or a
//! transaction: the statement is cancelled in the database, and the connection closed, which rolls the transaction back.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use deadpool::managed::Object;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::NoTls;

use crate::store::Connection;
use crate::store::pool::Manager;
use crate::store::query_batching::ReadPermit;

/// How long the database may take to hear of a cancelled statement.
const CANCEL_TIME: Duration = Duration::from_secs(5);

/// A connection of the pool, or one whose reads are batched.
pub struct PooledConnection {
    connection: Lent,
    _permit: Option<ReadPermit>,
}

enum Lent {
    Own(Object<Manager>),
    Batched(Connection),
}

impl PooledConnection {
    pub(super) fn new(connection: Object<Manager>, permit: Option<ReadPermit>) -> Self {
        Self { connection: Lent::Own(connection), _permit: permit }
    }

    pub(super) fn batched(connection: Connection) -> Self {
        Self { connection: Lent::Batched(connection), _permit: None }
    }
}

impl Deref for PooledConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.connection {
            Lent::Own(lent) => lent,
            Lent::Batched(connection) => connection,
        }
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        match &mut self.connection {
            Lent::Own(lent) => lent,
            Lent::Batched(connection) => connection,
        }
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        let Lent::Own(lent) = &mut self.connection else { return };
        if lent.is_usable() {
            return;
        }
        lent.abandon();
        let (Ok(runtime), Some(pool), Some(running)) = (Handle::try_current(), Object::pool(lent), lent.cancel_token())
        else {
            return;
        };
        runtime.spawn(async move {
            let _ = timeout(CANCEL_TIME, running.cancel_query(NoTls)).await;
            // Unless somebody has met it in the pool by now, and passed over it.
            pool.retain(|connection, _| !connection.is_abandoned());
        });
    }
}
