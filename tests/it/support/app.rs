//! The application in process, over its own database.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::SystemTime;

use axum::Router;
use chrono::TimeDelta;
use guildhall::app::{App, AppConfig};
use guildhall::auth::tokens::TokenSigner;
use guildhall::domain::encryption::SealingKeys;
use guildhall::domain::event::EventPosition;
use guildhall::domain::ids::TypedId;
use guildhall::domain::{Clock, EventId, UserId};
use guildhall::operations::AppContext;
use guildhall::store::Database;
use serde_json::{Value, json};
use tokio_postgres::{NoTls, Row};

use super::actors::{self, Person};
use super::cluster::Cluster;
use super::graphql::{self, Answer};
use crate::support::cluster::connector;
use crate::support::counting_proxy::Wire;
use crate::support::server_process::SECRET;

/// Connections of one application: enough for race tests, few enough for many concurrent tests.
const POOL: usize = 12;
/// Connections that are reserved for reads.
const READ_CONNECTIONS: usize = 2;

/// FROM clause of the database sessions that listen for events.
const LISTENERS: &str =
    "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'guildhall events'";

/// An application, its database and its clock.
pub struct TestApp {
    /// The context of operations.
    pub env: AppContext,
    /// The real router.
    pub router: Router,
    /// The application itself.
    pub app: App,
    /// URL of the database.
    pub url: String,
    database: tokio_postgres::Client,
}

impl TestApp {
    /// An application with rate limits, over an empty database.
    pub async fn new() -> Self {
        Self::with(|settings| settings.rules.rate_limits = true).await
    }

    /// An application with changed settings, over an empty database.
    pub async fn with(change: impl FnOnce(&mut AppConfig)) -> Self {
        Self::at(Cluster::get().database().await, change).await
    }

    /// Another application over the same database, like another process.
    pub async fn another(&self) -> Self {
        Self::over(&self.url).await
    }

    /// An application over a database that the caller drops if necessary.
    pub async fn over(url: &str) -> Self {
        Self::at(url.to_owned(), |_| {}).await
    }

    /// An application without rate limits and with a single connection, whose traffic is counted.
    pub async fn wired() -> (Self, Wire) {
        let url = Cluster::get().database().await;
        let wire = Wire::to(&url).await;
        (Self::by(&wire.url, 1, url, |_| {}).await, wire)
    }

    async fn at(url: String, change: impl FnOnce(&mut AppConfig)) -> Self {
        Self::by(&url.clone(), POOL, url, change).await
    }

    /// An application that reaches the database at `url` through `connection_url`, with that many connections.
    async fn by(connection_url: &str, connections: usize, url: String, change: impl FnOnce(&mut AppConfig)) -> Self {
        let mut settings = AppConfig::for_tests();
        change(&mut settings);
        let store = Database::connect_with_batching(&connector(connection_url), connections).expect("a pool");
        let keys = TokenSigner::from_secret(SECRET).expect("a key");
        let app = App::build(settings, store, keys, Clock::default());
        let (database, connection) = tokio_postgres::connect(&url, NoTls).await.expect("a connection");
        tokio::spawn(connection);
        Self { env: app.env.clone(), router: app.router.clone(), app, url, database }
    }

    /// Closes the application and drops the database. The database of a failed test stays until the end of the run.
    pub async fn close(self) {
        self.env.store.close();
        Cluster::get().drop(&self.url).await;
    }

    /// A new person with a verified address, `<name>@example.org`.
    pub async fn person(&self, name: &str) -> Person {
        self.account(name, "now()", false).await
    }

    /// A new person whose address is not verified.
    pub async fn unverified(&self, name: &str) -> Person {
        self.account(name, "NULL", false).await
    }

    /// A new site administrator.
    pub async fn admin(&self, name: &str) -> Person {
        self.account(name, "now()", true).await
    }

    async fn account(&self, name: &str, verified: &str, is_admin: bool) -> Person {
        let id = guildhall::domain::ids::new_id::<UserId>(self.env.clock.now());
        let insert = format!(
            "INSERT INTO users (id, username, email, email_verified_at, is_admin, created_at)
             VALUES ('{}', '{name}', '{name}@example.org', {verified}, {is_admin}, now())",
            uuid::Uuid::from(id)
        );
        self.sql(&insert).await;
        self.sign_in(name, id)
    }

    fn sign_in(&self, name: &str, id: UserId) -> Person {
        let (token, _) =
            self.env.keys.issue_access_token(id, None, self.env.clock.now(), TimeDelta::minutes(15)).expect("a token");
        Person { name: name.to_owned(), id: id.to_string(), token, router: self.router.clone() }
    }

    /// The same person with a fresh token, after the clock was advanced.
    pub async fn again(&self, person: &Person) -> Person {
        self.sign_in(&person.name, UserId::parse(&person.id).expect("an ID"))
    }

