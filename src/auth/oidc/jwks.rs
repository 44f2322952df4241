//! The public keys of an issuer, parsed from a JSON Web Key Set (RFC 7517). Each key is used for one algorithm only.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::auth::jwt::TokenError;
use crate::auth::signature_cache::SignatureCache;

/// Maximum number of keys of a set; further keys are ignored.
const MAX_KEYS: usize = 100;
/// Allowed length of an RSA modulus, in bytes (2048 to 4096 bits).
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// A set of public keys.
pub struct Jwks {
    keys: Vec<Arc<Key>>,
}

/// A public key with its algorithm.
pub struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    decoding: DecodingKey,
    signatures: SignatureCache,
}

impl Key {
    /// Returns the claims of a token if this key has signed it. The claims themselves are not validated.
    pub fn claims<C: DeserializeOwned>(&self, token: &str) -> Result<C, TokenError> {
        self.signatures.claims(token, || decode(token, &self.decoding, &signature_only(self.algorithm)))
    }
}

fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

/// Why a key set cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// The text is not a JSON Web Key Set.
    #[error("it is not a JSON Web Key Set")]
    Form,
    /// The set contains no supported key.
    #[error("none of its keys is an RSA (2048 to 4096 bits), P-256 or Ed25519 key for signatures")]
    NoKey,
}

impl Jwks {
    /// Parses a set. Unsupported keys, and keys for other uses than signatures, are ignored.
    pub fn parse(json: &[u8]) -> Result<Self, JwksError> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        let document: Document = serde_json::from_slice(json).map_err(|_| JwksError::Form)?;
        let keys = document.keys.into_iter().take(MAX_KEYS);
        let keys: Vec<_> =
            keys.filter_map(|key| serde_json::from_value::<Jwk>(key).ok()?.key().map(Arc::new)).collect();
        if keys.is_empty() { Err(JwksError::NoKey) } else { Ok(Self { keys }) }
    }

    /// Returns the key with that ID and algorithm. Without an ID, returns the only key of the algorithm, or `None` if
    /// there are several.
    pub fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Arc<Key>> {
        let fits = |key: &&Arc<Key>| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id);
        let mut fit = self.keys.iter().filter(fits);
        let first = fit.next()?;
        if id.is_none() && fit.next().is_some() { None } else { Some(first) }
    }
}

/// The used members of a JSON Web Key.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Jwk {
    fn key(self) -> Option<Key> {
        if self.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let (algorithm, decoding) = match (self.kty.as_str(), self.crv.as_deref(), self.alg.as_deref()) {
            ("RSA", _, None | Some("RS256")) => {
                let (modulus, exponent) = (bytes(&self.n)?, bytes(&self.e)?);
                let leading = modulus.iter().take_while(|&&byte| byte == 0).count();
                if !RSA_BYTES.contains(&(modulus.len() - leading)) {
                    return None;
                }
                (Algorithm::RS256, DecodingKey::from_rsa_raw_components(&modulus, &exponent))
            }
            ("EC", Some("P-256"), None | Some("ES256")) => {
                let (x, y) = (bytes(&self.x)?, bytes(&self.y)?);
                if (x.len(), y.len()) != (32, 32) {
                    return None;
                }
                (Algorithm::ES256, DecodingKey::from_ec_der(&[&[4], x.as_slice(), &y].concat()))
            }
            ("OKP", Some("Ed25519"), None | Some("EdDSA" | "Ed25519")) => {
                let x = bytes(&self.x).filter(|x| x.len() == 32)?;
                (Algorithm::EdDSA, DecodingKey::from_ed_der(&x))
            }
            _ => return None,
        };
        Some(Key { id: self.kid, algorithm, decoding, signatures: SignatureCache::default() })
    }
}

fn bytes(text: &Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.as_deref()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(keys: Value) -> Result<Jwks, JwksError> {
        Jwks::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    fn ed25519(kid: Option<&str>) -> Value {
        // The key of RFC 8037, appendix A.
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
    }

    #[test]
    fn find_returns_the_key_of_that_id_and_algorithm_only() {
        let keys = parse(json!([ed25519(Some("a")), ed25519(Some("b"))])).unwrap();
        assert!(keys.find(Some("a"), Algorithm::EdDSA).is_some());
        assert!(keys.find(Some("c"), Algorithm::EdDSA).is_none());
        for other in [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::PS256] {
            assert!(keys.find(Some("a"), other).is_none(), "{other:?}");
        }
        assert!(keys.find(None, Algorithm::EdDSA).is_none(), "which of the two?");
        assert!(parse(json!([ed25519(None)])).unwrap().find(None, Algorithm::EdDSA).is_some());
    }

    #[test]
    fn parse_ignores_unsupported_keys() {
        let modulus = |length: usize| URL_SAFE_NO_PAD.encode(vec![0xab_u8; length]);
        let with = |name: &str, value: Value| {
            let mut key = ed25519(Some("a"));
            key[name] = value;
            key
        };
        for unsupported in [
            json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "HS256" }),
            json!({ "kty": "RSA", "n": modulus(128), "e": "AQAB" }),
            json!({ "kty": "RSA", "n": modulus(1024), "e": "AQAB" }),
            json!({ "kty": "RSA", "n": modulus(256), "e": "AQAB", "alg": "RSA-OAEP" }),
            json!({ "kty": "RSA", "n": "no base64!", "e": "AQAB" }),
            json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" }),
            json!({ "kty": "EC", "crv": "P-384", "x": modulus(48), "y": modulus(48) }),
            with("use", json!("enc")),
            with("alg", json!("HS256")),
            with("crv", json!("Ed448")),
            with("x", json!("AA")),
            with("x", json!(7)),
            json!(null),
        ] {
            assert_eq!(parse(json!([unsupported])).err(), Some(JwksError::NoKey), "{unsupported}");
            assert!(parse(json!([unsupported, ed25519(Some("b"))])).is_ok(), "{unsupported}");
        }
        for bad in ["", "{}", "[]", r#"{"keys": 7}"#] {
            assert_eq!(Jwks::parse(bad.as_bytes()).err(), Some(JwksError::Form), "{bad}");
        }
    }
}
