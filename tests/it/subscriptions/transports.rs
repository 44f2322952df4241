//! Transports of subscriptions: WebSocket and server-sent events.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use chrono::TimeDelta;
use guildhall::config::{Origins, RateLimits};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::support::socket::Socket;
use crate::support::{Person, TestApp};

const FOLLOW: &str = "subscription S($id: ID!, $after: String) {
    workspaceEvents(workspaceId: $id, after: $after) { cursor type } }";

async fn rename(person: &Person, organization: &str, name: &str) {
    let input = json!({ "organizationId": organization, "name": name });
    person.mutate("updateOrganization", input, "organization { id }").await.done();
}

/// Waits until the hub has that many subscribers.
async fn listeners(app: &TestApp, count: usize) {
    let listening = async {
        while app.env.hub.listeners() != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), listening).await.expect("so many listen");
}

/// A served application, and Ada with an organization.
async fn served() -> (TestApp, SocketAddr, Person, String) {
    let app = TestApp::with(|_| {}).await;
    let address = app.serve().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    (app, address, ada, id)
}

fn event(message: &Value) -> &Value {
    &message["payload"]["data"]["workspaceEvents"]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn websocket_delivers_events_and_resumes_by_cursor() {
    let (app, address, ada, id) = served().await;
    let cursor = app.last_cursor(&ada, &id).await;
    let mut socket = Socket::open_for(address, &ada.token).await;
    socket.subscribe("a", FOLLOW, json!({ "id": id, "after": cursor })).await;
    rename(&ada, &id, "First").await;
    let first = socket.hears().await;
    assert_eq!((&first["type"], &first["id"]), (&json!("next"), &json!("a")));
    assert_eq!(event(&first)["type"], "ORGANIZATION_UPDATED");
    drop(socket);
    listeners(&app, 0).await;

    rename(&ada, &id, "Second").await;
    let mut socket = Socket::open_for(address, &ada.token).await;
    socket.subscribe("b", FOLLOW, json!({ "id": id, "after": event(&first)["cursor"] })).await;
    let second = socket.hears().await;
    assert_eq!(event(&second)["type"], "ORGANIZATION_UPDATED");
    assert_ne!(event(&second)["cursor"], event(&first)["cursor"]);
    assert!(socket.is_silent().await, "each event once");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn websocket_runs_all_operation_types_with_the_checks_of_http() {
    let (app, address, ada, id) = served().await;
    let mut socket = Socket::open_for(address, &ada.token).await;
    socket.subscribe("q", "{ viewer { email } }", json!({})).await;
    assert_eq!(socket.hears().await["payload"]["data"]["viewer"]["email"], ada.email());
    assert_eq!(socket.hears().await, json!({ "type": "complete", "id": "q" }));

    let create = r#"mutation { createOrganization(input: { slug: "other" }) { organization { slug } } }"#;
    socket.subscribe("q", create, json!({})).await;
    assert_eq!(socket.hears().await["payload"]["data"]["createOrganization"]["organization"]["slug"], "other");
    assert_eq!(socket.hears().await["type"], "complete");

    let twice = "subscription { viewerEvents { id } workspaceEvents(workspaceId: 1) { id } }";
    let deep = "{a".repeat(100);
    for (query, code) in [
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nope }", "GRAPHQL_VALIDATION_FAILED"),
        (twice, "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        (&deep, "TOO_COMPLEX"),
        (FOLLOW, "GRAPHQL_VALIDATION_FAILED"),
    ] {
        socket.subscribe("q", query, json!({})).await;
        let refused = socket.hears().await;
        assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("q")), "{query}");
        assert_eq!(refused["payload"][0]["extensions"]["code"], code, "{query}");
    }
    for (variables, code) in
        [(json!({ "id": id, "after": "?" }), "INVALID_CURSOR"), (json!({ "id": "org_none" }), "FORBIDDEN")]
    {
        socket.subscribe("q", FOLLOW, variables).await;
        let failed = socket.hears().await;
        assert_eq!(failed["payload"]["errors"][0]["extensions"]["code"], code, "{failed}");
        assert_eq!(failed["type"], "next");
        assert_eq!(socket.hears().await, json!({ "type": "complete", "id": "q" }));
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn websocket_complete_ends_the_subscription() {
    let (app, address, ada, id) = served().await;
    let mut socket = Socket::open_for(address, &ada.token).await;
    socket.subscribe("a", FOLLOW, json!({ "id": id })).await;
    listeners(&app, 1).await;
    socket.say(json!({ "type": "complete", "id": "a" })).await;
    listeners(&app, 0).await;
    rename(&ada, &id, "Renamed").await;
    assert!(socket.is_silent().await, "no event, and no complete either");
    socket.say(json!({ "type": "ping" })).await;
    assert_eq!(socket.hears().await, json!({ "type": "pong" }));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn websocket_protocol_violations_close_with_their_codes() {
    let (app, address, ada, id) = served().await;
    let init = json!({ "type": "connection_init" });
    let mut silent = Socket::open(address).await;

    for payload in
        [json!({ "Authorization": "Bearer nonsense" }), json!({ "token": "nonsense" }), json!({ "token": 1 })]
    {
        let mut socket = Socket::open(address).await;
        socket.say(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.close_code().await, 4401, "{payload}");
    }
    let mut hasty = Socket::open(address).await;
    hasty.subscribe("a", "{ __typename }", json!({})).await;
    assert_eq!(hasty.close_code().await, 4401);
    let mut twice = Socket::open(address).await;
    twice.say(init.clone()).await;
    twice.hears().await;
    twice.say(init).await;
    assert_eq!(twice.close_code().await, 4429);
    let mut same = Socket::open_for(address, &ada.token).await;
    same.subscribe("a", FOLLOW, json!({ "id": id })).await;
    same.subscribe("a", FOLLOW, json!({ "id": id })).await;
    assert_eq!(same.close_code().await, 4409);
    let mut odd = Socket::open(address).await;
    odd.say(json!({ "type": "start" })).await;
    assert_eq!(odd.close_code().await, 4400);
    let mut large = Socket::open(address).await;
    large.say(json!({ "type": "ping", "payload": { "a": "x".repeat(1 << 20) } })).await;
    assert_eq!(large.close_code().await, 1009);

    assert_eq!(Socket::try_open(address, "graphql-ws").await.err(), Some(400), "the older protocol");
    assert_eq!(silent.close_code().await, 4408);
    listeners(&app, 0).await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn websocket_closes_when_the_token_expires_after_its_subscriptions_end() {
    let (app, address, ada, id) = served().await;
    let mut socket = Socket::open_for(address, &ada.token).await;
    socket.subscribe("a", FOLLOW, json!({ "id": id })).await;
    listeners(&app, 1).await;
    app.env.clock.advance(TimeDelta::minutes(20));
    assert_eq!(socket.hears().await["payload"]["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(socket.hears().await, json!({ "type": "complete", "id": "a" }));
    assert_eq!(socket.close_code().await, 4401);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn websocket_close_by_the_client_is_answered() {
    let (app, address, ada, id) = served().await;
    let mut socket = Socket::open_for(address, &ada.token).await;
    socket.subscribe("a", FOLLOW, json!({ "id": id })).await;
    listeners(&app, 1).await;
    assert_eq!(socket.close(1000).await, 1000);
    listeners(&app, 0).await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sse_stream_ends_when_the_token_expires() {
    let (app, address, ada, id) = served().await;
    let request_body = json!({ "query": FOLLOW, "variables": { "id": id } });
    let stream = post(address, &ada.token, "text/event-stream", request_body).await;
    listeners(&app, 1).await;
    app.env.clock.advance(TimeDelta::minutes(20));
    let body = stream.text().await.expect("a body");
    assert!(body.contains("UNAUTHENTICATED") && body.trim_end().ends_with("event: complete\ndata:"), "{body}");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_closes_websockets_with_1012_and_completes_sse_streams() {
    let (app, address, ada, id) = served().await;
    let mut socket = Socket::open_for(address, &ada.token).await;
    socket.subscribe("a", FOLLOW, json!({ "id": id })).await;
    let stream =
        post(address, &ada.token, "text/event-stream", json!({ "query": FOLLOW, "variables": { "id": id } })).await;
    listeners(&app, 2).await;
    app.app.shutdown.soft.cancel();
    assert_eq!(socket.close_code().await, 1012, "the socket closes without `complete`");
    let body = stream.text().await.expect("a body");
    assert!(body.contains("SHUTTING_DOWN") && body.trim_end().ends_with("event: complete\ndata:"), "{body}");
    tokio::time::timeout(Duration::from_secs(5), app.app.shutdown.tasks.wait()).await.expect("nothing is left");
    app.close().await;
}

async fn post(address: SocketAddr, token: &str, accept: &str, body: Value) -> reqwest::Response {
    let request = reqwest::Client::new().post(format!("http://{address}/graphql"));
    let request = request.bearer_auth(token).header(ACCEPT, accept).header(CONTENT_TYPE, "application/json");
    request.body(body.to_string()).send().await.expect("a response")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sse_stream_delivers_results_and_completes() {
    let (app, address, ada, id) = served().await;
    let stream = "text/event-stream";
    let variables = json!({ "id": id, "after": app.last_cursor(&ada, &id).await });
    let mut response = post(address, &ada.token, stream, json!({ "query": FOLLOW, "variables": variables })).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()[CONTENT_TYPE]),
        (200, &stream.parse().expect("a type"))
    );
    rename(&ada, &id, "Renamed").await;
    let chunk = tokio::time::timeout(Duration::from_secs(20), response.chunk()).await.expect("something comes");
    let text = String::from_utf8(chunk.expect("no error").expect("no end").to_vec()).expect("UTF-8");
    let data = text.strip_prefix("event: next\ndata: ").expect("an event");
    let data: Value = serde_json::from_str(data.trim_end()).expect("JSON");
    assert_eq!(data["data"]["workspaceEvents"]["type"], "ORGANIZATION_UPDATED");
    drop(response);
    listeners(&app, 0).await;

    let whole = async |query: &str| {
        let response = post(address, &ada.token, stream, json!({ "query": query })).await;
        assert_eq!(response.status(), 200, "{query}");
        response.text().await.expect("a body")
    };
    let query = whole("{ viewer { email } }").await;
    assert_eq!(
        query.trim_end(),
        "event: next\ndata: {\"data\":{\"viewer\":{\"email\":\"ada@example.org\"}}}\n\nevent: complete\ndata:"
    );
    for (refused, code) in [("{ nope }", "GRAPHQL_VALIDATION_FAILED"), ("{", "GRAPHQL_PARSE_FAILED")] {
        let body = whole(refused).await;
        assert!(body.contains(code) && body.trim_end().ends_with("event: complete\ndata:"), "{body}");
    }

    let bad = post(address, "nonsense", stream, json!({ "query": "{ viewer { email } }" })).await;
    assert_eq!(bad.status(), 401);
    let at_once =
        post(address, &ada.token, "application/json", json!({ "query": FOLLOW, "variables": variables })).await;
    assert_eq!(at_once.status(), 406);
    assert!(at_once.text().await.expect("a body").contains("text/event-stream"));
    let either = "application/json, text/event-stream";
    let json = post(address, &ada.token, either, json!({ "query": "{ __typename }" })).await;
    assert!(json.headers()[CONTENT_TYPE].to_str().expect("a type").starts_with("application/json"));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn websocket_upgrade_refuses_origins_that_are_not_allowed() {
    let app = TestApp::with(|settings| {
        settings.access.origins = Origins::parse("https://app.example.org").expect("an origin");
    })
    .await;
    let address = app.serve().await;
    for good in ["https://app.example.org", &format!("http://{address}")] {
        assert!(Socket::try_open_from(address, good).await.is_ok(), "{good}");
    }
    for bad in ["https://evil.example", "null", "http://127.0.0.1:1", "https://app.example.org.evil.example"] {
        assert_eq!(Socket::try_open_from(address, bad).await.err(), Some(403), "{bad}");
    }
    assert!(Socket::try_open(address, "graphql-transport-ws").await.is_ok(), "no page");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stream_limits_apply_per_account_and_per_address() {
    let app = TestApp::with(|settings| {
        settings.access.bounds =
            Some(RateLimits { streams_per_actor: 2, streams_per_address: 4, ..RateLimits::default() });
    })
    .await;
    let address = app.serve().await;
    let (ada, eve) = (app.person("ada").await, app.person("eve").await);
    let init = |person: &Person| json!({ "type": "connection_init", "payload": { "token": person.token } });
    let first = Socket::open_for(address, &ada.token).await;
    let second = Socket::open_for(address, &ada.token).await;
    let mut third = Socket::open(address).await;
    third.say(init(&ada)).await;
    assert_eq!(third.close_code().await, 4403);
    let follow = json!({ "query": "subscription { viewerEvents { id } }" });
    let stream = post(address, &ada.token, "text/event-stream", follow.clone()).await;
    assert_eq!((stream.status().as_u16(), stream.headers().contains_key("retry-after")), (429, true));

    let stream = post(address, &eve.token, "text/event-stream", follow).await;
    assert_eq!(stream.status(), 200);
    let _fourth = opens(address).await;
    assert_eq!(Socket::try_open(address, "graphql-transport-ws").await.err(), Some(429));
    drop((first, second, stream));
    let _again = opens(address).await;
    app.close().await;
}

/// Opens a socket, as soon as the limit allows one.
async fn opens(address: SocketAddr) -> Socket {
    let opening = async {
        loop {
            match Socket::try_open(address, "graphql-transport-ws").await {
                Ok(socket) => return socket,
                Err(status) => assert_eq!(status, 429),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), opening).await.expect("a place")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rate_limit_refusal_says_when_to_retry() {
    let app = TestApp::with(|settings| {
        let points = |points| NonZeroU32::new(points).expect("some");
        settings.access.bounds =
            Some(RateLimits { per_actor: points(1_000), per_address: points(5_000), ..RateLimits::default() });
    })
    .await;
    let address = app.serve().await;
    let ada = app.person("ada").await;
    let ask = |token: String| async move {
        post(address, &token, "application/json", json!({ "query": "{ viewer { isAdmin } }" })).await
    };
    let mut socket = Socket::open_for(address, &ada.token).await;
    let refused = loop {
        let response = ask(ada.token.clone()).await;
        if response.status() != 200 {
            break response;
        }
    };
    let wait: u64 = refused.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!(refused.status() == 429 && (1..=60).contains(&wait), "{refused:?}");
    let answer: Value = refused.json().await.expect("JSON");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    assert!(answer.get("data").is_none());
    let retry_at = answer["errors"][0]["extensions"]["retryAt"].as_str().expect("a time");
    let retry_at = chrono::DateTime::parse_from_rfc3339(retry_at).expect("RFC 3339");
    assert!(retry_at.to_utc() > app.env.clock.now());
    socket.subscribe("a", "{ viewer { isAdmin } }", json!({})).await;
    let message = socket.hears().await;
    assert_eq!(
        (&message["type"], &message["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("RATE_LIMITED"))
    );

    // Another account has its own points, until those of the address are used up.
    let eve = app.person("eve").await;
    assert_eq!(ask(eve.token).await.status(), 200);
    let mut spent = false;
    for name in ["kim", "lee", "max", "noa", "ole", "pia", "quin"] {
        let token = app.person(name).await.token;
        for _ in 0..8 {
            spent |= ask(token.clone()).await.status() == 429;
        }
    }
    assert!(spent);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cors_allows_configured_origins_only() {
    let app = TestApp::with(|settings| {
        settings.access.origins = Origins::parse("https://app.example.org").expect("an origin");
    })
    .await;
    let address = app.serve().await;
    let preflight = async |origin: &str| {
        let request = reqwest::Client::new().request(reqwest::Method::OPTIONS, format!("http://{address}/graphql"));
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        request.header("access-control-request-headers", "authorization,content-type").send().await.expect("a response")
    };
    let response = preflight("https://app.example.org").await;
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().expect("text").to_lowercase());
    assert_eq!(header("access-control-allow-origin").as_deref(), Some("https://app.example.org"));
    assert_eq!(header("access-control-allow-headers").as_deref(), Some("authorization,content-type"));
    assert!(header("access-control-allow-methods").expect("methods").contains("post"));
    assert!(header("vary").expect("what the answer depends on").contains("origin"));
    assert_eq!(header("access-control-allow-credentials"), None);
    assert!(!preflight("https://evil.example").await.headers().contains_key("access-control-allow-origin"));

    let request = reqwest::Client::new().post(format!("http://{address}/graphql"));
    let request = request.header("origin", "https://app.example.org").header(CONTENT_TYPE, "application/json");
    let answer = request.body(r#"{"query":"{ nope }"}"#).send().await.expect("a response");
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.example.org");
    app.close().await;
}
