//! Writes responses as JSON. A part of a response may be JSON already: it is a [`Value::Binary`], which nothing else in
//! the schema creates.

use async_graphql::{Response, Value};
use serde::Serialize;

use crate::domain::ids::TypedId;

/// Longest response to a query, in bytes.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A buffer of JSON.
#[derive(Default)]
pub struct JsonWriter(Vec<u8>);

impl JsonWriter {
    /// Writes a response in the format of the GraphQL specification. Returns `None` if it is longer than [`MAX_BYTES`];
    /// writing stops soon after that length.
    pub fn of(answer: &Response) -> Option<Self> {
        let mut json = Self::with_room(1024);
        json.answer(answer);
        json.fits().then_some(json)
    }

    /// Whether the JSON is no longer than [`MAX_BYTES`].
    pub fn fits(&self) -> bool {
        self.0.len() <= MAX_BYTES
    }

    /// The number of bytes written.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Creates an empty buffer with capacity for that number of bytes.
    pub fn with_room(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Returns the bytes that were written.
    pub fn into_bytes(mut self) -> Vec<u8> {
        // A long response may wait for a slow client and should hold no more memory than it needs.
        if self.0.len() > 64 * 1024 {
            self.0.shrink_to_fit();
        }
        self.0
    }

    /// Returns the JSON as text.
    pub fn into_text(self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// Adds a piece of JSON as it is.
    pub fn push(&mut self, piece: &str) {
        self.0.extend_from_slice(piece.as_bytes());
    }

    /// Adds a string, with quotes and escapes.
    pub fn text(&mut self, text: &str) {
        self.0.push(b'"');
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
            self.push(&rest[..at]);
            match rest.as_bytes()[at] {
                b'"' => self.push("\\\""),
                b'\\' => self.push("\\\\"),
                b'\n' => self.push("\\n"),
                b'\r' => self.push("\\r"),
                b'\t' => self.push("\\t"),
                byte => self.push(&format!("\\u{byte:04x}")),
            }
            rest = &rest[at + 1..];
        }
        self.push(rest);
        self.0.push(b'"');
    }

    /// Adds a typed ID as a string, as clients see it.
    pub fn id(&mut self, id: impl TypedId) {
        self.0.push(b'"');
        id.write(&mut self.0);
        self.0.push(b'"');
    }

    /// Adds a serializable value, such as a number; null if serialization fails.
    pub fn serialized(&mut self, value: &impl Serialize) {
        let before = self.0.len();
        if serde_json::to_writer(&mut self.0, value).is_err() {
            self.0.truncate(before);
            self.push("null");
        }
    }

    /// Adds a list, where `write` adds each entry. Stops at the first entry for which `write` returns `None`, and then
    /// returns `None`.
    pub fn list<T>(
        &mut self,
        entries: impl IntoIterator<Item = T>,
        mut write: impl FnMut(T, &mut Self) -> Option<()>,
    ) -> Option<()> {
        self.0.push(b'[');
        for (index, entry) in entries.into_iter().enumerate() {
            if index > 0 {
                self.0.push(b',');
            }
            write(entry, self)?;
        }
        self.0.push(b']');
        Some(())
    }

    /// Adds a value. Once the JSON is longer than [`MAX_BYTES`], the rest is left out.
    pub fn value(&mut self, value: &Value) {
        match value {
            _ if !self.fits() => {}
            Value::Null => self.push("null"),
            Value::Number(number) => self.serialized(number),
            Value::String(text) => self.text(text),
            Value::Boolean(value) => self.push(if *value { "true" } else { "false" }),
            Value::Binary(json) => self.0.extend_from_slice(json),
            Value::Enum(name) => self.text(name),
            Value::List(values) => {
                self.list(values, |value, json| {
                    json.value(value);
                    Some(())
                });
            }
            Value::Object(fields) => {
                for (index, (name, value)) in fields.iter().enumerate() {
                    self.0.push(if index == 0 { b'{' } else { b',' });
                    self.text(name);
                    self.0.push(b':');
                    self.value(value);
                }
                self.push(if fields.is_empty() { "{}" } else { "}" });
            }
        }
    }

    fn answer(&mut self, answer: &Response) {
        self.push("{\"data\":");
        self.value(&answer.data);
        if !answer.extensions.is_empty() {
            self.push(",\"extensions\":");
            self.serialized(&answer.extensions);
        }
        if !answer.errors.is_empty() {
            self.push(",\"errors\":");
            self.serialized(&answer.errors);
        }
        self.push("}");
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{ServerError, value};

    use super::*;

    #[test]
    fn an_answer_is_written_as_the_library_would() {
        let data = value!({
            "text": "a \"quoted\\\" line\nand \u{1} \u{1f600} é\t\r", "number": -12, "float": 1.5, "yes": true, "no": false,
            "nothing": null, "list": [1, "two", [], {}], "object": { "inner": { "deep": [{ "a": 1 }, { "b": 2 }] } },
        });
        let mut answer = Response::new(data).extension("cost", value!({ "fields": 3 }));
        for errors in [vec![], vec![ServerError::new("no \"such\" field", None)]] {
            answer.errors = errors;
            let read: serde_json::Value =
                serde_json::from_slice(&JsonWriter::of(&answer).unwrap().into_bytes()).unwrap();
            assert_eq!(read, serde_json::to_value(&answer).unwrap());
        }
    }

    #[test]
    fn what_is_json_already_is_put_in_as_it_is() {
        let mut data = value!({ "before": 1, "after": 2 });
        if let Value::Object(fields) = &mut data {
            fields["before"] = Value::Binary("[{\"a\":1}]".into());
        }
        let written = JsonWriter::of(&Response::new(data)).unwrap().into_text();
        assert_eq!(written, r#"{"data":{"before":[{"a":1}],"after":2}}"#);
    }
    #[test]
    fn an_answer_that_is_too_long_is_not_written_to_its_end() {
        let answer = |entries: usize| Response::new(Value::List(vec![Value::from("x".repeat(1021)); entries]));
        assert_eq!(JsonWriter::of(&answer(8 * 1024 - 1)).map(|json| json.len()), Some((8 * 1024 - 1) * 1024 + 10));
        assert!(JsonWriter::of(&answer(8 * 1024)).is_none());
        let mut json = JsonWriter::default();
        json.answer(&answer(100 * 1024));
        assert!(json.len() < MAX_BYTES + 256 * 1024, "{}", json.len());
    }
}
