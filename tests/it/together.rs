//! While all connections are busy, what is alike is done at once: reads by one statement, writes by one transaction. Nobody can
//! tell by the answer.

use std::sync::Arc;
use std::time::Duration;

use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;
use futures_util::future::{BoxFuture, join_all};
use guildhall::domain::Error;
use guildhall::store::{Connection, Store, Turn};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::{Answer, Person, TestApp, Wire};

/// An application with one connection.
struct Narrow {
    app: Arc<TestApp>,
    wire: Wire,
}

/// Somebody with an organization that has one more member.
struct Team {
    owner: Person,
    id: String,
    membership: String,
}

impl Narrow {
    async fn new() -> Self {
        let (app, wire) = TestApp::wired().await;
        Self { app: Arc::new(app), wire }
    }

    async fn team(&self, name: &str) -> Team {
        let (owner, other) = (self.app.person(name).await, self.app.person(&format!("{name}-2")).await);
        let id = owner.creates(name).await;
        let invitation = owner.invites(&id, &other.email(), "WORKER").await;
        let membership = other.accepts(&invitation).await;
        self.rest().await;
        Team { owner, id, membership }
    }

    async fn teams<const N: usize>(&self, names: [&str; N]) -> Vec<Team> {
        let mut teams = Vec::new();
        for name in names {
            teams.push(self.team(name).await);
        }
        teams
    }

    /// Has nobody's activity noted, and no connection used by anybody.
    async fn rest(&self) {
        self.app.sql("UPDATE memberships SET last_active_on = '2100-01-01'").await;
        self.app.settle().await;
    }

    /// Has all of these wait for the connection before it is free, and tells how many statements they took then.
    async fn meanwhile<R: Send + 'static>(
        &self,
        works: impl IntoIterator<Item = impl Future<Output = R> + Send + 'static>,
    ) -> (Vec<R>, usize) {
        let held = self.app.env.store.read().await.expect("the connection");
        let waiting: Vec<JoinHandle<R>> = works.into_iter().map(tokio::spawn).collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (done, traffic) = self
            .wire
            .during(async {
                drop(held);
                join_all(waiting).await
            })
            .await;
        (done.into_iter().map(|done| done.expect("an end")).collect(), traffic.statements)
    }

    /// Number of the process in the database that the connection is to.
    async fn session(&self) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            pid: i64,
        }
        let mut connection = self.app.env.store.read().await.expect("the connection");
        let row: Row =
            diesel::sql_query("SELECT pg_backend_pid()::bigint AS pid").get_result(&mut *connection).await.unwrap();
        row.pid
    }

    /// Has these wait for the connection again and again, until fewer statements than they are were enough: how many go together
    /// hangs on how long they take. Each time, they are answered the same.
    async fn until_together<R, I>(&self, reads: impl Fn() -> I, answers: &[R])
    where
        R: PartialEq + std::fmt::Debug + Send + 'static,
        I: IntoIterator<Item: Future<Output = R> + Send + 'static>,
    {
        for _ in 0..100 {
            let (found, statements) = self.meanwhile(reads()).await;
            assert_eq!(found, answers);
            if statements < answers.len() {
                return;
            }
        }
        panic!("they never went together");
    }

    /// In how many transactions the events of a kind were written.
    async fn transactions(&self, kind: &str) -> i64 {
        self.app.number(&format!("SELECT count(DISTINCT transaction_id) FROM events WHERE type = '{kind}'")).await
    }

    async fn close(self) {
        self.app.check_invariants().await;
        Arc::into_inner(self.app).expect("the only one").close().await;
    }
}

impl Team {
    fn changes_role(&self, role: &str) -> BoxFuture<'static, Answer> {
        changes_role(&self.owner, &self.membership, role)
    }
}

fn changes_role(by: &Person, membership: &str, role: &str) -> BoxFuture<'static, Answer> {
    let (by, input) = (by.clone(), json!({ "membershipId": membership, "role": role }));
    Box::pin(async move { by.mutate("changeMemberRole", input, "membership { role }").await })
}

