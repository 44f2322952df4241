//! Introspection. `__schema` and `__type` are answered from async-graphql's own introspection result, which is taken
//! once and corrected where it differs from the SDL (in `src/model/type.rs` and `src/model/schema.rs` of 8.0.0-rc.5,
//! interfaces have `interfaces: null`, and the schema has a description). The fields of a response are counted before
//! it is written, directly as JSON.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    ExecutableDocument, Field, FragmentDefinition, Selection, SelectionSet, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Context, Name, Positioned, ServerError, ServerResult, Value, Variables};
use async_graphql_value::indexmap::IndexMap;
use futures_util::FutureExt;

use super::ApiError;
use super::context::RequestContext;
use super::schema;
use crate::graphql::documents::fields::each_field;
use crate::graphql::json_writer::JsonWriter;

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;
type Object = IndexMap<Name, Value>;

/// Requests the whole description of the schema.
const QUERY: &str = "{
  __schema {
    queryType { ...Ref } mutationType { ...Ref } subscriptionType { ...Ref }
    types {
      kind name description specifiedByURL isOneOf
      fields(includeDeprecated: true) {
        name description args(includeDeprecated: true) { ...Input } type { ...Ref } isDeprecated deprecationReason
      }
      interfaces { ...Ref } possibleTypes { ...Ref }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      inputFields(includeDeprecated: true) { ...Input }
    }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...Input } }
  }
}
fragment Input on __InputValue { name description type { ...Ref } defaultValue isDeprecated deprecationReason }
fragment Ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }";

/// The description of the schema. Types refer to each other by name.
#[derive(Default)]
struct Description {
    schema: Object,
    types: HashMap<Name, Object>,
}

/// Takes the description now, so that the first request that needs it does not have to.
pub fn prepare() {
    LazyLock::force(&DESCRIPTION);
}

static DESCRIPTION: LazyLock<Description> = LazyLock::new(|| {
    // Introspection never waits, so the first poll completes it.
    let executed = schema::builder().finish().execute(QUERY).now_or_never();
    executed.and_then(|executed| Description::of(executed.data)).unwrap_or_default()
});

impl Description {
    fn of(data: Value) -> Option<Self> {
        let Value::Object(mut data) = data else { return None };
        let Value::Object(schema) = data.swap_remove("__schema")? else { return None };
        let Value::List(types) = schema.get("types")?.clone() else { return None };
        let interfaces = interfaces_of_interfaces();
        let mut described = HashMap::new();
        for ty in types {
            let Value::Object(mut ty) = ty else { return None };
            let Value::String(name) = ty.get("name")?.clone() else { return None };
            if let Some(named) = interfaces.get(name.as_str()) {
                ty.insert(Name::new("interfaces"), Value::List(named.iter().map(reference).collect()));
            }
            described.insert(Name::new(name), ty);
        }
        Some(Self { schema, types: described })
    }

    /// Returns the full type where `object` is a reference to a type, and `object` itself otherwise.
    fn in_full<'a>(&'a self, object: &'a Object) -> &'a Object {
        match object.get("name") {
            Some(Value::String(name)) if object.contains_key("kind") => self.types.get(name.as_str()).unwrap_or(object),
            _ => object,
        }
    }
}

/// Returns the interfaces that each interface implements, from the SDL.
fn interfaces_of_interfaces() -> HashMap<Name, Vec<Name>> {
    let definitions = parse_schema(schema::sdl()).map(|document| document.definitions).unwrap_or_default();
    let interface = |definition| match definition {
        TypeSystemDefinition::Type(Positioned { node, .. }) => match node.kind {
            TypeKind::Interface(interface) => {
                Some((node.name.node, interface.implements.into_iter().map(|name| name.node).collect()))
            }
            _ => None,
        },
        _ => None,
    };
    definitions.into_iter().filter_map(interface).collect()
}

fn reference(name: &Name) -> Value {
    async_graphql::value!({ "kind": "INTERFACE", "name": name.as_str() })
}

/// Whether the root selection set of a query requests the description.
pub fn is_asked(root: &SelectionSet, fragments: &Fragments) -> bool {
    let mut asked = false;
    each_field(root, fragments, &mut |field| asked |= is_introspection(field));
    asked
}

fn is_introspection(field: &Field) -> bool {
    matches!(field.name.node.as_str(), "__schema" | "__type")
}

/// Counts the fields of the response that describe the schema, without `__schema` and `__type` themselves. The count
/// ends at `most + 1`.
pub fn cost(document: &ExecutableDocument, variables: &Variables, most: u64) -> u64 {
    let reader = Reader { fragments: &document.fragments, variables };
    let roots: Vec<_> = document.operations.iter().map(|(_, root)| &root.node.selection_set.node).collect();
    let mut left = most;
    for asked in reader.fields(&roots).iter().filter(|asked| is_introspection(asked.field)) {
        if reader.described(asked.field).is_some_and(|object| asked.count_object(object, &mut left).is_none()) {
            return most.saturating_add(1);
        }
    }
    most - left
}

/// Resolves `__schema` or `__type`. Fails with TOO_COMPLEX if the response becomes too long.
pub fn answer(ctx: &Context<'_>) -> ServerResult<Value> {
    let env = ctx.query_env;
    let reader = Reader { fragments: &env.fragments, variables: &env.variables };
    let asked = reader.field(&[&ctx.item.node]);
    let Some(object) = reader.described(asked.field) else { return Ok(Value::Null) };
    let mut json = JsonWriter::default();
    asked.write_object(object, &mut json);
    let request = ctx.data_opt::<Arc<RequestContext>>();
    let fits = request.map_or(json.fits(), |request| request.has_room_for(&json));
    if !fits {
        return Err(ctx.set_error_path(async_graphql::Error::from(ApiError::TooLarge).into_server_error(ctx.item.pos)));
    }
    if request.is_some_and(|request| request.raw_json) {
        return Ok(Value::Binary(json.into_bytes().into()));
    }
    serde_json::from_slice(&json.into_bytes()).map_err(|cause| ServerError::new(cause.to_string(), Some(ctx.item.pos)))
}

