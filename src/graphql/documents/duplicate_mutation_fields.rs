//! Refuses duplicate root fields of mutations. async-graphql executes a root field once per selection, also under the
//! same response key, so that a mutation would be executed twice.

use std::collections::HashSet;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType, Selection};

use crate::graphql::documents::limits::LimitExceeded;

/// Refuses a mutation that selects two root fields with the same response key, directly or in fragments.
pub fn check(document: &ExecutableDocument, operation: &OperationDefinition) -> Result<(), LimitExceeded> {
    if operation.ty != OperationType::Mutation {
        return Ok(());
    }
    let (mut keys, mut spreads) = (HashSet::new(), HashSet::new());
    let mut sets = vec![&operation.selection_set.node];
    while let Some(set) = sets.pop() {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    let key = &field.node.response_key().node;
                    if !keys.insert(key) {
                        return Err(LimitExceeded::Repeated(key.to_string(), item.pos));
                    }
                }
                Selection::InlineFragment(inline) => sets.push(&inline.node.selection_set.node),
                Selection::FragmentSpread(fragment) => {
                    let name = &fragment.node.fragment_name.node;
                    // All fields of the fragment would be executed twice.
                    if !spreads.insert(name) {
                        return Err(LimitExceeded::Repeated(name.to_string(), item.pos));
                    }
                    sets.extend(document.fragments.get(name).map(|fragment| &fragment.node.selection_set.node));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn checked(text: &str) -> Result<(), LimitExceeded> {
        let document = parse_query(text).expect("a document");
        document.operations.iter().try_for_each(|(_, operation)| check(&document, &operation.node))
    }

    #[test]
    fn check_refuses_duplicate_root_fields_of_mutations() {
        for bad in [
            "mutation { a a }",
            "mutation { a ... { a } }",
            "mutation { x: a x: b }",
            "mutation { ...F a } fragment F on Mutation { a }",
            "mutation { ...F ...F } fragment F on Mutation { a }",
        ] {
            assert!(matches!(checked(bad), Err(LimitExceeded::Repeated(..))), "{bad}");
        }
        assert_eq!(checked("mutation { a b: a }"), Ok(()));
        assert_eq!(checked("{ a a }"), Ok(()), "queries are allowed");
    }
}
