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
use crate::server::error::{HttpError, error};
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
    pub told_cost: Option<u64>,
    /// Whether a field of the response may be merged from several places of the document.
    pub repeats_fields: bool,
    /// Whether the operation needs no identity; if so, it runs anonymously when the token is invalid.
    pub is_public: bool,
}

/// Finds the document, selects the operation and checks its variables and limits.
pub fn prepare(documents: &Documents, mut asked: GraphQLParams) -> Result<Prepared, HttpError> {
    size::check(&asked.variables)?;
    let named = match &asked.id {
        Some(id) => DocumentRef::Id(id, Some(asked.query.as_str()).filter(|text| !text.is_empty())),
        None => DocumentRef::Text(&asked.query),
    };
    let plan = documents.find(named).map_err(missing)?;
    let operation = plan.operation(asked.operation_name.as_deref()).map_err(unclear)?;
    let mut mistakes =
        variable_values::check(documents.schema(), &operation.variables, &asked.variables, documents.exposure());
    mistakes.extend(operation.null_conditions(&asked.variables));
    if !mistakes.is_empty() {
        return Err(invalid(mistakes));
    }
    operation.arguments.check(&asked.variables).map_err(excessive)?;
    variable_values::fill(&operation.variables, &mut asked.variables);
    let cost = operation.cost(&asked.variables);
    Limit::Cost.hold(cost).map_err(excessive)?;
    let is_public = operation.public.with(&asked.variables);
    let mut request = Request::new("").variables(asked.variables);
    request.set_parsed_query(operation.document.clone());
    Ok(Prepared {
        request,
        kind: operation.kind,
        name: operation.name.clone(),
        cost,
        told_cost: asked.tells_cost.then_some(cost),
        repeats_fields: operation.repeats_fields,
        is_public,
    })
}

fn missing(missing: LookupError) -> HttpError {
    match missing {
        LookupError::Rejected(DocumentError::Excessive(excess)) => excessive(excess),
        LookupError::Rejected(DocumentError::Malformed(mistake)) => {
            refuse("GRAPHQL_PARSE_FAILED", mistake.message).at(vec![mistake.place])
        }
        LookupError::Rejected(DocumentError::Invalid(mistakes)) => invalid(mistakes),
        // Clients look for exactly this message, and then send the text.
        LookupError::Unknown => refuse("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound"),
        LookupError::Untrusted => refuse(
            "DOCUMENT_NOT_TRUSTED",
            "This server runs the documents of its manifest alone, and this is none of them.",
        ),
        LookupError::Mismatch => {
            HttpError::bad_request("The document must be named by its SHA-256, in 64 hexadecimal digits.")
        }
    }
}

/// The error for a document or variables that do not fit the schema.
fn invalid(mistakes: Vec<DocumentMistake>) -> HttpError {
    let told = mistakes.into_iter().map(|DocumentMistake { message, place }| ServerError {
        locations: vec![place],
        ..error("GRAPHQL_VALIDATION_FAILED", message)
    });
    HttpError { errors: told.collect(), ..refuse("GRAPHQL_VALIDATION_FAILED", "") }
}

fn refuse(code: &str, message: impl Into<String>) -> HttpError {
    HttpError::new(StatusCode::BAD_REQUEST, code, message)
}

fn excessive(excess: LimitExceeded) -> HttpError {
    match excess {
        LimitExceeded::Over(Limit::Bytes, asked) => {
            let allowed = Limit::Bytes.allowed();
            HttpError::too_large(format!("The document has {asked} bytes; {allowed} are allowed."))
        }
        LimitExceeded::Over(limit, asked) => {
            let (noun, allowed) = (limit.noun(), limit.allowed());
            refuse("TOO_COMPLEX", format!("The document has {asked} {noun}; {allowed} are allowed."))
        }
        LimitExceeded::Roots(place) => {
            let message = "A subscription is to exactly one field, without directives.";
            refuse("GRAPHQL_VALIDATION_FAILED", message).at(vec![place])
        }
        LimitExceeded::Repeated(name, place) => {
            let message = format!("`{name}` stands twice in this mutation, and would run twice: give each an alias.");
            refuse("GRAPHQL_VALIDATION_FAILED", message).at(vec![place])
        }
    }
}

fn unclear(unclear: OperationNotFound) -> HttpError {
    HttpError::bad_request(match unclear {
        OperationNotFound::Several => "The document has several operations: name one by `operationName`.",
        OperationNotFound::Unknown => "The document has no operation of that `operationName`.",
    })
}

#[cfg(test)]
mod tests {
    use super::super::error::code;
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
    fn the_operation_is_chosen_by_name_or_by_being_alone() {
        let two = "query A { __typename } mutation B { __typename }";
        let prepared = try_prepare(serde_json::json!({"query": two, "operationName": "B"})).unwrap();
        assert_eq!((prepared.kind, prepared.name.as_deref()), (OperationType::Mutation, Some("B")));
        let prepared = try_prepare(serde_json::json!({"query": "{ __typename }"})).unwrap();
        assert_eq!((prepared.kind, prepared.name, prepared.told_cost), (OperationType::Query, None, None));

        assert!(refusal(serde_json::json!({"query": two})).1.contains("several"));
        assert!(refusal(serde_json::json!({"query": two, "operationName": "C"})).1.contains("no operation"));
        let subscription = serde_json::json!({"query": "subscription { viewerEvents { cursor } }"});
        assert_eq!(try_prepare(subscription).unwrap().kind, OperationType::Subscription);
    }

    #[test]
    fn a_variable_that_needs_a_value_must_have_one() {
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
    fn the_cost_is_told_to_who_asks() {
        let query = "query($n: Int) { viewer { organizations(first: $n) { nodes { id } } } }";
        let body = serde_json::json!({"query": query, "variables": {"n": 10}, "extensions": {"cost": true}});
        assert_eq!(try_prepare(body).unwrap().told_cost, Some(100 + 50 + 50 + 2 + 10 * 2));
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
