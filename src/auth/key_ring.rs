//! The signing keys of the server, in order: the first signs, all of them verify tokens and open sealed links. Keys are
//! rotated in two steps: a new key is appended everywhere, and then moved to the front.

use std::sync::Arc;

use chrono::TimeDelta;
use parking_lot::RwLock;
use serde_json::{Value, json};

use crate::auth::Actor;
use crate::auth::jwt::{self, TokenError};
use crate::auth::tokens::TokenSigner;
use crate::domain::clock::Instant;
use crate::domain::encryption::{Sealed, SealingKeys};
use crate::domain::{Result, SessionId, UserId};

/// One or more signing keys. It has no `Debug` that shows a key.
pub struct KeyRing {
    keys: RwLock<Arc<[TokenSigner]>>,
}

impl From<TokenSigner> for KeyRing {
    fn from(key: TokenSigner) -> Self {
        Self { keys: RwLock::new(Arc::new([key])) }
    }
}

impl KeyRing {
    /// Creates a ring of keys; `None` if there are none.
    pub fn new(keys: Vec<TokenSigner>) -> Option<Self> {
        (!keys.is_empty()).then(|| Self { keys: RwLock::new(keys.into()) })
    }

    /// Replaces the keys by those of another ring.
    pub fn replace(&self, other: KeyRing) {
        *self.keys.write() = other.keys.into_inner();
    }

    /// Issues an access token that is valid for `lifetime` from `now` on. Returns it with its expiry.
    pub fn issue_access_token(
        &self,
        user: UserId,
        session: Option<SessionId>,
        now: Instant,
        lifetime: TimeDelta,
    ) -> Result<(String, Instant)> {
        self.all()[0].issue_access_token(user, session, now, lifetime)
    }

    /// Verifies an access token at `now` with the keys that fit its header, and returns its actor.
    pub fn verify(&self, token: &str, now: Instant) -> std::result::Result<Actor, TokenError> {
        let header = jwt::header(token)?;
        let mut refused = TokenError::Invalid;
        for key in self.all().iter().filter(|key| key.fits(&header)) {
            match key.verify(token, now) {
                Ok(actor) => return Ok(actor),
                Err(TokenError::Expired) => refused = TokenError::Expired,
                Err(TokenError::Invalid) => {}
            }
        }
        Err(refused)
    }

    /// Returns the public keys, as served at `/.well-known/jwks.json`. Secrets have no public keys.
    pub fn jwks(&self) -> Value {
        json!({ "keys": self.all().iter().filter_map(TokenSigner::public_key).collect::<Vec<_>>() })
    }

    /// Returns the refresh token of a generation of a session.
    pub fn refresh_token(&self, session: SessionId, generation: i32) -> String {
        self.all()[0].refresh_token(session, generation)
    }

    /// Verifies the MAC of a refresh token with every key, and returns its session and generation; `None` if none of the
    /// keys issued it.
    pub fn read_refresh_token(&self, token: &str) -> Option<(SessionId, i32)> {
        self.all().iter().find_map(|key| key.read_refresh_token(token))
    }

    fn all(&self) -> Arc<[TokenSigner]> {
        self.keys.read().clone()
    }
}

impl SealingKeys for KeyRing {
    fn fingerprints(&self) -> Vec<String> {
        self.all().iter().map(|key| key.fingerprint().to_owned()).collect()
    }

    fn seal(&self, text: &str) -> Sealed {
        let first = &self.all()[0];
        Sealed { bytes: first.sealer().seal(text), fingerprint: first.fingerprint().to_owned() }
    }

    fn open(&self, sealed: &[u8]) -> Option<String> {
        self.all().iter().find_map(|key| key.sealer().open(sealed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::new_id;

    fn key(name: &str) -> TokenSigner {
        TokenSigner::from_secret(&name.repeat(32)).unwrap()
    }

    fn ring(keys: Vec<TokenSigner>) -> KeyRing {
        KeyRing::new(keys).unwrap()
    }

    #[test]
    fn rotation_in_two_steps_keeps_everything_valid() {
        let pem = TokenSigner::generate_pem();
        let new = || TokenSigner::from_pem(&pem).unwrap();
        let steps = [ring(vec![key("a")]), ring(vec![key("a"), new()]), ring(vec![new(), key("a")])];
        let now = crate::domain::Clock::default().now();
        let (user, session) = (new_id(now), new_id(now));
        // Processes of two consecutive steps run side by side.
        for pair in steps.windows(2) {
            for (from, to) in [(&pair[0], &pair[1]), (&pair[1], &pair[0])] {
                let token = from.issue_access_token(user, None, now, TimeDelta::minutes(1)).unwrap().0;
                assert_eq!(to.verify(&token, now).map(|actor| actor.user_id), Ok(user));
                let refresh = from.refresh_token(session, 3);
                assert_eq!(to.read_refresh_token(&refresh), Some((session, 3)));
                assert_eq!(to.open(&from.seal("a link").bytes).as_deref(), Some("a link"));
                assert!(to.fingerprints().contains(&from.seal("a link").fingerprint));
            }
        }
        assert_eq!(steps[1].jwks()["keys"].as_array().map(Vec::len), Some(1), "the secret is not published");
    }

    #[test]
    fn verify_refuses_tokens_of_other_keys_and_tells_expired_ones() {
        let (ours, theirs) = (ring(vec![key("a"), key("b")]), ring(vec![key("c")]));
        let now = crate::domain::Clock::default().now();
        let issue = |ring: &KeyRing| ring.issue_access_token(new_id(now), None, now, TimeDelta::minutes(1)).unwrap().0;
        assert_eq!(ours.verify(&issue(&theirs), now), Err(TokenError::Invalid));
        assert_eq!(ours.verify(&issue(&ring(vec![key("b")])), now + TimeDelta::hours(1)), Err(TokenError::Expired));
        assert_eq!(ours.read_refresh_token(&theirs.refresh_token(new_id(now), 0)), None);
        assert_eq!(ours.open(&theirs.seal("x").bytes), None);
    }
}
