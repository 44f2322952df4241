//! The HTTP layer: requests, responses and WebSockets. Start with `router.rs`, which lists all paths.

pub mod admission;
pub mod body;
pub mod content_type;
pub mod credentials;
pub mod error;
pub mod error_limits;
pub mod execute;
pub mod graphiql;
pub mod graphql;
pub mod health;
pub mod listener;
pub mod middleware;
pub mod operation_log;
pub mod outgoing_bytes;
pub mod prepare;
pub mod query_string;
pub mod response;
pub mod router;
pub mod security_headers;
pub mod shutdown;
pub mod sse;
pub mod unread_body;
pub mod variable_limits;
pub mod websocket;
