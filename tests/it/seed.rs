//! Data sets: the demo data, the load test data, and the export of a CVAT.

use std::path::Path;

use guildhall::import::cvat;
use guildhall::seed::{demo, load_test};
use serde_json::json;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn demo_data_loads_once_and_its_users_can_sign_in() {
    let app = TestApp::new().await;
    assert!(demo::load(&app.env).await.expect("it loads"));
    assert!(!demo::load(&app.env).await.expect("it is there"), "once");
    app.check_invariants().await;
    assert_eq!(app.count("tasks").await, app.number("SELECT count(*) FROM events WHERE type = 'TASK_CREATED'").await);
    assert_eq!(app.count("jobs").await, app.number("SELECT count(*) FROM events WHERE type = 'JOB_CREATED'").await);
    for person in demo::PEOPLE.iter().take(3) {
        let input = json!({ "login": person.username, "password": demo::PASSWORD });
        let payload = app.mutate_anonymously_selecting("signIn", input, "viewer { user { username } }").await.done();
        assert_eq!(payload["viewer"]["user"]["username"], person.username);
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn load_test_seed_creates_the_requested_size_and_keeps_invariants() {
    let app = TestApp::new().await;
    let size = || load_test::Seed { users: 300, organizations: 40, memberships: 900 };
    load_test::run(&app.env.store, size()).await.expect("it seeds");
    assert_eq!(
        (app.count("users").await, app.count("organizations").await, app.count("memberships").await),
        (300, 40, 900)
    );
    app.check_invariants().await;
    assert!(load_test::run(&app.env.store, size()).await.is_err(), "refused over existing users");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cvat_import_creates_users_who_can_sign_in_after_a_reset() {
    let app = TestApp::new().await;
    let export = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cvat");
    let options = cvat::Options { source: None, dry_run: true, progress: &|_, _| () };
    let rehearsed = cvat::import(&app.env.store, &app.env.clock, &export, options).await.expect("it would import");
    assert!(rehearsed.to_string().contains("nothing was written"), "{rehearsed}");
    for table in ["users", "organizations", "memberships", "invitations", "events"] {
        assert_eq!(app.count(table).await, 0, "the dry run wrote {table}");
    }
    let options = cvat::Options { dry_run: false, ..options };
    let report = cvat::import(&app.env.store, &app.env.clock, &export, options).await.expect("it imports");
    assert_eq!(cvat::Report { dry_run: true, ..report.clone() }, rehearsed, "it reports the same");
    assert!(report.to_string().contains("21"), "{report}");
    for (table, rows) in [("users", 21), ("organizations", 3), ("memberships", 16), ("invitations", 13)] {
        assert_eq!(app.count(table).await, rows, "{table}");
    }
    app.check_invariants().await;
    app.mutate_anonymously("requestPasswordReset", json!({ "email": "user1@cvat.org" })).await.done();
    let token = app.token_to("user1@cvat.org").await;
    let reset = json!({ "token": token, "newPassword": "correct horse battery" });
    app.mutate_anonymously("resetPassword", reset).await.done();
    let input = json!({ "login": "user1", "password": "correct horse battery" });
    let fields = "viewer { emailVerified organizations { nodes { slug viewerMembership { role } } } }";
    let signed_in = app.mutate_anonymously_selecting("signIn", input, fields).await.done();
    assert_eq!(signed_in["viewer"]["emailVerified"], true, "the reset mail proved the address");
    let organizations = signed_in["viewer"]["organizations"]["nodes"].as_array().expect("nodes").clone();
    assert!(
        organizations.contains(&json!({ "slug": "org1", "viewerMembership": { "role": "OWNER" } })),
        "{organizations:?}"
    );
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readme_queries_return_what_the_readme_says() {
    let app = TestApp::new().await;
    demo::load(&app.env).await.expect("it loads");
    let readme = include_str!("../../README.md");
    let queries: Vec<&str> = readme.split("```graphql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [sign_in, rules, mine, members, invite, work] = queries[..] else { panic!("six queries") };

    let signed_in = app.nobody(sign_in).await.done();
    let mira = app.holder("mira", signed_in["session"]["accessToken"].as_str().expect("a token").to_owned());
    assert_eq!(app.nobody(rules).await.data()["roles"].as_array().map(Vec::len), Some(4));
    let organization = mira.ask(mine).await.data()["viewer"]["organizations"]["nodes"][0].clone();
    assert_eq!(organization["slug"], "pixel-pals");
    let page = mira.ask(members).await.data()["organization"].clone();
    assert_eq!(page["members"]["totalCount"], organization["memberCount"]);
    assert!(page["invitations"]["nodes"].as_array().is_some_and(|nodes| !nodes.is_empty()));
    let invited = mira.run(invite, json!({ "organizationId": organization["id"] })).await.done();
    assert_eq!(invited["results"][0]["invitation"]["status"], "PENDING");
    let workspace = mira.run(work, json!({ "workspaceId": organization["id"] })).await.data()["node"].clone();
    for list in ["projects", "tasks"] {
        assert!(workspace[list]["nodes"].as_array().is_some_and(|nodes| !nodes.is_empty()), "{list}");
    }
    app.close().await;
}
