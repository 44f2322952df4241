//! GraphQL requests through the real router.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

/// A response over HTTP.
#[derive(Debug)]
pub struct Answer {
    /// Status of the response.
    pub status: StatusCode,
    /// The whole body.
    pub body: Value,
}

impl Answer {
    /// The data of a response without errors.
    #[track_caller]
    pub fn data(self) -> Value {
        assert!(self.body.get("errors").is_none(), "errors: {:#}", self.body["errors"]);
        self.body["data"].clone()
    }

    /// The payload of the only mutation, which must succeed.
    #[track_caller]
    pub fn done(self) -> Value {
        let payload = self.payload();
        assert_eq!(payload["userErrors"], json!([]), "refused");
        payload
    }

    /// The codes of the `userErrors` of the only mutation.
    #[track_caller]
    pub fn refused(self) -> Vec<String> {
        let payload = self.payload();
        let errors = payload["userErrors"].as_array().expect("userErrors");
        errors.iter().map(|error| error["code"].as_str().expect("a code").to_owned()).collect()
    }

    #[track_caller]
    fn payload(self) -> Value {
        let data = self.data();
        data.as_object().expect("data").values().next().expect("a payload").clone()
    }

    /// The codes of the top-level errors.
    pub fn codes(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().map(|error| error["extensions"]["code"].as_str().unwrap_or("none")).collect()
    }

    /// The `outcome` of the first top-level error.
    pub fn outcome(&self) -> Option<String> {
        Some(self.body["errors"][0]["extensions"]["outcome"].as_str()?.to_owned())
    }
}

/// Sends a document.
pub async fn send(router: &Router, token: Option<&str>, query: &str, variables: Value) -> Answer {
    post(router, token, json!({ "query": query, "variables": variables })).await
}

/// Sends a document from a client at that address.
pub async fn send_from(router: &Router, from: IpAddr, token: Option<&str>, query: &str, variables: Value) -> Answer {
    respond(router, Some(from), token, json!({ "query": query, "variables": variables })).await
}

/// Sends a request with that body.
pub async fn post(router: &Router, token: Option<&str>, body: Value) -> Answer {
    respond(router, None, token, body).await
}

async fn respond(router: &Router, from: Option<IpAddr>, token: Option<&str>, body: Value) -> Answer {
    let mut request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/graphql-response+json");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let mut request = request.body(Body::from(body.to_string())).expect("a request");
    if let Some(from) = from {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((from, 5000))));
    }
    let response = router.clone().oneshot(request).await.expect("a response");
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    Answer { status, body: serde_json::from_slice(&body).expect("JSON") }
}
