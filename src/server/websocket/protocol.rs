//! The protocol `graphql-transport-ws` without a socket: which messages are valid when, what they mean, and which code
//! closes the socket after an invalid message.

use std::collections::HashMap;

use async_graphql::{Response as Executed, ServerError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::graphql::json_writer::JsonWriter;
use crate::server::body::{GraphQLParams, MAX_BYTES};
use crate::server::error_codes::error;
use crate::server::response;
use crate::server::variable_limits;

/// Name of the subprotocol in the handshake.
pub const NAME: &str = "graphql-transport-ws";
/// Maximum number of concurrent operations of one socket.
pub const MAX_OPERATIONS: usize = 100;
/// Maximum length of the reason in a close frame, in bytes.
const MAX_REASON: usize = 123;

/// Code and reason with which a socket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// A code of the WebSocket protocol below 4000, of `graphql-transport-ws` from 4000.
    pub code: u16,
    /// Explanation for the developer of the client.
    pub reason: String,
}

impl Close {
    fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        reason.truncate(reason.floor_char_boundary(MAX_REASON));
        Self { code, reason }
    }

    /// An invalid message (4400).
    pub fn invalid(reason: &str) -> Self {
        Self::new(4400, reason)
    }

    /// An invalid or expired token, or an operation before `connection_ack` (4401).
    pub fn unauthorized(reason: &str) -> Self {
        Self::new(4401, reason)
    }

    /// A client with a valid token that may not connect now (4403).
    pub fn forbidden(reason: &str) -> Self {
        Self::new(4403, reason)
    }

    /// The first message was not received in time (4408).
    pub fn init_timeout() -> Self {
        Self::new(4408, "Connection initialisation timeout")
    }

    /// A message with too many bytes (1009).
    pub fn too_large() -> Self {
        Self::new(1009, "A message may have 1 MB at most")
    }

    /// A dependency of the server is unavailable for now (1013).
    pub fn unavailable() -> Self {
        Self::new(1013, "The service is temporarily unavailable. Retry later")
    }

    /// The server shuts down; the client may reconnect to another process (1012).
    pub fn restart() -> Self {
        Self::new(1012, "The server is shutting down")
    }
}

/// The action of the session after a message.
#[derive(Debug)]
pub enum Step {
    /// Authenticate the client by the payload, then [`acknowledge`](Protocol::acknowledge).
    Init(Map<String, Value>),
    /// Send this message.
    Send(String),
    /// Run an operation; its results are identified by this number.
    Run(u64, GraphQLParams),
    /// End the operation with this number.
    Stop(u64),
    /// Do nothing.
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    AwaitingInit,
    Initialized,
    Acknowledged,
}

/// State of the protocol for one socket.
pub struct Protocol {
    phase: Phase,
    /// Numbers of the running operations, by the client's ID.
    numbers: HashMap<String, u64>,
    /// Client's IDs of the running operations, by number.
    ids: HashMap<u64, String>,
    /// Number of operations that have started.
    started: u64,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    payload: Option<Value>,
}

/// A message without its payload.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
}

impl Default for Protocol {
    fn default() -> Self {
        Self { phase: Phase::AwaitingInit, numbers: HashMap::new(), ids: HashMap::new(), started: 0 }
    }
}

impl Protocol {
    /// Whether the first message was received.
    pub fn has_begun(&self) -> bool {
        self.phase != Phase::AwaitingInit
    }

    /// Whether no operation is running.
    pub fn is_idle(&self) -> bool {
        self.ids.is_empty()
    }

    /// Handles a message of the client.
    pub fn receive(&mut self, text: &str) -> Result<Step, Close> {
        if text.len() > MAX_BYTES {
            return Err(Close::too_large());
        }
        if variable_limits::has_too_many(text.as_bytes()) {
            return self.refuse_too_many_values(text);
        }
        let Message { kind, id, payload } = serde_json::from_str(text).map_err(|_| {
            Close::invalid("A message is a JSON object with a string `type` and, by type, `id` and `payload`")
        })?;
        match kind.as_str() {
            "connection_init" => self.initialize(payload),
            "ping" => Ok(Step::Send(pong(object(payload)?))),
            "pong" => object(payload).map(|_| Step::Nothing),
            "subscribe" => self.subscribe(require_id(id)?, payload),
            "complete" => {
                let number = self.numbers.remove(&require_id(id)?);
                Ok(number.map_or(Step::Nothing, |number| {
                    self.ids.remove(&number);
                    Step::Stop(number)
                }))
            }
            _ => Err(Close::invalid("The `type` of the message is unknown")),
        }
    }

