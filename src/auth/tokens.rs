//! The server's own tokens: issues and verifies access tokens (JWT) and refresh tokens.
//!
//! All keys are derived from one signing key, an Ed25519 key or a shared secret, so that all processes with the same
//! key issue and accept the same tokens. No type here has a `Debug` that shows a key.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::DecodePrivateKey;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json};
use sha2::{Digest, Sha256};

use crate::auth::Actor;
use crate::auth::jwt;
use crate::auth::jwt::TokenError;
use crate::auth::signature_cache::SignatureCache;
use crate::domain::clock::Instant;
use crate::domain::encryption::Sealer;
use crate::domain::ids::TypedId;
use crate::domain::{InternalError, Result, SessionId, UserId};

/// Lifetime of an access token.
pub const ACCESS_LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// Minimum length of a secret for HS256, in bytes.
pub const MIN_SECRET: usize = 32;

/// Maximum length of a refresh token, in bytes.
const MAX_REFRESH_TOKEN: usize = 256;
/// `iss` and `aud` of the server's own tokens.
pub const ISSUER: &str = "guildhall";
/// PKCS #8 prefix of the 32 bytes of an Ed25519 key (RFC 8410).
const PKCS8_PREFIX: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// Why a signing key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is not an Ed25519 key in PEM form.
    #[error("the signing key is not an Ed25519 key in PKCS #8 PEM form (-----BEGIN PRIVATE KEY-----)")]
    NotEd25519,
    /// The secret has fewer than [`MIN_SECRET`] bytes.
    #[error("the secret for tokens is shorter than 32 bytes")]
    ShortSecret,
}

/// The claims of an access token.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    iat: Number,
    nbf: i64,
    exp: i64,
}

/// The signing key with the keys derived from it.
pub struct TokenSigner {
    header: Header,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    signatures: SignatureCache,
    /// Public keys, as JSON Web Keys.
    public: Option<Value>,
    fingerprint: String,
    refresh: Hmac<Sha256>,
    sealer: Sealer,
}

