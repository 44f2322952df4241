//! Checks on the parsed document, before it is validated: validation takes fragments apart again and again, and a kilobyte
//! of them that spread each other twice would keep it busy for minutes.
//!
//! A fragment is measured once, however often it is spread; sums saturate. So the check itself takes microseconds.

use std::collections::{HashMap, HashSet};

use async_graphql::Positioned;
use async_graphql::parser::types::{
    ExecutableDocument, FragmentDefinition, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Pos};

/// Most fields of a document, with its fragments put in the place of their spreads.
pub const MAX_FIELDS: u64 = 2_000;
/// Most fragments that a document defines.
pub const MAX_FRAGMENTS: usize = 100;

/// What a document has too much of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Excess {
    /// Fields, fragments put in.
    Fields,
    /// Fragments.
    Fragments,
    /// A mutation that would run once for each time it is named.
    Repeated(String, Pos),
}

/// Refuses a document that would cost too much to validate, or whose mutations would run more often than they answer.
pub fn check(document: &ExecutableDocument) -> Result<(), Excess> {
    if document.fragments.len() > MAX_FRAGMENTS {
        return Err(Excess::Fragments);
    }
    let mut measure = Measure { fragments: &document.fragments, measured: HashMap::new() };
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set.node);
    if operations.chain(fragments).any(|set| measure.fields(set) > MAX_FIELDS) {
        return Err(Excess::Fields);
    }
    document.operations.iter().try_for_each(|(_, operation)| each_mutation_once(document, &operation.node))
}

struct Measure<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    /// Fields of each fragment; none while it is being measured, and then a spread of it is a cycle.
    measured: HashMap<&'a Name, Option<u64>>,
}

impl<'a> Measure<'a> {
    /// Fields of a selection set. A cycle counts as nothing: validation refuses it at once.
    fn fields(&mut self, set: &'a SelectionSet) -> u64 {
        set.items.iter().fold(0u64, |sum, item| {
            sum.saturating_add(match &item.node {
                Selection::Field(field) => self.fields(&field.node.selection_set.node).saturating_add(1),
                Selection::InlineFragment(inline) => self.fields(&inline.node.selection_set.node),
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
            })
        })
    }

    fn fragment(&mut self, name: &'a Name) -> u64 {
        if let Some(known) = self.measured.get(name) {
            return known.unwrap_or(0);
        }
        let Some(fragment) = self.fragments.get(name) else { return 0 };
        self.measured.insert(name, None);
        let fields = self.fields(&fragment.node.selection_set.node);
        self.measured.insert(name, Some(fields));
        fields
    }
}

/// async-graphql runs a root field once for each time that it is named under the same key, and shows one answer.
fn each_mutation_once(document: &ExecutableDocument, operation: &OperationDefinition) -> Result<(), Excess> {
    if operation.ty != OperationType::Mutation {
        return Ok(());
    }
    let (mut keys, mut spread) = (HashSet::new(), HashSet::new());
    let mut sets = vec![&operation.selection_set.node];
    while let Some(set) = sets.pop() {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    let key = &field.node.response_key().node;
                    if !keys.insert(key) {
                        return Err(Excess::Repeated(key.to_string(), item.pos));
                    }
                }
                Selection::InlineFragment(inline) => sets.push(&inline.node.selection_set.node),
                Selection::FragmentSpread(fragment) => {
                    let name = &fragment.node.fragment_name.node;
                    // Spread twice, all of its fields would run twice.
                    if !spread.insert(name) {
                        return Err(Excess::Repeated(name.to_string(), item.pos));
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

    fn checked(text: &str) -> Result<(), Excess> {
        check(&parse_query(text).expect("a document"))
    }

    /// `levels` fragments, each of which spreads the next `times`.
    fn exponential(levels: usize, times: usize) -> String {
        let spreads = |level: usize| format!("...F{level} ").repeat(times);
        let fragments: String =
            (0..levels).map(|level| format!("fragment F{level} on Query {{ {} }} ", spreads(level + 1))).collect();
        format!("{{ ...F0 }} {fragments} fragment F{levels} on Query {{ __typename }}")
    }

    #[test]
    fn exponential_fragments_are_refused_in_no_time() {
        let started = std::time::Instant::now();
        for (levels, times) in [(11, 2), (26, 2), (60, 2), (7, 8), (90, 30)] {
            assert_eq!(checked(&exponential(levels, times)), Err(Excess::Fields), "{levels} levels, {times} times");
        }
        assert!(started.elapsed() < std::time::Duration::from_millis(200));
        assert_eq!(checked(&exponential(10, 2)), Ok(()), "1,024 fields");
    }

    #[test]
    fn unused_and_cyclic_fragments_are_measured_too() {
        assert_eq!(checked("{ a } fragment F on Query { ...G } fragment G on Query { ...F }"), Ok(()));
        let unused: String = (0..101).map(|n| format!("fragment F{n} on Query {{ a }} ")).collect();
        assert_eq!(checked(&format!("{{ a }} {unused}")), Err(Excess::Fragments));
        assert_eq!(checked(&format!("{{ {} }}", "a ".repeat(2001))), Err(Excess::Fields));
    }

    #[test]
    fn a_mutation_is_named_once() {
        for bad in [
            "mutation { a a }",
            "mutation { a ... { a } }",
            "mutation { x: a x: b }",
            "mutation { ...F a } fragment F on Mutation { a }",
            "mutation { ...F ...F } fragment F on Mutation { a }",
        ] {
            assert!(matches!(checked(bad), Err(Excess::Repeated(..))), "{bad}");
        }
        assert_eq!(checked("mutation { a b: a }"), Ok(()));
        assert_eq!(checked("{ a a }"), Ok(()), "queries may");
    }
}
