//! Tokens that a key has signed, as far as was found out lately. A client sends the same one with every request, and to check
//! the signature of a public key takes longer than all else that is asked of it: tens of microseconds.

use jsonwebtoken::TokenData;
use jsonwebtoken::dangerous::insecure_decode_claims;
use quick_cache::sync::Cache;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::auth::jwt::TokenError;

/// How many tokens are remembered of each key, of which each takes some 100 bytes. Those that are sent often stay (S3-FIFO).
const CAPACITY: usize = 10_000;

/// The good tokens of one key, by their SHA-256: no token is kept. They are forgotten with the key, and
/// when an issuer's keys are read again.
pub(super) struct SignatureCache(Cache<[u8; 32], ()>);

impl Default for SignatureCache {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

impl SignatureCache {
    /// What a token claims, if `check` finds it good or has done so before. What hangs on the hour is for the caller to ask, each
    /// time.
    pub fn claims<C: DeserializeOwned>(
        &self,
        token: &str,
        check: impl FnOnce() -> jsonwebtoken::errors::Result<TokenData<C>>,
    ) -> Result<C, TokenError> {
        let digest = Sha256::digest(token).into();
        let claims = match self.0.get(&digest) {
            Some(()) => insecure_decode_claims(token),
            None => check().map(|good| {
                self.0.insert(digest, ());
                good.claims
            }),
        };
        claims.map_err(|_| TokenError::Invalid)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, decode, encode};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_good_token_is_checked_once_and_a_bad_one_each_time() {
        let (proven, checks) = (SignatureCache::default(), Cell::new(0));
        let claims = |token: &str| {
            proven.claims::<Value>(token, || {
                checks.set(checks.get() + 1);
                let mut validation = Validation::default();
                validation.required_spec_claims.clear();
                decode(token, &DecodingKey::from_secret(b"a secret"), &validation)
            })
        };
        let claimed = json!({ "sub": "ada", "exp": 4_000_000_000_u64 });
        let good = encode(&Header::default(), &claimed, &EncodingKey::from_secret(b"a secret")).unwrap();
        let forged = encode(&Header::default(), &claimed, &EncodingKey::from_secret(b"another")).unwrap();
        for _ in 0..3 {
            assert_eq!(claims(&good), Ok(claimed.clone()));
        }
        assert_eq!(checks.get(), 1);
        for _ in 0..3 {
            assert_eq!(claims(&forged), Err(TokenError::Invalid));
        }
        assert_eq!(checks.get(), 4);
    }
}
