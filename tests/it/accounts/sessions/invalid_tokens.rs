//! Invalid, expired and oversized access tokens.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use chrono::TimeDelta;
use guildhall::policy::public::PUBLIC_FIELDS;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{PASSWORD, SESSION, newcomer};
use crate::support::socket::Socket;
use crate::support::{TestApp, graphql};

/// Sends a document with an invalid token.
async fn send_with_invalid_token(
    app: &TestApp,
    request: axum::http::request::Builder,
    body: Body,
) -> (StatusCode, String) {
    let request = request.header(header::AUTHORIZATION, "Bearer nonsense").body(body).expect("a request");
    let response = app.router.clone().oneshot(request).await.expect("a response");
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

async fn post_with_invalid_token(app: &TestApp, query: &str, variables: Value, accept: &str) -> (StatusCode, String) {
    let request =
        Request::post("/graphql").header(header::CONTENT_TYPE, "application/json").header(header::ACCEPT, accept);
    send_with_invalid_token(app, request, Body::from(json!({ "query": query, "variables": variables }).to_string()))
        .await
}

#[tokio::test]
async fn invalid_token_is_anonymous_for_public_root_fields_and_refused_for_all_others() {
    let app = TestApp::with(|_| {}).await;
    let (ada, _) = newcomer(&app, "ada").await;
    let sign_in = format!(r#"signIn(input: {{ login: "ada", password: "{PASSWORD}" }}) {{ {SESSION} }}"#);
    let public = [
        "{ __typename }".to_owned(),
        "{ __schema { queryType { name } } }".to_owned(),
        r#"{ __type(name: "User") { name } }"#.to_owned(),
        "{ roles { role } }".to_owned(),
        r#"{ invitationPreview(token: "t") { organizationName } }"#.to_owned(),
        "{ a: roles { role } ...F } fragment F on Query { ... { __typename } }".to_owned(),
        format!("mutation {{ {sign_in} }}"),
        format!("mutation {{ __typename a: {sign_in} ...F }} fragment F on Mutation {{ b: {sign_in} }}"),
        r#"mutation { signUp(input: { username: "bob", password: "x", email: "b@example.org" }) { userErrors { code } } }"#.to_owned(),
        r#"mutation { refreshSession(input: { refreshToken: "t" }) { userErrors { code } } }"#.to_owned(),
        r#"mutation { signOut(input: { refreshToken: "t" }) { userErrors { code } } }"#.to_owned(),
        r#"mutation { requestPasswordReset(input: { email: "no" }) { userErrors { code } } }"#.to_owned(),
        r#"mutation { resetPassword(input: { token: "t", newPassword: "x" }) { userErrors { code } } }"#.to_owned(),
        r#"mutation { declineInvitation(input: { token: "t" }) { userErrors { code } } }"#.to_owned(),
        r#"mutation ($t: String = "t") { declineInvitation(input: { token: $t }) { userErrors { code } } }"#.to_owned(),
    ];
    let others = [
        "{ viewer { isAdmin } }",
        "{ roles { role } viewer { isAdmin } }",
        "{ roles { role } ...F } fragment F on Query { roles: viewer { isAdmin } }",
        "{ roles { role } viewer @skip(if: true) { isAdmin } }",
        r#"{ node(id: "t") { id } }"#,
        r#"{ nodes(ids: []) { id } }"#,
        r#"{ organization(slug: "acme") { id } }"#,
        "{ organizations { totalCount } }",
        r#"{ invitation(id: "t") { id } }"#,
        r#"{ slugAvailability(slug: "acme") { available } }"#,
        r#"mutation { createOrganization(input: { slug: "acme" }) { clientMutationId } }"#,
        r#"mutation { acceptInvitation(input: { token: "t" }) { clientMutationId } }"#,
        r#"mutation { declineInvitation(input: { invitationId: "t" }) { clientMutationId } }"#,
        r#"mutation ($t: String) { declineInvitation(input: { token: $t }) { clientMutationId } }"#,
        "subscription { viewerEvents { id } }",
        "{ nonsense }",
        "{",
    ];
    const GRAPHQL: &str = "application/graphql-response+json";
    const EVENTS: &str = "text/event-stream";
    for accept in [GRAPHQL, EVENTS] {
        for query in &public {
            let (status, body) = post_with_invalid_token(&app, query, json!({}), accept).await;
            assert_eq!(status, StatusCode::OK, "{query}: {body}");
            assert!(!body.contains("\"errors\""), "{query}: {body}");
        }
        for query in others {
            let (status, body) = post_with_invalid_token(&app, query, json!({}), accept).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{query}: {body}");
        }
    }
    for (query, expected) in [("{roles{role}}", StatusCode::OK), ("{viewer{isAdmin}}", StatusCode::UNAUTHORIZED)] {
        let request = Request::get(format!("/graphql?query={query}").replace('{', "%7B").replace('}', "%7D"));
        assert_eq!(send_with_invalid_token(&app, request, Body::empty()).await.0, expected, "{query}");
    }
    let named: BTreeSet<_> = PUBLIC_FIELDS.iter().map(|(name, _)| name.split_once('.').expect("a field").1).collect();
    assert!(
        named.iter().all(|name| public.iter().any(|query| query.contains(name))),
        "every public field is tried: {named:?}"
    );

    // An expired token is treated in the same way.
    app.env.clock.advance(TimeDelta::hours(1));
    assert_eq!(ada.ask("{ viewer { isAdmin } }").await.status, StatusCode::UNAUTHORIZED);
    let query = format!("mutation {{ {sign_in} }}");
    ada.ask(&query).await.data();
    app.close().await;
}

#[tokio::test]
async fn connection_init_refuses_an_invalid_token() {
    let app = TestApp::with(|_| {}).await;
    let address = app.serve().await;
    for token in ["nonsense".to_owned(), "x".repeat(70_000)] {
        let mut socket = Socket::open(address).await;
        socket.say(json!({ "type": "connection_init", "payload": { "token": token } })).await;
        assert_eq!(socket.close_code().await, 4401);
    }
    app.app.shutdown.soft.cancel();
    app.close().await;
}

#[tokio::test]
async fn oversized_token_is_refused_with_the_limit_in_the_message() {
    let app = TestApp::with(|_| {}).await;
    let answer = graphql::send(&app.router, Some(&"x".repeat(65_537)), "{ viewer { isAdmin } }", json!({})).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(
        answer.body["errors"][0]["message"].as_str().is_some_and(|message| message.contains("65,536")),
        "{}",
        answer.body
    );
    app.close().await;
}
