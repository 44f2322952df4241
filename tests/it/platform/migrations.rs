//! Migrations: they run, revert and run again to the same schema, and `schema.rs` matches them.

use std::fmt::Write;
use std::process::Command;

use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection};
use diesel_migrations::MigrationHarness;
use guildhall::store::migrate::{MIGRATIONS, migrate};
use tokio_postgres::NoTls;

use crate::support::cluster::connector;
use crate::support::cluster::{Cluster, execute};
use crate::support::golden::assert_current;

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// The whole schema as text.
async fn dump(url: &str) -> String {
    let queries = [
        "SELECT format('%s.%s %s null=%s default=%s', table_name, column_name, udt_name, is_nullable, coalesce(column_default, generation_expression)) FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations' ORDER BY table_name, ordinal_position",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname",
        "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1",
        "SELECT t.typname || ' ' || e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid ORDER BY t.typname, e.enumsortorder",
    ];
    let client = connect(url).await;
    let mut text = String::new();
    for query in queries {
        for row in client.query(query, &[]).await.expect(query) {
            writeln!(text, "{}", row.get::<_, String>(0)).expect("text");
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrations_revert_and_run_again_to_the_same_schema() {
    let url = Cluster::get().empty_database().await;
    assert!(!migrate(&connector(&url)).await.expect("up").is_empty());
    let first = dump(&url).await;
    let connection = AsyncPgConnection::establish(&url).await.expect("a connection");
    tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        harness.revert_all_migrations(MIGRATIONS).map(|_| ()).expect("down");
    })
    .await
    .expect("down");
    assert!(!dump(&url).await.contains("organizations"), "nothing is left");
    migrate(&connector(&url)).await.expect("up again");
    assert_eq!(dump(&url).await, first);
    assert!(migrate(&connector(&url)).await.expect("nothing to do").is_empty());
    Cluster::get().drop(&url).await;
}

#[tokio::test]
async fn database_comments_describe_every_table_and_column() {
    let url = Cluster::get().database().await;
    let undescribed = "SELECT c.relname || coalesce('.' || a.attname, '') FROM pg_class c
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE '\\_\\_%'
          AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)";
    let rows = connect(&url).await.query(undescribed, &[]).await.expect("a catalogue");
    let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(names, [] as [&str; 0]);
    Cluster::get().drop(&url).await;
}

#[tokio::test]
async fn organizations_owner_fkey_refuses_an_organization_without_its_owner() {
    let url = Cluster::get().database().await;
    execute(
        &url,
        "INSERT INTO users (id, username, created_at) VALUES ('00000000-0000-7000-8000-000000000001', 'ada', now())",
    )
    .await;
    let client = connect(&url).await;
    let ownerless = "INSERT INTO organizations (id, slug, owner_id, created_at, updated_at)
        VALUES ('00000000-0000-7000-8000-000000000002', 'acme', '00000000-0000-7000-8000-000000000001', now(), now())";
    let refused = client.batch_execute(ownerless).await.expect_err("no owner");
    assert_eq!(refused.as_db_error().and_then(|error| error.constraint()), Some("organizations_owner_fkey"));

    let owned = format!(
        "BEGIN; {ownerless}; INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
        SELECT '00000000-0000-7000-8000-000000000003', id, owner_id, 'ada', 'OWNER', now() FROM organizations; COMMIT"
    );
    client.batch_execute(&owned).await.expect("an organization with its owner");
    let refused =
        client.batch_execute("UPDATE memberships SET role = 'MAINTAINER'").await.expect_err("no owner any more");
    assert_eq!(refused.as_db_error().and_then(|error| error.constraint()), Some("organizations_owner_fkey"));
    Cluster::get().drop(&url).await;
}

#[tokio::test]
async fn schema_rs_is_current() {
    let url = Cluster::get().database().await;
    let client = connect(&url).await;
    let columns = client
        .query(
            "SELECT table_name, column_name, udt_name, is_nullable = 'YES' FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%' ORDER BY table_name, ordinal_position",
            &[],
        )
        .await
        .expect("columns");
    let keys = client
        .query(
            "SELECT c.conrelid::regclass::text, string_agg(a.attname, ', ' ORDER BY k.n) FROM pg_constraint c,
             unnest(c.conkey) WITH ORDINALITY k(attnum, n) JOIN pg_attribute a ON a.attnum = k.attnum
             WHERE c.contype = 'p' AND a.attrelid = c.conrelid AND c.connamespace = 'public'::regnamespace GROUP BY 1",
            &[],
        )
        .await
        .expect("keys");
    let rows: Vec<(String, String, String, bool)> =
        columns.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
    let keys: Vec<(String, String)> = keys.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_current("src/store/schema.rs", &formatted(&render(&rows, &keys)));
    Cluster::get().drop(&url).await;
}

