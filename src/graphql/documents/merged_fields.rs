//! Finds the documents that name a field twice under one key. The library resolves such a field for each time that it is named
//! and merges what comes out, which it cannot do with parts that are JSON already.

use std::collections::HashSet;

use async_graphql::Name;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

/// Whether an object of the answer may get a field from several places of the document. Said of too many rather than of too
/// few: of fragments for different types, too. The document's size, fragments put in, must have been checked.
pub fn repeats_fields(document: &ExecutableDocument) -> bool {
    let mut open = Vec::new();
    document.operations.iter().any(|(_, operation)| repeats_in(document, &operation.node.selection_set.node, &mut open))
}

/// `open` are the fragments that the set lies in: one that spreads itself never ends.
fn repeats_in<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet, open: &mut Vec<&'a Name>) -> bool {
    let (mut keys, mut below, mut sets) = (HashSet::new(), Vec::new(), vec![set]);
    let outside = open.len();
    while let Some(set) = sets.pop() {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    if !keys.insert(&field.node.response_key().node) {
                        return true;
                    }
                    below.push(&field.node.selection_set.node);
                }
                Selection::InlineFragment(inline) => sets.push(&inline.node.selection_set.node),
                Selection::FragmentSpread(fragment) => {
                    let name = &fragment.node.fragment_name.node;
                    if open.contains(&name) {
                        return true;
                    }
                    open.push(name);
                    let fragment = document.fragments.get(name);
                    sets.extend(fragment.map(|fragment| &fragment.node.selection_set.node));
                }
            }
        }
    }
    let repeated = below.into_iter().any(|set| !set.items.is_empty() && repeats_in(document, set, open));
    open.truncate(outside);
    repeated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_repeated_when_two_places_give_it() {
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
