//! `guildhall schema`: prints the GraphQL schema.

use std::io::{self, Write};

use crate::commands::error::CliError;
use crate::graphql::schema;

/// Runs the command.
pub fn run() -> Result<(), CliError> {
    match io::stdout().write_all(schema::sdl().as_bytes()) {
        // The reader has closed the pipe.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