fn role_of(answer: Answer) -> Value {
    answer.done()["membership"]["role"].clone()
}

#[tokio::test]
async fn lists_of_several_are_read_at_once_and_each_gets_their_own() {
    let narrow = Narrow::new().await;
    let mut alone = Vec::new();
    let query =
        "{ viewer { organizations(first: 2) { edges { node { slug viewerMembership { role } memberCount } } } } }";
    let teams = narrow.teams(["ada", "bob", "cleo", "dan", "eve"]).await;
    teams[1].owner.creates("another").await;
    for team in &teams {
        alone.push(team.owner.ask(query).await.data());
    }
    narrow.rest().await;
    let asks = || {
        teams.iter().map(|team| {
            let owner = team.owner.clone();
            async move { owner.ask(query).await.data() }
        })
    };
    narrow.until_together(asks, &alone).await;
    narrow.close().await;
}

#[tokio::test]
async fn a_list_of_ids_and_no_value_are_values_as_others_are() {
    let narrow = Narrow::new().await;
    let ask = |ids: Vec<&'static str>, name: Option<&'static str>| {
        let store = narrow.app.env.store.clone();
        async move { texts(&store, ids, name).await }
    };
    let asks = || [ask(vec!["a", "b"], Some("x")), ask(vec![], None), ask(vec!["c"], None)];
    narrow.until_together(asks, &[vec!["a x".to_owned(), "b x".to_owned()], vec![], vec!["c none".to_owned()]]).await;
    narrow.close().await;
}

async fn texts(store: &Store, parts: Vec<&str>, name: Option<&str>) -> Vec<String> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let rows: Vec<Row> = diesel::sql_query("SELECT part || ' ' || coalesce($2, 'none') AS text FROM unnest($1) part")
        .bind::<diesel::sql_types::Array<Text>, _>(parts)
        .bind::<Nullable<Text>, _>(name)
        .load(&mut *store.read().await.expect("a connection"))
        .await
        .expect("rows");
    rows.into_iter().map(|row| row.text).collect()
}

#[tokio::test]
async fn what_goes_wrong_for_one_read_is_told_to_nobody_else() {
    let narrow = Narrow::new().await;
    // From the second time on, they are tried together.
    for _ in 0..4 {
        let asks = [2_i64, 0, 5].map(|by| {
            let store = narrow.app.env.store.clone();
            async move { tenth(&store, by).await }
        });
        let (found, _) = narrow.meanwhile(asks).await;
        assert_eq!(found, [Some(5), None, Some(2)]);
    }
    narrow.close().await;
}

async fn tenth(store: &Store, by: i64) -> Option<i64> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let query = diesel::sql_query("SELECT 10 / $1 AS number").bind::<BigInt, _>(by);
    let row: Result<Row, _> = query.get_result(&mut *store.read().await.expect("a connection")).await;
    row.ok().map(|row| row.number)
}

#[tokio::test]
async fn roles_in_several_organizations_are_changed_by_one_transaction() {
    let narrow = Narrow::new().await;
    let teams = narrow.teams(["ada", "bob", "cleo", "dan"]).await;
    let mut took = 0;
    for (role, times) in [("SUPERVISOR", 1), ("MAINTAINER", 2)] {
        let (answers, statements) = narrow.meanwhile(teams.iter().map(|team| team.changes_role(role))).await;
        assert!(answers.into_iter().all(|answer| role_of(answer) == role));
        assert_eq!(narrow.transactions("MEMBER_ROLE_CHANGED").await, times);
        took = statements;
    }
    // BEGIN, the lock, who comes, the membership; the role, the event, COMMIT.
    assert_eq!(took, 7);
    let told = "SELECT count(DISTINCT (workspace_id, subject_id)) FROM events WHERE type = 'MEMBER_ROLE_CHANGED'
        AND changes -> 0 ->> 'after' = 'SUPERVISOR'";
    assert_eq!(narrow.app.number(told).await, 4);
    assert_eq!(narrow.app.number("SELECT count(*) FROM memberships WHERE role = 'MAINTAINER'").await, 4);
    narrow.close().await;
}

