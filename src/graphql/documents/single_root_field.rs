//! Checks that subscriptions select exactly one root field, and inlines fragments at the root, because async-graphql
//! ignores them and would return nothing.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType, Selection,
    SelectionSet, TypeCondition,
};
use async_graphql::{Name, Positioned};

use crate::graphql::documents::limits::LimitExceeded;

/// Replaces fragments at the root of each subscription by the one field that they select. Refuses subscriptions that do
/// not select exactly one field. Callers have validated the document.
pub fn inline_root_fragments(document: &mut ExecutableDocument) -> Result<(), LimitExceeded> {
    let ExecutableDocument { operations, fragments } = document;
    let operations: Vec<&mut OperationDefinition> = match operations {
        DocumentOperations::Single(operation) => vec![&mut operation.node],
        DocumentOperations::Multiple(operations) => operations.values_mut().map(|named| &mut named.node).collect(),
    };
    let mut inlined: HashSet<Name> = HashSet::new();
    for operation in operations.into_iter().filter(|operation| operation.ty == OperationType::Subscription) {
        let root = root_field(&operation.selection_set, fragments, &mut inlined)?;
        operation.selection_set.node.items = vec![root];
    }
    // Only subscriptions can use these fragments, and unused fragments are refused.
    fragments.retain(|name, _| !inlined.contains(name));
    Ok(())
}

/// Returns whether a field has no directives and is not an introspection field.
fn is_plain(field: &Field) -> bool {
    field.directives.is_empty() && !field.name.node.starts_with("__")
}

/// Returns the only root field of a subscription.
fn root_field(
    root: &Positioned<SelectionSet>,
    fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
    inlined: &mut HashSet<Name>,
) -> Result<Positioned<Selection>, LimitExceeded> {
    let on_subscriptions = |condition: &Positioned<TypeCondition>| condition.node.on.node == "Subscription";
    let (mut found, mut visited) = (None, HashSet::new());
    let mut sets = vec![&root.node];
    while let Some(set) = sets.pop() {
        for item in &set.items {
            let inner = match &item.node {
                Selection::Field(field) if found.is_none() && is_plain(&field.node) => {
                    found = Some(item.clone());
                    continue;
                }
                Selection::InlineFragment(inline) => {
                    let inline = &inline.node;
                    let plain =
                        inline.directives.is_empty() && inline.type_condition.as_ref().is_none_or(on_subscriptions);
                    plain.then_some(&inline.selection_set.node)
                }
                Selection::FragmentSpread(spread) if spread.node.directives.is_empty() => {
                    let name = &spread.node.fragment_name.node;
                    let fragment = fragments.get(name).map(|fragment| &fragment.node);
                    let plain = fragment.filter(|fragment| on_subscriptions(&fragment.type_condition));
                    inlined.insert(name.clone());
                    plain.filter(|_| visited.insert(name)).map(|fragment| &fragment.selection_set.node)
                }
                _ => None,
            };
            sets.push(inner.ok_or(LimitExceeded::Roots(item.pos))?);
        }
    }
    found.ok_or(LimitExceeded::Roots(root.pos))
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn inline_root_fragments_leaves_one_root_field() {
        let inlined = |text: &str| {
            let mut document = parse_query(text).expect("a document");
            inline_root_fragments(&mut document).map(|()| document)
        };
        for good in [
            "subscription { a { id } }",
            "subscription { x: a { ...E } } fragment E on Event { id }",
            "subscription { ... { a { id } } }",
            "subscription { ... on Subscription { ...F } } fragment F on Subscription { a { id } }",
            "subscription S { ...F } query Q { b } fragment F on Subscription { ...G } fragment G on Subscription { a { id } }",
        ] {
            let document = inlined(good).expect(good);
            let (_, operation) =
                document.operations.iter().find(|(_, o)| o.node.ty == OperationType::Subscription).expect("one");
            let items = &operation.node.selection_set.node.items;
            assert!(matches!(items.as_slice(), [item] if matches!(item.node, Selection::Field(_))), "{good}");
            assert!(document.fragments.keys().all(|name| name == "E"), "{good}");
        }
        for bad in [
            "subscription { a { id } b { id } }",
            "subscription { a { id } a { type } }",
            "subscription { ...F a { id } } fragment F on Subscription { a { id } }",
            "subscription { ...F ...F } fragment F on Subscription { a { id } }",
            "subscription { ...F } fragment F on Subscription { ...F }",
            "subscription { ...F } fragment F on Query { a }",
            "subscription { ...F }",
            "subscription { __typename }",
            "subscription { a @skip(if: false) { id } }",
            "subscription { ... @include(if: true) { a { id } } }",
        ] {
            assert!(matches!(inlined(bad), Err(LimitExceeded::Roots(_))), "{bad}");
        }
        assert!(inlined("{ a b ...F } fragment F on Query { c }").is_ok(), "queries are allowed");
    }
}
