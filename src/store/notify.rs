//! How processes wake each other when there are events: PostgreSQL's LISTEN and NOTIFY, with an empty message, on a
//! connection of their own. Within the transactions that write, NOTIFY would let them commit one by one only.

use diesel::sql_types::Integer;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures_util::StreamExt;

use crate::domain::{Error, InternalError, Result};
use crate::store::{Connection, Database};

/// A connection that hears when another process has written events, and tells others.
pub struct NotifyListener {
    connection: Connection,
    process: i32,
}

impl NotifyListener {
    /// Opens one, which hears from now on.
    pub async fn open(store: &Database) -> Result<Self> {
        let mut connection = store.own_connection().await?;
        // The name is for whoever looks at the database's sessions: this one is never in the way.
        connection.batch_execute("SET application_name = 'guildhall events'; LISTEN guildhall_events").await?;
        let process =
            diesel::select(diesel::dsl::sql::<Integer>("pg_backend_pid()")).get_result(&mut connection).await?;
        Ok(Self { connection, process })
    }

    /// Waits until another process tells that there are events. Fails when the connection is lost.
    pub async fn heard(&mut self) -> Result<()> {
        let mut told = Box::pin(self.connection.notifications());
        loop {
            match told.next().await {
                Some(Ok(told)) if told.process_id == self.process => {}
                Some(Ok(_)) => return Ok(()),
                Some(Err(error)) => return Err(error.into()),
                None => return Err(lost()),
            }
        }
    }

    /// Tells the other processes that there are events.
    pub async fn tell(&mut self) -> Result<()> {
        Ok(self.connection.batch_execute("NOTIFY guildhall_events").await?)
    }

    /// The connection, to read with: whoever tells of events does not wait for one of the pool.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

fn lost() -> Error {
    Error::Failed(InternalError { passing: true, ..InternalError::new("the connection that hears of events is lost") })
}