#[tokio::test]
async fn people_are_invited_and_join_by_one_transaction_each() {
    let narrow = Narrow::new().await;
    let teams = narrow.teams(["ada", "bob", "cleo"]).await;
    let guest = narrow.app.person("guest").await;
    let invite = teams.iter().map(|team| {
        let (owner, id, email) = (team.owner.clone(), team.id.clone(), guest.email());
        async move { owner.invites(&id, &email, "SUPERVISOR").await }
    });
    let before = narrow.transactions("INVITATION_CREATED").await;
    let (invitations, _) = narrow.meanwhile(invite).await;
    assert_eq!(narrow.transactions("INVITATION_CREATED").await, before + 1);
    let mails = "SELECT count(*) FROM mails WHERE recipient = 'guest@example.org' AND template = 'invitation'";
    assert_eq!(narrow.app.number(mails).await, 3);
    let accept = invitations.into_iter().map(|invitation| {
        let guest = guest.clone();
        async move { guest.accepts(&invitation).await }
    });
    let before = narrow.transactions("MEMBER_JOINED").await;
    let (memberships, _) = narrow.meanwhile(accept).await;
    assert_eq!(narrow.transactions("MEMBER_JOINED").await, before + 1);
    for membership in memberships {
        assert!(membership.starts_with("mem_"), "{membership}");
    }
    assert_eq!(narrow.app.number("SELECT count(*) FROM organizations WHERE member_count = 3").await, 3);
    narrow.close().await;
}

#[tokio::test]
async fn two_in_one_organization_come_one_after_the_other() {
    let narrow = Narrow::new().await;
    let teams = narrow.teams(["ada", "bob"]).await;
    let changes =
        [teams[0].changes_role("SUPERVISOR"), teams[0].changes_role("MAINTAINER"), teams[1].changes_role("SUPERVISOR")];
    let (answers, _) = narrow.meanwhile(changes).await;
    assert_eq!(answers.into_iter().map(role_of).collect::<Vec<_>>(), ["SUPERVISOR", "MAINTAINER", "SUPERVISOR"]);
    assert_eq!(narrow.transactions("MEMBER_ROLE_CHANGED").await, 2);
    let befores =
        "SELECT count(DISTINCT changes -> 0 ->> 'before') FROM events e JOIN organizations o ON o.id = e.workspace_id
        WHERE o.slug = 'ada' AND e.type = 'MEMBER_ROLE_CHANGED'";
    assert_eq!(narrow.app.number(befores).await, 2, "the second one saw what the first one did");
    narrow.close().await;
}

#[tokio::test]
async fn who_is_refused_holds_nobody_up() {
    let narrow = Narrow::new().await;
    let teams = narrow.teams(["ada", "bob", "cleo"]).await;
    let stranger = narrow.app.person("stranger").await;
    let changes = [
        teams[0].changes_role("SUPERVISOR"),
        changes_role(&stranger, &teams[1].membership, "SUPERVISOR"),
        changes_role(&teams[1].owner, "mem_00000000000000000000000000", "SUPERVISOR"),
        teams[2].changes_role("OWNER"),
        teams[1].changes_role("WORKER"),
    ];
    let (answers, _) = narrow.meanwhile(changes).await;
    let told: Vec<_> = answers.into_iter().map(|answer| answer.refused().into_iter().next()).collect();
    let code = |code: &str| Some(code.to_owned());
    assert_eq!(told, [None, code("NOT_FOUND"), code("NOT_FOUND"), code("ROLE_NOT_ASSIGNABLE"), None]);
    assert_eq!(narrow.app.number("SELECT count(*) FROM events WHERE type = 'MEMBER_ROLE_CHANGED'").await, 1);
    narrow.close().await;
}