/// The diesel name of a PostgreSQL type.
fn diesel_type(udt: &str) -> String {
    if let Some(element) = udt.strip_prefix('_') {
        return format!("Array<{}>", diesel_type(element));
    }
    let own = |udt: &str| udt.split('_').map(|part| part[..1].to_uppercase() + &part[1..]).collect();
    match udt {
        "timestamptz" | "uuid" | "text" | "bool" | "int4" | "int8" | "date" | "bytea" | "jsonb" => {
            udt[..1].to_uppercase() + &udt[1..]
        }
        _ => own(udt),
    }
}

fn render(rows: &[(String, String, String, bool)], keys: &[(String, String)]) -> String {
    let mut text = String::from(
        "//! The tables as diesel sees them. Written from a migrated database by `UPDATE=1 cargo test schema_rs`; a test fails while
//! it is stale.
#![allow(missing_docs, reason = \"tables and columns are documented in the database, by COMMENT ON\")]
",
    );
    let mut tables: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
    tables.dedup();
    for table in &tables {
        let columns: Vec<_> = rows.iter().filter(|row| row.0 == *table).collect();
        let key = &keys.iter().find(|(name, _)| name == table).expect("a primary key").1;
        let mut enums: Vec<String> = columns
            .iter()
            .filter(|row| row.2.rfind('_').is_some_and(|at| at > 0))
            .map(|row| diesel_type(&row.2))
            .collect();
        enums.sort();
        enums.dedup();
        text += "\ndiesel::table! {\n    use diesel::sql_types::*;\n";
        match enums.as_slice() {
            [] => {}
            [one] => writeln!(text, "    use crate::store::sql_types::{one};").expect("text"),
            many => writeln!(text, "    use crate::store::sql_types::{{{}}};", many.join(", ")).expect("text"),
        }
        // `type` is a keyword of Rust.
        let named = |column| if column == "type" { "kind" } else { column };
        let key: Vec<&str> = key.split(", ").map(named).collect();
        writeln!(text, "\n    {table} ({}) {{", key.join(", ")).expect("text");
        for (_, column, udt, nullable) in columns {
            let kind = diesel_type(udt);
            let kind = if *nullable { format!("Nullable<{kind}>") } else { kind };
            if column == "type" {
                text += "        #[sql_name = \"type\"]\n";
            }
            writeln!(text, "        {} -> {kind},", named(column)).expect("text");
        }
        text += "    }\n}\n";
    }
    writeln!(text, "\ndiesel::allow_tables_to_appear_in_same_query!({});", tables.join(", ")).expect("text");
    text
}

/// Formats the source with rustfmt.
fn formatted(source: &str) -> String {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("schema-{}.rs", std::process::id()));
    std::fs::write(&file, source).expect("a file");
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/.rustfmt.toml");
    let status = Command::new("rustfmt").args(["--edition", "2024", "--config-path", config]).arg(&file).status();
    assert!(status.expect("rustfmt").success());
    let formatted = std::fs::read_to_string(&file).expect("the file");
    std::fs::remove_file(&file).expect("the file");
    formatted
}

/// The last migration from before the rules: servers of the previous release run while migrations do.
const BEFORE_RULES: &str = "2026-11-30-000026";

/// Statements that block servers for long or that the previous release cannot live with, and what to do instead.
const FORBIDDEN: [(&str, &str); 6] = [
    ("DROP TABLE", "remove it one release after the last use"),
    ("DROP COLUMN", "remove it one release after the last use"),
    ("RENAME", "add the new name, and remove the old one a release later"),
    ("ALTER COLUMN TYPE", "add a column: this rewrites the table"),
    ("SET NOT NULL", "add a CHECK constraint NOT VALID and validate it: this reads the whole table under a lock"),
    ("\nCLUSTER ", "this rewrites the table"),
];

#[test]
fn migrations_neither_rewrite_tables_nor_remove_what_the_previous_release_needs() {
    let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).expect("the migrations");
    for folder in folders.map(|folder| folder.expect("a folder").path()) {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        if name.as_str() < BEFORE_RULES || name.starts_with(BEFORE_RULES) {
            continue;
        }
        let sql = std::fs::read_to_string(folder.join("up.sql")).expect("a migration").to_uppercase();
        for (forbidden, instead) in FORBIDDEN {
            assert!(!sql.contains(forbidden), "{name}: {forbidden}: {instead}");
        }
        let created: Vec<&str> =
            sql.split("CREATE TABLE ").skip(1).filter_map(|rest| rest.split_whitespace().next()).collect();
        for index in
            sql.split("CREATE ").skip(1).filter(|rest| rest.starts_with("INDEX") || rest.starts_with("UNIQUE INDEX"))
        {
            let is_on_new_table = created.iter().any(|table| index.contains(&format!(" ON {table} ")));
            assert!(index.contains("CONCURRENTLY") || is_on_new_table, "{name}: build the index CONCURRENTLY");
        }
        let validated =
            sql.split("ADD CONSTRAINT").skip(1).filter(|rest| rest.contains("FOREIGN KEY") || rest.contains("CHECK"));
        assert!(validated.clone().count() == sql.matches("NOT VALID").count(), "{name}: add constraints NOT VALID");
    }
}
