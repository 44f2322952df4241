//! Validates documents against the schema by the rules in section 5 of the specification, and the variables of
//! requests.
//!
//! async-graphql's validator accepts documents that graphql-js refuses, and validates a document again for every
//! request. This one validates each text once. `tests/validation` compares it with graphql-js. It can be removed once
//! the validator of the library is as strict: the only entry points are [`validate`] and [`variable_values`].

mod arguments;
mod definitions;
mod directives;
mod fragments;
mod introspection;
mod overlap;
mod report;
mod selections;
mod suggestion;
mod usage;
mod values;
pub mod variable_values;

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, OperationType};

pub use self::definitions::Definitions;
use self::report::Report;
use self::selections::Walk;
use crate::graphql::documents::parser::DocumentMistake;

/// Whether clients may learn the schema, by introspection and by suggestions in error messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// Introspection and suggestions are allowed.
    Open,
    /// Introspection is refused, and messages contain no names of the schema.
    Hidden,
}

/// Validates a document, and returns its mistakes; an empty list if it is valid. Callers have checked the document's
/// size.
pub fn validate(schema: &Definitions, document: &ExecutableDocument, exposure: Exposure) -> Vec<DocumentMistake> {
    let mut report = Report::new(exposure);
    let mut used = HashMap::new();
    for (name, fragment) in &document.fragments {
        let mut walk = Walk::new(schema, document, &mut report);
        walk.fragment(&fragment.node);
        used.insert(name, walk.usage);
    }
    fragments::check(document, &used, &mut report);
    for (_, operation) in document.operations.iter() {
        let mut walk = Walk::new(schema, document, &mut report);
        walk.operation(operation);
        let own = walk.usage;
        usage::check(schema, &operation.node, own, &used, &mut report);
    }
    // The check for conflicting fields needs known fields and fragments without cycles.
    if report.is_empty() {
        for (_, operation) in document.operations.iter() {
            overlap::check(schema, document, &operation.node, &mut report);
        }
    }
    report.mistakes()
}

/// Returns the root type of an operation type; `None` if the schema has none.
fn root(schema: &Definitions, kind: OperationType) -> Option<&async_graphql::Name> {
    match kind {
        OperationType::Query => schema.query.as_ref(),
        OperationType::Mutation => schema.mutation.as_ref(),
        OperationType::Subscription => schema.subscription.as_ref(),
    }
}
