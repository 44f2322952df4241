//! From what a client asks to an operation that can be executed: parsed, chosen, and with the variables that it needs.

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, ServerError, Value, Variables};
use axum::http::StatusCode;

use super::body::Asked;
use super::problem::{Problem, error};
use super::variables;
use crate::graphql::document::plan::Unclear;
use crate::graphql::document::syntax::{self, Mistake, Parsed, Unreadable};
use crate::graphql::document::{Documents, Excess, Limit, Operation, Plan};

/// An operation, ready for the schema.
pub struct Prepared {
    /// For the schema: the parsed document and its variables.
    pub request: Request,
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// Name of the operation, if it has one.
    pub name: Option<String>,
    /// Fields that the answer may have at most, as far as the sizes of pages tell beforehand.
    pub cost: u64,
}

/// Finds the document's plan and picks the operation, or says what is in the way.
pub fn prepare(documents: &Documents, asked: Asked) -> Result<Prepared, Problem> {
    variables::check(&asked.variables)?;
    let plan = documents.plan(&asked.query, plan)?;
    let operation = plan.operation(asked.operation_name.as_deref()).map_err(unclear)?;
    let missing = missing_variables(operation, &asked.variables);
    if !missing.is_empty() {
        return Err(Problem { errors: missing, ..refuse("GRAPHQL_VALIDATION_FAILED", "") });
    }
    let cost = operation.cost.with(&asked.variables);
    Limit::Cost.hold(cost).map_err(excessive)?;
    let mut request = Request::new("").variables(asked.variables);
    if let Some(name) = &operation.name {
        request = request.operation_name(name);
    }
    request.set_parsed_query(plan.document.clone());
    Ok(Prepared { request, kind: operation.kind, name: operation.name.clone(), cost })
}

/// Reads and checks a text.
fn plan(text: &str) -> Result<Plan, Problem> {
    let Parsed { document, ambiguities, tokens } = syntax::parse(text).map_err(|unreadable| match unreadable {
        Unreadable::Excessive(excess) => excessive(excess),
        Unreadable::Malformed(mistake) => refuse("GRAPHQL_PARSE_FAILED", mistake.message).at(vec![mistake.place]),
    })?;
    if !ambiguities.is_empty() {
        return Err(invalid(ambiguities));
    }
    Plan::new(document, tokens).map_err(excessive)
}

/// A document that is GraphQL, but makes no sense.
fn invalid(mistakes: Vec<Mistake>) -> Problem {
    let told = mistakes.into_iter().map(|Mistake { message, place }| ServerError {
        locations: vec![place],
        ..error("GRAPHQL_VALIDATION_FAILED", message)
    });
    Problem { errors: told.collect(), ..refuse("GRAPHQL_VALIDATION_FAILED", "") }
}

fn refuse(code: &str, message: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, message)
}

fn excessive(excess: Excess) -> Problem {
    match excess {
        Excess::Over(Limit::Bytes, asked) => {
            let allowed = Limit::Bytes.allowed();
            Problem::too_large(format!("The document has {asked} bytes; {allowed} are allowed."))
        }
        Excess::Over(limit, asked) => {
            let (noun, allowed) = (limit.noun(), limit.allowed());
            refuse("TOO_COMPLEX", format!("The document has {asked} {noun}; {allowed} are allowed."))
        }
        Excess::Roots(place) => {
            let message = "A subscription is to exactly one field, without directives.";
            refuse("GRAPHQL_VALIDATION_FAILED", message).at(vec![place])
        }
        Excess::Repeated(name, place) => {
            let message = format!("`{name}` stands twice in this mutation, and would run twice: give each an alias.");
            refuse("GRAPHQL_VALIDATION_FAILED", message).at(vec![place])
        }
    }
}

fn unclear(unclear: Unclear) -> Problem {
    Problem::bad_request(match unclear {
        Unclear::Several => "The document has several operations: name one by `operationName`.",
        Unclear::Unknown => "The document has no operation of that `operationName`.",
    })
}

/// What the schema would only notice in the middle of the execution: variables that must have a value, and have none.
fn missing_variables(operation: &Operation, given: &Variables) -> Vec<ServerError> {
    let definitions = operation.variables.iter();
    let missing = definitions.filter(|definition| {
        let definition = &definition.node;
        !definition.var_type.node.nullable
            && match given.get(&definition.name.node) {
                None => definition.default_value.is_none(),
                Some(value) => *value == Value::Null,
            }
    });
    let describe = |definition: &async_graphql::Positioned<_>| -> ServerError {
        let async_graphql::parser::types::VariableDefinition { name, var_type, .. } = &definition.node;
        let message = format!("Variable `${}` of type `{}` needs a value.", name.node, var_type.node);
        ServerError { locations: vec![definition.pos], ..error("GRAPHQL_VALIDATION_FAILED", message) }
    };
    missing.map(describe).collect()
}

#[cfg(test)]
mod tests {
    use super::super::problem::code;
    use super::*;

    fn try_prepare(body: serde_json::Value) -> Result<Prepared, Problem> {
        prepare(&Documents::default(), super::super::body::parse(body.to_string().as_bytes())?)
    }

    fn refusal(body: serde_json::Value) -> (String, String) {
        let problem = try_prepare(body).err().unwrap();
        assert_eq!(problem.status, StatusCode::BAD_REQUEST);
        (code(&problem.errors[0]).unwrap().to_owned(), problem.errors[0].message.clone())
    }

    #[test]
    fn the_operation_is_chosen_by_name_or_by_being_alone() {
        let two = "query A { a } mutation B { b }";
        let prepared = try_prepare(serde_json::json!({"query": two, "operationName": "B"})).unwrap();
        assert_eq!((prepared.kind, prepared.name.as_deref()), (OperationType::Mutation, Some("B")));
        let prepared = try_prepare(serde_json::json!({"query": "{ a }"})).unwrap();
        assert_eq!((prepared.kind, prepared.name), (OperationType::Query, None));

        assert!(refusal(serde_json::json!({"query": two})).1.contains("several"));
        assert!(refusal(serde_json::json!({"query": two, "operationName": "C"})).1.contains("no operation"));
        assert_eq!(
            try_prepare(serde_json::json!({"query": "subscription { a }"})).unwrap().kind,
            OperationType::Subscription
        );
    }

    #[test]
    fn a_variable_that_needs_a_value_must_have_one() {
        let ask = |variables: serde_json::Value| serde_json::json!({"query": "query($a: Int!, $b: Int! = 1, $c: Int) { a }", "variables": variables});
        assert!(try_prepare(ask(serde_json::json!({"a": 1}))).is_ok());
        for bad in [serde_json::json!({}), serde_json::json!({"a": null})] {
            let (code, message) = refusal(ask(bad));
            assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
            assert_eq!(message, "Variable `$a` of type `Int!` needs a value.");
        }
        assert!(refusal(ask(serde_json::json!({"a": 1, "b": null}))).1.contains("$b"));
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