    /// The person with that account, with a fresh token.
    pub fn person_of(&self, name: &str, id: &str) -> Person {
        self.sign_in(name, UserId::parse(id).expect("an ID"))
    }

    /// The person with that username, whose account exists already.
    pub async fn named(&self, username: &str) -> Person {
        let found = "SELECT id::text FROM users WHERE username = $1";
        let row = self.database.query_one(found, &[&username]).await.expect("an account");
        let id: uuid::Uuid = row.get::<_, &str>(0).parse().expect("a UUID");
        self.sign_in(username, id.into())
    }

    /// The holder of that token.
    pub fn holder(&self, name: &str, token: String) -> Person {
        let actor = self.env.keys.verify(&token, self.env.clock.now()).expect("a token of ours");
        Person { name: name.to_owned(), id: actor.user_id.to_string(), token, router: self.router.clone() }
    }

    /// Runs a query without signing in.
    pub async fn nobody(&self, query: &str) -> Answer {
        graphql::send(&self.router, None, query, json!({})).await
    }

    /// Runs a mutation without signing in.
    pub async fn mutate_anonymously(&self, mutation: &str, input: Value) -> Answer {
        self.mutate_anonymously_selecting(mutation, input, "clientMutationId").await
    }

    /// Runs a mutation without signing in, and selects `fields` of the payload.
    pub async fn mutate_anonymously_selecting(&self, mutation: &str, input: Value, fields: &str) -> Answer {
        graphql::send(&self.router, None, &actors::document(mutation, fields), json!({ "input": input })).await
    }

    /// Runs a mutation without signing in, from a client at that address, and selects `fields` of the payload.
    pub async fn mutate_anonymously_from(&self, from: IpAddr, mutation: &str, input: Value, fields: &str) -> Answer {
        let document = actors::document(mutation, fields);
        graphql::send_from(&self.router, from, None, &document, json!({ "input": input })).await
    }

    /// The token in the newest mail to that address.
    pub async fn token_to(&self, email: &str) -> String {
        self.mails_to(email).await.pop().expect("a mail").1
    }

    /// Template and token of the mails to that address, oldest first.
    pub async fn mails_to(&self, email: &str) -> Vec<(String, String)> {
        let mails = "SELECT template, sealed_link FROM mails WHERE recipient = $1 ORDER BY id";
        let rows = self.database.query(mails, &[&email]).await.expect("mails");
        let token = |row: &Row| {
            let link = self.env.keys.open(row.get(1)).expect("a link of ours");
            link.split_once('=').expect("a token in the link").1.to_owned()
        };
        rows.iter().map(|row| (row.get(0), token(row))).collect()
    }

    /// Runs statements on the database.
    pub async fn sql(&self, sql: &str) {
        self.database.batch_execute(sql).await.expect(sql);
    }

    /// Opens all connections of the pool, so that none is opened later.
    pub async fn open_all(&self) {
        let store = &self.env.store;
        let writers = futures_util::future::join_all((0..POOL - READ_CONNECTIONS).map(|_| store.writer())).await;
        let reads = futures_util::future::join_all((0..READ_CONNECTIONS).map(|_| store.read())).await;
        assert!(writers.iter().all(Result::is_ok) && reads.iter().all(Result::is_ok));
    }

    /// The number of rows of a table.
    pub async fn count(&self, table: &str) -> i64 {
        self.number(&format!("SELECT count(*) FROM {table}")).await
    }

    /// The number that a query returns.
    pub async fn number(&self, sql: &str) -> i64 {
        self.database.query_one(sql, &[]).await.expect(sql).get(0)
    }

