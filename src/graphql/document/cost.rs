//! What the answer to an operation may cost: the number of its fields, where those below a list count once for each row that
//! was asked for. Worked out once for a text, as a formula over the variables that say how long pages are.

use std::collections::HashMap;

use async_graphql::parser::types::{Field, FragmentDefinition, Selection, SelectionSet, VariableDefinition};
use async_graphql::{Name, Positioned, Value, Variables};
use async_graphql_value::Value as Written;

use crate::domain::page::{DEFAULT, MAX};

/// The fields that are lists in pages, whether or not they say how long. A test holds this to the schema.
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

/// What it costs to count a list of events: the log of a workspace may have millions.
const EVENT_COUNT: u64 = 1_000;

/// The mutations that hash passwords, and how many. A test holds this to the schema.
pub const HASHING: [(&str, u64); 6] = [
    ("changeEmail", 1),
    ("changePassword", 2),
    ("deleteAccount", 1),
    ("resetPassword", 1),
    ("signIn", 1),
    ("signUp", 1),
];

/// What it costs to judge and hash a password: 20 to 70 ms of a processor, where other fields take about 1 µs each.
const HASH_COST: u64 = 20_000;

/// The cost of an operation: what is the same whatever the variables, and what is below lists whose length they tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    fixed: u64,
    varying: Vec<(Rows, Cost)>,
}

/// How many rows, as a variable tells.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rows {
    variable: Name,
    /// Where the variable has no number as its value.
    otherwise: u64,
}

impl Cost {
    /// Of a selection set whose fragments are known to be no more than fits.
    pub fn of(
        set: &SelectionSet,
        fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
        variables: &[Positioned<VariableDefinition>],
    ) -> Self {
        Formula { fragments, variables, open: Vec::new() }.set(set)
    }

    /// With these variables, in fields.
    pub fn with(&self, variables: &Variables) -> u64 {
        self.varying.iter().fold(self.fixed, |sum, (rows, cost)| {
            let number = variables.get(&rows.variable).and_then(length);
            let times = number.unwrap_or(rows.otherwise);
            sum.saturating_add(cost.with(variables).saturating_mul(times))
        })
    }

    fn plus(mut self, other: Self) -> Self {
        self.fixed = self.fixed.saturating_add(other.fixed);
        self.varying.extend(other.varying);
        self
    }

    fn times(mut self, rows: u64) -> Self {
        self.fixed = self.fixed.saturating_mul(rows);
        self.varying.iter_mut().for_each(|(_, cost)| *cost = std::mem::take(cost).times(rows));
        self
    }
}

/// For how many rows a value asks: as their number, or as a list with one for each. More than a page has are refused by the
/// field itself.
fn length(value: &Value) -> Option<u64> {
    let rows = match value {
        Value::Number(number) => number.as_u64()?,
        Value::List(each) => each.len() as u64,
        _ => return None,
    };
    Some(rows.min(u64::from(MAX)))
}

struct Formula<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    variables: &'a [Positioned<VariableDefinition>],
    /// Fragments that one is in: a cycle costs nothing, since validation refuses it.
    open: Vec<&'a Name>,
}

