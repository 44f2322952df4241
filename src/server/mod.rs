//! GraphQL over HTTP and all else that the server answers.

pub mod playground;
