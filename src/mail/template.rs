//! The kinds of mails, and what they say: a text part, whose first line is the subject, and an HTML part.
//!
//! The files in `templates/` are compiled in. In `.html` everything is escaped; in both, what people have written keeps to its
//! place: names are of one line, and only the words of an inviter may have several.

use chrono::DateTime;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use unicode_normalization::UnicodeNormalization;

/// A kind of mail, and the variables that it takes. A variable that is absent or null leaves out what would be said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Template {
    /// `organization` and `inviter` (display names), `role` (its name in the schema), `message`, `expires_at` (RFC 3339).
    Invitation,
    /// `username` (of the account), `expires_at`.
    VerifyEmail,
    /// `username`, `expires_at`.
    ChangeEmail,
    /// `username`, `expires_at`.
    ResetPassword,
}

/// What a mail says.
#[derive(Debug)]
pub struct Content {
    /// One line without control characters.
    pub subject: String,
    /// For readers of plain text.
    pub text: String,
    /// For the others.
    pub html: String,
}

impl Template {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Invitation, Self::VerifyEmail, Self::ChangeEmail, Self::ResetPassword];

    /// Its name, in the database and of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::VerifyEmail => "verify_email",
            Self::ChangeEmail => "change_email",
            Self::ResetPassword => "reset_password",
        }
    }

    /// The one with that name.
    pub fn named(name: &str) -> Option<Self> {
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

    /// Fills it in.
    pub fn render(self, variables: &serde_json::Value, link: Option<&str>) -> Result<Content, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.add_filter("day", day);
        let given = Value::from(Serde(tidy(variables)));
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

/// The variables, with all texts but the inviter's words brought to one line, and the names among them made into no links.
fn tidy(variables: &serde_json::Value) -> serde_json::Value {
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

/// The text without control characters and without the spaces around it: what is safe in a header.
fn one_line(text: &str) -> String {
    let breaking = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.replace(breaking, " ").trim().to_owned()
}

/// The name with a zero-width non-joiner behind each character that belongs to a web or mail address, so that no mail program
/// makes a link of it. It looks the same, and where a program shows the character after all, the name can still be read.
fn without_link(name: &str) -> String {
    let links = |c: char| c.nfkc().any(|c| matches!(c, '.' | '\u{3002}' | '@' | ':' | '/' | '\\'));
    name.chars().flat_map(|c| [Some(c), links(c).then_some('\u{200C}')]).flatten().collect()
}

/// An instant in words; what is none stays as it is.
fn day(instant: &str) -> String {
    DateTime::parse_from_rfc3339(instant)
        .map(|instant| instant.to_utc().format("%A, %-d %B %Y, %H:%M UTC").to_string())
        .unwrap_or_else(|_| instant.to_owned())
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
