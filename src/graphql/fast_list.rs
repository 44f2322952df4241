//! Lists of objects in a response. If every requested field is available without waiting, the rows are written directly
//! as JSON by a plan that is made once for all rows. If a single field of a single row is not available, the whole list
//! is resolved field by field, as everything else is. Both ways give the same response.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::parser::types::{Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::resolver_utils::{EnumType, enum_value, resolve_list};
use async_graphql::{ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value};

use crate::graphql::ApiError;
use crate::graphql::context::RequestContext;
use crate::graphql::json_writer::JsonWriter;
use crate::graphql::scalars::DateTime;

/// Writes a field of an object as JSON. Returns `None` if the field has to be resolved.
pub type FieldWriter<'p, T> = Box<dyn Fn(&T, &RequestContext, &mut JsonWriter) -> Option<()> + Send + Sync + 'p>;

/// An object with fields that can be written without waiting. The written value equals the value that the resolver
/// returns.
pub trait SyncFields {
    /// Returns the writer of a field, which has no arguments; `None` if the field has to be resolved.
    fn sync_field<'p>(_: &SelectedField<'p>) -> Option<FieldWriter<'p, Self>>
    where
        Self: Sized + 'p,
    {
        None
    }
}

impl<T: SyncFields> SyncFields for &T {
    fn sync_field<'p>(field: &SelectedField<'p>) -> Option<FieldWriter<'p, Self>>
    where
        Self: 'p,
    {
        let write = T::sync_field(field)?;
        Some(Box::new(move |object, request, json| write(object, request, json)))
    }
}

/// The rows of a list in a response.
pub struct FastList<T>(pub Vec<T>);

impl<T: SyncFields + OutputType> OutputType for FastList<T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<T>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match written(&self.0, ctx) {
            Some((json, request)) if request.has_room_for(&json) => Ok(Value::Binary(json.into_bytes().into())),
            Some(_) => {
                let error = async_graphql::Error::from(ApiError::TooLarge).into_server_error(field.pos);
                Err(ctx.set_error_path(error))
            }
            None => resolve_list(ctx, field, &self.0, Some(self.0.len())).await,
        }
    }
}

/// Writes the rows as JSON. Returns `None` if they have to be resolved.
fn written<'a, T: SyncFields + OutputType>(
    rows: &[T],
    ctx: &ContextSelectionSet<'a>,
) -> Option<(JsonWriter, &'a RequestContext)> {
    let request = ctx.data_opt::<Arc<RequestContext>>().filter(|request| request.raw_json)?;
    let plan = FieldPlan::of(&ctx.item.node, &ctx.query_env.fragments)?;
    let mut json = JsonWriter::with_room(128 * rows.len() + 2);
    json.list(rows, |row, json| plan.write(row, request, json))?;
    Some((json, request))
}

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// The writers of a selection set's fields, in order, each with its response key.
struct FieldPlan<'p, T>(Vec<(String, FieldWriter<'p, T>)>);

