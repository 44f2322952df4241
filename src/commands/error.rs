//! Errors of commands: one sentence for the person who ran the command.

use std::fmt;
use std::process::ExitCode;

use crate::config::ConfigError;
use crate::domain::{Error, InternalError};
use crate::embedded::EmbeddedError;
use crate::server::response::chain;

/// Reason for which a command ended early.
pub enum CliError {
    /// A failure, described by one sentence.
    Failed(String),
    /// Not a failure: the text of `--help` or `--version`.
    Help(Box<clap::Error>),
}

impl CliError {
    /// Creates a failure with this sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self::Failed(sentence.into())
    }

    /// Prints the error, and returns the exit code of the process.
    pub fn report(self) -> ExitCode {
        match self {
            CliError::Help(help) => {
                let _ = help.print();
                if help.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
            }
            CliError::Failed(sentence) => {
                eprintln!("guildhall: {sentence}");
                ExitCode::FAILURE
            }
        }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CliError::Failed(sentence) => f.write_str(sentence),
            CliError::Help(help) => fmt::Display::fmt(help, f),
        }
    }
}

impl From<clap::Error> for CliError {
    fn from(error: clap::Error) -> Self {
        use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
        if matches!(error.kind(), DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand | DisplayVersion) {
            return Self::Help(Box::new(error));
        }
        let text = error.to_string();
        // Usage and hints follow after the first blank line.
        let first = text.split("\n\n").next().unwrap_or_default();
        let line = first.split_whitespace().collect::<Vec<_>>().join(" ");
        Self::new(format!("{}. Try --help.", line.trim_start_matches("error: ")))
    }
}

impl From<Error> for CliError {
    fn from(error: Error) -> Self {
        match error {
            Error::Failed(fault) => fault.into(),
            Error::Refused(refusals) => {
                Self::new(refusals.into_iter().map(|refusal| refusal.message).collect::<Vec<_>>().join(" "))
            }
            Error::Unauthenticated => Self::new("The account does not exist."),
        }
    }
}

impl From<InternalError> for CliError {
    fn from(fault: InternalError) -> Self {
        Self::new(chain(&fault))
    }
}

impl From<ConfigError> for CliError {
    fn from(bad: ConfigError) -> Self {
        Self::new(bad.to_string())
    }
}

impl From<EmbeddedError> for CliError {
    fn from(error: EmbeddedError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self::new(format!("Operating system error: {error}."))
    }
}
