//! HTTP: invalid requests, methods, content types, sizes and limits.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::support::TestApp;

const MODERN: &str = "application/graphql-response+json";

/// Sends a request unchanged. Returns the status, the headers and the JSON body.
async fn send(app: &TestApp, request: Request<Body>) -> (StatusCode, axum::http::HeaderMap, Value) {
    let response = app.router.clone().oneshot(request).await.expect("a response");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn post(body: impl Into<Body>) -> axum::http::request::Builder {
    let _: Body = body.into();
    Request::post("/graphql").header(header::CONTENT_TYPE, "application/json").header(header::ACCEPT, MODERN)
}

async fn asks(app: &TestApp, body: String) -> (StatusCode, Value) {
    let (status, _, json) = send(app, post("").body(Body::from(body)).expect("a request")).await;
    (status, json)
}

#[tokio::test]
async fn invalid_requests_get_400_without_data() {
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
        (format!(r#"{{"query":"{{a}}","variables":{{"a":{}}}}}"#, "[".repeat(500_000)), "TOO_COMPLEX"),
        (json!({ "query": "{ __typename }", "variables": { "a": vec![0; 1001] } }).to_string(), "TOO_COMPLEX"),
        (format!("[{}]", json!({ "query": "{ __typename }" })), "BAD_REQUEST"),
        (json!({ "query": "{ __typename }", "extensions": [] }).to_string(), "BAD_REQUEST"),
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
async fn persisted_query_runs_by_hash_and_refuses_another_text() {
    let app = TestApp::new().await;
    let text = "{ viewer { isAdmin } }";
    let hash: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    let named = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let ask = async |query: Option<&str>| {
        let (status, answer) = asks(&app, json!({ "query": query, "extensions": named }).to_string()).await;
        (status, answer["errors"][0]["extensions"]["code"].clone(), answer["data"].clone())
    };
    let mismatch = (StatusCode::BAD_REQUEST, json!("BAD_REQUEST"), Value::Null);
    let runs = (StatusCode::OK, Value::Null, json!({ "viewer": null }));
    assert_eq!(ask(None).await, (StatusCode::BAD_REQUEST, json!("PERSISTED_QUERY_NOT_FOUND"), Value::Null));
    assert_eq!(ask(Some("{ __typename }")).await, mismatch, "before the query is registered");
    assert_eq!(ask(Some(text)).await, runs);
    assert_eq!(ask(None).await, runs);
    assert_eq!(ask(Some("{ __typename }")).await, mismatch, "after the query is registered");
    let extensions = named.to_string();
    let (_, _, by_get) = send(&app, get(&[("query", "{ __typename }"), ("extensions", &extensions)])).await;
    assert_eq!(by_get["errors"][0]["extensions"]["code"], "BAD_REQUEST");
    let (status, _, by_get) = send(&app, get(&[("extensions", &extensions)])).await;
    assert_eq!((status, &by_get["data"]), (StatusCode::OK, &json!({ "viewer": null })));
    app.close().await;
}

#[tokio::test]
async fn invalid_token_gets_401_and_is_never_anonymous() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let other =
        guildhall::auth::tokens::TokenSigner::from_secret("another secret that is long enough as well").expect("a key");
    let id = guildhall::domain::ids::TypedId::parse(&ada.id).expect("an ID");
    let forged =
        other.issue_access_token(id, None, app.env.clock.now(), chrono::TimeDelta::minutes(5)).expect("a token").0;
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
async fn http_statuses_match_method_content_type_size_and_path() {
    let app = TestApp::new().await;
    let body = || Body::from(r#"{"query":"{ __typename }"}"#);
    let (status, headers, _) = send(&app, Request::delete("/graphql").body(Body::empty()).expect("a request")).await;
    assert_eq!((status, headers.contains_key(header::ALLOW)), (StatusCode::METHOD_NOT_ALLOWED, true));
    let form = Request::post("/graphql").header(header::CONTENT_TYPE, "text/plain").body(body()).expect("a request");
    assert_eq!(send(&app, form).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let mut picky = post("").body(body()).expect("a request");
    picky.headers_mut().insert(header::ACCEPT, "image/png".parse().expect("a type"));
    assert_eq!(send(&app, picky).await.0, StatusCode::NOT_ACCEPTABLE);
    let (status, answer) = asks(&app, "x".repeat(10 << 20)).await;
    assert_eq!(
        (status, &answer["errors"][0]["extensions"]["code"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("PAYLOAD_TOO_LARGE"))
    );
    for path in ["/nowhere", "/graphiql/missing.js", "/graphiql/%ff"] {
        let (status, _, answer) = send(&app, Request::get(path).body(Body::empty()).expect("a request")).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_eq!((status, code), (StatusCode::NOT_FOUND, &json!("BAD_REQUEST")), "{path}");
    }
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

/// A GET with those parameters, encoded as by a browser.
fn get(parameters: &[(&str, &str)]) -> Request<Body> {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let request = Request::get(format!("/graphql?{query}")).header(header::ACCEPT, MODERN);
    request.body(Body::empty()).expect("a request")
}

#[tokio::test]
async fn get_requests_run_queries_and_never_mutations() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let query = "query Q($slug: String!) { organization(slug: $slug) { name } viewer { email } }";
    let mut request = get(&[("query", query), ("variables", r#"{"slug":"none"}"#), ("operationName", "Q")]);
    let bearer = format!("Bearer {}", ada.token).parse().expect("a header");
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    let (status, headers, answer) = send(&app, request).await;
    assert_eq!((status, &headers[header::CACHE_CONTROL]), (StatusCode::OK, &"no-store".parse().expect("a value")));
    assert_eq!(answer, json!({ "data": { "organization": null, "viewer": { "email": "ada@example.org" } } }));

    let before = app.snapshot().await;
    let sign_up = r#"mutation { signUp(input: { username: "eve", email: "eve@example.org", password: "correct horse battery" }) { clientMutationId } }"#;
    let (status, headers, answer) = send(&app, get(&[("query", sign_up)])).await;
    assert_eq!((status, &headers[header::ALLOW]), (StatusCode::METHOD_NOT_ALLOWED, &"POST".parse().expect("a value")));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_REQUEST");
    let both = format!("query Q {{ __typename }} {sign_up}").replace("mutation {", "mutation M {");
    assert_eq!(send(&app, get(&[("query", &both), ("operationName", "M")])).await.0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(send(&app, get(&[("query", &both), ("operationName", "Q")])).await.0, StatusCode::OK);
    for form in ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"] {
        let request = Request::post("/graphql").header(header::CONTENT_TYPE, form);
        let request = request.body(Body::from(json!({ "query": sign_up }).to_string())).expect("a request");
        assert_eq!(send(&app, request).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{form}");
    }
    assert_eq!(app.snapshot().await, before);

    for bad in [&[("query", "{")][..], &[], &[("query", "{ __typename }"), ("variables", "[")]] {
        assert_eq!(send(&app, get(bad)).await.0, StatusCode::BAD_REQUEST, "{bad:?}");
    }
    let subscription = get(&[("query", "subscription { viewerEvents { id } }")]);
    assert_eq!(send(&app, subscription).await.0, StatusCode::NOT_ACCEPTABLE);
    let head = Request::head("/graphql?query=%7B__typename%7D").body(Body::empty()).expect("a request");
    assert_eq!(send(&app, head).await.0, StatusCode::OK);
    let (status, headers, _) = send(&app, Request::options("/graphql").body(Body::empty()).expect("a request")).await;
    assert_eq!(
        (status, &headers[header::ALLOW]),
        (StatusCode::NO_CONTENT, &"GET, HEAD, POST, OPTIONS".parse().expect("a value"))
    );
    app.close().await;
}

#[tokio::test]
async fn compressed_body_is_refused() {
    let app = TestApp::new().await;
    let request = post("").header(header::CONTENT_ENCODING, "gzip").body(Body::from("x")).expect("a request");
    assert_eq!(send(&app, request).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    app.close().await;
}

#[tokio::test]
async fn body_of_unknown_length_is_refused_when_it_exceeds_the_limit() {
    let app = TestApp::new().await;
    let chunks = futures_util::stream::iter((0..2048).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024])));
    let (status, _, answer) = send(&app, post("").body(Body::from_stream(chunks)).expect("a request")).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "PAYLOAD_TOO_LARGE");
    app.close().await;
}

#[tokio::test]
async fn response_contains_at_most_twenty_errors() {
    let app = TestApp::new().await;
    let many: String = (0..500).map(|n| format!("nope{n} ")).collect();
    let long = "x".repeat(20_000);
    for query in [format!("{{ viewer {{ {many} }} }}"), format!("{{ {long} }}")] {
        let (_, answer) = asks(&app, json!({ "query": query }).to_string()).await;
        let errors = answer["errors"].as_array().expect("errors");
        assert!(errors.len() <= 20 && answer.to_string().len() < 8_000, "{} errors", errors.len());
    }
    let (_, answer) = asks(&app, json!({ "query": format!("{{ viewer {{ {many} }} }}") }).to_string()).await;
    assert_eq!(answer["errors"][19]["message"], "At least 81 more errors were left out.");
    app.close().await;
}

#[tokio::test]
async fn too_complex_refuses_a_thousand_aliases() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let fields: String = (0..1000).map(|n| format!("a{n}: viewer {{ email isAdmin }} ")).collect();
    let answer = ada.ask(&format!("{{ {fields} }}")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.codes(), ["TOO_COMPLEX"]);
    app.close().await;
}

#[tokio::test]
async fn too_complex_refuses_deeply_nested_pages() {
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
