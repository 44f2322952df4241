//! What an issuer claims of somebody, and which of it is believed.

use jsonwebtoken::dangerous::insecure_decode_claims;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::auth::jwt;
use crate::auth::jwt::{MAX_TOKEN, TokenError};
use crate::auth::oidc::OidcConfig;
use crate::domain::clock::Instant;
use crate::domain::{Email, text};

/// Longest `sub`, in bytes (OpenID Connect Core, section 2).
const MAX_SUBJECT: usize = 255;

/// Most characters of a name that are looked at.
const MAX_NAME: usize = 256;

/// The claims of a token.
#[derive(Deserialize)]
pub(super) struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: Date,
    nbf: Option<Date>,
    iat: Option<Date>,
    auth_time: Option<Date>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Seconds since 1970, whole or not (RFC 7519, section 2).
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Date {
    Whole(i64),
    Fraction(f64),
}

impl Date {
    /// In whole seconds; what no calendar has is as late or early as can be.
    fn seconds(self) -> i64 {
        match self {
            Self::Whole(seconds) => seconds,
            Self::Fraction(seconds) => seconds as i64,
        }
    }
}

/// What an issuer says of an address.
#[derive(Clone, PartialEq, Eq)]
pub enum EmailClaim {
    /// Nothing.
    Absent,
    /// That it is the user's.
    Verified(Email),
    /// No more than that there is one, or none that mail can be sent to.
    Unverified,
}

/// Somebody whom an issuer vouches for. It has no `Debug`: addresses stay out of logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The issuer's name for them, which never changes.
    pub subject: String,
    /// Their address.
    pub email: EmailClaim,
    /// What they are called when they sign in there: a text of one line that can be shown, no more.
    pub username: Option<String>,
    /// Their name, likewise.
    pub name: Option<String>,
    /// Whether they are a site administrator. None: that is not the issuer's to say.
    pub is_admin: Option<bool>,
}

/// The claim that makes site administrators, as `CLAIM=VALUE` sets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminClaim {
    name: String,
    value: String,
}

impl AdminClaim {
    /// Reads `CLAIM=VALUE`. None if there is no such thing on one of the sides.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, value) = text.rsplit_once('=')?;
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        (!name.is_empty() && !value.is_empty()).then_some(Self { name, value })
    }

    /// Whether the claim is the value, or has it among several: in a list, or as a word of a text.
    fn holds(&self, claims: &Map<String, Value>) -> bool {
        let is_value = |claim: &Value| match claim {
            Value::String(text) => text == &self.value,
            Value::Bool(flag) => flag.to_string() == self.value,
            _ => false,
        };
        match self.find(claims) {
            Some(Value::Array(values)) => values.iter().any(is_value),
            Some(Value::String(text)) => text.split(' ').any(|word| word == self.value) || text == &self.value,
            Some(claim) => is_value(claim),
            None => false,
        }
    }

    /// The claim of that name, or, where dots are in it, what they lead to: `realm_access.roles`.
    fn find<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        claims.get(&self.name).or_else(|| {
            let (first, rest) = self.name.split_once('.')?;
            rest.split('.').try_fold(claims.get(first)?, |claim, name| claim.get(name))
        })
    }
}

/// The issuer that a token says to be of. Not to be believed, but to know whom to ask.
pub(super) fn named_issuer(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        iss: String,
    }
    if token.len() > MAX_TOKEN {
        return None;
    }
    insecure_decode_claims::<Named>(token).ok().map(|named| named.iss)
}

impl Claims {
    /// Whether they are made for us, by whom we trust, and in their time; and until when.
    pub fn check(&self, trust: &OidcConfig, now: Instant) -> Result<Instant, TokenError> {
        let ours = match &self.aud {
            Audience::One(audience) => *audience == trust.audience,
            Audience::Several(audiences) => audiences.contains(&trust.audience),
        };
        let subject = (1..=MAX_SUBJECT).contains(&self.sub.len()) && !self.sub.contains(char::is_control);
        if self.iss != trust.issuer || !ours || !subject {
            return Err(TokenError::Invalid);
        }
        jwt::in_time(self.nbf.map(Date::seconds), self.exp.seconds(), now)
    }

    /// Since when they are so. Without `iat`: since now.
    pub fn issued_at(&self, now: Instant) -> Instant {
        self.iat.and_then(|iat| Instant::from_timestamp(iat.seconds(), 0)).map_or(now, |iat| iat.min(now))
    }

    /// When the person signed in there: `auth_time`, or `iat`. None if neither is claimed.
    pub fn authenticated_at(&self, now: Instant) -> Option<Instant> {
        let claimed = self.auth_time.or(self.iat)?;
        Instant::from_timestamp(claimed.seconds(), 0).map(|at| at.min(now))
    }

    /// Whom they are about.
    pub fn identity(self, trust: &OidcConfig) -> Identity {
        let text = |name: &str| self.others.get(name).and_then(Value::as_str);
        let line = |name: &str| text::fitted(text(name), MAX_NAME);
        // Some issuers write truths as texts.
        let is_true = |claim: &Value| claim.as_bool() == Some(true) || claim.as_str() == Some("true");
        let email = match text("email") {
            None => EmailClaim::Absent,
            Some(email) if self.others.get("email_verified").is_some_and(is_true) => {
                Email::parse(email).map_or(EmailClaim::Unverified, EmailClaim::Verified)
            }
            Some(_) => EmailClaim::Unverified,
        };
        Identity {
            email,
            username: line("preferred_username"),
            name: line("name"),
            is_admin: trust.admin.as_ref().map(|claim| claim.holds(&self.others)),
            subject: self.sub,
        }
    }
}
