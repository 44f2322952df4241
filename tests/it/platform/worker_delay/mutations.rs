//! Each mutation with short and with long texts, derived from the schema.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, ServiceDocument, Type, TypeKind, TypeSystemDefinition};
use guildhall::graphql::schema::sdl;
use serde_json::{Value, json};

use super::{Case, World, repeated, repeated_to_length};

/// Each mutation 100 times in a document, with short and with long texts.
pub(super) fn cases(world: &World) -> Vec<Case> {
    let schema = parse_schema(sdl()).expect("the schema");
    let TypeKind::Object(mutations) = kind(&schema, "Mutation") else { panic!("an object") };
    let mut cases = Vec::new();
    for field in &mutations.fields {
        let (name, input) = (&field.node.name.node, &field.node.arguments[0].node.ty.node);
        for (length, about) in [(8, "short"), (1_000, "long")] {
            let fields = repeated(100, |n| format!("a{n}: {name}(input: $a) {{ userErrors {{ code message path }} }}"));
            let query = format!("mutation($a: {input}) {{ {fields} }}");
            let variables = json!({ "a": value(&schema, input, "", length, &world.large) });
            let by = Some(&world.owner);
            cases.push(Case::new(format!("100 times {name}, {about} texts"), by, query, variables));
        }
    }
    cases
}

fn kind<'a>(schema: &'a ServiceDocument, wanted: &str) -> &'a TypeKind {
    let mut kinds = schema.definitions.iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(kind) if kind.node.name.node == wanted => Some(&kind.node.kind),
        _ => None,
    });
    kinds.next_back().unwrap_or(&TypeKind::Scalar)
}

/// A value of a type, with texts of that length. Lists have 100 values, or one if the texts are long.
fn value(schema: &ServiceDocument, ty: &Type, field: &str, length: usize, id: &str) -> Value {
    let name = match &ty.base {
        BaseType::List(inner) => {
            let count = if length < 1_000 { 100 } else { 1 };
            return Value::from(vec![value(schema, inner, field, length, id); count]);
        }
        BaseType::Named(name) => name.as_str(),
    };
    match kind(schema, name) {
        TypeKind::InputObject(object) => {
            let inputs = object.fields.iter().map(|input| &input.node);
            let inputs = inputs.map(|input| {
                (input.name.node.to_string(), value(schema, &input.ty.node, &input.name.node, length, id))
            });
            inputs.collect::<serde_json::Map<_, _>>().into()
        }
        TypeKind::Enum(names) => names.values[0].node.value.node.to_string().into(),
        _ => match name {
            "Int" | "Float" => 1.into(),
            "Boolean" => true.into(),
            "ID" => id.into(),
            "DateTime" => "2030-01-01T00:00:00.000Z".into(),
            _ if field == "clientMutationId" || field == "idempotencyKey" => "x".into(),
            _ if field == "email" => format!("{}@example.org", repeated_to_length("x", length.min(60))).into(),
            _ => repeated_to_length("x", length).into(),
        },
    }
}
