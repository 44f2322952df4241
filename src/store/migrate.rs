//! Brings a database to the present schema. The migrations are part of the program.

use diesel::migration::Migration;
use diesel::pg::Pg;
use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Connection, events};
use crate::domain::{Fault, Result};

/// All migrations, in order.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Runs the migrations that the database lacks, and returns their names. Several processes may call it at once: they wait
/// for each other.
pub async fn migrate(database_url: &str) -> Result<Vec<String>> {
    use diesel_async::SimpleAsyncConnection;

    let mut connection = AsyncPgConnection::establish(database_url).await.map_err(Fault::new)?;
    // "guildhal", as a number: any will do, as long as all of us take the same.
    connection.batch_execute("SELECT pg_advisory_lock(7455837204613357932)").await?;
    tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        let done = harness.run_pending_migrations(MIGRATIONS).map_err(Fault::new)?;
        Ok(done.iter().map(ToString::to_string).collect())
    })
    .await
    .map_err(Fault::new)?
}

/// Sees to it that what is logged from now on comes after what is in the log, also in a database that was restored into a
/// new cluster. To be called before anything is written.
pub async fn settle_log(database_url: &str) -> Result<()> {
    let mut connection = Connection::establish(database_url).await.map_err(Fault::new)?;
    if events::settle_base(&mut connection).await? {
        tracing::warn!("this database came from another cluster: its log of events goes on from a new base");
    }
    Ok(())
}

/// Names of the migrations that the database lacks, in order.
pub async fn pending(database_url: &str) -> Result<Vec<String>> {
    let connection = AsyncPgConnection::establish(database_url).await.map_err(Fault::new)?;
    tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        let lacking: Vec<Box<dyn Migration<Pg>>> = harness.pending_migrations(MIGRATIONS).map_err(Fault::new)?;
        Ok(lacking.iter().map(|migration| migration.name().to_string()).collect())
    })
    .await
    .map_err(Fault::new)?
}
