//! Telemetry: the log of the server.

pub mod logging;

pub use logging::start;
