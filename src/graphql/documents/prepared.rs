//! All that is known of a document by its text alone: parsed, found good, and for each operation what a request with it has to
//! be asked. It is worked out once; a request then adds its variables.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition, OperationType,
    Selection, SelectionSet, VariableDefinition,
};
use async_graphql::{Name, Positioned, Value, Variables};
use async_graphql_value::Value as Written;

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
    /// What it defines.
    operations: Vec<Operation>,
    /// How many tokens are kept of it: those of a fragment once for each operation that reaches it.
    pub tokens: u64,
    /// How many bytes its text has.
    pub bytes: u64,
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
    /// The variables that say what is skipped or included.
    conditions: HashSet<Name>,
    /// What its answer costs, but for what it tells of the schema.
    cost: Cost,
    /// How large its arguments are.
    pub arguments: Arguments,
    /// Whether its answer tells of the schema.
    describes: bool,
    /// Whether a field of its answer may be put together from several places of it.
    pub repeats_fields: bool,
    /// Whether it needs no identity.
    pub public: PublicFields,
    /// It alone, with the fragments that it reaches, for the executor.
    pub document: ExecutableDocument,
}

/// Why a document is not executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentError {
    /// It asks for too much, or would be executed otherwise than it is meant.
    Excessive(LimitExceeded),
    /// It is not GraphQL.
    Malformed(DocumentMistake),
    /// It does not fit the schema.
    Invalid(Vec<DocumentMistake>),
}

/// The first reason, as the end of a sentence.
impl std::fmt::Display for DocumentError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DocumentError::Excessive(LimitExceeded::Over(limit, asked)) => {
                write!(f, "it has {asked} {}; {} are allowed", limit.noun(), limit.allowed())
            }
            DocumentError::Excessive(LimitExceeded::Repeated(name, _)) => {
                write!(f, "`{name}` stands twice in a mutation")
            }
            DocumentError::Excessive(LimitExceeded::Roots(_)) => f.write_str("a subscription is to exactly one field"),
            DocumentError::Malformed(DocumentMistake { message, place }) => write!(f, "{message} ({place})"),
            DocumentError::Invalid(mistakes) => match mistakes.first() {
                Some(DocumentMistake { message, place }) => write!(f, "{message} ({place})"),
                None => f.write_str("it is not valid"),
            },
        }
    }
}

/// Why a document does not tell which operation is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationNotFound {
    /// It has several, and none was named.
    Several,
    /// It has none of that name.
    Unknown,
}

impl PreparedDocument {
    /// Of a text, if it may be executed.
    pub fn new(text: &str, schema: &Definitions, exposure: Exposure) -> Result<Self, DocumentError> {
        let parsed = parser::parse(text).map_err(|unreadable| match unreadable {
            Unreadable::Excessive(excess) => DocumentError::Excessive(excess),
            Unreadable::Malformed(mistake) => DocumentError::Malformed(mistake),
        })?;
        let mut document = parsed.document;
        size::check(&document).map_err(DocumentError::Excessive)?;
        let mut mistakes = parsed.ambiguities;
        mistakes.extend(validate(schema, &document, exposure));
        if !mistakes.is_empty() {
            return Err(DocumentError::Invalid(mistakes));
        }
        let once = document
            .operations
            .iter()
            .try_for_each(|(_, operation)| duplicate_mutation_fields::check(&document, &operation.node));
        once.and_then(|()| single_root_field::inline_root_fragments(&mut document))
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

    /// The operation of that name, or the only one.
    pub fn operation(&self, wanted: Option<&str>) -> Result<&Operation, OperationNotFound> {
        match (wanted, self.operations.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(OperationNotFound::Several),
            (Some(wanted), all) => {
                all.iter().find(|each| each.name.as_deref() == Some(wanted)).ok_or(OperationNotFound::Unknown)
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
        reach(&selection_set.node, fragments, &mut reached, &mut conditions);
        let (kind, variables) = (*ty, variable_definitions.clone());
        let public = PublicFields::of(&operation.node, fragments);
        let cost = Cost::of(&operation.node, fragments);
        let arguments = Arguments::of(&selection_set.node, fragments, variable_definitions);
        let describes = introspection::is_asked(&selection_set.node, fragments);
        let document = ExecutableDocument { operations: DocumentOperations::Single(operation), fragments: reached };
        let repeats_fields = merged_fields::repeats_fields(&document);
        Self {
            name: name.map(|name| name.to_string()),
            kind,
            variables,
            conditions,
            cost,
            arguments,
            describes,
            repeats_fields,
            public,
            document,
        }
    }

    /// A mistake for each condition that is null, which a variable with a default can be made. The library takes null for false.
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

    /// The cost with these variables, in points. What introspection tells is counted up to the limit.
    pub fn cost(&self, variables: &Variables) -> u64 {
        let cost = self.cost.with(variables);
        if !self.describes || cost > Limit::Cost.allowed() {
            return cost;
        }
        cost + introspection::cost(&self.document, variables, Limit::Cost.allowed() - cost)
    }
}

/// Finds the fragments that a set spreads, and those that they spread, with the variables of their conditions.
fn reach(
    set: &SelectionSet,
    fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
    found: &mut HashMap<Name, Positioned<FragmentDefinition>>,
    conditions: &mut HashSet<Name>,
) {
    for item in &set.items {
        conditions.extend(item.node.directives().iter().filter_map(|directive| condition(&directive.node)));
        match &item.node {
            Selection::Field(field) => reach(&field.node.selection_set.node, fragments, found, conditions),
            Selection::InlineFragment(inline) => reach(&inline.node.selection_set.node, fragments, found, conditions),
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if let Some(fragment) = fragments.get(name).filter(|_| !found.contains_key(name)) {
                    found.insert(name.clone(), fragment.clone());
                    reach(&fragment.node.selection_set.node, fragments, found, conditions);
                }
            }
        }
    }
}

/// The variable that a directive makes a condition.
fn condition(directive: &Directive) -> Option<Name> {
    match directive.get_argument("if").map(|given| &given.node) {
        Some(Written::Variable(name)) => Some(name.clone()),
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

    pub fn plan(text: &str) -> Result<PreparedDocument, DocumentError> {
        PreparedDocument::new(text, &SCHEMA, Exposure::Open)
    }

    #[test]
    fn an_operation_is_chosen_by_name_or_by_being_alone() {
        let two = plan("query A { ...F } mutation B { a } fragment F on Query { b }").expect("good");
        assert_eq!(two.operation(None).err(), Some(OperationNotFound::Several));
        assert_eq!(two.operation(Some("C")).err(), Some(OperationNotFound::Unknown));
        let (query, mutation) = (two.operation(Some("A")).expect("A"), two.operation(Some("B")).expect("B"));
        assert_eq!((query.kind, query.document.fragments.len()), (OperationType::Query, 1));
        assert_eq!((mutation.kind, mutation.document.fragments.len()), (OperationType::Mutation, 0));
        assert_eq!(plan("{ b }").expect("good").operation(None).expect("it").name, None);
    }

    #[test]
    fn every_operation_is_validated_whichever_is_wanted() {
        assert!(matches!(plan("query A { b } query B { nope }"), Err(DocumentError::Invalid(_))));
    }
}
