//! Turns the parameters of a request into an operation that can be executed: parsed, validated, selected, with its
//! variables.

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, ServerError};
use axum::http::StatusCode;

use super::body::GraphQLParams;
use crate::graphql::documents::parser::DocumentMistake;
use crate::graphql::documents::prepared::OperationNotFound;
use crate::graphql::documents::registry::{DocumentRef, LookupError};
use crate::graphql::documents::{DocumentError, Documents, Limit, LimitExceeded};
use crate::graphql::validation::variable_values;
use crate::server::error::HttpError;
use crate::server::error_codes::error;
use crate::server::variable_limits as size;

/// An operation that is ready to execute.
pub struct Prepared {
    /// The request for the schema: parsed document and variables.
    pub request: Request,
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// Name of the operation, `None` if it is anonymous.
    pub name: Option<String>,
    /// Maximum cost of the operation in points, computed from the document and its page sizes.
    pub cost: u64,
    /// The cost, if the client asked for it in the response.
    pub requested_cost: Option<u64>,
    /// Whether a field of the response may be merged from several places of the document.
    pub repeats_fields: bool,
    /// Whether the operation needs no identity; if so, it runs anonymously when the token is invalid.
    pub is_public: bool,
}

/// Finds the document, selects the operation and checks its variables and limits.
pub fn prepare(documents: &Documents, mut params: GraphQLParams) -> Result<Prepared, HttpError> {
    size::check(&params.variables)?;
    let reference = match &params.id {
        Some(id) => DocumentRef::Id(id, Some(params.query.as_str()).filter(|text| !text.is_empty())),
        None => DocumentRef::Text(&params.query),
    };
    let document = documents.find(reference).map_err(lookup_error)?;
    let operation = document.operation(params.operation_name.as_deref()).map_err(selection_error)?;
    let mut mistakes =
        variable_values::check(documents.schema(), &operation.variables, &params.variables, documents.exposure());
    mistakes.extend(operation.null_conditions(&params.variables));
    if !mistakes.is_empty() {
        return Err(invalid(mistakes));
    }
    operation.arguments.check(&params.variables).map_err(limit_error)?;
    variable_values::fill(&operation.variables, &mut params.variables);
    let cost = operation.cost(&params.variables);
    Limit::Cost.check(cost).map_err(limit_error)?;
    let is_public = operation.public.with(&params.variables);
    let mut request = Request::new("").variables(params.variables);
    request.set_parsed_query(operation.document.clone());
    Ok(Prepared {
        request,
        kind: operation.kind,
        name: operation.name.clone(),
        cost,
        requested_cost: params.wants_cost.then_some(cost),
        repeats_fields: operation.repeats_fields,
        is_public,
    })
}

fn lookup_error(error: LookupError) -> HttpError {
    match error {
        LookupError::Rejected(DocumentError::Excessive(excess)) => limit_error(excess),
        LookupError::Rejected(DocumentError::Malformed(mistake)) => {
            refuse("GRAPHQL_PARSE_FAILED", mistake.message).at(vec![mistake.place])
        }
        LookupError::Rejected(DocumentError::Invalid(mistakes)) => invalid(mistakes),
        // Clients compare with exactly this message, and then send the text.
        LookupError::Unknown => refuse("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound"),
        LookupError::Untrusted => refuse(
            "DOCUMENT_NOT_TRUSTED",
            "This server runs only the documents of its manifest; this document is not one of them.",
        ),
        LookupError::Mismatch => {
            HttpError::bad_request("The document must be named by its SHA-256, in 64 hexadecimal digits.")
        }
    }
}

/// The error for a document or variables that do not fit the schema.
fn invalid(mistakes: Vec<DocumentMistake>) -> HttpError {
    let errors = mistakes.into_iter().map(|DocumentMistake { message, place }| ServerError {
        locations: vec![place],
        ..error("GRAPHQL_VALIDATION_FAILED", message)
    });
    HttpError { errors: errors.collect(), ..refuse("GRAPHQL_VALIDATION_FAILED", "") }
}

fn refuse(code: &str, message: impl Into<String>) -> HttpError {
    HttpError::new(StatusCode::BAD_REQUEST, code, message)
}

