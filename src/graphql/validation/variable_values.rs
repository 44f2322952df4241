//! Validates the variables of a request against the definitions of the operation (specification, section 6.1.2). Custom
//! scalars are validated by their resolvers.

use async_graphql::parser::types::{BaseType, Type, VariableDefinition};
use async_graphql::{Name, Pos, Positioned, Value, Variables};

use crate::graphql::documents::parser::DocumentMistake;
use crate::graphql::validation::Exposure;
use crate::graphql::validation::definitions::{Definitions, Inputs, Kind, OneOf};
use crate::graphql::validation::values::is_scalar;

/// Maximum number of reported mistakes per request.
const MAX_MISTAKES: usize = 20;

/// Validates the values of an operation's variables, and returns the mistakes.
pub fn check(
    schema: &Definitions,
    defined: &[Positioned<VariableDefinition>],
    given: &Variables,
    exposure: Exposure,
) -> Vec<DocumentMistake> {
    let mut check = Check { schema, exposure, mistakes: Vec::new() };
    for Positioned { node: VariableDefinition { name, var_type, default_value, .. }, pos } in defined {
        let ty = &var_type.node;
        match given.get(&name.node) {
            None if default_value.is_some() || ty.nullable => {}
            None | Some(Value::Null) if !ty.nullable => {
                check.add(*pos, &Path::Variable(&name.node), || format!(" of type `{ty}` needs a value."))
            }
            None => {}
            Some(value) => check.value(value, ty, &Path::Variable(&name.node), *pos),
        }
    }
    check.mistakes
}

/// Sets variables without a value to their defaults. async-graphql does so for arguments, but not for `@skip` and
/// `@include`: <https://github.com/async-graphql/async-graphql/pull/1827>.
pub fn fill(defined: &[Positioned<VariableDefinition>], given: &mut Variables) {
    for VariableDefinition { name, default_value, .. } in defined.iter().map(|definition| &definition.node) {
        if let Some(default) = default_value.as_ref().filter(|_| !given.contains_key(&name.node)) {
            given.insert(name.node.clone(), default.node.clone());
        }
    }
}

/// The path of a value within a variable.
enum Path<'a> {
    Variable(&'a Name),
    Field(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

/// Maximum length of a field name that is shown in messages, in bytes.
const MAX_SHOWN_NAME: usize = 64;

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Path::Variable(name) => write!(f, "${name}"),
            Path::Field(of, name) if name.len() <= MAX_SHOWN_NAME => write!(f, "{of}.{name}"),
            Path::Field(of, _) => write!(f, "{of}.…"),
            Path::Item(of, index) => write!(f, "{of}[{index}]"),
        }
    }
}

struct Check<'a> {
    schema: &'a Definitions,
    exposure: Exposure,
    mistakes: Vec<DocumentMistake>,
}

