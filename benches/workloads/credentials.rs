//! Verification of access tokens.

use std::hint::black_box;

use guildhall::auth::tokens::{ACCESS_LIFETIME, TokenSigner};
use guildhall::domain::clock::Instant;
use guildhall::domain::{SessionId, UserId};
use uuid::Uuid;

use super::{Outcome, Work};

/// The first test vector of RFC 8032.
const PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----";

/// A token that is signed with Ed25519.
pub fn ed25519() -> Outcome<Work> {
    verified(TokenSigner::from_pem(PEM)?)
}

/// A token that is signed with a shared secret.
pub fn secret() -> Outcome<Work> {
    verified(TokenSigner::from_secret("a secret for measurements that is long enough")?)
}

fn verified(keys: TokenSigner) -> Outcome<Work> {
    let now = Instant::from_timestamp_micros(1_700_000_000_000_000).unwrap_or_default();
    let (user, session) = (UserId::from(Uuid::from_u128(1)), SessionId::from(Uuid::from_u128(2)));
    let (token, _) =
        keys.issue_access_token(user, Some(session), now, ACCESS_LIFETIME).map_err(|error| format!("{error:?}"))?;
    match keys.verify(&token, now) {
        Ok(actor) if actor.user_id == user => {}
        other => return Err(format!("the token does not name its user: {other:?}").into()),
    }
    Ok(Box::new(move || {
        let _ = black_box(keys.verify(black_box(&token), now));
    }))
}
