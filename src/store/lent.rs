//! A connection lent by the pool, and what becomes of it when its borrower goes away in the middle of a statement or a
//! transaction: the statement is cancelled in the database, and the connection closed, which rolls the transaction back.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use deadpool::managed::Object;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::NoTls;

use super::Connection;
use super::lanes::Lane;
use super::pool::Manager;

/// How long the database may take to hear of a cancelled statement.
const CANCEL_TIME: Duration = Duration::from_secs(5);

/// A connection lent by the pool, or one that has what it is asked run on such a one.
pub struct Pooled {
    connection: Lent,
    /// Given back together with the connection.
    _lane: Option<Lane>,
}

enum Lent {
    Own(Object<Manager>),
    Shared(Connection),
}

impl Pooled {
    pub(super) fn new(lent: Object<Manager>, lane: Lane) -> Self {
        Self { connection: Lent::Own(lent), _lane: Some(lane) }
    }

    pub(super) fn shared(connection: Connection) -> Self {
        Self { connection: Lent::Shared(connection), _lane: None }
    }
}

impl Deref for Pooled {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.connection {
            Lent::Own(lent) => lent,
            Lent::Shared(connection) => connection,
        }
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Connection {
        match &mut self.connection {
            Lent::Own(lent) => lent,
            Lent::Shared(connection) => connection,
        }
    }
}

impl Drop for Pooled {
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
