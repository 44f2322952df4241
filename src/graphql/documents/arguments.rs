//! Measures the arguments of an operation with fragments and variables inlined, because the executor copies them.

use std::collections::HashMap;

use async_graphql::parser::types::{FragmentDefinition, Selection, SelectionSet, VariableDefinition};
use async_graphql::{Name, Positioned, Value, Variables};
use async_graphql_value::Value as Literal;

use crate::graphql::documents::limits::{Limit, LimitExceeded};

/// The size of an operation's arguments.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// Size of the literal values in the document.
    literals: Size,
    /// Uses of each variable.
    uses: HashMap<Name, Use>,
}

/// How often a variable is used.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    times: u64,
    /// Size of the variable's default value.
    default: Size,
}

/// The size of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Size {
    /// Number of values, including those in lists and objects.
    values: u64,
    /// Total length of strings, in bytes.
    bytes: u64,
}

impl Arguments {
    /// Measures the arguments of a selection set. Callers have checked the size of the document.
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

    /// Checks the size of the arguments with the given variables against the limits.
    pub fn check(&self, given: &Variables) -> Result<(), LimitExceeded> {
        let size = self.uses.iter().fold(self.literals, |size, (name, used)| {
            let value = given.get(name).map_or(used.default, Size::of);
            size.plus(value.times(used.times))
        });
        Limit::ArgumentValues.check(size.values)?;
        Limit::ArgumentBytes.check(size.bytes)
    }

    fn add<'a>(
        &mut self,
        set: &'a SelectionSet,
        fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
        visiting: &mut Vec<&'a Name>,
    ) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    field.node.arguments.iter().for_each(|(_, value)| self.add_value(&value.node));
                    self.add(&field.node.selection_set.node, fragments, visiting);
                }
                Selection::InlineFragment(inline) => self.add(&inline.node.selection_set.node, fragments, visiting),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = fragments.get(name).filter(|_| !visiting.contains(&name)) {
                        visiting.push(name);
                        self.add(&fragment.node.selection_set.node, fragments, visiting);
                        visiting.pop();
                    }
                }
            }
        }
    }

    fn add_value(&mut self, value: &Literal) {
        match value {
            Literal::Variable(name) => self.uses.entry(name.clone()).or_default().times += 1,
            Literal::List(values) => {
                self.literals.values += 1;
                values.iter().for_each(|value| self.add_value(value));
            }
            Literal::Object(fields) => {
                self.literals.values += 1;
                fields.values().for_each(|value| self.add_value(value));
            }
            Literal::String(text) => self.literals = self.literals.plus(Size { values: 1, bytes: text.len() as u64 }),
            _ => self.literals.values += 1,
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
    fn check_counts_a_variable_for_each_use() {
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
    fn check_counts_defaults_of_absent_variables() {
        let text = format!("query($v: [Int] = [{}]) {{ {} }}", "0 ".repeat(200), "a(b: $v) ".repeat(10));
        assert_eq!(checked(&text, json!({})), Err(LimitExceeded::Over(Limit::ArgumentValues, 2_010)));
        assert_eq!(checked(&text, json!({ "v": null })), Ok(()));
    }

    #[test]
    fn check_counts_fragments_for_each_spread() {
        let text = |spreads: usize| {
            let list = "{c: \"x\"} ".repeat(49);
            format!("{{ {} }} fragment F on Query {{ a(b: [{list}]) ...F }}", "...F ".repeat(spreads))
        };
        assert_eq!(checked(&text(20), json!({})), Ok(()));
        assert_eq!(checked(&text(21), json!({})), Err(LimitExceeded::Over(Limit::ArgumentValues, 21 * 99)));
    }
}