impl Check<'_> {
    fn add(&mut self, place: Pos, path: &Path, message: impl FnOnce() -> String) {
        if self.mistakes.len() < MAX_MISTAKES {
            self.mistakes.push(DocumentMistake::new(format!("Variable `{path}`{}", message()), place));
        }
    }

    /// Adds a mistake whose message contains names of the schema. With a hidden schema, `hidden` is used instead.
    fn add_schema_mistake(&mut self, place: Pos, path: &Path, hidden: &str, message: impl FnOnce() -> String) {
        let is_hidden = self.exposure == Exposure::Hidden;
        self.add(place, path, || if is_hidden { hidden.to_owned() } else { message() });
    }

    fn value(&mut self, value: &Value, ty: &Type, path: &Path, place: Pos) {
        match (value, &ty.base) {
            (Value::Null, _) if ty.nullable => {}
            (Value::Null, _) => self.mismatch(ty, path, place),
            (Value::List(items), BaseType::List(inner)) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, inner, &Path::Item(path, index), place);
                }
            }
            // A single value is coerced to a list of one item.
            (_, BaseType::List(inner)) => self.value(value, inner, path, place),
            (_, BaseType::Named(name)) => match self.schema.kind(name) {
                Some(Kind::Input(inputs, one_of)) => self.object(value, (name, inputs, *one_of), path, place),
                Some(Kind::Enum(values)) => match value {
                    Value::String(given) if values.contains(given.as_str()) => {}
                    Value::Enum(given) if values.contains(given) => {}
                    _ => self.mismatch(ty, path, place),
                },
                _ if is_scalar(name, value) => {}
                _ => self.mismatch(ty, path, place),
            },
        }
    }

    fn object(&mut self, value: &Value, (name, inputs, one_of): (&Name, &Inputs, OneOf), path: &Path, place: Pos) {
        let Value::Object(fields) = value else {
            let message = || format!(" is not an object, but `{name}` is expected.");
            return self.add_schema_mistake(place, path, " is not an object, but one is expected.", message);
        };
        for (field, value) in fields {
            match inputs.get(field) {
                Some(input) => self.value(value, &input.ty, &Path::Field(path, field), place),
                None => {
                    let path = Path::Field(path, field);
                    self.add_schema_mistake(place, &path, " is not a known field.", || {
                        format!(" is not a field of `{name}`.")
                    });
                }
            }
        }
        // An object with unknown fields is reported already: missing fields would only repeat it.
        let are_known = fields.keys().all(|field| inputs.contains_key(field));
        for (field, input) in inputs.iter().filter(|(_, input)| are_known && input.is_required()) {
            if !fields.contains_key(field) {
                match self.exposure {
                    Exposure::Open => {
                        self.add(place, &Path::Field(path, field), || format!(" of type `{}` needs a value.", input.ty))
                    }
                    Exposure::Hidden => self.add(place, path, || " lacks a required field.".to_owned()),
                }
            }
        }
        if one_of == OneOf::Yes && (fields.len() != 1 || fields.values().any(|value| *value == Value::Null)) {
            let message = || format!(": `{name}` takes exactly one field, which is not null.");
            self.add_schema_mistake(place, path, " takes exactly one field, which is not null.", message);
        }
    }

    fn mismatch(&mut self, ty: &Type, path: &Path, place: Pos) {
        self.add_schema_mistake(place, path, " has a wrong type.", || format!(" is not a value of type `{ty}`."));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::graphql::documents::parser;

    fn checked(variables: serde_json::Value) -> Vec<String> {
        checked_by(variables, Exposure::Open)
    }

    fn checked_by(variables: serde_json::Value, exposure: Exposure) -> Vec<String> {
        let schema = Definitions::parse(
            "enum E { A B } scalar Any input I { n: Int! = 1 e: E! next: I all: [I!] }
             input One @oneOf { a: Int b: String } type Query { a: Int }",
        );
        let text = "query($id: ID!, $n: Int = 3, $f: Float, $s: [[String!]], $i: I, $o: One, $any: Any, $b: Boolean! = true) { a }";
        let parsed = parser::parse(text).expect("a document");
        let (_, operation) = parsed.document.operations.iter().next().expect("an operation");
        let given = Variables::from_json(variables);
        let mistakes = check(&schema.expect("a schema"), &operation.node.variable_definitions, &given, exposure);
        mistakes.into_iter().map(|mistake| mistake.message).collect()
    }

    #[test]
    fn check_accepts_values_of_the_right_types() {
        for rest in [
            json!({}),
            json!({"n": null, "f": 1, "s": "a", "i": null, "any": {"b": [1]}, "other": 1}),
            json!({"n": -2147483648, "f": 1.5, "s": ["a", null], "i": {"e": "A", "next": {"e": "B", "all": {"e": "A"}}}}),
            json!({"s": [["a"], []], "i": {"e": "A", "n": 2, "all": [{"e": "A"}]}, "o": {"a": 1}, "b": false}),
        ] {
            let mut given = json!({"id": 1});
            given.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
            assert_eq!(checked(given.clone()), Vec::<String>::new(), "{given}");
        }
    }

    #[test]
    fn check_refuses_other_values_with_their_path() {
        for (rest, says) in [
            (json!({"id": null}), "Variable `$id` of type `ID!` needs a value."),
            (json!({"id": 1.5}), "Variable `$id` is not a value of type `ID!`."),
            (json!({"b": null}), "Variable `$b` of type `Boolean!` needs a value."),
            (json!({"n": 2147483648u64}), "Variable `$n` is not a value of type `Int`."),
            (json!({"n": "1"}), "Variable `$n` is not a value of type `Int`."),
            (json!({"s": [["a", null]]}), "Variable `$s[0][1]` is not a value of type `String!`."),
            (json!({"i": []}), "Variable `$i` is not an object, but `I` is expected."),
            (json!({"i": {"e": "C"}}), "Variable `$i.e` is not a value of type `E!`."),
            (json!({"i": {}}), "Variable `$i.e` of type `E!` needs a value."),
            (json!({"i": {"e": "A", "all": [{"e": "A", "x": 1}]}}), "Variable `$i.all[0].x` is not a field of `I`."),
            (json!({"i": {"e": "A", "n": null}}), "Variable `$i.n` is not a value of type `Int!`."),
            (json!({"o": {"a": 1, "b": "x"}}), "Variable `$o`: `One` takes exactly one field, which is not null."),
            (json!({"o": {"a": null}}), "Variable `$o`: `One` takes exactly one field, which is not null."),
        ] {
            let mut given = json!({"id": "x"});
            given.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
            assert_eq!(checked(given.clone()), [says]);
            // With a hidden schema, messages name only the variable's own type and given fields.
            let hidden = checked_by(given, Exposure::Hidden);
            let names = ["String!", "`I`", "E!", "`One`", "Int!"];
            assert!(hidden.len() == 1 && !names.iter().any(|name| hidden[0].contains(name)), "{hidden:?}");
        }
        assert_eq!(checked_by(json!({"id": 1, "i": {}}), Exposure::Hidden), ["Variable `$i` lacks a required field."]);
    }
}