impl TokenSigner {
    /// Reads an Ed25519 key in PKCS #8 PEM form, as `openssl genpkey -algorithm ed25519` and
    /// [`TokenSigner::generate_pem`] write it.
    pub fn from_pem(pem: &str) -> std::result::Result<Self, KeyError> {
        let key = SigningKey::from_pkcs8_pem(pem.trim()).map_err(|_| KeyError::NotEd25519)?;
        let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        // RFC 7638: the required members in alphabetical order, without spaces.
        let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
        let kid = URL_SAFE_NO_PAD.encode(thumbprint);
        let decoding = DecodingKey::from_ed_components(&x).map_err(|_| KeyError::NotEd25519)?;
        let encoding = EncodingKey::from_ed_der(&pkcs8(key.as_bytes()));
        let public = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "alg": "EdDSA", "use": "sig"});
        let header = Header { kid: Some(kid), ..Header::new(Algorithm::EdDSA) };
        Self::new(header, encoding, decoding, Some(public), key.as_bytes()).ok_or(KeyError::NotEd25519)
    }

    /// Creates a signer for HS256 from a secret of at least 32 bytes.
    pub fn from_secret(secret: &str) -> std::result::Result<Self, KeyError> {
        let bytes = secret.as_bytes();
        if bytes.len() < MIN_SECRET {
            return Err(KeyError::ShortSecret);
        }
        let (encoding, decoding) = (EncodingKey::from_secret(bytes), DecodingKey::from_secret(bytes));
        Self::new(Header::new(Algorithm::HS256), encoding, decoding, None, bytes).ok_or(KeyError::ShortSecret)
    }

    /// Generates an Ed25519 key in PKCS #8 PEM form, for a file that only the server can read.
    #[allow(clippy::disallowed_methods, reason = "keys come from the system's randomness, in tests as well")]
    pub fn generate_pem() -> String {
        let mut seed = [0u8; 32];
        rand::rng().fill_bytes(&mut seed);
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8(&seed)))
    }

    fn new(
        header: Header,
        encoding: EncodingKey,
        decoding: DecodingKey,
        public: Option<Value>,
        secret: &[u8],
    ) -> Option<Self> {
        let derive = |purpose: &[u8]| {
            let mut key = [0u8; 32];
            Hkdf::<Sha256>::new(Some(b"guildhall"), secret).expand(purpose, &mut key).ok()?;
            Some(key)
        };
        let mut validation = Validation::new(header.alg);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        // `verify` checks the time claims against the clock of the caller.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let refresh = Hmac::new_from_slice(&derive(b"refresh tokens")?).ok()?;
        let fingerprint = match &header.kid {
            Some(kid) => kid.clone(),
            None => URL_SAFE_NO_PAD.encode(derive(b"fingerprint")?),
        };
        let sealer = Sealer::new(derive(b"links in the mail queue")?);
        Some(Self {
            header,
            encoding,
            decoding,
            validation,
            signatures: SignatureCache::default(),
            public,
            fingerprint,
            refresh,
            sealer,
        })
    }

    /// Issues an access token for `lifetime` from `now` on. Returns the token and its expiry.
    pub fn issue_access_token(
        &self,
        user: UserId,
        session: Option<SessionId>,
        now: Instant,
        lifetime: TimeDelta,
    ) -> Result<(String, Instant)> {
        let expires_at = now + lifetime;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: ISSUER.to_owned(),
            sub: user.to_string(),
            sid: session.map(|session| session.to_string()),
            iat: issued_at(session, now),
            nbf: now.timestamp(),
            // Rounded up to whole seconds, so that it is not before the returned expiry.
            exp: expires_at.timestamp() + i64::from(expires_at.timestamp_subsec_nanos() > 0),
        };
        let token = encode(&self.header, &claims, &self.encoding).map_err(InternalError::new)?;
        Ok((token, expires_at))
    }

    /// Verifies an access token at `now`, and returns its actor.
    pub fn verify(&self, token: &str, now: Instant) -> std::result::Result<Actor, TokenError> {
        jwt::header(token)?;
        let claims: Claims = self.signatures.claims(token, || decode(token, &self.decoding, &self.validation))?;
        let expires_at = jwt::validate_time_claims(Some(claims.nbf), claims.exp, now)?;
        let user_id = UserId::parse(&claims.sub).ok_or(TokenError::Invalid)?;
        let issued_at = claims.iat.as_f64().map(|seconds| (seconds * 1000.0).round() as i64);
        let issued_at = issued_at.and_then(Instant::from_timestamp_millis).ok_or(TokenError::Invalid)?;
        let session = match claims.sid {
            Some(sid) => Some(SessionId::parse(&sid).ok_or(TokenError::Invalid)?),
            None => None,
        };
        let authenticated_at = if session.is_none() { Some(issued_at) } else { None };
        Ok(Actor { user_id, session, issued_at, authenticated_at, expires_at: Some(expires_at) })
    }

    /// Returns the public key as a JWK; `None` for HS256, which has no public key.
    pub fn public_key(&self) -> Option<&Value> {
        self.public.as_ref()
    }

    /// Returns a text that identifies the key and does not reveal it: the key ID of an Ed25519 key, a derived value of a
    /// secret.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Returns whether a token with this header may be signed by this key: they have one algorithm, and one key ID if
    /// both have one.
    pub(super) fn fits(&self, header: &Header) -> bool {
        let has_other_id = matches!((&header.kid, &self.header.kid), (Some(theirs), Some(ours)) if theirs != ours);
        header.alg == self.header.alg && !has_other_id
    }

    /// Returns the name of the algorithm.
    pub fn algorithm(&self) -> &'static str {
        if self.public.is_some() { "Ed25519" } else { "HS256" }
    }

    /// Returns the refresh token of a generation of a session. It is deterministic, so that it need not be stored.
    pub fn refresh_token(&self, session: SessionId, generation: i32) -> String {
        let mac = self.mac(session, generation).finalize().into_bytes();
        format!("{session}.{generation}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    /// Verifies the MAC of a refresh token, and returns its session and generation; `None` if it was not issued with
    /// this key. Callers check in the database whether the generation is current.
    pub fn read_refresh_token(&self, token: &str) -> Option<(SessionId, i32)> {
        let token = token.trim();
        if token.len() > MAX_REFRESH_TOKEN {
            return None;
        }
        let (payload, mac) = token.rsplit_once('.')?;
        let (session, generation) = payload.split_once('.')?;
        let (session, generation) = (SessionId::parse(session)?, generation.parse().ok()?);
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        // Compares in constant time.
        self.mac(session, generation).verify_slice(&mac).ok()?;
        Some((session, generation))
    }

    /// Returns the cipher for the links in the mail queue.
    pub fn sealer(&self) -> Sealer {
        self.sealer.clone()
    }

    fn mac(&self, session: SessionId, generation: i32) -> Hmac<Sha256> {
        self.refresh.clone().chain_update(format!("{session}.{generation}"))
    }
}

/// Returns `iat` of an access token: in whole seconds, or in milliseconds for a token without a session, because such a
/// token may be revoked later in the same second.
fn issued_at(session: Option<SessionId>, now: Instant) -> Number {
    let fraction = Number::from_f64(now.timestamp_millis() as f64 / 1000.0).filter(|_| session.is_none());
    fraction.unwrap_or_else(|| now.timestamp().into())
}

fn pkcs8(seed: &[u8; 32]) -> Vec<u8> {
    [PKCS8_PREFIX.as_slice(), seed].concat()
}

#[cfg(test)]
#[path = "tokens_tests.rs"]
mod tests;
