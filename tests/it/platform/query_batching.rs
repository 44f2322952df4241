//! Batching of reads: while the in-flight limit is reached, reads with the same text run as one query, and each caller
//! gets its own rows.

use std::time::Duration;

use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;
use futures_util::future::join_all;
use guildhall::store::Database;
use tokio::task::JoinHandle;

use crate::support::{TestApp, Wire};

/// An application with one connection.
struct SingleConnectionApp {
    app: TestApp,
    wire: Wire,
}

impl SingleConnectionApp {
    async fn new() -> Self {
        let (app, wire) = TestApp::wired().await;
        Self { app, wire }
    }

    /// Starts all reads while the connection is in use. Returns their results, and the number of statements that they
    /// took.
    async fn run_while_busy<R: Send + 'static>(
        &self,
        reads: impl IntoIterator<Item = impl Future<Output = R> + Send + 'static>,
    ) -> (Vec<R>, usize) {
        let held = self.app.env.store.read().await.expect("the connection");
        let waiting: Vec<JoinHandle<R>> = reads.into_iter().map(tokio::spawn).collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (results, traffic) = self
            .wire
            .during(async {
                drop(held);
                join_all(waiting).await
            })
            .await;
        (results.into_iter().map(|result| result.expect("a result")).collect(), traffic.statements)
    }

    /// Repeats the reads until they took fewer statements than there are reads: the size of a batch depends on how long
    /// its statements take. The results are `expected` each time.
    async fn run_until_batched<R, I>(&self, reads: impl Fn() -> I, expected: &[R])
    where
        R: PartialEq + std::fmt::Debug + Send + 'static,
        I: IntoIterator<Item: Future<Output = R> + Send + 'static>,
    {
        for _ in 0..100 {
            let (results, statements) = self.run_while_busy(reads()).await;
            assert_eq!(results, expected);
            if statements < expected.len() {
                return;
            }
        }
        panic!("the reads were never batched");
    }
}

#[tokio::test]
async fn batched_lists_return_the_rows_of_each_viewer() {
    let single = SingleConnectionApp::new().await;
    let query =
        "{ viewer { organizations(first: 2) { edges { node { slug viewerMembership { role } memberCount } } } } }";
    let (mut owners, mut expected) = (Vec::new(), Vec::new());
    for name in ["ada", "bob", "cleo", "dan", "eve"] {
        let owner = single.app.person(name).await;
        owner.creates(name).await;
        owners.push(owner);
    }
    owners[1].creates("another").await;
    single.app.sql("UPDATE memberships SET last_active_on = '2100-01-01'").await;
    single.app.settle().await;
    for owner in &owners {
        expected.push(owner.ask(query).await.data());
    }
    let reads = || {
        owners.iter().map(|owner| {
            let owner = owner.clone();
            async move { owner.ask(query).await.data() }
        })
    };
    single.run_until_batched(reads, &expected).await;
    single.app.close().await;
}

#[tokio::test]
async fn batched_reads_take_arrays_and_nulls() {
    let single = SingleConnectionApp::new().await;
    let read = |parts: Vec<&'static str>, name: Option<&'static str>| {
        let store = single.app.env.store.clone();
        async move { texts(&store, parts, name).await }
    };
    let reads = || [read(vec!["a", "b"], Some("x")), read(vec![], None), read(vec!["c"], None)];
    let expected = [vec!["a x".to_owned(), "b x".to_owned()], vec![], vec!["c none".to_owned()]];
    single.run_until_batched(reads, &expected).await;
    single.app.close().await;
}

async fn texts(store: &Database, parts: Vec<&str>, name: Option<&str>) -> Vec<String> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let rows: Vec<Row> = diesel::sql_query("SELECT part || ' ' || coalesce($2, 'none') AS text FROM unnest($1) part")
        .bind::<Array<Text>, _>(parts)
        .bind::<Nullable<Text>, _>(name)
        .load(&mut *store.read().await.expect("a connection"))
        .await
        .expect("rows");
    rows.into_iter().map(|row| row.text).collect()
}

#[tokio::test]
async fn batched_read_that_fails_does_not_affect_the_others() {
    let single = SingleConnectionApp::new().await;
    // From the second round on, the reads are batched.
    for _ in 0..4 {
        let reads = [2_i64, 0, 5].map(|divisor| {
            let store = single.app.env.store.clone();
            async move { ten_divided_by(&store, divisor).await }
        });
        let (results, _) = single.run_while_busy(reads).await;
        assert_eq!(results, [Some(5), None, Some(2)]);
    }
    single.app.close().await;
}

#[tokio::test]
async fn batched_read_that_is_cancelled_does_not_affect_the_others() {
    let single = SingleConnectionApp::new().await;
    let read = |divisor| {
        let store = single.app.env.store.clone();
        tokio::spawn(async move { ten_divided_by(&store, divisor).await })
    };
    for _ in 0..4 {
        let held = single.app.env.store.read().await.expect("the connection");
        let waiting = [1, 2, 5].map(&read);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let [first, second, third] = waiting;
        first.abort();
        drop(held);
        assert_eq!((second.await.expect("a result"), third.await.expect("a result")), (Some(5), Some(2)));
    }
    single.app.close().await;
}

async fn ten_divided_by(store: &Database, divisor: i64) -> Option<i64> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let query = diesel::sql_query("SELECT 10 / $1 AS number").bind::<BigInt, _>(divisor);
    let row: Result<Row, _> = query.get_result(&mut *store.read().await.expect("a connection")).await;
    row.ok().map(|row| row.number)
}

#[tokio::test]
async fn read_connections_refuse_writes_while_batched() {
    let single = SingleConnectionApp::new().await;
    let store = &single.app.env.store;
    let held = store.read().await.expect("the connection");
    let mut batched = store.read().await.expect("a batched connection");
    let update = diesel::sql_query("UPDATE users SET display_name = 'x'").execute(&mut *batched).await;
    assert!(update.is_err_and(|error| error.to_string().contains("for reads")));
    drop((held, batched));
    single.app.close().await;
}

#[tokio::test]
async fn reads_are_answered_while_every_writer_waits_for_a_lock() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("ada").await;
    app.settle().await;
    app.sql("BEGIN; SELECT FROM organizations FOR UPDATE").await;
    let updates: Vec<_> = (0..40)
        .map(|number| {
            let (ada, id) = (ada.clone(), id.clone());
            tokio::spawn(async move {
                let input = serde_json::json!({ "organizationId": id, "description": number.to_string() });
                ada.mutate("updateOrganization", input, "organization { description }").await
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let read = tokio::time::timeout(Duration::from_secs(2), ada.ask("{ viewer { user { username } } }")).await;
    assert_eq!(read.expect("an answer in time").data()["viewer"]["user"]["username"], "ada");
    assert!(updates.iter().all(|update| !update.is_finished()));
    app.sql("COMMIT").await;
    for update in updates {
        update.await.expect("an end").done();
    }
    app.close().await;
}
