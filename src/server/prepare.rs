//! From what a client asks to an operation that can be executed: parsed, chosen, and with the variables that it needs.

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::parser::{Error as ParseError, parse_query};
use async_graphql::{Request, ServerError, Value, Variables};
use axum::http::StatusCode;

use super::body::Asked;
use super::problem::{Problem, error};
use super::scan::{self, Unfit};
use super::variables;
use crate::graphql::document::{self, Excess};

/// An operation, ready for the schema.
pub struct Prepared {
    /// For the schema: the parsed document and its variables.
    pub request: Request,
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// Name of the operation, if it has one.
    pub name: Option<String>,
}

/// Parses the document and picks the operation, or says what is in the way.
pub fn prepare(asked: Asked) -> Result<Prepared, Problem> {
    variables::check(&asked.variables)?;
    let mut document = parse(&asked.query)?;
    document::check(&document, &asked.variables).map_err(excessive)?;
    document::plain_subscriptions(&mut document).map_err(excessive)?;
    let (name, operation) = choose(&document, asked.operation_name.as_deref())?;
    let kind = operation.ty;
    let missing = missing_variables(operation, &asked.variables);
    if !missing.is_empty() {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "GRAPHQL_VALIDATION_FAILED", "");
        return Err(Problem { errors: missing, ..problem });
    }
    let mut request = Request::new("").variables(asked.variables);
    if let Some(name) = &name {
        request = request.operation_name(name);
    }
    request.set_parsed_query(document);
    Ok(Prepared { request, kind, name })
}

fn parse(text: &str) -> Result<ExecutableDocument, Problem> {
    let refuse = |code, message: String| Problem::new(StatusCode::BAD_REQUEST, code, message);
    scan::scan(text).map_err(|unfit| match unfit {
        Unfit::TooLong => Problem::too_large(format!("A document may have {} bytes at most.", scan::MAX_BYTES)),
        Unfit::TooDeep => {
            refuse("TOO_COMPLEX", format!("Brackets nest deeper than {} levels in this document.", scan::MAX_DEPTH))
        }
        Unfit::Unterminated => refuse("GRAPHQL_PARSE_FAILED", "A block string has no end.".to_owned()),
    })?;
    parse_query(text).map_err(|cause: ParseError| {
        let locations = cause.positions().collect();
        let mut problem = refuse("GRAPHQL_PARSE_FAILED", format!("The document is not GraphQL: {}.", reason(&cause)));
        problem.errors.iter_mut().for_each(|error| error.locations = Vec::clone(&locations));
        problem
    })
}

fn excessive(excess: Excess) -> Problem {
    let refuse = |code, message: String| Problem::new(StatusCode::BAD_REQUEST, code, message);
    match excess {
        Excess::Fields => {
            refuse("TOO_COMPLEX", format!("A document may have {} fields, fragments put in.", document::MAX_FIELDS))
        }
        Excess::Fragments => {
            refuse("TOO_COMPLEX", format!("A document may define {} fragments.", document::MAX_FRAGMENTS))
        }
        Excess::Cost => {
            let message =
                format!("The answer could have more than {} fields: ask for smaller pages.", document::MAX_COST);
            refuse("TOO_COMPLEX", message)
        }
        Excess::Roots(place) => {
            let message = "A subscription is to exactly one field, without directives.".to_owned();
            let mut problem = refuse("GRAPHQL_VALIDATION_FAILED", message);
            problem.errors.iter_mut().for_each(|error| error.locations = vec![place]);
            problem
        }
        Excess::Repeated(name, place) => {
            let message = format!("`{name}` stands twice in this mutation, and would run twice: give each an alias.");
            let mut problem = refuse("GRAPHQL_VALIDATION_FAILED", message);
            problem.errors.iter_mut().for_each(|error| error.locations = vec![place]);
            problem
        }
    }
}

/// The reason in one line: the parser draws a picture of the place, which `locations` tells already.
fn reason(cause: &ParseError) -> String {
    match cause {
        ParseError::Syntax { message, .. } => {
            message.lines().rev().find_map(|line| line.trim().strip_prefix("= ")).unwrap_or("syntax error").to_owned()
        }
        other => other.to_string(),
    }
}

/// The operation of that name, or the only one.
fn choose<'a>(
    document: &'a ExecutableDocument,
    wanted: Option<&str>,
) -> Result<(Option<String>, &'a OperationDefinition), Problem> {
    let mut found = document.operations.iter().filter(|(name, _)| match wanted {
        Some(wanted) => name.is_some_and(|name| name == wanted),
        None => true,
    });
    match (found.next(), found.next()) {
        (Some((name, operation)), None) => Ok((name.map(ToString::to_string), &operation.node)),
        (Some(_), Some(_)) => {
            Err(Problem::bad_request("The document has several operations: name one by `operationName`."))
        }
        (None, _) => Err(Problem::bad_request("The document has no operation of that `operationName`.")),
    }
}

/// What the schema would only notice in the middle of the execution: variables that must have a value, and have none.
fn missing_variables(operation: &OperationDefinition, given: &Variables) -> Vec<ServerError> {
    let definitions = operation.variable_definitions.iter();
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
        prepare(super::super::body::parse(body.to_string().as_bytes())?)
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
        assert_eq!(refusal(serde_json::json!({"query": "{".repeat(100)})).0, "TOO_COMPLEX");
        assert_eq!(refusal(serde_json::json!({"query": "\"\"\""})).0, "GRAPHQL_PARSE_FAILED");
    }
}
