//! The claims of an issuer's tokens: validates them and converts them to an [`Identity`].

use jsonwebtoken::dangerous::insecure_decode_claims;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::auth::jwt;
use crate::auth::jwt::{MAX_TOKEN, TokenError};
use crate::auth::oidc::OidcConfig;
use crate::domain::clock::Instant;
use crate::domain::{Email, text};

/// Maximum length of `sub`, in bytes (OpenID Connect Core, section 2).
const MAX_SUBJECT: usize = 255;

/// Maximum length of a name, in characters; longer names are truncated.
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
    /// Returns whole seconds; values out of range saturate.
    fn seconds(self) -> i64 {
        match self {
            Self::Whole(seconds) => seconds,
            Self::Fraction(seconds) => seconds as i64,
        }
    }
}

/// The issuer's claim about the user's email address.
#[derive(Clone, PartialEq, Eq)]
pub enum EmailClaim {
    /// The token has no email claim.
    Absent,
    /// The issuer has verified the address.
    Verified(Email),
    /// The address is not verified, or not valid.
    Unverified,
}

/// A user as an issuer describes them. It has no `Debug`: addresses stay out of logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Issuer's ID of the user, which never changes (`sub`).
    pub subject: String,
    /// Email address of the user.
    pub email: EmailClaim,
    /// Username at the issuer: a displayable text of one line, not necessarily a valid username here.
    pub username: Option<String>,
    /// Display name: a displayable text of one line.
    pub name: Option<String>,
    /// Whether the user is a site administrator; `None` if the issuer does not decide that.
    pub is_admin: Option<bool>,
}

/// The claim that makes a user a site administrator, set as `CLAIM=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminClaim {
    name: String,
    value: String,
}

impl AdminClaim {
    /// Parses `CLAIM=VALUE`; returns `None` if one side is empty.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, value) = text.rsplit_once('=')?;
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        (!name.is_empty() && !value.is_empty()).then_some(Self { name, value })
    }

    /// Returns whether the claim equals the value, or contains it as an item of a list or as a word of a text.
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

    /// Returns the claim of that name, or follows the name as a path with dots, such as `realm_access.roles`.
    fn find<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        claims.get(&self.name).or_else(|| {
            let (first, rest) = self.name.split_once('.')?;
            rest.split('.').try_fold(claims.get(first)?, |claim, name| claim.get(name))
        })
    }
}

/// Returns the `iss` claim of a token, which is not verified.
pub(super) fn unverified_issuer(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct IssuerClaim {
        iss: String,
    }
    if token.len() > MAX_TOKEN {
        return None;
    }
    insecure_decode_claims::<IssuerClaim>(token).ok().map(|claim| claim.iss)
}

impl Claims {
    /// Validates issuer, audience, subject and time claims. Returns the first instant at which the token is expired.
    pub fn check(&self, config: &OidcConfig, now: Instant) -> Result<Instant, TokenError> {
        let is_for_us = match &self.aud {
            Audience::One(audience) => *audience == config.audience,
            Audience::Several(audiences) => audiences.contains(&config.audience),
        };
        let is_subject_valid = (1..=MAX_SUBJECT).contains(&self.sub.len()) && !self.sub.contains(char::is_control);
        if self.iss != config.issuer || !is_for_us || !is_subject_valid {
            return Err(TokenError::Invalid);
        }
        jwt::validate_time_claims(self.nbf.map(Date::seconds), self.exp.seconds(), now)
    }

    /// Returns `iat`, at most `now`; `now` if it is absent.
    pub fn issued_at(&self, now: Instant) -> Instant {
        self.iat.and_then(|iat| Instant::from_timestamp(iat.seconds(), 0)).map_or(now, |iat| iat.min(now))
    }

    /// Returns when the user signed in at the issuer: `auth_time`, or else `iat`; `None` if both are absent.
    pub fn authenticated_at(&self, now: Instant) -> Option<Instant> {
        let claimed = self.auth_time.or(self.iat)?;
        Instant::from_timestamp(claimed.seconds(), 0).map(|at| at.min(now))
    }

    /// Converts the claims to an identity.
    pub fn identity(self, config: &OidcConfig) -> Identity {
        let text = |name: &str| self.others.get(name).and_then(Value::as_str);
        let line = |name: &str| text::truncated(text(name), MAX_NAME);
        // Some issuers send booleans as strings.
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
            is_admin: config.admin.as_ref().map(|claim| claim.holds(&self.others)),
            subject: self.sub,
        }
    }
}
