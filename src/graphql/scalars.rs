//! Scalars of the schema, and the conversion of typed IDs.

use async_graphql::{ID, InputValueError, InputValueResult, Scalar, ScalarType, Value};

use crate::domain::clock::{self, Instant};
use crate::domain::ids::TypedId;

/// A time in the format of RFC 3339, in UTC, with milliseconds: `2026-11-23T17:03:41.000Z`.
#[derive(Clone, Copy)]
pub struct DateTime(pub Instant);

impl DateTime {
    /// Returns the text that clients receive.
    pub fn text(self) -> String {
        clock::text(self.0)
    }
}

/// A time in the format of RFC 3339, in UTC, with milliseconds: `2026-11-23T17:03:41.000Z`.
#[Scalar(name = "DateTime", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => {
                let parsed = chrono::DateTime::parse_from_rfc3339(text);
                parsed.map(|at| DateTime(at.to_utc())).map_err(|_| InputValueError::custom("not a time as in RFC 3339"))
            }
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.text())
    }
}

impl From<Instant> for DateTime {
    fn from(at: Instant) -> Self {
        Self(at)
    }
}

/// Converts a typed ID to an ID of the schema.
pub fn id(id: impl TypedId) -> ID {
    ID(id.to_string())
}