    /// The texts that a query returns.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        self.database.query(sql, &[]).await.expect(sql).iter().map(|row| row.get(0)).collect()
    }

    /// The content of every table, to check that an operation changed nothing. It excludes the migrations, the
    /// installation, idempotency keys, and days of last activity.
    pub async fn snapshot(&self) -> BTreeMap<String, String> {
        let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'
            AND tablename NOT IN ('__diesel_schema_migrations', 'installation', 'idempotency_keys')";
        let mut snapshot = BTreeMap::new();
        for table in self.texts(tables).await {
            let rows = format!(
                "SELECT coalesce(string_agg(line, E'\\n' ORDER BY line), '')
                 FROM (SELECT (to_jsonb(t) - 'last_active_on')::text AS line FROM {table} t) lines"
            );
            let rows = self.texts(&rows).await.swap_remove(0);
            snapshot.insert(table, rows);
        }
        snapshot
    }

    /// The types of all events, in the order of the log.
    pub async fn log(&self) -> Vec<String> {
        let rows = self.database.query("SELECT type FROM events ORDER BY transaction_id, sequence", &[]).await;
        rows.expect("the log").iter().map(|row| row.get(0)).collect()
    }

    /// The types of the events after the last one of that type.
    pub async fn log_after(&self, kind: &str) -> Vec<String> {
        let after = "SELECT type FROM events WHERE sequence > (SELECT max(sequence) FROM events WHERE type = $1)";
        let rows = self.database.query(after, &[&kind]).await;
        rows.expect("the log").iter().map(|row| row.get(0)).collect()
    }

    /// Waits for background tasks that requests have left behind. The application must be idle otherwise.
    pub async fn settle(&self) {
        let tasks = &self.env.tasks;
        tasks.close();
        tokio::time::timeout(std::time::Duration::from_secs(20), tasks.wait()).await.expect("they end");
        tasks.reopen();
    }

    /// IDs of the events that match a condition, in the order of the log.
    pub async fn event_ids(&self, condition: &str) -> Vec<String> {
        let log = format!(
            "SELECT at, transaction_id, sequence FROM events WHERE {condition} ORDER BY transaction_id, sequence"
        );
        let rows = self.database.query(&log, &[]).await.expect("the log");
        let place = |row: &Row| EventPosition { transaction: row.get(1), sequence: row.get(2) };
        rows.iter().map(|row| EventId::of(row.get::<_, SystemTime>(0).into(), place(row)).to_string()).collect()
    }

    /// Waits until all events can be read: until no older transaction is open in any database of the cluster.
    pub async fn log_settles(&self) {
        let open = "SELECT count(*) FROM events WHERE transaction_id >= event_horizon()";
        while self.number(open).await > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// Terminates the connections that listen for events. Returns their number once they are gone.
    pub async fn end_listeners(&self) -> i64 {
        self.number(&format!("SELECT count(pg_terminate_backend(pid, 20000)) {LISTENERS}")).await
    }

    /// Waits until that many processes listen for events.
    pub async fn wait_for_listeners(&self, count: i64) {
        while self.number(&format!("SELECT count(*) {LISTENERS}")).await != count {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Runs a query whose columns are texts.
    pub async fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let rows = self.database.query(sql, &[]).await.expect(sql);
        rows.iter().map(|row| (0..row.len()).map(|column| row.get(column)).collect()).collect()
    }

    /// The generic plan of a statement, and the types of its parameters. `types` gives the types that PostgreSQL cannot
    /// infer.
    pub async fn plan(&self, statement: &str, types: &[String]) -> (String, Vec<String>) {
        let list = |items: &[String]| if items.is_empty() { String::new() } else { format!("({})", items.join(", ")) };
        let prepare = format!("PREPARE statement{} AS {statement}", list(types));
        self.sql(&format!("SET plan_cache_mode = force_generic_plan; SET enable_memoize = off; {prepare}")).await;
        let types = "SELECT unnest(parameter_types)::text FROM pg_prepared_statements WHERE name = 'statement'";
        let types = self.texts(types).await;
        let nulls = vec!["NULL".to_owned(); types.len()];
        let plan = self.texts(&format!("EXPLAIN EXECUTE statement{}", list(&nulls))).await.join("\n");
        self.sql("DEALLOCATE statement").await;
        (plan, types)
    }

    /// Checks invariants: one owner for each organization, correct counts, derived task statuses, and members as
    /// assignees.
    pub async fn check_invariants(&self) {
        let ownerless = "SELECT count(*) FROM organizations o WHERE 1 <>
            (SELECT count(*) FROM memberships m WHERE m.organization_id = o.id AND m.role = 'OWNER' AND m.user_id = o.owner_id)";
        assert_eq!(self.number(ownerless).await, 0, "organizations without exactly one owner");
        let miscounted = "SELECT count(*) FROM organizations o WHERE o.member_count <>
            (SELECT count(*) FROM memberships m WHERE m.organization_id = o.id)";
        assert_eq!(self.number(miscounted).await, 0, "organizations with a wrong count of members");
        let underived = "SELECT count(*) FROM tasks t WHERE t.status <>
            (SELECT CASE WHEN bool_or(j.stage = 'ANNOTATION') THEN 'ANNOTATION'
                         WHEN bool_and(j.stage = 'ACCEPTANCE' AND j.state = 'COMPLETED') THEN 'COMPLETED'
                         ELSE 'VALIDATION' END::task_status
             FROM jobs j WHERE j.task_id = t.id)";
        assert_eq!(self.number(underived).await, 0, "tasks whose status is not derived from their jobs");
        let jobless = "SELECT count(*) FROM tasks t WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.task_id = t.id)";
        assert_eq!(self.number(jobless).await, 0, "tasks without jobs");
        for table in ["projects", "tasks", "jobs"] {
            let strangers = format!(
                "SELECT count(*) FROM {table} r WHERE r.organization_id IS NOT NULL AND r.assignee_id IS NOT NULL
                 AND NOT EXISTS (SELECT FROM memberships m
                                 WHERE m.organization_id = r.organization_id AND m.user_id = r.assignee_id)"
            );
            assert_eq!(self.number(&strangers).await, 0, "{table} assigned to who is no member");
        }
    }
}
