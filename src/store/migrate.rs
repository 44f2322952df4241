//! Migrates a database to the current schema. The migrations are embedded in the program.

use std::time::Duration;

use diesel::migration::Migration;
use diesel::pg::Pg;
use diesel_async::{AsyncMigrationHarness, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Connection, Connector, events};
use crate::domain::Clock;
use crate::domain::{InternalError, Result};
use crate::store::users::address_forms;

/// All migrations, in order.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Key of the advisory lock for migrations: "guildhal" as a number.
const LOCK: i64 = 7_455_837_204_613_357_932;
/// Delay between two attempts to take the lock.
const LOCK_RETRY: Duration = Duration::from_millis(100);

diesel::define_sql_function! {
    /// Takes a session-level advisory lock if it is free.
    fn pg_try_advisory_lock(key: diesel::sql_types::BigInt) -> diesel::sql_types::Bool;
}

/// Runs the pending migrations and returns their names. Safe when several processes call it at once: they wait for each
/// other.
pub async fn migrate(connector: &Connector) -> Result<Vec<String>> {
    let mut connection = connector.direct().connect().await.map_err(InternalError::new)?;
    // The lock is polled: a statement that waits for it would keep a snapshot, and `CREATE INDEX CONCURRENTLY` in the
    // process with the lock waits for all snapshots.
    while !diesel::select(pg_try_advisory_lock(LOCK)).get_result::<bool>(&mut connection).await? {
        tokio::time::sleep(LOCK_RETRY).await;
    }
    let done = tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        let done = harness.run_pending_migrations(MIGRATIONS).map_err(InternalError::new)?;
        Ok::<_, InternalError>(done.iter().map(ToString::to_string).collect())
    })
    .await
    .map_err(InternalError::new)??;
    convert_addresses(connector).await?;
    Ok(done)
}

/// Converts addresses that earlier versions stored to the form in which addresses are compared.
async fn convert_addresses(connector: &Connector) -> Result<()> {
    let mut connection = Connection::establish(&connector.direct()).await.map_err(InternalError::new)?;
    address_forms::convert(&mut connection, Clock::default().now()).await?;
    address_forms::convert_events(&mut connection).await
}

/// Ensures that new events come after the existing ones, also in a database that was restored into a new cluster. Must
/// be called before the first write.
pub async fn settle_log(connector: &Connector) -> Result<()> {
    let mut connection = Connection::establish(&connector.direct()).await.map_err(InternalError::new)?;
    if events::settle_base(&mut connection).await? {
        tracing::warn!("database restored from another cluster: event positions continue from a new base");
    }
    Ok(())
}

/// Returns the names of the pending migrations, in order.
pub async fn pending(connector: &Connector) -> Result<Vec<String>> {
    let connection = connector.direct().connect().await.map_err(InternalError::new)?;
    tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        let lacking: Vec<Box<dyn Migration<Pg>>> =
            harness.pending_migrations(MIGRATIONS).map_err(InternalError::new)?;
        Ok(lacking.iter().map(|migration| migration.name().to_string()).collect())
    })
    .await
    .map_err(InternalError::new)?
}
