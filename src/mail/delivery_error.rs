//! Why a mail was not handed over, in words that clients may read: they hold the mail server's own answer at most.

use std::error::Error;

use lettre::transport::smtp;

/// Longest reason that is kept, in characters.
const MAX: usize = 200;

/// Answers that are about this server's own sign-in or encryption, not about the mail: whoever runs it can mend them.
const OUR_OWN: [u16; 4] = [530, 534, 535, 538];

/// A mail that was not handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryError {
    /// Whether trying again may help.
    pub passing: bool,
    /// Why, in words.
    pub reason: String,
}

impl DeliveryError {
    /// Trying again may help.
    pub fn passing(reason: impl Into<String>) -> Self {
        Self { passing: true, reason: reason.into() }
    }

    /// Trying again does not help.
    pub fn lasting(reason: impl Into<String>) -> Self {
        Self { passing: false, reason: reason.into() }
    }

    /// What an attempt to speak SMTP came to.
    pub fn of_smtp(error: &smtp::Error) -> Self {
        if let Some(code) = error.status() {
            let code = u16::from(code);
            if OUR_OWN.contains(&code) {
                return Self::passing(format!("The mail server did not let Guildhall sign in ({code})."));
            }
            let said = error.source().map(ToString::to_string).unwrap_or_default();
            let reason = cut(format!("The mail server answered {code}: {said}"));
            return Self { passing: !error.is_permanent(), reason };
        }
        if error.is_client() {
            return Self::lasting("The mail server does not take mails to addresses like this one.");
        }
        Self::passing(if error.is_timeout() {
            "The mail server did not answer in time."
        } else if error.is_tls() {
            "There was no secure connection to the mail server."
        } else if error.is_response() {
            "The mail server's answer made no sense."
        } else {
            "The mail server could not be reached."
        })
    }
}

/// At most [`MAX`] characters of it, on one line.
fn cut(text: String) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.trim();
    if text.chars().count() <= MAX {
        return text.to_owned();
    }
    text.chars().take(MAX - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_answers_are_cut_and_kept_on_one_line() {
        assert_eq!(cut("550: no\r\nsuch user\n".into()), "550: no  such user");
        assert_eq!(cut("é".repeat(201)).chars().count(), 200);
        assert_eq!(cut("é".repeat(200)), "é".repeat(200));
    }
}