impl<'p, T: SyncFields + OutputType + 'p> FieldPlan<'p, T> {
    /// Returns `None` if a field has to be resolved, has arguments or is repeated, if there are directives, or if a
    /// fragment is on another type.
    fn of(selection: &'p SelectionSet, fragments: &'p Fragments) -> Option<Self> {
        let mut plan = Self(Vec::with_capacity(selection.items.len()));
        plan.add(selection, fragments)?;
        Some(plan)
    }

    fn add(&mut self, selection: &'p SelectionSet, fragments: &'p Fragments) -> Option<()> {
        for selection in &selection.items {
            let (directives, condition, inner) = match &selection.node {
                Selection::Field(field) => {
                    self.add_field(&field.node, fragments)?;
                    continue;
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = fragments.get(&spread.node.fragment_name.node)?;
                    let condition = Some(&fragment.node.type_condition);
                    (&spread.node.directives, condition, &fragment.node.selection_set)
                }
                Selection::InlineFragment(fragment) => {
                    (&fragment.node.directives, fragment.node.type_condition.as_ref(), &fragment.node.selection_set)
                }
            };
            let applies = condition.is_none_or(|condition| condition.node.on.node.as_str() == T::type_name());
            if !applies || !directives.is_empty() {
                return None;
            }
            self.add(&inner.node, fragments)?;
        }
        Some(())
    }

    fn add_field(&mut self, field: &'p Field, fragments: &'p Fragments) -> Option<()> {
        if !field.directives.is_empty() || !field.arguments.is_empty() {
            return None;
        }
        let write = match field.name.node.as_str() {
            "__typename" => {
                let name = T::type_name();
                at_hand(move |_, _, json| json.text(&name))
            }
            _ => T::sync_field(&SelectedField { field, fragments })?,
        };
        let key = field.alias.as_ref().unwrap_or(&field.name);
        let key = format!("{}\"{}\":", if self.0.is_empty() { "" } else { "," }, key.node);
        let repeated = self.0.iter().any(|(other, _)| other.trim_start_matches(',') == key.trim_start_matches(','));
        (!repeated).then(|| self.0.push((key, write)))
    }

    fn write(&self, object: &T, request: &RequestContext, json: &mut JsonWriter) -> Option<()> {
        json.push("{");
        for (key, write) in &self.0 {
            json.push(key);
            write(object, request, json)?;
        }
        json.push("}");
        Some(())
    }
}

/// A requested field.
pub struct SelectedField<'p> {
    field: &'p Field,
    fragments: &'p Fragments,
}

impl<'p> SelectedField<'p> {
    /// The name of the field in the schema.
    pub fn name(&self) -> &'p str {
        self.field.name.node.as_str()
    }

    /// Writes an object that is part of the row. `get` returns `None` if the part is not loaded, and `Some(None)` for
    /// null.
    pub fn object<T: 'p, U: SyncFields + OutputType + 'p>(
        &self,
        get: impl for<'r> Fn(&'r T, &'r RequestContext) -> Option<Option<&'r U>> + Send + Sync + 'p,
    ) -> Option<FieldWriter<'p, T>> {
        let plan = FieldPlan::<U>::of(&self.field.selection_set.node, self.fragments)?;
        Some(Box::new(move |object, request, json| match get(object, request)? {
            Some(part) => plan.write(part, request, json),
            None => {
                json.push("null");
                Some(())
            }
        }))
    }

    /// Writes an object that `make` creates from the row. `make` returns the same as `get` of [`object`](Self::object).
    pub fn made<T: 'p, U: SyncFields + OutputType + 'p>(
        &self,
        make: impl Fn(&T, &RequestContext) -> Option<Option<U>> + Send + Sync + 'p,
    ) -> Option<FieldWriter<'p, T>> {
        let plan = FieldPlan::<U>::of(&self.field.selection_set.node, self.fragments)?;
        Some(Box::new(move |object, request, json| match make(object, request)? {
            Some(part) => plan.write(&part, request, json),
            None => {
                json.push("null");
                Some(())
            }
        }))
    }
}

/// Makes the writer of a field that is available for every row.
pub fn at_hand<'p, T>(write: impl Fn(&T, &RequestContext, &mut JsonWriter) + Send + Sync + 'p) -> FieldWriter<'p, T> {
    Box::new(move |object, request, json| {
        write(object, request, json);
        Some(())
    })
}

/// Makes the writer of a field that is available for some of the rows.
pub fn maybe<'p, T>(
    write: impl Fn(&T, &RequestContext, &mut JsonWriter) -> Option<()> + Send + Sync + 'p,
) -> FieldWriter<'p, T> {
    Box::new(write)
}

impl JsonWriter {
    /// Adds a value of an enum of the schema.
    pub fn name(&mut self, value: impl EnumType) {
        if let Value::Enum(name) = enum_value(value) {
            self.text(&name);
        }
    }

    /// Adds values of an enum of the schema.
    pub fn names(&mut self, values: Vec<impl EnumType>) {
        self.list(values, |value, json| {
            json.name(value);
            Some(())
        });
    }

    /// Adds an instant.
    pub fn time(&mut self, at: impl Into<DateTime>) {
        self.text(&at.into().text());
    }

    /// Adds a value that may be null.
    pub fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => write(self, value),
            None => self.push("null"),
        }
    }
}
