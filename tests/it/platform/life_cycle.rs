//! The start and the stop of server processes, their rights in the database, and schemas of other releases.

use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

use crate::support::TestApp;
use crate::support::cluster::{Cluster, execute};
use crate::support::server_process::{SECRET, Server, guildhall, mutate_at, run};

const SERVE: [&str; 4] = ["serve", "--listen", "127.0.0.1:0", "--log-format=json"];

/// The URL of a new role in the database of `url`, with the rights that `guildhall grants` prints.
async fn limited_role(url: &str, role: &str) -> String {
    execute(url, &format!("CREATE ROLE {role} LOGIN")).await;
    let printed = run(&["grants", role], &[]).await;
    assert!(printed.status.success());
    execute(url, &String::from_utf8(printed.stdout).expect("text")).await;
    url.replace("guildhall@", &format!("{role}@"))
}

async fn status(server: &Server, path: &str) -> u16 {
    let answer = reqwest::get(format!("http://{}{path}", server.address)).await;
    answer.map_or(0, |answer| answer.status().as_u16())
}

/// What `serve` prints when it cannot start.
async fn refusal(environment: &[(&str, &str)]) -> String {
    let output = run(&SERVE, environment).await;
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn serve_needs_no_right_to_create_anything() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let url = limited_role(&app.url, "limited_server").await;
    let server = Server::start(&url, &[("GUILDHALL_MAIL_WORKER", "on")]).await;
    assert_eq!(status(&server, "/health/ready").await, 200);
    let (at, token) = (server.address, ada.token.as_str());
    let made = mutate_at(at, token, "createOrganization", json!({ "slug": "acme" }), "organization { id }").await;
    let id = made.expect("an organization")["organization"]["id"].clone();
    let invitees = json!([{ "email": "bob@example.org", "role": "WORKER" }]);
    let invite = json!({ "organizationId": id, "invitees": invitees });
    mutate_at(at, token, "inviteMembers", invite, "results { __typename }").await.expect("an invitation");
    mutate_at(
        at,
        token,
        "deleteOrganization",
        json!({ "organizationId": id, "confirmSlug": "acme" }),
        "organization { id }",
    )
    .await
    .expect("gone");
    // The first run of the periodic jobs is over by then.
    sleep(Duration::from_secs(2)).await;
    assert!(!server.log().contains("permission denied"), "{}", server.log());
    let creates = tokio::spawn(async move { execute(&url, "CREATE TABLE not_allowed (id int)").await });
    assert!(creates.await.is_err(), "the role may create tables");
}

#[tokio::test]
async fn requests_wait_for_the_connections_that_the_role_may_open() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    ada.creates("acme").await;
    let url = limited_role(&app.url, "limited_connections").await;
    execute(&app.url, "ALTER ROLE limited_connections CONNECTION LIMIT 6").await;
    let server = Server::start(&url, &[("DATABASE_POOL_SIZE", "10"), ("DATABASE_BATCHING", "off")]).await;
    let client = reqwest::Client::new();
    let body = json!({ "query": "{ organization(slug: \"acme\") { members(first: 10) { totalCount } } }" });
    let requests = (0..80).map(|_| {
        let request = client.post(format!("http://{}/graphql", server.address)).bearer_auth(&ada.token).json(&body);
        async move { request.send().await.expect("an answer").text().await.expect("a body") }
    });
    let answers = futures_util::future::join_all(requests).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.contains("errors")).collect();
    assert!(refused.is_empty(), "{} of 80 refused: {:?}", refused.len(), refused.first());
}

#[tokio::test]
async fn stop_is_announced_before_the_listener_closes() {
    let app = TestApp::new().await;
    let mut server = Server::start(&app.url, &[("GUILDHALL_SHUTDOWN_DELAY", "2")]).await;
    server.signal("TERM");
    let begun = Instant::now();
    while status(&server, "/health/ready").await != 503 {
        assert!(begun.elapsed() < Duration::from_secs(1), "still ready");
    }
    assert_eq!(status(&server, "/health/live").await, 200, "requests are still served");
    assert!(server.ended().await);
    assert!(
        begun.elapsed() >= Duration::from_secs(2) && begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );

    let mut server = Server::start(&app.url, &[("GUILDHALL_SHUTDOWN_DELAY", "60")]).await;
    server.signal("TERM");
    while status(&server, "/health/ready").await != 503 {}
    server.signal("TERM");
    timeout(Duration::from_secs(5), server.ended()).await.expect("the second signal ends it at once");
}

#[tokio::test]
async fn serve_waits_for_the_database_up_to_a_bound() {
    let begun = Instant::now();
    let environment = [
        ("DATABASE_URL", "postgres://me@127.7.20.9:5999/db"),
        ("DATABASE_WAIT_SECONDS", "2"),
        ("GUILDHALL_JWT_SECRET", SECRET),
    ];
    let said = refusal(&environment).await;
    assert!(said.contains("127.7.20.9:5999") && said.contains("connection refused"), "{said}");
    assert!(said.contains("waiting for the database"), "{said}");
    assert!(begun.elapsed() >= Duration::from_secs(1) && begun.elapsed() < Duration::from_secs(10));

    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("postgres://me@{}/db", silent.local_addr().expect("an address"));
    let settings = [("DATABASE_URL", url.as_str()), ("GUILDHALL_JWT_SECRET", SECRET)];
    let mut process = Command::from(guildhall(&SERVE, &settings)).kill_on_drop(true).spawn().expect("the executable");
    let _connection = silent.accept().await.expect("it connects");
    let killed =
        std::process::Command::new("kill").args(["-TERM", &process.id().expect("it runs").to_string()]).status();
    assert!(killed.expect("kill").success());
    timeout(Duration::from_secs(5), process.wait()).await.expect("a signal interrupts the start").expect("it ends");
}

#[tokio::test]
async fn serve_migrates_and_refuses_a_schema_that_is_too_new() {
    let url = Cluster::get().empty_database().await;
    let settings = [("DATABASE_URL", url.as_str()), ("GUILDHALL_JWT_SECRET", SECRET)];
    assert!(refusal(&settings).await.contains("run `guildhall migrate` first"));
    drop(Server::start(&url, &[("GUILDHALL_MIGRATE", "true")]).await);

    execute(&url, "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000000')").await;
    drop(Server::start(&url, &[]).await);
    execute(&url, "UPDATE installation SET compatible_since = '99991231000000'").await;
    assert!(refusal(&settings).await.contains("A newer release has migrated the database"));
}
