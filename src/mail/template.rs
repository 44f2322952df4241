//! The templates of mails. Each has a text part, whose first line is the subject, and an HTML part.
//!
//! The files in `templates/` are compiled in. In `.html` all variables are escaped. In both parts all variables are
//! reduced to one line, except the inviter's message.

use chrono::DateTime;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use unicode_normalization::UnicodeNormalization;

/// A template with its variables. Sentences about variables that are absent or null are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Template {
    /// `organization` and `inviter` (display names), `role` (its name in the schema), `message`, `expires_at` (RFC
    /// 3339).
    Invitation,
    /// `username` (of the account) and `expires_at`.
    VerifyEmail,
    /// `username` and `expires_at`.
    ChangeEmail,
    /// `username` and `expires_at`.
    ResetPassword,
}

/// The rendered texts of a mail.
#[derive(Debug)]
pub struct Content {
    /// Subject: one line without control characters.
    pub subject: String,
    /// Plain text part.
    pub text: String,
    /// HTML part.
    pub html: String,
}

impl Template {
    /// All templates.
    pub const ALL: [Self; 4] = [Self::Invitation, Self::VerifyEmail, Self::ChangeEmail, Self::ResetPassword];

    /// Returns the name of the template in the database, which is also the name of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::VerifyEmail => "verify_email",
            Self::ChangeEmail => "change_email",
            Self::ResetPassword => "reset_password",
        }
    }

    /// Returns the template with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.name() == name)
    }

    fn sources(self) -> (&'static str, &'static str) {
        macro_rules! sources {
            ($name:literal) => {
                (
                    include_str!(concat!("templates/", $name, ".txt")),
                    include_str!(concat!("templates/", $name, ".html")),
                )
            };
        }
        match self {
            Self::Invitation => sources!("invitation"),
            Self::VerifyEmail => sources!("verify_email"),
            Self::ChangeEmail => sources!("change_email"),
            Self::ResetPassword => sources!("reset_password"),
        }
    }

    /// Renders the template. Fails if it cannot be rendered with these variables.
    pub fn render(self, variables: &serde_json::Value, link: Option<&str>) -> Result<Content, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.add_filter("day", day);
        let given = Value::from(Serde(sanitized(variables)));
        let given = context! { link, ..given };
        let (text, html) = self.sources();
        let text = environment.render_named_str("mail.txt", text, &given)?;
        let (subject, text) = text.split_once('\n').unwrap_or((&text, ""));
        let subject = one_line(subject);
        let text = environment.render_named_str(
            "layout.txt",
            include_str!("templates/layout.txt"),
            context! { content => text.trim() },
        )?;
        let html = environment.render_named_str("mail.html", html, &given)?;
        let html = environment.render_named_str(
            "layout.html",
            include_str!("templates/layout.html"),
            context! { subject => subject.as_str(), content => Value::from_safe_string(html) },
        )?;
        Ok(Content { subject, text, html })
    }
}

/// Reduces all texts but the inviter's message to one line, and keeps mail programs from making links of names.
fn sanitized(variables: &serde_json::Value) -> serde_json::Value {
    let mut variables = variables.clone();
    for (name, value) in variables.as_object_mut().into_iter().flatten() {
        if let (serde_json::Value::String(text), true) = (&mut *value, name != "message") {
            *text = one_line(text);
            if ["organization", "inviter", "username"].contains(&name.as_str()) {
                *text = without_link(text);
            }
        }
    }
    variables
}

/// Replaces control characters and line separators by spaces, and trims the text: the result is safe in a header.
fn one_line(text: &str) -> String {
    let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.replace(is_break, " ").trim().to_owned()
}

/// Inserts a zero-width non-joiner after each character that is typical of web and mail addresses, so that mail
/// programs do not make a link of a name. The name looks the same.
fn without_link(name: &str) -> String {
    let links = |c: char| c.nfkc().any(|c| matches!(c, '.' | '\u{3002}' | '@' | ':' | '/' | '\\'));
    name.chars().flat_map(|c| [Some(c), links(c).then_some('\u{200C}')]).flatten().collect()
}

/// Formats an instant (RFC 3339) in words; returns other texts unchanged.
fn day(instant: &str) -> String {
    DateTime::parse_from_rfc3339(instant)
        .map(|instant| instant.to_utc().format("%A, %-d %B %Y, %H:%M UTC").to_string())
        .unwrap_or_else(|_| instant.to_owned())
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
