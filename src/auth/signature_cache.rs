//! A cache of tokens whose signature was verified. Clients send the same token with every request, and verifying a
//! public-key signature takes tens of microseconds, longer than all other checks of a token.

use jsonwebtoken::TokenData;
use jsonwebtoken::dangerous::insecure_decode_claims;
use quick_cache::sync::Cache;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::auth::jwt::TokenError;

/// Maximum number of tokens per key, of about 100 bytes each. Frequent tokens stay (S3-FIFO).
const CAPACITY: usize = 10_000;

/// The SHA-256 digests of tokens that one key has signed. The cache belongs to the key, and is dropped when the
/// issuer's keys are refreshed.
pub(super) struct SignatureCache(Cache<[u8; 32], ()>);

impl Default for SignatureCache {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

impl SignatureCache {
    /// Returns the claims of a token if `verify` accepts it, or accepted it before. Expiry is not cached: callers check
    /// `exp` and `nbf` on every call.
    pub fn claims<C: DeserializeOwned>(
        &self,
        token: &str,
        verify: impl FnOnce() -> jsonwebtoken::errors::Result<TokenData<C>>,
    ) -> Result<C, TokenError> {
        let digest = Sha256::digest(token).into();
        let claims = match self.0.get(&digest) {
            Some(()) => insecure_decode_claims(token),
            None => verify().map(|verified| {
                self.0.insert(digest, ());
                verified.claims
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
    fn claims_verifies_a_valid_token_once_and_a_forged_one_each_time() {
        let (cache, checks) = (SignatureCache::default(), Cell::new(0));
        let claims = |token: &str| {
            cache.claims::<Value>(token, || {
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
