//! The cost of an operation in points: one per field, with the fields below a list counted once per requested row, and
//! more for fields that need a statement, a transaction or a password hash. `benches/points` compares points with
//! processor time. The cost is computed once per document, as a formula over the variables.

use std::collections::HashMap;

use async_graphql::parser::types::{
    Field, FragmentDefinition, OperationDefinition, OperationType, Selection, SelectionSet, VariableDefinition,
};
use async_graphql::{Name, Positioned, Value, Variables};
use async_graphql_value::Value as Literal;

use crate::domain::page::{DEFAULT, MAX};
use crate::graphql::documents::fields::each_field;

/// Fields that are paged lists, with or without a page size. A test compares this list with the schema.
pub const PAGED: [&str; 10] = [
    "assignedJobs",
    "assignedTasks",
    "cloudStorages",
    "events",
    "invitations",
    "jobs",
    "members",
    "organizations",
    "projects",
    "tasks",
];

/// Base points of an operation.
pub const OPERATION: u64 = 100;

/// Points of a root field of a mutation, which runs in its own transaction.
const MUTATION: u64 = 400;

/// Points of a root field of a query, and of a list: each sends SQL statements.
const READ: u64 = 50;

/// Points of a search, which scans all rows of its list.
const SEARCH: u64 = 1_000;

/// Points of counting the events of a workspace, which may have millions.
const EVENT_COUNT: u64 = 1_000;

/// Mutations that hash passwords, with the number of hashes. A test compares this list with the schema.
pub const HASHING: [(&str, u64); 6] = [
    ("changeEmail", 1),
    ("changePassword", 2),
    ("deleteAccount", 1),
    ("resetPassword", 1),
    ("signIn", 1),
    ("signUp", 1),
];

/// Points of checking and hashing a password, which take 20 to 70 ms of processor time.
const HASH: u64 = 20_000;

/// The cost of an operation: a fixed part, and parts that are multiplied by the values of variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    fixed: u64,
    varying: Vec<(Factor, Cost)>,
}

/// A factor that depends on a variable. See [`factor_of`].
#[derive(Clone, Debug, PartialEq, Eq)]
struct Factor {
    variable: Name,
    /// Factor if the variable is absent or null.
    default: u64,
}

impl Cost {
    /// Computes the cost formula of an operation. Callers have checked the size of the document.
    pub fn of(operation: &OperationDefinition, fragments: &HashMap<Name, Positioned<FragmentDefinition>>) -> Self {
        let root_field = match operation.ty {
            OperationType::Mutation => MUTATION,
            OperationType::Query => READ,
            OperationType::Subscription => 0,
        };
        let formula = Formula { fragments, variables: &operation.variable_definitions };
        Self::fixed(OPERATION).plus(formula.root(&operation.selection_set.node, root_field))
    }

    fn fixed(points: u64) -> Self {
        Self { fixed: points, varying: Vec::new() }
    }

    /// Returns the points with these variables.
    pub fn with(&self, variables: &Variables) -> u64 {
        self.varying.iter().fold(self.fixed, |sum, (factor, cost)| {
            let times = variables.get(&factor.variable).and_then(factor_of).unwrap_or(factor.default);
            sum.saturating_add(cost.with(variables).saturating_mul(times))
        })
    }

    fn plus(mut self, other: Self) -> Self {
        self.fixed = self.fixed.saturating_add(other.fixed);
        self.varying.extend(other.varying);
        self
    }

    fn times(mut self, factor: u64) -> Self {
        self.fixed = self.fixed.saturating_mul(factor);
        self.varying.iter_mut().for_each(|(_, cost)| *cost = std::mem::take(cost).times(factor));
        self
    }
}

/// Returns the factor of a value: a number of rows, the length of a list, or 1 for a search text that is not empty. It
/// is at most [`MAX`], because resolvers refuse larger pages.
fn factor_of(value: &Value) -> Option<u64> {
    let factor = match value {
        Value::Number(number) => number.as_u64()?,
        Value::List(items) => items.len() as u64,
        Value::String(text) => u64::from(!text.is_empty()),
        _ => return None,
    };
    Some(factor.min(u64::from(MAX)))
}

struct Formula<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    variables: &'a [Positioned<VariableDefinition>],
}

impl<'a> Formula<'a> {
    /// Returns the cost of the root selection set, where each field costs `root_field` more.
    fn root(&self, set: &'a SelectionSet, root_field: u64) -> Cost {
        let mut fields = 0;
        each_field(set, self.fragments, &mut |field| fields += u64::from(!field.name.node.starts_with("__")));
        Cost::fixed(fields.saturating_mul(root_field)).plus(self.set(set))
    }

    fn set(&self, set: &'a SelectionSet) -> Cost {
        set.items.iter().fold(Cost::default(), |sum, item| sum.plus(self.selection(&item.node)))
    }

