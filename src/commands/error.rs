//! Why a command did not do what it was asked: a sentence for whoever typed it.

use std::fmt;
use std::process::ExitCode;

use crate::config::BadSetting;
use crate::domain::{Error, Fault};
use crate::embedded::EmbeddedError;
use crate::server::response::chain;

/// Why a command failed.
pub enum Failure {
    /// With that sentence.
    Because(String),
    /// It did not: help or the version was asked for, and clap has it.
    Shown(Box<clap::Error>),
}

impl Failure {
    /// A failure with that sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self::Because(sentence.into())
    }

    /// Tells it, and says how the process ends.
    pub fn tell(self) -> ExitCode {
        match self {
            Failure::Shown(shown) => {
                let _ = shown.print();
                if shown.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
            }
            Failure::Because(sentence) => {
                eprintln!("guildhall: {sentence}");
                ExitCode::FAILURE
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Because(sentence) => f.write_str(sentence),
            Failure::Shown(shown) => fmt::Display::fmt(shown, f),
        }
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
        if matches!(error.kind(), DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand | DisplayVersion) {
            return Self::Shown(Box::new(error));
        }
        let text = error.to_string();
        // Usage and hints follow after the first blank line.
        let first = text.split("\n\n").next().unwrap_or_default();
        let line = first.split_whitespace().collect::<Vec<_>>().join(" ");
        Self::new(format!("{}. Try --help.", line.trim_start_matches("error: ")))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Failed(fault) => fault.into(),
            Error::Refused(refusals) => {
                Self::new(refusals.into_iter().map(|refusal| refusal.message).collect::<Vec<_>>().join(" "))
            }
            Error::Unauthenticated => Self::new("There is no such account."),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::new(chain(&fault))
    }
}

impl From<BadSetting> for Failure {
    fn from(bad: BadSetting) -> Self {
        Self::new(bad.to_string())
    }
}

impl From<EmbeddedError> for Failure {
    fn from(error: EmbeddedError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(format!("The operating system refused: {error}."))
    }
}
