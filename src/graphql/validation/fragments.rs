//! Fragments: known where they are spread, spread where they are defined, and never within themselves (specification, section
//! 5.5).

use std::collections::{HashMap, HashSet};

use async_graphql::Name;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

use super::report::Report;
use super::usage::Usage;

/// Checks how the fragments of a document use each other, and whether somebody uses them.
pub fn check<'a>(document: &'a ExecutableDocument, used: &HashMap<&'a Name, Usage<'a>>, report: &mut Report) {
    let mut reached: HashSet<&Name> = HashSet::new();
    let mut open: Vec<&Name> = Vec::new();
    for (_, operation) in document.operations.iter() {
        spread(&operation.node.selection_set.node, &mut open);
    }
    while let Some(name) = open.pop() {
        if reached.insert(name) {
            open.extend(used.get(name).into_iter().flat_map(|usage| usage.spreads.iter().map(|(name, _)| *name)));
        }
    }
    let mut done = HashSet::new();
    for (name, fragment) in &document.fragments {
        if !reached.contains(name) {
            report.tell(fragment.pos, || format!("The fragment `{name}` is not used."));
        }
        cycles(name, used, &mut Vec::new(), &mut done, report);
    }
}

/// The fragments that a set spreads by itself.
fn spread<'a>(set: &'a SelectionSet, found: &mut Vec<&'a Name>) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => spread(&field.node.selection_set.node, found),
            Selection::InlineFragment(inline) => spread(&inline.node.selection_set.node, found),
            Selection::FragmentSpread(named) => found.push(&named.node.fragment_name.node),
        }
    }
}

/// Looks from a fragment for ways back to it.
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
            report.tell(*place, || format!("The fragment `{next}` is spread within itself."));
        } else {
            cycles(next, used, path, done, report);
        }
    }
    path.pop();
    done.insert(name);
}
