//! Identifies a mutation with an idempotency key by its name, the key and the canonical form of its input.

use async_graphql::indexmap::IndexMap;
use async_graphql::{Context, InputType, Name, Value};

use crate::domain::{Error, InternalError};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::operations::idempotency::Idempotency;

/// Input fields that may differ between the first request and a retry.
const IGNORED_FIELDS: [&str; 2] = ["clientMutationId", "idempotencyKey"];

/// Returns the idempotency scope that a mutation passes to its operation. Without a key, the input is not processed.
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

/// Returns an input with its defaults and with sorted fields; `None` if it was absent. `read` has null for absent
/// fields too, but an update keeps an absent field and clears a null one. Only `given`, the raw value, distinguishes
/// them.
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
                // GraphQL accepts a single value in place of a list of one.
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
