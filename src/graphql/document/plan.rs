//! All that is known of a document by its text alone: parsed, found good, and for each operation what a request with it has to
//! be asked. It is worked out once; a request then adds its variables.

use async_graphql::Positioned;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType, VariableDefinition};

use super::cost::Cost;
use super::limits::Excess;
use super::{measure, mutations, repeats, subscriptions};

/// A document that may be executed.
#[derive(Debug)]
pub struct Plan {
    /// What it defines, at least one.
    operations: Vec<Operation>,
    /// Parsed, for the executor.
    pub document: ExecutableDocument,
    /// How many tokens its text has.
    pub tokens: u64,
    /// Whether a field of its answer may be put together from several places of it.
    pub repeats_fields: bool,
}

/// One operation of a document.
#[derive(Debug)]
pub struct Operation {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// The variables that it takes.
    pub variables: Vec<Positioned<VariableDefinition>>,
    /// What its answer costs.
    pub cost: Cost,
}

/// Why a document does not tell which operation is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclear {
    /// It has several, and none was named.
    Several,
    /// It has none of that name.
    Unknown,
}

impl Plan {
    /// Of a parsed document, unless it costs too much to validate, or its mutations would run more often than they answer.
    pub fn new(mut document: ExecutableDocument, tokens: u64) -> Result<Self, Excess> {
        measure::check(&document)?;
        document.operations.iter().try_for_each(|(_, operation)| mutations::check(&document, &operation.node))?;
        subscriptions::make_plain(&mut document)?;
        let operations = document.operations.iter();
        let operations = operations.map(|(name, operation)| {
            let OperationDefinition { ty, variable_definitions, selection_set, .. } = &operation.node;
            Operation {
                name: name.map(ToString::to_string),
                kind: *ty,
                variables: variable_definitions.clone(),
                cost: Cost::of(&selection_set.node, &document.fragments, variable_definitions),
            }
        });
        let (operations, repeats_fields) = (operations.collect(), repeats::repeats_fields(&document));
        Ok(Self { operations, document, tokens, repeats_fields })
    }

    /// The operation of that name, or the only one.
    pub fn operation(&self, wanted: Option<&str>) -> Result<&Operation, Unclear> {
        match (wanted, self.operations.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(Unclear::Several),
            (Some(wanted), all) => all.iter().find(|each| each.name.as_deref() == Some(wanted)).ok_or(Unclear::Unknown),
        }
    }
}
