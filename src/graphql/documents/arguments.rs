//! Measures the arguments of an operation with its fragments and variables put in, which is what execution copies.

use std::collections::HashMap;

use async_graphql::parser::types::{FragmentDefinition, Selection, SelectionSet, VariableDefinition};
use async_graphql::{Name, Positioned, Value, Variables};
use async_graphql_value::Value as Written;

use crate::graphql::documents::limits::{Limit, LimitExceeded};

/// The arguments of an operation.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// Size of what is written in the document.
    written: Size,
    /// Variables in the places of values.
    uses: HashMap<Name, Use>,
}

/// How often a variable is used.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    times: u64,
    /// Size of its default value.
    default: Size,
}

/// Size of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Size {
    /// Number of values, those in lists and objects included.
    values: u64,
    /// Bytes of texts.
    bytes: u64,
}

impl Arguments {
    /// Measures a selection set whose fragments are known to be no more than fits.
    pub fn of(
        set: &SelectionSet,
        fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
        variables: &[Positioned<VariableDefinition>],
    ) -> Self {
        let mut arguments = Self::default();
        arguments.add(set, fragments, &mut Vec::new());
        for Positioned { node: VariableDefinition { name, default_value, .. }, .. } in variables {
            if let (Some(used), Some(default)) = (arguments.uses.get_mut(&name.node), default_value) {
                used.default = Size::of(&default.node);
            }
        }
        arguments
    }

    /// Refuses arguments that are too large with the values that were given for the variables.
    pub fn check(&self, given: &Variables) -> Result<(), LimitExceeded> {
        let size = self.uses.iter().fold(self.written, |size, (name, used)| {
            let value = given.get(name).map_or(used.default, Size::of);
            size.plus(value.times(used.times))
        });
        Limit::ArgumentValues.hold(size.values)?;
        Limit::ArgumentBytes.hold(size.bytes)
    }

    fn add<'a>(
        &mut self,
        set: &'a SelectionSet,
        fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
        open: &mut Vec<&'a Name>,
    ) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    field.node.arguments.iter().for_each(|(_, value)| self.add_value(&value.node));
                    self.add(&field.node.selection_set.node, fragments, open);
                }
                Selection::InlineFragment(inline) => self.add(&inline.node.selection_set.node, fragments, open),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = fragments.get(name).filter(|_| !open.contains(&name)) {
                        open.push(name);
                        self.add(&fragment.node.selection_set.node, fragments, open);
                        open.pop();
                    }
                }
            }
        }
    }

    fn add_value(&mut self, value: &Written) {
        match value {
            Written::Variable(name) => self.uses.entry(name.clone()).or_default().times += 1,
            Written::List(values) => {
                self.written.values += 1;
                values.iter().for_each(|value| self.add_value(value));
            }
            Written::Object(fields) => {
                self.written.values += 1;
                fields.values().for_each(|value| self.add_value(value));
            }
            Written::String(text) => self.written = self.written.plus(Size { values: 1, bytes: text.len() as u64 }),
            _ => self.written.values += 1,
        }
    }
}

impl Size {
    fn of(value: &Value) -> Self {
        let of_all = |size: Self, value: &Value| size.plus(Self::of(value));
        let one = Self { values: 1, bytes: 0 };
        match value {
            Value::List(values) => values.iter().fold(one, of_all),
            Value::Object(fields) => fields.values().fold(one, of_all),
            Value::String(text) => Self { bytes: text.len() as u64, ..one },
            _ => one,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self { values: self.values.saturating_add(other.values), bytes: self.bytes.saturating_add(other.bytes) }
    }

    fn times(self, times: u64) -> Self {
        Self { values: self.values.saturating_mul(times), bytes: self.bytes.saturating_mul(times) }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    fn checked(text: &str, variables: serde_json::Value) -> Result<(), LimitExceeded> {
        let document = parse_query(text).expect("a document");
        let (_, operation) = document.operations.iter().next().expect("an operation");
        let operation = &operation.node;
        let set = &operation.selection_set.node;
        Arguments::of(set, &document.fragments, &operation.variable_definitions).check(&Variables::from_json(variables))
    }

    #[test]
    fn check_counts_a_variable_in_each_place_that_uses_it() {
        let places = |count: usize| format!("query($v: [Int]) {{ {} }}", "a(b: $v) ".repeat(count));
        let list = json!({ "v": vec![0; 199] });
        assert_eq!(checked(&places(10), list.clone()), Ok(()));
        assert_eq!(checked(&places(11), list), Err(LimitExceeded::Over(Limit::ArgumentValues, 11 * 200)));
        assert_eq!(checked(&places(500), json!({})), Ok(()));
        let text = json!({ "v": "x".repeat(1 << 19) });
        assert_eq!(checked(&places(2), text.clone()), Ok(()));
        assert_eq!(checked(&places(3), text), Err(LimitExceeded::Over(Limit::ArgumentBytes, 3 << 19)));
    }

    #[test]
    fn check_counts_defaults_where_nothing_is_given() {
        let text = format!("query($v: [Int] = [{}]) {{ {} }}", "0 ".repeat(200), "a(b: $v) ".repeat(10));
        assert_eq!(checked(&text, json!({})), Err(LimitExceeded::Over(Limit::ArgumentValues, 2_010)));
        assert_eq!(checked(&text, json!({ "v": null })), Ok(()));
    }

    #[test]
    fn check_counts_fragments_where_they_are_spread() {
        let text = |spreads: usize| {
            let list = "{c: \"x\"} ".repeat(49);
            format!("{{ {} }} fragment F on Query {{ a(b: [{list}]) ...F }}", "...F ".repeat(spreads))
        };
        assert_eq!(checked(&text(20), json!({})), Ok(()));
        assert_eq!(checked(&text(21), json!({})), Err(LimitExceeded::Over(Limit::ArgumentValues, 21 * 99)));
    }
}
