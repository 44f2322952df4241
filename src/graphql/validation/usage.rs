//! Validates the variables of operations and of the fragments that they use: they must be unique, defined, used, and of
//! a fitting type (specification, section 5.8).

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{BaseType, OperationDefinition, Type, VariableDefinition};
use async_graphql::{Name, Pos, Positioned, Value};

use super::definitions::{Definitions, Kind, innermost};
use super::report::Report;

/// The fragments and variables that an operation or fragment uses directly.
#[derive(Default)]
pub struct Usage<'a> {
    /// Spread fragments.
    pub spreads: Vec<(&'a Name, Pos)>,
    /// Uses of variables.
    pub variables: Vec<VariableUse<'a>>,
}

/// A use of a variable.
#[derive(Clone, Copy)]
pub struct VariableUse<'a> {
    pub name: &'a Name,
    pub place: Pos,
    /// Expected type, and whether the location has a default value; `None` if the type is unknown.
    pub expected: Option<(&'a Type, bool)>,
    /// Whether it is the field of a `@oneOf` input object, and so must not be null.
    pub is_one_of_field: bool,
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
            report.add(*pos, || format!("The variable `${}` is defined twice.", node.name.node));
        }
        let ty = innermost(&node.var_type.node);
        match schema.kind(ty) {
            None => report
                .add_unknown(node.var_type.pos, ("type", ty), schema.names(), || format!("There is no type `{ty}`.")),
            Some(Kind::Scalar | Kind::Enum(_) | Kind::Input(..)) => {}
            Some(_) => report.add(node.var_type.pos, || {
                format!("The variable `${}` cannot be of the type `{ty}`, which is no input.", node.name.node)
            }),
        }
    }
    let mut used = HashSet::new();
    for variable in reached(&own, fragments) {
        used.insert(variable.name);
        match defined.get(variable.name) {
            None => report.add(variable.place, || format!("The variable `${}` is not defined.", variable.name)),
            Some(definition) => fits(definition, variable, report),
        }
    }
    for Positioned { node, pos } in &operation.variable_definitions {
        if !used.contains(&node.name.node) {
            report.add(*pos, || format!("The variable `${}` is not used.", node.name.node));
        }
    }
}

/// Returns the uses of variables in an operation and in all fragments that it uses.
fn reached<'a, 'b>(own: &'b Usage<'a>, fragments: &'b HashMap<&'a Name, Usage<'a>>) -> Vec<VariableUse<'a>> {
    let mut found = own.variables.clone();
    let (mut visited, mut pending) = (HashSet::new(), vec![own]);
    while let Some(usage) = pending.pop() {
        for (name, _) in &usage.spreads {
            if let Some(fragment) = fragments.get(*name).filter(|_| visited.insert(*name)) {
                found.extend_from_slice(&fragment.variables);
                pending.push(fragment);
            }
        }
    }
    found
}

fn fits(definition: &VariableDefinition, variable: VariableUse, report: &mut Report) {
    let Some((expected, has_default)) = variable.expected else { return };
    let given = &definition.var_type.node;
    let not_null = definition.default_value.as_ref().is_some_and(|value| value.node != Value::Null);
    let base_fits = assignable_base(&given.base, &expected.base);
    let null_fits = expected.nullable || !given.nullable || not_null || has_default;
    if !base_fits || !null_fits {
        report.add_schema_mistake(
            variable.place,
            &format!("The variable `${}` does not fit here.", variable.name),
            || format!("The variable `${}` is of type `{given}`, but `{expected}` is expected.", variable.name),
        );
    } else if variable.is_one_of_field && given.nullable {
        report.add(variable.place, || {
            format!("The variable `${}` is of type `{given}`, but this field must not be null.", variable.name)
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
