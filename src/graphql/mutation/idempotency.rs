//! By what a mutation with an idempotency key is told from another: its name, the key, and the input as it was meant, however
//! it was written.

use async_graphql::indexmap::IndexMap;
use async_graphql::{Context, InputType, Name, Value};

use crate::domain::{Error, InternalError};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::operations::idempotency::Idempotency;

/// The parts of an input that may differ from one repeat to the next.
const IGNORED_FIELDS: [&str; 2] = ["clientMutationId", "idempotencyKey"];

/// What the field of a mutation hands to its operation, so that it is done once for each key. Without a key it costs nothing.
pub fn retry(ctx: &Context<'_>, key: Option<&str>, input: &impl InputType) -> Result<Idempotency> {
    let actor = ctx.request().signed_in();
    let Some(key) = key else { return Ok(Idempotency::without_key(actor)) };
    let broken = |cause: String| Error::from(InternalError::new(cause));
    let arguments = ctx.field().arguments().map_err(|error| broken(error.message))?;
    let given = arguments.iter().find(|(name, _)| name == "input").map(|(_, value)| value);
    let mut meant = canonical_input(input.to_value(), given).unwrap_or_default();
    if let Value::Object(fields) = &mut meant {
        fields.retain(|name, _| !IGNORED_FIELDS.contains(&name.as_str()));
    }
    let meant = serde_json::to_vec(&meant).map_err(|error| broken(error.to_string()))?;
    Ok(Idempotency::keyed(actor, ctx.field().name(), key, &meant)?)
}

/// A value that was read, with its defaults, its fields in order. What was read has null for absent fields too, where an
/// update keeps the one and clears the other: only the value as it was given tells them apart.
fn canonical_input(read: Value, given: Option<&Value>) -> Option<Value> {
    match (read, given) {
        (Value::Null, None) => None,
        (Value::Object(fields), given) => {
            let given_at = |name: &Name| match given {
                Some(Value::Object(given)) => given.get(name),
                _ => None,
            };
            let meant = |(name, value)| canonical_input(value, given_at(&name)).map(|value| (name, value));
            let mut fields: IndexMap<Name, Value> = fields.into_iter().filter_map(meant).collect();
            fields.sort_unstable_keys();
            Some(Value::Object(fields))
        }
        (Value::List(items), given) => {
            let given_at = |place| match given {
                Some(Value::List(given)) => given.get(place),
                // One value may stand for a list of it.
                given => given,
            };
            let items = items.into_iter().enumerate();
            Some(Value::List(
                items.map(|(place, item)| canonical_input(item, given_at(place)).unwrap_or_default()).collect(),
            ))
        }
        (value, _) => Some(value),
    }
}