#[tokio::test]
async fn where_everybody_is_refused_the_connection_is_as_good_as_before() {
    let narrow = Narrow::new().await;
    let teams = narrow.teams(["ada", "bob"]).await;
    let stranger = narrow.app.person("stranger").await;
    let before = narrow.session().await;
    let changes: Vec<_> = teams.iter().map(|team| changes_role(&stranger, &team.membership, "SUPERVISOR")).collect();
    let (answers, _) = narrow.meanwhile(changes).await;
    assert!(answers.into_iter().all(|answer| answer.refused() == ["NOT_FOUND"]));
    assert_eq!(narrow.session().await, before);
    narrow.close().await;
}

#[tokio::test]
async fn what_goes_wrong_for_one_write_undoes_no_other() {
    let narrow = Narrow::new().await;
    let teams = narrow.teams(["ada", "bob", "cleo"]).await;
    narrow
        .app
        .sql(
            "CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS $$
               BEGIN IF NEW.username = 'bob-2' THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END $$;
             CREATE TRIGGER breaks BEFORE UPDATE OF role ON memberships FOR EACH ROW EXECUTE FUNCTION breaks()",
        )
        .await;
    let (answers, _) = narrow.meanwhile(teams.iter().map(|team| team.changes_role("SUPERVISOR"))).await;
    let codes: Vec<_> = answers.iter().map(|answer| answer.codes().join(" ")).collect();
    assert_eq!(codes, ["", "INTERNAL", ""]);
    let changed = "SELECT count(*) FROM memberships WHERE role = 'SUPERVISOR'";
    assert_eq!(narrow.app.number(changed).await, 2);
    assert_eq!(narrow.app.number("SELECT count(*) FROM events WHERE type = 'MEMBER_ROLE_CHANGED'").await, 2);
    narrow.close().await;
}

#[tokio::test]
async fn nobody_waits_for_an_organization_that_another_wants() {
    let narrow = Narrow::new().await;
    let teams = narrow.teams(["ada", "bob", "cleo"]).await;
    narrow.app.sql("BEGIN; SELECT FROM organizations WHERE slug = 'bob' FOR UPDATE").await;
    let held = narrow.app.env.store.read().await.expect("the connection");
    let mut waiting: Vec<_> = teams.iter().map(|team| tokio::spawn(team.changes_role("SUPERVISOR"))).collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(held);
    let bob = waiting.remove(1);
    for other in waiting {
        assert_eq!(role_of(other.await.expect("an end")), "SUPERVISOR");
    }
    assert!(!bob.is_finished());
    narrow.app.sql("COMMIT").await;
    assert_eq!(role_of(bob.await.expect("an end")), "SUPERVISOR");
    narrow.close().await;
}

#[tokio::test]
async fn who_goes_away_is_not_written_for_and_not_waited_for() {
    let narrow = Narrow::new().await;
    let part = || {
        let store = narrow.app.env.store.clone();
        async move {
            match store.turn("a test").await.expect("a turn") {
                Turn::Among(part) => part,
                Turn::Alone(_) => panic!("nobody else came"),
            }
        }
    };
    let (parts, _) = narrow.meanwhile([part(), part(), part()]).await;
    let [gone, goes, stays] = <[_; 3]>::try_from(parts).ok().expect("three");
    drop(gone);
    let goes = tokio::spawn(goes.transaction(async |tx: &mut Connection| {
        note(tx, "goes").await;
        std::future::pending::<Result<(), Error>>().await
    }));
    let stays = tokio::spawn(stays.transaction(async |tx: &mut Connection| {
        note(tx, "stays").await;
        note(tx, "still stays").await;
        Ok(())
    }));
    tokio::time::sleep(Duration::from_millis(100)).await;
    goes.abort();
    let _ = goes.await;
    stays.await.expect("an end").expect("was not dismissed").expect("done");
    narrow.close().await;
}

async fn note(tx: &mut Connection, text: &str) {
    diesel::sql_query("SELECT $1 AS text").bind::<Text, _>(text).load::<Nothing>(tx).await.expect("a row");
}

#[derive(diesel::QueryableByName)]
struct Nothing {}