/// A requested field of the description.
struct SelectedField<'a> {
    field: &'a Field,
    /// Whether the list includes deprecated items.
    deprecated: bool,
    inner: Vec<SelectedField<'a>>,
}

/// Reads which parts of the description a document requests.
struct Reader<'a> {
    fragments: &'a Fragments,
    variables: &'a Variables,
}

impl<'a> Reader<'a> {
    /// Merges the fields of selection sets, in order. A fragment's type condition always matches here: no type of
    /// introspection is abstract.
    fn fields(&self, sets: &[&'a SelectionSet]) -> Vec<SelectedField<'a>> {
        let mut by_key: IndexMap<&str, Vec<&'a Field>> = IndexMap::new();
        sets.iter().for_each(|set| self.collect(set, &mut by_key));
        by_key.values().map(|fields| self.field(fields)).collect()
    }

    fn collect(&self, set: &'a SelectionSet, by_key: &mut IndexMap<&'a str, Vec<&'a Field>>) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => by_key.entry(key(&field.node)).or_default().push(&field.node),
                Selection::InlineFragment(inline) => self.collect(&inline.node.selection_set.node, by_key),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.fragments.get(&spread.node.fragment_name.node) {
                        self.collect(&fragment.node.selection_set.node, by_key);
                    }
                }
            }
        }
    }

    /// Merges the fields of one response key; there is at least one.
    fn field(&self, fields: &[&'a Field]) -> SelectedField<'a> {
        let sets: Vec<_> = fields.iter().map(|field| &field.selection_set.node).collect();
        let field = fields[0];
        let deprecated = self.argument(field, "includeDeprecated") == Some(Value::Boolean(true));
        SelectedField { field, deprecated, inner: self.fields(&sets) }
    }

    fn argument(&self, field: &Field, name: &str) -> Option<Value> {
        let written = field.get_argument(name)?.node.clone();
        written.into_const_with(|name| self.variables.get(&name).cloned().ok_or(())).ok()
    }

    /// Returns the object that `__schema` or `__type` describes; `None` if there is no such type.
    fn described(&self, field: &Field) -> Option<&'static Object> {
        if field.name.node == "__schema" {
            return Some(&DESCRIPTION.schema);
        }
        match self.argument(field, "name")? {
            Value::String(name) => DESCRIPTION.types.get(name.as_str()),
            _ => None,
        }
    }
}

/// Returns the response key of a field.
fn key(field: &Field) -> &str {
    &field.alias.as_ref().unwrap_or(&field.name).node
}

/// Returns the name of the type of the objects in a field.
fn type_of(field: &str) -> &'static str {
    match field {
        "__schema" => "__Schema",
        "directives" => "__Directive",
        "fields" => "__Field",
        "args" | "inputFields" => "__InputValue",
        "enumValues" => "__EnumValue",
        _ => "__Type",
    }
}

fn is_deprecated(item: &Value) -> bool {
    matches!(item, Value::Object(object) if object.get("isDeprecated") == Some(&Value::Boolean(true)))
}

impl SelectedField<'_> {
    fn name(&self) -> &str {
        &self.field.name.node
    }

    /// Subtracts the number of fields from `left`. Returns `None` if `left` is too small.
    fn count_object(&self, object: &Object, left: &mut u64) -> Option<()> {
        *left = left.checked_sub(self.inner.len() as u64)?;
        let object = DESCRIPTION.in_full(object);
        self.inner
            .iter()
            .filter(|inner| !inner.inner.is_empty())
            .try_for_each(|inner| object.get(inner.name()).map_or(Some(()), |value| inner.count(value, left)))
    }

    fn count(&self, value: &Value, left: &mut u64) -> Option<()> {
        match value {
            Value::List(items) => items.iter().try_for_each(|item| self.count(item, left)),
            Value::Object(object) => self.count_object(object, left),
            _ => Some(()),
        }
    }

    fn write_object(&self, object: &Object, json: &mut JsonWriter) {
        let object = DESCRIPTION.in_full(object);
        json.push("{");
        for (index, inner) in self.inner.iter().enumerate() {
            if index > 0 {
                json.push(",");
            }
            json.text(key(inner.field));
            json.push(":");
            match object.get(inner.name()) {
                Some(value) => inner.write(value, json),
                None if inner.name() == "__typename" => json.text(type_of(self.name())),
                None => json.push("null"),
            }
        }
        json.push("}");
    }

    fn write(&self, value: &Value, json: &mut JsonWriter) {
        match value {
            Value::List(items) => {
                let told = items.iter().filter(|item| self.deprecated || !is_deprecated(item));
                json.list(told, |item, json| {
                    self.write(item, json);
                    json.fits().then_some(())
                });
            }
            Value::Object(object) => self.write_object(object, json),
            leaf => json.value(leaf),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_described() {
        assert!(DESCRIPTION.types.len() > 100, "{} types", DESCRIPTION.types.len());
        assert_eq!(DESCRIPTION.types["Workspace"]["interfaces"], Value::List(vec![reference(&Name::new("Node"))]));
    }
}
