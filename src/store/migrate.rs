//! Migrates a database to the current schema, and compares its schema with this program's. The migrations are embedded
//! in the program.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Integer, Text};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Connection, Connector, events};
use crate::domain::Clock;
use crate::domain::{Error, InternalError, Result};
use crate::store::users::address_forms;

/// All migrations, in order.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Oldest PostgreSQL that is supported, as `server_version_num`.
const OLDEST_POSTGRES: i32 = 150_000;
/// Key of the advisory lock that a migrating process holds: "guildhal" as a number.
const LOCK: i64 = 7_455_837_204_613_357_932;
/// Pause between two attempts to get the lock.
const LOCK_RETRY: Duration = Duration::from_millis(100);
/// Attempts to get the lock after which the log says what is waited for.
const LOCK_ATTEMPTS_BEFORE_NOTICE: u32 = 50;
/// How often a migration is tried that had to wait too long for a table, and the pause before it is tried again.
const MAX_ATTEMPTS: u32 = 20;
const ATTEMPT_RETRY: Duration = Duration::from_secs(2);

/// Drops the indexes that aborted builds have left, but none that is being built.
const DROP_INVALID_INDEXES: &str = "DO $$ DECLARE name regclass; BEGIN
    FOR name IN SELECT indexrelid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace
            AND indexrelid NOT IN (SELECT index_relid FROM pg_stat_progress_create_index)
    LOOP EXECUTE format('DROP INDEX %s', name); END LOOP;
END $$";

/// The schema of a database, compared with this program's migrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// The program can work with the schema, which may have later migrations that keep what the program needs.
    Usable,
    /// The database lacks the migrations with these names, in order.
    Behind(Vec<String>),
    /// A newer release has migrated the database, and this program cannot work with it.
    Newer,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

