//! A prepared document: parsed and validated, with precomputed properties of each operation. It is prepared once per
//! text; requests only add variables.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition, OperationType,
    Selection, SelectionSet, VariableDefinition,
};
use async_graphql::{Name, Positioned, Value, Variables};
use async_graphql_value::Value as Literal;

use crate::graphql::documents::arguments::Arguments;
use crate::graphql::documents::cost::Cost;
use crate::graphql::documents::limits::{Limit, LimitExceeded};
use crate::graphql::documents::parser;
use crate::graphql::documents::parser::{DocumentMistake, Unreadable};
use crate::graphql::documents::public_fields::PublicFields;
use crate::graphql::documents::{duplicate_mutation_fields, merged_fields, single_root_field, size};
use crate::graphql::introspection;
use crate::graphql::validation::{Definitions, Exposure, validate};

/// A document that may be executed.
#[derive(Debug)]
pub struct PreparedDocument {
    /// Operations of the document.
    operations: Vec<Operation>,
    /// Number of tokens in memory: an upper bound, because each operation has its own copy of the fragments that it
    /// uses.
    pub tokens: u64,
    /// Length of the text, in bytes.
    pub bytes: u64,
}

/// One operation of a document.
#[derive(Debug)]
pub struct Operation {
    /// Name of the operation, if it has one.
    pub name: Option<String>,
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// Definitions of the variables.
    pub variables: Vec<Positioned<VariableDefinition>>,
    /// Variables of the directives `@skip` and `@include`.
    conditions: HashSet<Name>,
    /// Cost without introspection.
    cost: Cost,
    /// Size of the arguments.
    pub arguments: Arguments,
    /// Whether the operation has introspection fields.
    has_introspection: bool,
    /// Whether a field of the response may come from several selections.
    pub repeats_fields: bool,
    /// Conditions under which the operation needs no authentication.
    pub public: PublicFields,
    /// A document with only this operation and the fragments that it uses, for the executor.
    pub document: ExecutableDocument,
}

/// Why a document is not executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentError {
    /// The document exceeds a limit, or would not be executed as written.
    Excessive(LimitExceeded),
    /// The text is not GraphQL.
    Malformed(DocumentMistake),
    /// The document does not match the schema.
    Invalid(Vec<DocumentMistake>),
}

/// Formats the first reason as the end of a sentence.
impl std::fmt::Display for DocumentError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DocumentError::Excessive(LimitExceeded::Over(limit, quantity)) => {
                write!(f, "it has {quantity} {}; {} are allowed", limit.noun(), limit.allowed())
            }
            DocumentError::Excessive(LimitExceeded::Repeated(name, _)) => {
                write!(f, "`{name}` is selected twice in a mutation")
            }
            DocumentError::Excessive(LimitExceeded::Roots(_)) => {
                f.write_str("a subscription must select exactly one field")
            }
            DocumentError::Malformed(DocumentMistake { message, place }) => write!(f, "{message} ({place})"),
            DocumentError::Invalid(mistakes) => match mistakes.first() {
                Some(DocumentMistake { message, place }) => write!(f, "{message} ({place})"),
                None => f.write_str("it is not valid"),
            },
        }
    }
}

/// Why an operation cannot be selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationNotFound {
    /// The document has several operations, and the request names none.
    Several,
    /// The document has no operation with that name.
    Unknown,
}

impl PreparedDocument {
    /// Prepares a document: parses and validates a text.
    pub fn new(text: &str, schema: &Definitions, exposure: Exposure) -> Result<Self, DocumentError> {
        let parsed = parser::parse(text).map_err(|unreadable| match unreadable {
            Unreadable::Excessive(exceeded) => DocumentError::Excessive(exceeded),
            Unreadable::Malformed(mistake) => DocumentError::Malformed(mistake),
        })?;
        let mut document = parsed.document;
        size::check(&document).map_err(DocumentError::Excessive)?;
        let mut mistakes = parsed.ambiguities;
        mistakes.extend(validate(schema, &document, exposure));
        if !mistakes.is_empty() {
            return Err(DocumentError::Invalid(mistakes));
        }
        let no_duplicates = document
            .operations
            .iter()
            .try_for_each(|(_, operation)| duplicate_mutation_fields::check(&document, &operation.node));
        no_duplicates
            .and_then(|()| single_root_field::inline_root_fragments(&mut document))
            .map_err(DocumentError::Excessive)?;
        let ExecutableDocument { operations, fragments } = document;
        let operations: Vec<(Option<Name>, Positioned<OperationDefinition>)> = match operations {
            DocumentOperations::Single(operation) => vec![(None, operation)],
            DocumentOperations::Multiple(named) => named.into_iter().map(|(name, each)| (Some(name), each)).collect(),
        };
        let operations = operations.into_iter().map(|(name, operation)| Operation::new(name, operation, &fragments));
        let operations: Vec<Operation> = operations.collect();
        let copies = |name| operations.iter().filter(|each| each.document.fragments.contains_key(name)).count();
        let most = fragments.keys().map(copies).max().unwrap_or(1).max(1);
        Ok(Self { tokens: parsed.tokens * most as u64, operations, bytes: text.len() as u64 })
    }