    /// Refuses a message with too many values; they are not parsed.
    fn refuse_too_many_values(&self, text: &str) -> Result<Step, Close> {
        match serde_json::from_str(text) {
            Ok(Head { kind, id: Some(id) }) if kind == "subscribe" && self.phase == Phase::Acknowledged => {
                Ok(Step::Send(refused(&id, &variable_limits::too_many().errors)))
            }
            _ => Err(Close::invalid("A message has too many values")),
        }
    }

    fn initialize(&mut self, payload: Option<Value>) -> Result<Step, Close> {
        if self.has_begun() {
            return Err(Close::new(4429, "Too many initialisation requests"));
        }
        self.phase = Phase::Initialized;
        Ok(Step::Init(object(payload)?.unwrap_or_default()))
    }

    /// Returns `connection_ack`, after which the client may start operations.
    pub fn acknowledge(&mut self) -> String {
        self.phase = Phase::Acknowledged;
        json!({ "type": "connection_ack" }).to_string()
    }

    fn subscribe(&mut self, id: String, payload: Option<Value>) -> Result<Step, Close> {
        if self.phase != Phase::Acknowledged {
            return Err(Close::unauthorized("Unauthorized"));
        }
        let params = serde_json::from_value(payload.unwrap_or_default()).map_err(|_| {
            Close::invalid(
                "The `payload` of `subscribe` has a string `query`, and may have `variables` and `operationName`",
            )
        })?;
        if self.numbers.contains_key(&id) {
            return Err(Close::new(4409, format!("Subscriber for {id} already exists")));
        }
        if self.numbers.len() >= MAX_OPERATIONS {
            let message = format!("A WebSocket may have at most {MAX_OPERATIONS} operations at a time.");
            return Ok(Step::Send(refused(&id, &[error("BAD_REQUEST", message)])));
        }
        let number = self.started;
        self.started += 1;
        self.numbers.insert(id.clone(), number);
        self.ids.insert(number, id);
        Ok(Step::Run(number, params))
    }

    /// Returns the message for a result; `None` if the client has ended the operation.
    pub fn result(&mut self, number: u64, executed: &Executed) -> Option<String> {
        if response::is_refused(executed) {
            return self.refuse(number, &executed.errors);
        }
        match JsonWriter::of(executed) {
            Some(json) => self.next(number, &json.into_text()),
            None => self.refuse(number, &response::too_large().errors),
        }
    }

    /// Returns the message for a result that is already JSON; `None` if the client has ended the operation.
    pub fn next(&self, number: u64, payload: &str) -> Option<String> {
        let id = serde_json::to_string(self.ids.get(&number)?).ok()?;
        Some(format!(r#"{{"type":"next","id":{id},"payload":{payload}}}"#))
    }

    /// Returns the message for an operation that did not run, and ends it.
    pub fn refuse(&mut self, number: u64, errors: &[ServerError]) -> Option<String> {
        self.end(number).map(|id| refused(&id, errors))
    }

    /// Returns the message for the end of an operation; `None` if it has already ended for the client.
    pub fn complete(&mut self, number: u64) -> Option<String> {
        self.end(number).map(|id| json!({ "type": "complete", "id": id }).to_string())
    }

    fn end(&mut self, number: u64) -> Option<String> {
        let id = self.ids.remove(&number)?;
        self.numbers.remove(&id);
        Some(id)
    }
}

fn refused(id: &str, errors: &[ServerError]) -> String {
    json!({ "type": "error", "id": id, "payload": errors }).to_string()
}

fn pong(payload: Option<Map<String, Value>>) -> String {
    match payload {
        Some(payload) => json!({ "type": "pong", "payload": payload }).to_string(),
        None => json!({ "type": "pong" }).to_string(),
    }
}

fn require_id(id: Option<String>) -> Result<String, Close> {
    id.filter(|id| !id.is_empty()).ok_or_else(|| Close::invalid("This `type` of message needs an `id`"))
}

fn object(payload: Option<Value>) -> Result<Option<Map<String, Value>>, Close> {
    match payload {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(payload)) => Ok(Some(payload)),
        Some(_) => Err(Close::invalid("The `payload` of this `type` of message is an object")),
    }
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
