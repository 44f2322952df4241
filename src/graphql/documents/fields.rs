//! Iterates over the fields of a selection set.

use std::collections::HashMap;

use async_graphql::parser::types::{Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::{Name, Positioned};

/// Calls `visit` for each direct field of a selection set, also in fragments, regardless of directives. Callers have
/// validated the document: fragments have no cycles.
pub fn each_field<'a>(
    set: &'a SelectionSet,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    visit: &mut impl FnMut(&'a Field),
) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => visit(&field.node),
            Selection::InlineFragment(inline) => each_field(&inline.node.selection_set.node, fragments, visit),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                    each_field(&fragment.node.selection_set.node, fragments, visit);
                }
            }
        }
    }
}
