//! Variables, in operations and in the fragments that they reach: each is defined once, defined where it is used, used where it
//! is defined, and fits where it is used (specification, section 5.8).

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{BaseType, OperationDefinition, Type, VariableDefinition};
use async_graphql::{Name, Pos, Positioned, Value};

use super::definitions::{Definitions, Kind, innermost};
use super::report::Report;

/// What a part of a document uses.
#[derive(Default)]
pub struct Usage<'a> {
    /// Fragments that it spreads.
    pub spreads: Vec<(&'a Name, Pos)>,
    /// Variables that stand somewhere in it.
    pub variables: Vec<Standing<'a>>,
}

/// A variable, where it is used.
#[derive(Clone, Copy)]
pub struct Standing<'a> {
    pub name: &'a Name,
    pub place: Pos,
    /// What has to be there, where that is known, and whether it has a value if the variable has none.
    pub expected: Option<(&'a Type, bool)>,
    /// It is the one field of an object that must have exactly one: it may never be null.
    pub alone: bool,
}

/// Checks the variables of one operation.
pub fn check<'a>(
    schema: &Definitions,
    operation: &'a OperationDefinition,
    own: Usage<'a>,
    fragments: &HashMap<&'a Name, Usage<'a>>,
    report: &mut Report,
) {
    let mut defined: HashMap<&Name, &VariableDefinition> = HashMap::new();
    for Positioned { node, pos } in &operation.variable_definitions {
        if defined.insert(&node.name.node, node).is_some() {
            report.tell(*pos, || format!("There is another variable `${}`.", node.name.node));
        }
        let ty = innermost(&node.var_type.node);
        match schema.kind(ty) {
            None => {
                report.unknown(node.var_type.pos, ("type", ty), schema.names(), || format!("There is no type `{ty}`."))
            }
            Some(Kind::Scalar | Kind::Enum(_) | Kind::Input(..)) => {}
            Some(_) => report.tell(node.var_type.pos, || {
                format!("The variable `${}` cannot be of the type `{ty}`, which is no input.", node.name.node)
            }),
        }
    }
    let mut used = HashSet::new();
    for standing in reached(&own, fragments) {
        used.insert(standing.name);
        match defined.get(standing.name) {
            None => report.tell(standing.place, || format!("The variable `${}` is not defined.", standing.name)),
            Some(definition) => fits(definition, standing, report),
        }
    }
    for Positioned { node, pos } in &operation.variable_definitions {
        if !used.contains(&node.name.node) {
            report.tell(*pos, || format!("The variable `${}` is not used.", node.name.node));
        }
    }
}

/// The variables of an operation and of every fragment that it reaches.
fn reached<'a, 'b>(own: &'b Usage<'a>, fragments: &'b HashMap<&'a Name, Usage<'a>>) -> Vec<Standing<'a>> {
    let mut found = own.variables.clone();
    let (mut met, mut open) = (HashSet::new(), vec![own]);
    while let Some(usage) = open.pop() {
        for (name, _) in &usage.spreads {
            if let Some(fragment) = fragments.get(*name).filter(|_| met.insert(*name)) {
                found.extend_from_slice(&fragment.variables);
                open.push(fragment);
            }
        }
    }
    found
}

fn fits(definition: &VariableDefinition, standing: Standing, report: &mut Report) {
    let Some((expected, has_default)) = standing.expected else { return };
    let given = &definition.var_type.node;
    let not_null = definition.default_value.as_ref().is_some_and(|value| value.node != Value::Null);
    let base_fits = assignable_base(&given.base, &expected.base);
    let null_fits = expected.nullable || !given.nullable || not_null || has_default;
    if !base_fits || !null_fits {
        report.tell_of_schema(standing.place, &format!("The variable `${}` does not fit here.", standing.name), || {
            format!("The variable `${}` is of type `{given}`, where `{expected}` is expected.", standing.name)
        });
    } else if standing.alone && given.nullable {
        report.tell(standing.place, || {
            format!(
                "The variable `${}` must not be null: it is of type `{given}`, where one field is demanded.",
                standing.name
            )
        });
    }
}

fn assignable(given: &Type, expected: &Type) -> bool {
    (expected.nullable || !given.nullable) && assignable_base(&given.base, &expected.base)
}

fn assignable_base(given: &BaseType, expected: &BaseType) -> bool {
    match (given, expected) {
        (BaseType::Named(given), BaseType::Named(expected)) => given == expected,
        (BaseType::List(given), BaseType::List(expected)) => assignable(given, expected),
        _ => false,
    }
}
