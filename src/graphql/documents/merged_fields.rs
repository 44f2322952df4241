//! Finds documents that select a field twice under one response key. async-graphql resolves each selection and merges
//! the results, which is not possible for results that are serialized already.

use std::collections::HashSet;

use async_graphql::Name;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

/// Returns whether a field of the response may come from several selections. There may be false positives, for example
/// for fragments on different types. Callers have checked the size of the document.
pub fn repeats_fields(document: &ExecutableDocument) -> bool {
    let mut enclosing = Vec::new();
    document
        .operations
        .iter()
        .any(|(_, operation)| repeats_in(document, &operation.node.selection_set.node, &mut enclosing))
}

/// Checks one selection set. `enclosing` are the fragments around it, to detect cycles.
fn repeats_in<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet, enclosing: &mut Vec<&'a Name>) -> bool {
    let (mut keys, mut inner_sets, mut sets) = (HashSet::new(), Vec::new(), vec![set]);
    let depth = enclosing.len();
    while let Some(set) = sets.pop() {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    if !keys.insert(&field.node.response_key().node) {
                        return true;
                    }
                    inner_sets.push(&field.node.selection_set.node);
                }
                Selection::InlineFragment(inline) => sets.push(&inline.node.selection_set.node),
                Selection::FragmentSpread(fragment) => {
                    let name = &fragment.node.fragment_name.node;
                    if enclosing.contains(&name) {
                        return true;
                    }
                    enclosing.push(name);
                    let fragment = document.fragments.get(name);
                    sets.extend(fragment.map(|fragment| &fragment.node.selection_set.node));
                }
            }
        }
    }
    let repeated = inner_sets.into_iter().any(|set| !set.items.is_empty() && repeats_in(document, set, enclosing));
    enclosing.truncate(depth);
    repeated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_fields_finds_fields_with_two_selections() {
        for (text, repeated) in [
            ("{ a { b c } d { b c } }", false),
            ("{ a b: a }", false),
            ("{ a { b } a { c } }", true),
            ("{ a { b ... { b } } }", true),
            ("{ a { ...F ...G } } fragment F on A { b } fragment G on A { c }", false),
            ("{ a { ...F ...G } } fragment F on A { b { d } } fragment G on A { b { e } }", true),
            ("{ a { ...F ...F } } fragment F on A { b }", true),
            ("{ x { ...F } y { ...F } } fragment F on A { b }", false),
            ("{ a { ... on A { b } ... on B { b } } }", true),
            ("{ a { ...F } } fragment F on A { a { ...F } b { ...F } }", true),
        ] {
            let document = async_graphql::parser::parse_query(text).unwrap();
            assert_eq!(repeats_fields(&document), repeated, "{text}");
        }
    }
}