impl<'a> Formula<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> Cost {
        set.items.iter().fold(Cost::default(), |sum, item| sum.plus(self.selection(&item.node)))
    }

    fn selection(&mut self, selection: &'a Selection) -> Cost {
        match selection {
            Selection::Field(field) => self.field(&field.node),
            Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node),
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                let Some(fragment) = self.fragments.get(name).filter(|_| !self.open.contains(&name)) else {
                    return Cost::default();
                };
                self.open.push(name);
                let cost = self.set(&fragment.node.selection_set.node);
                self.open.pop();
                cost
            }
        }
    }

    fn field(&mut self, field: &'a Field) -> Cost {
        // What is below is counted by the lists of the schema itself.
        if matches!(field.name.node.as_str(), "__schema" | "__type") {
            return Cost { fixed: 1, varying: Vec::new() };
        }
        let inner = self.set(&field.selection_set.node);
        let counts = field.name.node == "events" && self.selects(&field.selection_set.node, "totalCount");
        let hashes = HASHING.iter().find(|(name, _)| field.name.node == *name).map_or(0, |(_, hashes)| *hashes);
        let own = Cost { fixed: if counts { EVENT_COUNT } else { 1 + hashes * HASH_COST }, varying: Vec::new() };
        if inner == Cost::default() {
            return own;
        }
        let unsaid = if PAGED.contains(&field.name.node.as_str()) { u64::from(DEFAULT) } else { 1 };
        let asked = ["first", "last", "ids"].iter().find_map(|name| field.get_argument(name));
        match asked.map(|asked| &asked.node) {
            Some(Written::Variable(variable)) => {
                let otherwise = self.default_of(variable).unwrap_or(unsaid);
                own.plus(Cost { fixed: 0, varying: vec![(Rows { variable: variable.clone(), otherwise }, inner)] })
            }
            Some(Written::List(each)) => own.plus(inner.times((each.len() as u64).min(u64::from(MAX)))),
            Some(other) => {
                own.plus(inner.times(other.clone().into_const().as_ref().and_then(length).unwrap_or(unsaid)))
            }
            None => own.plus(inner.times(unsaid)),
        }
    }

    /// Whether a selection set has a field of that name, by whatever fragments.
    fn selects(&mut self, set: &'a SelectionSet, name: &str) -> bool {
        set.items.iter().any(|item| match &item.node {
            Selection::Field(field) => field.node.name.node == name,
            Selection::InlineFragment(inline) => self.selects(&inline.node.selection_set.node, name),
            Selection::FragmentSpread(spread) => {
                let fragment_name = &spread.node.fragment_name.node;
                let Some(fragment) = self.fragments.get(fragment_name).filter(|_| !self.open.contains(&fragment_name))
                else {
                    return false;
                };
                self.open.push(fragment_name);
                let selects = self.selects(&fragment.node.selection_set.node, name);
                self.open.pop();
                selects
            }
        })
    }

    fn default_of(&self, variable: &Name) -> Option<u64> {
        let definition = self.variables.iter().find(|definition| definition.node.name.node == *variable)?;
        length(&definition.node.default_value.as_ref()?.node)
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
        let operation = &operation.node;
        let cost = Cost::of(&operation.selection_set.node, &document.fragments, &operation.variable_definitions);
        cost.with(&Variables::from_json(variables))
    }

    #[test]
    fn fields_below_a_list_count_for_each_of_its_rows() {
        for (text, expected) in [
            ("{ a b { c } }", 3),
            ("{ members(first: 10) { nodes { id } } }", 1 + 10 * 2),
            ("{ members(last: 10) { id } }", 11),
            ("{ members { id } }", 26),
            ("{ members(first: 999999) { id } }", 101),
            (
                "{ members(first: 10) { ...F } } fragment F on M { members(first: 3) { id x: id } }",
                1 + 10 * (1 + 3 * 2),
            ),
            ("{ nodes(ids: [\"a\", \"b\"]) { id } }", 3),
            ("{ ...F } fragment F on Q { a ...F }", 1),
            ("{ events(first: 3) { totalCount } }", 1_000 + 3),
            ("{ events(first: 3) { ...F } } fragment F on E { ... { totalCount } }", 1_000 + 3),
            ("{ events(first: 3) { nodes { id } } members(first: 1) { totalCount } }", 1 + 3 * 2 + 2),
            ("mutation { signIn { a } b: changePassword { a } }", 3 * 20_000 + 4),
        ] {
            assert_eq!(cost(text, json!({})), expected, "{text}");
        }
    }

    #[test]
    fn variables_tell_how_long_a_list_is() {
        let text = "query($n: Int, $m: Int = 50) { members(first: $n) { members(last: $m) { id } } }";
        for (variables, expected) in [
            (json!({}), 1 + 25 * (1 + 50)),
            (json!({"n": 2, "m": 3}), 1 + 2 * (1 + 3)),
            (json!({"n": null, "m": 3}), 1 + 25 * (1 + 3)),
            (json!({"n": 5000, "m": -1}), 1 + 100 * (1 + 50)),
        ] {
            assert_eq!(cost(text, variables.clone()), expected, "{variables}");
        }
        assert_eq!(cost("query($i: [ID!]!) { nodes(ids: $i) { id } }", json!({"i": ["a", "b", "c"]})), 4);
    }

    #[test]
    fn what_would_be_more_than_a_number_holds_is_the_largest_number() {
        let deep = "members(first: 100) {".repeat(12);
        let text = format!("{{ {deep} id {} }}", "}".repeat(12));
        assert_eq!(cost(&text, json!({})), u64::MAX);
    }
}