    /// Returns the operation with that name, or the only operation if no name is given.
    pub fn operation(&self, name: Option<&str>) -> Result<&Operation, OperationNotFound> {
        match (name, self.operations.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(OperationNotFound::Several),
            (Some(name), all) => {
                all.iter().find(|operation| operation.name.as_deref() == Some(name)).ok_or(OperationNotFound::Unknown)
            }
        }
    }
}

impl Operation {
    fn new(
        name: Option<Name>,
        operation: Positioned<OperationDefinition>,
        fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
    ) -> Self {
        let OperationDefinition { ty, variable_definitions, selection_set, .. } = &operation.node;
        let (mut reached, mut conditions) = (HashMap::new(), HashSet::new());
        collect_reachable(&selection_set.node, fragments, &mut reached, &mut conditions);
        let (kind, variables) = (*ty, variable_definitions.clone());
        let public = PublicFields::of(&operation.node, fragments);
        let cost = Cost::of(&operation.node, fragments);
        let arguments = Arguments::of(&selection_set.node, fragments, variable_definitions);
        let has_introspection = introspection::is_asked(&selection_set.node, fragments);
        let document = ExecutableDocument { operations: DocumentOperations::Single(operation), fragments: reached };
        let repeats_fields = merged_fields::repeats_fields(&document);
        Self {
            name: name.map(|name| name.to_string()),
            kind,
            variables,
            conditions,
            cost,
            arguments,
            has_introspection,
            repeats_fields,
            public,
            document,
        }
    }

    /// Returns a mistake for each variable of `@skip` or `@include` that is null. A nullable variable with a default is
    /// valid there, and async-graphql would treat null as false.
    pub fn null_conditions(&self, given: &Variables) -> Vec<DocumentMistake> {
        let nulls = self.variables.iter().filter(|variable| {
            let name = &variable.node.name.node;
            let nullable = variable.node.var_type.node.nullable;
            nullable && self.conditions.contains(name) && given.get(name) == Some(&Value::Null)
        });
        let mistake = |variable: &Positioned<VariableDefinition>| {
            let name = &variable.node.name.node;
            DocumentMistake::new(format!("Variable `${name}` must not be null where it is a condition."), variable.pos)
        };
        nulls.map(mistake).collect()
    }

    /// Returns the cost with these variables, in points. The cost of introspection is counted up to the limit.
    pub fn cost(&self, variables: &Variables) -> u64 {
        let cost = self.cost.with(variables);
        if !self.has_introspection || cost > Limit::Cost.allowed() {
            return cost;
        }
        cost + introspection::cost(&self.document, variables, Limit::Cost.allowed() - cost)
    }
}

/// Collects the fragments that a selection set uses, also indirectly, and the variables of all `@skip` and `@include`
/// directives.
fn collect_reachable(
    set: &SelectionSet,
    fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
    found: &mut HashMap<Name, Positioned<FragmentDefinition>>,
    conditions: &mut HashSet<Name>,
) {
    for item in &set.items {
        conditions.extend(item.node.directives().iter().filter_map(|directive| condition(&directive.node)));
        match &item.node {
            Selection::Field(field) => collect_reachable(&field.node.selection_set.node, fragments, found, conditions),
            Selection::InlineFragment(inline) => {
                collect_reachable(&inline.node.selection_set.node, fragments, found, conditions)
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if let Some(fragment) = fragments.get(name).filter(|_| !found.contains_key(name)) {
                    found.insert(name.clone(), fragment.clone());
                    collect_reachable(&fragment.node.selection_set.node, fragments, found, conditions);
                }
            }
        }
    }
}

/// Returns the variable in the argument `if` of a directive.
fn condition(directive: &Directive) -> Option<Name> {
    match directive.get_argument("if").map(|given| &given.node) {
        Some(Literal::Variable(name)) => Some(name.clone()),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::LazyLock;

    use super::*;

    static SCHEMA: LazyLock<Definitions> = LazyLock::new(|| {
        let sdl = "type Query { a(n: Int): Query b: Int } type Mutation { a: Int } type Subscription { a: Query }";
        Definitions::parse(sdl).expect("a schema")
    });

    pub fn prepare(text: &str) -> Result<PreparedDocument, DocumentError> {
        PreparedDocument::new(text, &SCHEMA, Exposure::Open)
    }

    #[test]
    fn operation_returns_the_named_or_the_only_operation() {
        let two = prepare("query A { ...F } mutation B { a } fragment F on Query { b }").expect("good");
        assert_eq!(two.operation(None).err(), Some(OperationNotFound::Several));
        assert_eq!(two.operation(Some("C")).err(), Some(OperationNotFound::Unknown));
        let (query, mutation) = (two.operation(Some("A")).expect("A"), two.operation(Some("B")).expect("B"));
        assert_eq!((query.kind, query.document.fragments.len()), (OperationType::Query, 1));
        assert_eq!((mutation.kind, mutation.document.fragments.len()), (OperationType::Mutation, 0));
        assert_eq!(prepare("{ b }").expect("good").operation(None).expect("it").name, None);
    }

    #[test]
    fn new_validates_every_operation() {
        assert!(matches!(prepare("query A { b } query B { nope }"), Err(DocumentError::Invalid(_))));
    }
}
