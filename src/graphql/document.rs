//! Checks on the parsed document, before it is validated: validation takes fragments apart again and again, and a kilobyte
//! of them that spread each other twice would keep it busy for minutes.
//!
//! A fragment is measured once, however often it is spread; sums saturate. So the check itself takes microseconds.

use std::collections::{HashMap, HashSet};

use async_graphql::Positioned;
use async_graphql::parser::types::{
    ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Pos, Value, Variables};

use crate::domain::page::{DEFAULT, MAX};

/// Most fields of a document, with its fragments put in the place of their spreads.
pub const MAX_FIELDS: u64 = 2_000;
/// Most fragments that a document defines.
pub const MAX_FRAGMENTS: usize = 100;
/// Most fields of an answer, as far as the sizes of pages tell beforehand.
pub const MAX_COST: u64 = 100_000;

/// The fields that are lists in pages, whether or not they say how long. A test holds this to the schema.
pub const PAGED: [&str; 9] = [
    "assignedJobs",
    "assignedTasks",
    "cloudStorages",
    "invitations",
    "jobs",
    "members",
    "organizations",
    "projects",
    "tasks",
];

/// What a document has too much of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Excess {
    /// Fields, fragments put in.
    Fields,
    /// Fragments.
    Fragments,
    /// Fields of the answer.
    Cost,
    /// A mutation that would run once for each time it is named.
    Repeated(String, Pos),
}

/// Refuses a document that would cost too much to validate or to answer, or whose mutations would run more often than they
/// answer.
pub fn check(document: &ExecutableDocument, variables: &Variables) -> Result<(), Excess> {
    if document.fragments.len() > MAX_FRAGMENTS {
        return Err(Excess::Fragments);
    }
    let mut measure = Measure { fragments: &document.fragments, variables, measured: HashMap::new() };
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set.node);
    for set in operations.chain(fragments) {
        let size = measure.set(set);
        if size.fields > MAX_FIELDS {
            return Err(Excess::Fields);
        }
        if size.cost > MAX_COST {
            return Err(Excess::Cost);
        }
    }
    document.operations.iter().try_for_each(|(_, operation)| each_mutation_once(document, &operation.node))
}

/// How large a part of a document is.
#[derive(Clone, Copy, Default)]
struct Size {
    /// Fields that are named.
    fields: u64,
    /// Fields that may be answered.
    cost: u64,
}

struct Measure<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    variables: &'a Variables,
    /// Size of each fragment; none while it is being measured, and then a spread of it is a cycle.
    measured: HashMap<&'a Name, Option<Size>>,
}

impl<'a> Measure<'a> {
    /// Size of a selection set. A cycle counts as nothing: validation refuses it at once.
    fn set(&mut self, set: &'a SelectionSet) -> Size {
        set.items.iter().fold(Size::default(), |sum, item| {
            let size = match &item.node {
                Selection::Field(field) => self.field(&field.node),
                Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node),
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
            };
            Size { fields: sum.fields.saturating_add(size.fields), cost: sum.cost.saturating_add(size.cost) }
        })
    }

    fn field(&mut self, field: &'a Field) -> Size {
        let inner = self.set(&field.selection_set.node);
        let cost = inner.cost.saturating_mul(self.rows(field));
        Size { fields: inner.fields.saturating_add(1), cost: cost.saturating_add(1) }
    }

    /// For how many rows the fields below a field are answered.
    fn rows(&self, field: &Field) -> u64 {
        let asked = field.get_argument("first").or_else(|| field.get_argument("last"));
        let given = |name: Name| self.variables.get(&name).cloned().ok_or(());
        let number = match asked.map(|asked| asked.node.clone().into_const_with(given)) {
            Some(Ok(Value::Number(number))) => number.as_u64(),
            _ => None,
        };
        let paged = PAGED.contains(&field.name.node.as_str());
        number.or(paged.then_some(u64::from(DEFAULT))).map_or(1, |rows| rows.min(u64::from(MAX)))
    }

    fn fragment(&mut self, name: &'a Name) -> Size {
        if let Some(known) = self.measured.get(name) {
            return known.unwrap_or_default();
        }
        let Some(fragment) = self.fragments.get(name) else { return Size::default() };
        self.measured.insert(name, None);
        let size = self.set(&fragment.node.selection_set.node);
        self.measured.insert(name, Some(size));
        size
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
        check(&parse_query(text).expect("a document"), &Variables::default())
    }

    /// `levels` fragments, each of which spreads the next `times`.
    fn exponential(levels: usize, times: usize) -> String {
        let spreads = |level: usize| format!("...F{level} ").repeat(times);
        let fragments: String =
            (0..levels).map(|level| format!("fragment F{level} on Query {{ {} }} ", spreads(level + 1))).collect();
        format!("{{ ...F0 }} {fragments} fragment F{levels} on Query {{ __typename }}")
    }

    #[test]
    fn exponential_fragments_are_refused_without_taking_them_apart() {
        for (levels, times) in [(11, 2), (26, 2), (60, 2), (7, 8), (90, 30)] {
            assert_eq!(checked(&exponential(levels, times)), Err(Excess::Fields), "{levels} levels, {times} times");
        }
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
    fn pages_within_pages_multiply() {
        assert_eq!(checked("{ members(first: 100) { members(first: 100) { a b c d e f g h } } }"), Ok(()));
        assert_eq!(checked("{ members(first: 100) { members(last: 100) { members { a } } } }"), Err(Excess::Cost));
        assert_eq!(checked("{ members(first: 999999999) { a } }"), Ok(()), "refused by the field itself");
        let document =
            parse_query("query($n: Int) { members(first: $n) { members(first: $n) { members(first: $n) { a } } } }");
        let document = document.expect("a document");
        let with = |n: i32| Variables::from_json(serde_json::json!({ "n": n }));
        assert_eq!(check(&document, &with(100)), Err(Excess::Cost));
        assert_eq!(check(&document, &with(10)), Ok(()));
        assert_eq!(check(&document, &Variables::default()), Ok(()), "25 of each");
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