/// Runs the pending migrations and returns their names. Concurrent calls by several processes wait for each other.
pub async fn migrate(connector: &Connector) -> Result<Vec<String>> {
    let mut lock = open(connector).await?;
    acquire(&mut lock).await?;
    let (mut done, mut attempt) = (Vec::new(), 1);
    loop {
        match run_next(connector).await {
            Ok(Some(name)) => {
                done.push(name);
                attempt = 1;
            }
            Ok(None) => break,
            Err(error) if attempt < MAX_ATTEMPTS && is_lock_timeout(&error) => {
                tracing::warn!(attempt, "migration postponed: a table is in use");
                tokio::time::sleep(ATTEMPT_RETRY).await;
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
    convert_addresses(connector).await?;
    lock.batch_execute("COMMIT").await?;
    Ok(done)
}

/// Waits until no other process migrates. The lock belongs to an open transaction, so it ends with it even if a pooler
/// keeps the session. The transaction has no snapshot, for which `CREATE INDEX CONCURRENTLY` would wait.
async fn acquire(connection: &mut AsyncPgConnection) -> Result<()> {
    #[derive(QueryableByName)]
    struct Acquired {
        #[diesel(sql_type = Bool)]
        acquired: bool,
    }
    for attempt in 1_u32.. {
        connection.batch_execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0").await?;
        let statement = format!("SELECT pg_try_advisory_xact_lock({LOCK}) AS acquired");
        if diesel::sql_query(statement).get_result::<Acquired>(connection).await?.acquired {
            // Closes the portal of the statement, which would keep a snapshot.
            return Ok(connection.batch_execute("SELECT").await?);
        }
        connection.batch_execute("ROLLBACK").await?;
        if attempt == LOCK_ATTEMPTS_BEFORE_NOTICE {
            tracing::warn!("waiting for another process that migrates the database");
        }
        tokio::time::sleep(LOCK_RETRY).await;
    }
    Ok(())
}

/// Runs the first pending migration and returns its name; `None` if none is pending.
async fn run_next(connector: &Connector) -> Result<Option<String>> {
    let mut connection = open(connector).await?;
    let applied = applied(&mut connection).await?;
    let Some(migration) = known()?.into_iter().find(|migration| !applied.contains(&version(migration.as_ref()))) else {
        return Ok(None);
    };
    if !migration.metadata().run_in_transaction() {
        // An index that is built concurrently waits for all open transactions, which is no harm to others. If an attempt
        // was aborted, it has left an invalid index.
        connection.batch_execute(DROP_INVALID_INDEXES).await?;
        connection.batch_execute("SET lock_timeout = 0").await?;
    }
    let name = migration.name().to_string();
    tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        harness.run_next_migration(MIGRATIONS).map(|_| ()).map_err(InternalError::new)
    })
    .await
    .map_err(InternalError::new)??;
    Ok(Some(name))
}

fn is_lock_timeout(error: &Error) -> bool {
    matches!(error, Error::Failed(failure) if failure.cause.to_string().contains("lock timeout"))
}

fn known() -> Result<Vec<Box<dyn Migration<Pg>>>> {
    Ok(MIGRATIONS.migrations().map_err(InternalError::new)?)
}

fn version(migration: &dyn Migration<Pg>) -> String {
    migration.name().version().to_string()
}

/// Converts addresses of earlier releases to the form in which addresses are compared.
async fn convert_addresses(connector: &Connector) -> Result<()> {
    let mut connection = Connection::establish(&connector.direct()).await.map_err(InternalError::new)?;
    address_forms::convert(&mut connection, Clock::default().now()).await?;
    address_forms::convert_events(&mut connection).await
}

/// Ensures that new events come after the existing ones, also in a database that was restored into a new cluster. To be
/// called before anything is written.
pub async fn ensure_event_base(connector: &Connector) -> Result<()> {
    let mut connection = Connection::establish(&connector.direct()).await.map_err(InternalError::new)?;
    if events::ensure_base(&mut connection).await? {
        tracing::warn!("database restored from another cluster: event positions continue from a new base");
    }
    Ok(())
}

/// Compares the schema of the database with this program's migrations. Needs no right to create anything. Fails if the
/// database cannot be reached, or if its PostgreSQL is too old.
pub async fn schema_state(connector: &Connector) -> Result<SchemaState> {
    let mut connection = open(connector).await?;
    let applied = applied(&mut connection).await?;
    let known = known()?;
    let pending = known.iter().filter(|migration| !applied.contains(&version(migration.as_ref())));
    let pending: Vec<String> = pending.map(|migration| migration.name().to_string()).collect();
    if !pending.is_empty() {
        return Ok(SchemaState::Behind(pending));
    }
    let known: Vec<String> = known.iter().map(|migration| version(migration.as_ref())).collect();
    if applied.iter().all(|version| known.contains(version)) {
        return Ok(SchemaState::Usable);
    }
    let since = diesel::sql_query("SELECT compatible_since AS version FROM installation");
    let since: Version = since.get_result(&mut connection).await?;
    Ok(if known.contains(&since.version) { SchemaState::Usable } else { SchemaState::Newer })
}

/// Returns the versions of the migrations that the database has, without creating diesel's table of them.
async fn applied(connection: &mut AsyncPgConnection) -> Result<Vec<String>> {
    #[derive(QueryableByName)]
    struct Exists {
        #[diesel(sql_type = Bool)]
        exists: bool,
    }
    let table = diesel::sql_query("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS exists");
    if !table.get_result::<Exists>(connection).await?.exists {
        return Ok(Vec::new());
    }
    let versions = diesel::sql_query("SELECT version::text FROM __diesel_schema_migrations");
    Ok(versions.load::<Version>(connection).await?.into_iter().map(|row| row.version).collect())
}

/// Opens a connection to the database itself. Fails if its PostgreSQL is older than [`OLDEST_POSTGRES`].
async fn open(connector: &Connector) -> Result<AsyncPgConnection> {
    #[derive(QueryableByName)]
    struct ServerVersion {
        #[diesel(sql_type = Integer)]
        number: i32,
    }
    let mut connection = connector.direct().connect().await.map_err(|error| {
        if error.is_transient() { InternalError::transient(error) } else { InternalError::new(error) }
    })?;
    let version = diesel::sql_query("SELECT current_setting('server_version_num')::integer AS number");
    let number = version.get_result::<ServerVersion>(&mut connection).await?.number;
    if number < OLDEST_POSTGRES {
        let major = number / 10_000;
        return Err(InternalError::new(format!("this is PostgreSQL {major}; 15 or newer is needed")).into());
    }
    Ok(connection)
}
