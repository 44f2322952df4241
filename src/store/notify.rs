//! Wake-up of other processes after new events, by PostgreSQL's LISTEN and NOTIFY with an empty payload. Each process
//! uses one connection for it. NOTIFY inside the writing transactions would serialize their commits.

use diesel::sql_types::Integer;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures_util::StreamExt;

use crate::domain::{Error, InternalError, Result};
use crate::store::{Connection, Database};

/// Connection that receives notifications of other processes about new events, and sends them.
pub struct NotifyListener {
    connection: Connection,
    process: i32,
}

impl NotifyListener {
    /// Opens a connection and starts to listen. Fails with a transient error if the database is unreachable.
    pub async fn open(store: &Database) -> Result<Self> {
        let mut connection = store.own_connection().await?;
        // The name identifies this session in `pg_stat_activity`. It never blocks other sessions.
        connection.batch_execute("SET application_name = 'guildhall events'; LISTEN guildhall_events").await?;
        let process =
            diesel::select(diesel::dsl::sql::<Integer>("pg_backend_pid()")).get_result(&mut connection).await?;
        Ok(Self { connection, process })
    }

    /// Waits for a notification of another process. Fails if the connection is lost.
    pub async fn heard(&mut self) -> Result<()> {
        let mut notifications = Box::pin(self.connection.notifications());
        loop {
            match notifications.next().await {
                Some(Ok(notification)) if notification.process_id == self.process => {}
                Some(Ok(_)) => return Ok(()),
                Some(Err(error)) => return Err(error.into()),
                None => return Err(lost()),
            }
        }
    }

    /// Notifies the other processes of new events.
    pub async fn tell(&mut self) -> Result<()> {
        Ok(self.connection.batch_execute("NOTIFY guildhall_events").await?)
    }

    /// Returns the connection, for reads that should not wait for a pooled connection.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

fn lost() -> Error {
    Error::Failed(InternalError {
        transient: true,
        ..InternalError::new("the connection for notifications of events is lost")
    })
}