    fn selection(&self, selection: &'a Selection) -> Cost {
        match selection {
            Selection::Field(field) => self.field(&field.node),
            Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node),
            Selection::FragmentSpread(spread) => {
                let fragment = self.fragments.get(&spread.node.fragment_name.node);
                fragment.map_or(Cost::default(), |fragment| self.set(&fragment.node.selection_set.node))
            }
        }
    }

    fn field(&self, field: &'a Field) -> Cost {
        let name = field.name.node.as_str();
        // The cost of introspection is computed from the schema.
        if matches!(name, "__schema" | "__type") {
            return Cost::fixed(1);
        }
        let inner = self.set(&field.selection_set.node);
        let is_list = PAGED.contains(&name);
        let counts_events = name == "events" && self.selects(&field.selection_set.node, "totalCount");
        let hashes = HASHING.iter().find(|(hashing, _)| name == *hashing).map_or(0, |(_, hashes)| *hashes);
        let mut own = Cost::fixed(1 + hashes * HASH);
        own.fixed += if is_list { READ } else { 0 } + if counts_events { EVENT_COUNT } else { 0 };
        if let Some(search) = field.get_argument("search") {
            own = own.plus(self.times(&search.node, 0, Cost::fixed(SEARCH)));
        }
        let default_rows = if is_list { u64::from(DEFAULT) } else { 1 };
        let rows = ["first", "last", "ids"].iter().find_map(|name| field.get_argument(name));
        own.plus(match rows {
            Some(rows) => self.times(&rows.node, default_rows, inner),
            None => inner.times(default_rows),
        })
    }

    /// Multiplies a cost by the value of an argument, or by `default` if the value is null.
    fn times(&self, argument: &Literal, default: u64, cost: Cost) -> Cost {
        if cost == Cost::default() {
            return cost;
        }
        match argument {
            Literal::Variable(variable) => {
                let default = self.default_of(variable).unwrap_or(default);
                Cost { fixed: 0, varying: vec![(Factor { variable: variable.clone(), default }, cost)] }
            }
            // The items may be variables, so only their number is known.
            Literal::List(items) => cost.times((items.len() as u64).min(u64::from(MAX))),
            constant => cost.times(constant.clone().into_const().as_ref().and_then(factor_of).unwrap_or(default)),
        }
    }

    /// Returns whether a selection set has a field with that name, also in fragments.
    fn selects(&self, set: &'a SelectionSet, name: &str) -> bool {
        let mut found = false;
        each_field(set, self.fragments, &mut |field| found |= field.name.node == name);
        found
    }

    fn default_of(&self, variable: &Name) -> Option<u64> {
        let definition = self.variables.iter().find(|definition| definition.node.name.node == *variable)?;
        factor_of(&definition.node.default_value.as_ref()?.node)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    fn cost(text: &str, variables: serde_json::Value) -> u64 {
        let document = parse_query(text).expect("a document");
        let (_, operation) = document.operations.iter().next().expect("an operation");
        Cost::of(&operation.node, &document.fragments).with(&Variables::from_json(variables)) - OPERATION
    }

    #[test]
    fn cost_counts_fields_below_a_list_per_row() {
        for (text, reads, fields) in [
            ("{ a b { c } }", 2, 3),
            ("{ members(first: 10) { nodes { id } } }", 2, 1 + 10 * 2),
            ("{ members(last: 10) { id } }", 2, 11),
            ("{ members { id } }", 2, 26),
            ("{ members(first: 999999) { id } }", 2, 101),
            (
                "{ members(first: 10) { ...F } } fragment F on M { members(first: 3) { id x: id } }",
                2 + 10,
                1 + 10 * (1 + 3 * 2),
            ),
            ("{ nodes(ids: [\"a\", \"b\"]) { id } }", 1, 3),
            ("{ nodes(ids: [$a, $b]) { id } }", 1, 3),
            ("{ __typename a { __typename } }", 1, 3),
        ] {
            assert_eq!(cost(text, json!({})), reads * READ + fields, "{text}");
        }
    }

    #[test]
    fn cost_is_higher_for_searches_counts_hashes_and_mutations() {
        for (text, expected) in [
            ("{ events(first: 3) { totalCount } }", 2 * READ + EVENT_COUNT + 1 + 3),
            ("{ events(first: 3) { ...F } } fragment F on E { ... { totalCount } }", 2 * READ + EVENT_COUNT + 1 + 3),
            ("{ a { members(first: 2, search: \"x\") { id } } }", 2 * READ + SEARCH + 2 + 2),
            ("{ a { members(first: 2, search: \"\") { id } } }", 2 * READ + 2 + 2),
            ("{ a { members(first: 2, search: null) { id } } }", 2 * READ + 2 + 2),
            ("mutation { signIn { a } b: changePassword { a } }", 2 * MUTATION + 3 * HASH + 4),
            ("subscription { events { id } }", READ + 1 + 25),
        ] {
            assert_eq!(cost(text, json!({})), expected, "{text}");
        }
    }

    #[test]
    fn cost_depends_on_variables_for_page_sizes_and_searches() {
        let text = "query($n: Int, $m: Int = 50) { a { b(first: $n) { b(last: $m) { id } } } }";
        for (variables, expected) in [
            (json!({}), 1 + 1 + (1 + 50)),
            (json!({"n": 2, "m": 3}), 1 + 1 + 2 * (1 + 3)),
            (json!({"n": null, "m": 3}), 1 + 1 + (1 + 3)),
            (json!({"n": 5000, "m": -1}), 1 + 1 + 100 * (1 + 50)),
        ] {
            assert_eq!(cost(text, variables.clone()), READ + expected, "{variables}");
        }
        assert_eq!(cost("query($i: [ID!]!) { nodes(ids: $i) { id } }", json!({"i": ["a", "b", "c"]})), READ + 4);
        let search = "query($s: String) { members(first: 1, search: $s) { id } }";
        for (text, searches) in [(json!("x"), 1), (json!(""), 0), (json!(null), 0)] {
            assert_eq!(cost(search, json!({ "s": text })), 2 * READ + searches * SEARCH + 2);
        }
    }

    #[test]
    fn cost_saturates() {
        let deep = "members(first: 100) {".repeat(12);
        let text = format!("{{ {deep} id {} }}", "}".repeat(12));
        assert_eq!(cost(&text, json!({})), u64::MAX - OPERATION);
    }
}
