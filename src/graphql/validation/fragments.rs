//! Validates that fragments are used and do not spread themselves (specification, section 5.5).

use std::collections::{HashMap, HashSet};

use async_graphql::Name;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

use super::report::Report;
use super::usage::Usage;

/// Reports unused fragments and cycles of fragments.
pub fn check<'a>(document: &'a ExecutableDocument, used: &HashMap<&'a Name, Usage<'a>>, report: &mut Report) {
    let mut reached: HashSet<&Name> = HashSet::new();
    let mut pending: Vec<&Name> = Vec::new();
    for (_, operation) in document.operations.iter() {
        spread(&operation.node.selection_set.node, &mut pending);
    }
    while let Some(name) = pending.pop() {
        if reached.insert(name) {
            pending.extend(used.get(name).into_iter().flat_map(|usage| usage.spreads.iter().map(|(name, _)| *name)));
        }
    }
    let mut done = HashSet::new();
    for (name, fragment) in &document.fragments {
        if !reached.contains(name) {
            report.add(fragment.pos, || format!("The fragment `{name}` is not used."));
        }
        cycles(name, used, &mut Vec::new(), &mut done, report);
    }
}

/// Collects the fragments that a selection set spreads directly.
fn spread<'a>(set: &'a SelectionSet, found: &mut Vec<&'a Name>) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => spread(&field.node.selection_set.node, found),
            Selection::InlineFragment(inline) => spread(&inline.node.selection_set.node, found),
            Selection::FragmentSpread(named) => found.push(&named.node.fragment_name.node),
        }
    }
}

/// Reports spreads that lead from a fragment back to itself.
fn cycles<'a>(
    name: &'a Name,
    used: &HashMap<&'a Name, Usage<'a>>,
    path: &mut Vec<&'a Name>,
    done: &mut HashSet<&'a Name>,
    report: &mut Report,
) {
    if done.contains(name) {
        return;
    }
    path.push(name);
    for (next, place) in used.get(name).into_iter().flat_map(|usage| &usage.spreads) {
        if path.contains(next) {
            report.add(*place, || format!("The fragment `{next}` is spread within itself."));
        } else {
            cycles(next, used, path, done, report);
        }
    }
    path.pop();
    done.insert(name);
}
