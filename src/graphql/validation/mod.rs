//! Whether a document fits the schema, rule by rule as in section 5 of the specification, and whether the variables of a request
//! do. async-graphql's validator takes documents that graphql-js refuses, and takes all of a document apart again for every
//! request; this one is asked once for a text. `tests/validation` holds it to graphql-js.
//!
//! It can go once the library's does as well: [`validate`] is all that is asked of it, and [`variable_values`] of a request.

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

/// Whether clients may learn the schema, by introspection and by messages that suggest what might have been meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// They may.
    Open,
    /// They may not.
    Hidden,
}

/// What is wrong with a document; nothing, if it may be executed. Its size must have been checked.
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
    // Fields are only put together where they are known, and fragments where they end.
    if report.is_empty() {
        for (_, operation) in document.operations.iter() {
            overlap::check(schema, document, &operation.node, &mut report);
        }
    }
    report.mistakes()
}

/// The name of the type at the root of such operations.
fn root(schema: &Definitions, kind: OperationType) -> Option<&async_graphql::Name> {
    match kind {
        OperationType::Query => schema.query.as_ref(),
        OperationType::Mutation => schema.mutation.as_ref(),
        OperationType::Subscription => schema.subscription.as_ref(),
    }
}
