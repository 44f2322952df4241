//! Turns the text of a request into an operation that can be executed.

use std::hint::black_box;

use async_graphql::Variables;
use guildhall::graphql::documents::registry::DocumentRef;
use guildhall::graphql::documents::{Documents, PreparedDocument};
use guildhall::graphql::schema;
use guildhall::graphql::validation::{Exposure, variable_values as values};
use guildhall::server::{body, prepare};
use serde_json::json;

use super::{Outcome, Work};

/// A minimal document.
pub const SHORT: &str = "{ viewer { user { username } } }";
/// A list with pages.
pub const MEMBERS: &str = include_str!("../peer/q2.graphql");
/// A mutation with a nested input.
const INVITE: &str = include_str!("../peer/m2_invite.graphql");

/// A new document: parsed, validated, measured.
pub fn new(text: &'static str) -> Outcome<Work> {
    let schema = schema::definitions();
    PreparedDocument::new(text, schema, Exposure::Open).map_err(|error| error.to_string())?;
    Ok(Box::new(move || {
        let _ = black_box(PreparedDocument::new(black_box(text), schema, Exposure::Open));
    }))
}

/// A document that is already cached.
pub fn known(text: &'static str) -> Outcome<Work> {
    let documents = Documents::default();
    documents.find(DocumentRef::Text(text)).map_err(|missing| format!("{missing:?}"))?;
    Ok(Box::new(move || {
        let _ = black_box(documents.find(DocumentRef::Text(black_box(text))));
    }))
}

/// Values that are checked against the types of the variables.
pub fn variables() -> Outcome<Work> {
    let documents = Documents::default();
    let document = documents.find(DocumentRef::Text(INVITE)).map_err(|missing| format!("{missing:?}"))?;
    let given =
        json!({ "organizationId": "org_0000000000000000000000000g", "email": "a@example.org", "role": "WORKER" });
    let given = Variables::from_json(given);
    let errors = move || {
        let operation = black_box(&document).operation(None);
        operation
            .map(|operation| values::check(documents.schema(), &operation.variables, black_box(&given), Exposure::Open))
    };
    match errors() {
        Ok(none) if none.is_empty() => {}
        other => return Err(format!("the variables are not valid: {other:?}").into()),
    }
    Ok(Box::new(move || {
        let _ = black_box(errors());
    }))
}

/// A body with a cached document and values of variables: parsed and checked, and its cost computed.
pub fn request() -> Outcome<Work> {
    let documents = Documents::default();
    let body = json!({ "query": MEMBERS, "variables": { "slug": "acme", "first": 50 } }).to_string();
    let prepared = move || prepare::prepare(&documents, body::parse(black_box(body.as_bytes()))?);
    let request = prepared().map_err(|error| format!("{:?}", error.errors))?;
    if request.cost < 50 {
        return Err(format!("a page of 50 does not cost {}", request.cost).into());
    }
    Ok(Box::new(move || {
        let _ = black_box(prepared());
    }))
}
