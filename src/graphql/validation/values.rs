//! Validates the literal values of a document against the expected types (specification, section 5.6).

use async_graphql::parser::types::{BaseType, Type};
use async_graphql::{Name, Pos, Value as Constant};
use async_graphql_value::Value;
use async_graphql_value::indexmap::IndexMap;

use super::definitions::{Inputs, Kind, OneOf};
use super::selections::Walk;
use super::usage::VariableUse;

impl<'a> Walk<'a, '_> {
    /// Validates a value against a type; `has_default` says whether the location has a default value.
    pub(super) fn value(&mut self, value: &'a Value, ty: &'a Type, has_default: bool, place: Pos) {
        match value {
            Value::Variable(name) => {
                let variable = VariableUse { name, place, expected: Some((ty, has_default)), is_one_of_field: false };
                self.usage.variables.push(variable);
            }
            Value::Null if ty.nullable => {}
            Value::Null => self.mismatch(ty, place),
            Value::List(items) => match &ty.base {
                BaseType::List(inner) => items.iter().for_each(|item| self.value(item, inner, false, place)),
                BaseType::Named(name) => self.named(value, name, ty, place),
            },
            // A single value is coerced to a list of one item.
            _ => match &ty.base {
                BaseType::List(inner) => self.value(value, inner, false, place),
                BaseType::Named(name) => self.named(value, name, ty, place),
            },
        }
    }

    /// Validates a constant value, such as the default of a variable.
    pub(super) fn constant(&mut self, value: &Constant, ty: &Type, place: Pos) {
        let value = value.clone().into_value();
        Walk::new(self.schema, self.document, self.report).value(&value, ty, false, place);
    }

    /// Records the variables in a value of a scalar. Those in lists must have the type of the scalar; those in objects
    /// may have any type.
    fn within_scalar(&mut self, value: &'a Value, ty: &'a Type, place: Pos) {
        match value {
            Value::Variable(_) => self.value(value, ty, true, place),
            Value::List(items) => items.iter().for_each(|item| self.within_scalar(item, ty, place)),
            _ => self.variables(value, place),
        }
    }

    /// Records the variables in a value of an unknown type.
    pub(super) fn variables(&mut self, value: &'a Value, place: Pos) {
        match value {
            Value::Variable(name) => {
                self.usage.variables.push(VariableUse { name, place, expected: None, is_one_of_field: false });
            }
            Value::List(items) => items.iter().for_each(|item| self.variables(item, place)),
            Value::Object(fields) => fields.values().for_each(|field| self.variables(field, place)),
            _ => {}
        }
    }

    fn named(&mut self, value: &'a Value, name: &'a Name, ty: &'a Type, place: Pos) {
        let fits = match (self.schema.kind(name), value) {
            (Some(Kind::Input(inputs, one_of)), Value::Object(fields)) => {
                self.object(fields, name, inputs, place);
                if *one_of == OneOf::Yes {
                    self.exactly_one(fields, name, place);
                }
                true
            }
            (Some(Kind::Input(..)), _) => false,
            (Some(Kind::Enum(values)), Value::Enum(given)) => values.contains(given),
            (Some(Kind::Enum(_)), _) => false,
            (Some(Kind::Scalar), value) => {
                self.within_scalar(value, ty, place);
                match value.clone().into_const() {
                    Some(constant) => is_scalar(name, &constant),
                    None => !BUILT_IN_SCALARS.contains(&name.as_str()),
                }
            }
            // Reported elsewhere.
            _ => true,
        };
        if !fits {
            self.mismatch(ty, place);
        }
    }

    fn object(&mut self, fields: &'a IndexMap<Name, Value>, name: &Name, inputs: &'a Inputs, place: Pos) {
        for (field, value) in fields {
            match inputs.get(field) {
                Some(input) => self.value(value, &input.ty, input.has_default, place),
                None => {
                    let message = || format!("`{name}` has no field `{field}`.");
                    self.report.add_unknown(place, ("field", field), inputs.keys().map(Name::as_str), message);
                    self.variables(value, place);
                }
            }
        }
        for (field, input) in inputs.iter().filter(|(_, input)| input.is_required()) {
            if !fields.contains_key(field) {
                self.report.add_schema_mistake(place, "A field is missing here.", || {
                    format!("`{name}` needs the field `{field}` of type `{}`.", input.ty)
                });
            }
        }
    }

    fn exactly_one(&mut self, fields: &'a IndexMap<Name, Value>, name: &Name, place: Pos) {
        match fields.first() {
            Some((_, Value::Variable(_))) if fields.len() == 1 => {
                self.usage.variables.iter_mut().rev().take(1).for_each(|variable| variable.is_one_of_field = true);
            }
            Some((_, value)) if fields.len() == 1 && *value != Value::Null => {}
            _ => self.report.add_schema_mistake(place, "This takes exactly one field, which is not null.", || {
                format!("`{name}` takes exactly one field, which is not null.")
            }),
        }
    }

    fn mismatch(&mut self, ty: &Type, place: Pos) {
        self.report.add_schema_mistake(place, "This value has a wrong type.", || {
            format!("This is not a value of type `{ty}`.")
        });
    }
}

/// Scalars of the specification.
const BUILT_IN_SCALARS: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];

/// Returns whether a scalar accepts a value. Custom scalars accept any value here; their resolvers validate it.
pub fn is_scalar(name: &str, value: &Constant) -> bool {
    match (name, value) {
        ("Int", Constant::Number(number)) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        ("Float", Constant::Number(_)) => true,
        ("String" | "ID", Constant::String(_)) => true,
        ("Boolean", Constant::Boolean(_)) => true,
        ("ID", Constant::Number(number)) => !number.is_f64(),
        (name, _) => !BUILT_IN_SCALARS.contains(&name),
    }
}
