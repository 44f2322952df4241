//! A list of 1, 10 and 100 takes the same number of SQL statements.

use std::cell::Cell;

use diesel::connection::InstrumentationEvent;
use serde_json::json;

use crate::support::TestApp;

thread_local! {
    /// Statements of this thread. A test has a thread of its own, and all that it waits for runs there.
    static STATEMENTS: Cell<usize> = const { Cell::new(0) };
}

fn count_statements() {
    diesel::connection::set_default_instrumentation(|| {
        Some(Box::new(|event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                STATEMENTS.set(STATEMENTS.get() + 1);
            }
        }))
    })
    .expect("instrumentation");
}

/// How many statements a query takes, the second time that it is asked.
async fn statements(app: &TestApp, ada: &crate::support::Person, query: &str, first: i32) -> usize {
    let variables = json!({ "first": first });
    ada.run(query, variables.clone()).await.data();
    app.settle().await;
    let before = STATEMENTS.get();
    ada.run(query, variables).await.data();
    STATEMENTS.get() - before
}

/// 100 organizations of one owner, the first with 100 members and 100 invitations.
async fn world() -> (TestApp, crate::support::Person) {
    count_statements();
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    app.sql(
        "BEGIN;
         INSERT INTO users (id, username, email, email_verified_at, created_at)
           SELECT gen_random_uuid(), 'user-' || n, 'user-' || n || '@example.org', now(), now() FROM generate_series(1, 99) n;
         INSERT INTO organizations (id, slug, owner_id, member_count, created_at, updated_at)
           SELECT gen_random_uuid(), 'org-' || n, u.id, CASE n WHEN 1 THEN 100 ELSE 1 END, now() + n * interval '1 s', now()
           FROM generate_series(1, 100) n, users u WHERE u.username = 'ada';
         INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at, last_active_on)
           SELECT gen_random_uuid(), o.id, u.id, u.username, 'OWNER', o.created_at, '2100-01-01' FROM organizations o, users u WHERE u.username = 'ada';
         INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at, invited_by)
           SELECT gen_random_uuid(), o.id, u.id, u.username, 'WORKER', now(), o.owner_id
           FROM organizations o, users u WHERE o.slug = 'org-1' AND u.username <> 'ada';
         INSERT INTO invitations (id, organization_id, email, role, inviter_id, created_at, expires_at, sent_requested_at)
           SELECT gen_random_uuid(), o.id, 'p' || n || '@example.org', 'WORKER', u.id, now(), now() + interval '7 d', now()
           FROM organizations o, generate_series(1, 100) n JOIN users u ON u.username = CASE n WHEN 100 THEN 'ada' ELSE 'user-' || n END
           WHERE o.slug = 'org-1';
         COMMIT"
    )
    .await;
    (app, ada)
}

async fn takes(query: &str, expected: usize) {
    let (app, ada) = world().await;
    let mut counts = Vec::new();
    for first in [1, 10, 100] {
        counts.push(statements(&app, &ada, query, first).await);
    }
    assert_eq!(counts, [expected; 3]);
    app.close().await;
}

#[tokio::test]
async fn an_organization_and_its_members_take_three_statements() {
    takes(r#"query Q($first: Int!) { organization(slug: "org-1") { members(first: $first) { nodes { role user { username email } } } } }"#, 3).await;
}

#[tokio::test]
async fn the_viewers_organizations_take_two_statements() {
    takes("query Q($first: Int!) { viewer { organizations(first: $first) { nodes { slug memberCount viewerMembership { role } } } } }", 2).await;
}

#[tokio::test]
async fn members_of_the_viewers_organizations_take_no_statement_per_organization() {
    takes("query Q($first: Int!) { viewer { organizations(first: $first) { nodes { slug members(first: 10) { nodes { role user { username } } } } } } }", 4).await;
}

#[tokio::test]
async fn invitations_and_their_inviters_take_no_statement_per_invitation() {
    takes(r#"query Q($first: Int!) { organization(slug: "org-1") { invitations(first: $first) { nodes { email role inviter { username } } } } }"#, 4).await;
}

#[tokio::test]
async fn offers_of_ownership_take_no_statement_per_organization() {
    takes("query Q($first: Int!) { viewer { organizations(first: $first) { nodes { slug ownershipOffer { to { username } } } } } }", 3).await;
}

#[tokio::test]
async fn inviting_takes_no_statement_per_person() {
    count_statements();
    let app = TestApp::with(|settings| settings.rules.rate_limits = false).await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let mut counts = Vec::new();
    for number in [1, 1, 10, 100] {
        let people: Vec<_> = (0..number)
            .map(|n| json!({ "email": format!("p{}-{n}@example.org", counts.len()), "role": "WORKER" }))
            .collect();
        let input = json!({ "organizationId": id, "invitees": people, "idempotencyKey": format!("{}", counts.len()) });
        let before = STATEMENTS.get();
        let fields = "results { invitation { id status inviter { username } } }";
        let invited = ada.mutate("inviteMembers", input, fields).await.done();
        assert!(invited["results"][number - 1]["invitation"]["id"].is_string());
        counts.push(STATEMENTS.get() - before);
        app.settle().await;
    }
    assert_eq!(counts[2..], [counts[1]; 2], "the first opens connections");
    app.close().await;
}

#[tokio::test]
async fn an_idempotency_key_takes_two_statements_and_its_repeat_no_more_than_a_read() {
    count_statements();
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let membership = bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
    let change = async |role: &str, key: Option<&str>| {
        app.settle().await;
        let before = STATEMENTS.get();
        let input = json!({ "membershipId": membership, "role": role, "idempotencyKey": key });
        ada.mutate("changeMemberRole", input, "membership { role }").await.done();
        STATEMENTS.get() - before
    };
    change("SUPERVISOR", None).await;
    let without = change("MAINTAINER", None).await;
    let with = change("WORKER", Some("k")).await;
    assert_eq!(with, without + 2, "the key, and what the write came to");
    let repeat = change("WORKER", Some("k")).await;
    // The beginning and the end of the transaction, the key twice, the membership and its organization.
    assert_eq!(repeat, 6);
    app.close().await;
}

#[tokio::test]
async fn plans_seats_limits_and_billing_take_no_statement_per_organization() {
    let query = "query Q($first: Int!) { viewer { organizations(first: $first) { nodes {
        slug plan { tier renewsAt } seats { used reserved total } limits { kind used max } billing { amount } } } } }";
    takes(query, 5).await;
}