fn limit_error(excess: LimitExceeded) -> HttpError {
    match excess {
        LimitExceeded::Over(Limit::Bytes, count) => {
            let allowed = Limit::Bytes.allowed();
            HttpError::too_large(format!("The document has {count} bytes; {allowed} are allowed."))
        }
        LimitExceeded::Over(limit, count) => {
            let (noun, allowed) = (limit.noun(), limit.allowed());
            refuse("TOO_COMPLEX", format!("The document has {count} {noun}; {allowed} are allowed."))
        }
        LimitExceeded::Roots(place) => {
            let message = "A subscription must select exactly one field, without directives.";
            refuse("GRAPHQL_VALIDATION_FAILED", message).at(vec![place])
        }
        LimitExceeded::Repeated(name, place) => {
            let message = format!("`{name}` occurs twice in this mutation and would run twice: give each an alias.");
            refuse("GRAPHQL_VALIDATION_FAILED", message).at(vec![place])
        }
    }
}

fn selection_error(error: OperationNotFound) -> HttpError {
    HttpError::bad_request(match error {
        OperationNotFound::Several => "The document has several operations: select one by `operationName`.",
        OperationNotFound::Unknown => "The document has no operation with this `operationName`.",
    })
}

#[cfg(test)]
mod tests {
    use super::super::error_codes::code;
    use super::*;

    fn try_prepare(body: serde_json::Value) -> Result<Prepared, HttpError> {
        prepare(&Documents::default(), super::super::body::parse(body.to_string().as_bytes())?)
    }

    fn refusal(body: serde_json::Value) -> (String, String) {
        let problem = try_prepare(body).err().unwrap();
        assert_eq!(problem.status, StatusCode::BAD_REQUEST);
        (code(&problem.errors[0]).unwrap().to_owned(), problem.errors[0].message.clone())
    }

    #[test]
    fn prepare_selects_the_operation_by_name_or_the_only_one() {
        let two = "query A { __typename } mutation B { __typename }";
        let prepared = try_prepare(serde_json::json!({"query": two, "operationName": "B"})).unwrap();
        assert_eq!((prepared.kind, prepared.name.as_deref()), (OperationType::Mutation, Some("B")));
        let prepared = try_prepare(serde_json::json!({"query": "{ __typename }"})).unwrap();
        assert_eq!((prepared.kind, prepared.name, prepared.requested_cost), (OperationType::Query, None, None));

        assert!(refusal(serde_json::json!({"query": two})).1.contains("several"));
        assert!(refusal(serde_json::json!({"query": two, "operationName": "C"})).1.contains("no operation"));
        let subscription = serde_json::json!({"query": "subscription { viewerEvents { cursor } }"});
        assert_eq!(try_prepare(subscription).unwrap().kind, OperationType::Subscription);
    }

    #[test]
    fn prepare_requires_values_of_variables() {
        let query = "query($a: ID!, $b: Boolean! = true) { node(id: $a) { id @include(if: $b) } }";
        let ask = |variables: serde_json::Value| serde_json::json!({"query": query, "variables": variables});
        assert!(try_prepare(ask(serde_json::json!({"a": 1}))).is_ok());
        for bad in [serde_json::json!({}), serde_json::json!({"a": null})] {
            let (code, message) = refusal(ask(bad));
            assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
            assert_eq!(message, "Variable `$a` of type `ID!` needs a value.");
        }
        assert!(refusal(ask(serde_json::json!({"a": 1, "b": null}))).1.contains("$b"));
    }

    #[test]
    fn prepare_returns_the_cost_on_request() {
        let query = "query($n: Int) { viewer { organizations(first: $n) { nodes { id } } } }";
        let body = serde_json::json!({"query": query, "variables": {"n": 10}, "extensions": {"cost": true}});
        assert_eq!(try_prepare(body).unwrap().requested_cost, Some(100 + 50 + 50 + 2 + 10 * 2));
    }

    #[test]
    fn too_much_is_refused_with_what_was_asked_and_what_is_allowed() {
        let (code, message) =
            refusal(serde_json::json!({"query": format!("{{ {} }}", "viewer { isAdmin } ".repeat(101))}));
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("TOO_COMPLEX", "The document has 101 fields at its root; 100 are allowed.")
        );
    }

    #[test]
    fn what_cannot_be_parsed_says_where() {
        let problem = try_prepare(serde_json::json!({"query": "{ a("})).err().unwrap();
        assert_eq!(code(&problem.errors[0]), Some("GRAPHQL_PARSE_FAILED"));
        assert!(!problem.errors[0].locations.is_empty());
        assert_eq!(refusal(serde_json::json!({"query": "{a".repeat(100)})).0, "TOO_COMPLEX");
        assert_eq!(refusal(serde_json::json!({"query": "\"\"\""})).0, "GRAPHQL_PARSE_FAILED");
    }
}
