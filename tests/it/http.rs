//! What goes over the wire besides good requests.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::TestApp;

/// Sends a request as it is, and returns status, headers of interest and the JSON body.
async fn send(app: &TestApp, request: Request<Body>) -> (StatusCode, axum::http::HeaderMap, Value) {
    let response = app.router.clone().oneshot(request).await.expect("a response");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn post(body: impl Into<Body>) -> axum::http::request::Builder {
    let _: Body = body.into();
    Request::post("/graphql").header(header::CONTENT_TYPE, "application/json")
}

async fn asks(app: &TestApp, body: String) -> (StatusCode, Value) {
    let (status, _, json) = send(app, post("").body(Body::from(body)).expect("a request")).await;
    (status, json)
}

#[tokio::test]
async fn what_cannot_be_run_is_a_400_without_data() {
    let app = TestApp::new().await;
    let exponential = |level: usize| format!("fragment F{level} on Query {{ ...F{0} ...F{0} }} ", level + 1);
    let fragments =
        (0..26).map(exponential).collect::<String>() + "fragment F26 on Query { __typename } query { ...F0 }";
    let deep = format!("{{ node(id: {}1{}) {{ id }} }}", "[".repeat(2000), "]".repeat(2000));
    for (body, code) in [
        ("{".to_owned(), "BAD_REQUEST"),
        ("[]".to_owned(), "BAD_REQUEST"),
        (json!({}).to_string(), "BAD_REQUEST"),
        (json!({ "query": "{" }).to_string(), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "{ nope }" }).to_string(), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": "query Q($id: ID!) { node(id: $id) { id } }" }).to_string(), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": deep }).to_string(), "TOO_COMPLEX"),
        (json!({ "query": fragments }).to_string(), "TOO_COMPLEX"),
        (json!({ "query": "mutation { signOut(input: {refreshToken: \"\"}) { clientMutationId } signOut(input: {refreshToken: \"\"}) { clientMutationId } }" }).to_string(), "GRAPHQL_VALIDATION_FAILED"),
    ] {
        let (status, answer) = asks(&app, body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body:.80}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{body:.80}");
        assert!(answer.get("data").is_none(), "{body:.80}");
    }
    app.close().await;
}

#[tokio::test]
async fn a_bad_token_is_refused_and_never_nobody() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let other = guildhall::auth::keys::Keys::from_secret("another secret that is long enough as well").expect("a key");
    let id = guildhall::domain::ids::TypedId::parse(&ada.id).expect("an ID");
    let forged = other.mint_access(id, None, app.env.clock.now(), chrono::TimeDelta::minutes(5)).expect("a token").0;
    app.env.clock.advance(chrono::TimeDelta::minutes(20));
    for token in ["nonsense", "", &forged, &ada.token, &"x".repeat(9000)] {
        let request = post("").header(header::AUTHORIZATION, format!("Bearer {token}"));
        let (status, headers, answer) =
            send(&app, request.body(Body::from(r#"{"query":"{ viewer { isAdmin } }"}"#)).expect("a request")).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{token:.20}");
        assert!(headers.contains_key(header::WWW_AUTHENTICATE));
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        assert!(answer.get("data").is_none());
    }
    assert_eq!(app.nobody("{ viewer { isAdmin } }").await.data(), json!({ "viewer": null }));
    app.close().await;
}

#[tokio::test]
async fn other_methods_types_sizes_and_paths_have_their_status() {
    let app = TestApp::new().await;
    let body = || Body::from(r#"{"query":"{ __typename }"}"#);
    let (status, headers, _) = send(&app, Request::delete("/graphql").body(Body::empty()).expect("a request")).await;
    assert_eq!((status, headers.contains_key(header::ALLOW)), (StatusCode::METHOD_NOT_ALLOWED, true));
    let form = Request::post("/graphql").header(header::CONTENT_TYPE, "text/plain").body(body()).expect("a request");
    assert_eq!(send(&app, form).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let picky = post("").header(header::ACCEPT, "image/png").body(body()).expect("a request");
    assert_eq!(send(&app, picky).await.0, StatusCode::NOT_ACCEPTABLE);
    let (status, answer) = asks(&app, "x".repeat(10 << 20)).await;
    assert_eq!(
        (status, &answer["errors"][0]["extensions"]["code"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("PAYLOAD_TOO_LARGE"))
    );
    let (status, _, answer) = send(&app, Request::get("/nowhere").body(Body::empty()).expect("a request")).await;
    assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (StatusCode::NOT_FOUND, &json!("BAD_REQUEST")));
    for path in ["/health/live", "/health/ready", "/graphiql", "/schema.graphql", "/.well-known/jwks.json"] {
        assert_eq!(
            send(&app, Request::get(path).body(Body::empty()).expect("a request")).await.0,
            StatusCode::OK,
            "{path}"
        );
    }
    let (status, headers, _) = send(&app, Request::get("/").body(Body::empty()).expect("a request")).await;
    assert_eq!(
        (status, headers[header::LOCATION].to_str().expect("a path")),
        (StatusCode::TEMPORARY_REDIRECT, "/graphiql")
    );
    app.env.store.close();
    let (status, _, _) = send(&app, Request::get("/health/ready").body(Body::empty()).expect("a request")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    app.close().await;
}

#[tokio::test]
async fn a_thousand_aliases_are_too_complex() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let fields: String = (0..1000).map(|n| format!("a{n}: viewer {{ email isAdmin }} ")).collect();
    let answer = ada.ask(&format!("{{ {fields} }}")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.codes(), ["TOO_COMPLEX"]);
    app.close().await;
}

#[tokio::test]
async fn pages_within_pages_are_too_complex_before_they_are_read() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    ada.creates("acme").await;
    let nested = |levels: usize| {
        let open = "members(first: 100) { nodes { organization { ".repeat(levels);
        format!(r#"{{ organization(slug: "acme") {{ {open} slug {} }} }}"#, "} } }".repeat(levels))
    };
    ada.ask(&nested(2)).await.data();
    assert_eq!(ada.ask(&nested(3)).await.codes(), ["TOO_COMPLEX"]);
    app.close().await;
}
