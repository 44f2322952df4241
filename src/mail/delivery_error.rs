//! Delivery errors. Clients may read the reasons, which contain no more than the mail server's reply.

use std::error::Error;

use lettre::transport::smtp;

/// Maximum length of a reason, in characters.
const MAX_REASON: usize = 200;

/// Reply codes about this server's authentication or encryption, not about the mail. They are transient: the operator
/// can fix the settings.
const AUTHENTICATION_CODES: [u16; 4] = [530, 534, 535, 538];

/// Why a mail was not accepted for delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryError {
    /// Whether a retry may succeed.
    pub transient: bool,
    /// Reason, as a sentence.
    pub reason: String,
}

impl DeliveryError {
    /// Creates an error for which a retry may succeed.
    pub fn transient(reason: impl Into<String>) -> Self {
        Self { transient: true, reason: reason.into() }
    }

    /// Creates an error for which a retry cannot succeed.
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self { transient: false, reason: reason.into() }
    }

    /// Converts an SMTP error.
    pub fn of_smtp(error: &smtp::Error) -> Self {
        if let Some(code) = error.status() {
            let code = u16::from(code);
            if AUTHENTICATION_CODES.contains(&code) {
                return Self::transient(format!("The mail server did not let Guildhall sign in ({code})."));
            }
            let reply = error.source().map(ToString::to_string).unwrap_or_default();
            let reason = truncate(format!("The mail server answered {code}: {reply}"));
            return Self { transient: !error.is_permanent(), reason };
        }
        if error.is_client() {
            return Self::permanent("The mail server does not accept mails to addresses of this form.");
        }
        Self::transient(if error.is_timeout() {
            "The mail server did not answer in time."
        } else if error.is_tls() {
            "A secure connection to the mail server could not be established."
        } else if error.is_response() {
            "The mail server's reply was not valid."
        } else {
            "The mail server could not be reached."
        })
    }
}

/// Returns at most [`MAX_REASON`] characters of a text, on one line.
fn truncate(text: String) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.trim();
    if text.chars().count() <= MAX_REASON {
        return text.to_owned();
    }
    text.chars().take(MAX_REASON - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncate_returns_one_line_of_200_characters() {
        assert_eq!(truncate("550: no\r\nsuch user\n".into()), "550: no  such user");
        assert_eq!(truncate("é".repeat(201)).chars().count(), 200);
        assert_eq!(truncate("é".repeat(200)), "é".repeat(200));
    }
}
