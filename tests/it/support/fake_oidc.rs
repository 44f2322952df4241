//! An external OIDC issuer: it publishes its keys on a local port and signs tokens.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guildhall::auth::oidc::{AdminClaim, JwksCache, JwksSource, OidcConfig, OidcIssuer, RefreshPolicy};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use p256::pkcs8::EncodePrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::rand_core::OsRng;
use serde_json::{Value, json};

/// Issuer identifier.
pub const ISSUER: &str = "https://issuer.example";
/// Audience of its tokens for Guildhall.
pub const AUDIENCE: &str = "guildhall-api";

/// A key, and its published part.
#[derive(Clone)]
pub struct Key {
    pub algorithm: Algorithm,
    pub encoding: EncodingKey,
    pub public: Value,
}

/// RSA keys take long to generate, so all tests share one.
static RSA: LazyLock<EncodingKey> = LazyLock::new(|| {
    let key = rsa::RsaPrivateKey::new(&mut OsRng, 2048).expect("a key");
    EncodingKey::from_rsa_der(key.to_pkcs1_der().expect("a key").as_bytes())
});

impl Key {
    /// A new key for that algorithm, with that key ID.
    pub fn new(algorithm: Algorithm, id: &str) -> Self {
        let (encoding, mut public) = match algorithm {
            Algorithm::RS256 => published(RSA.clone(), algorithm),
            Algorithm::ES256 => {
                let key = p256::SecretKey::random(&mut OsRng).to_pkcs8_der().expect("a key");
                published(EncodingKey::from_ec_der(key.as_bytes()), algorithm)
            }
            Algorithm::EdDSA => {
                let key = ed25519_dalek::SigningKey::generate(&mut OsRng);
                let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
                let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
                let encoding = EncodingKey::from_ed_der(&[prefix.as_slice(), key.as_bytes()].concat());
                (encoding, json!({ "kty": "OKP", "crv": "Ed25519", "x": x }))
            }
            other => panic!("{other:?}"),
        };
        public["kid"] = json!(id);
        public["use"] = json!("sig");
        Self { algorithm, encoding, public }
    }

    /// A token with those claims; its header contains the algorithm and the key ID.
    pub fn sign(&self, claims: &Value) -> String {
        let kid = self.public["kid"].as_str().map(str::to_owned);
        encode(&Header { kid, ..Header::new(self.algorithm) }, claims, &self.encoding).expect("a token")
    }
}

fn published(encoding: EncodingKey, algorithm: Algorithm) -> (EncodingKey, Value) {
    let jwk = Jwk::from_encoding_key(&encoding, algorithm).expect("a public key");
    (encoding, serde_json::to_value(jwk).expect("JSON"))
}

/// State of the JWKS endpoint.
struct Published {
    keys: Mutex<Vec<Key>>,
    is_up: AtomicBool,
    requests: AtomicUsize,
}

/// The issuer.
#[derive(Clone)]
pub struct TestIssuer {
    url: String,
    published: Arc<Published>,
}

impl TestIssuer {
    /// An issuer with those keys. The first one signs.
    pub async fn with(keys: &[Key]) -> Self {
        let published = Arc::new(Published {
            keys: Mutex::new(keys.to_vec()),
            is_up: AtomicBool::new(true),
            requests: AtomicUsize::new(0),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/jwks", listener.local_addr().expect("an address"));
        let router = Router::new().route("/jwks", get(keys_of)).with_state(published.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, published }
    }

    /// An issuer with one key.
    pub async fn new() -> Self {
        Self::with(&[Key::new(Algorithm::EdDSA, "ed-1")]).await
    }

    /// Configuration of an application for this issuer. At least `least` passes between two reads of the keys.
    pub fn trusted(&self, least: Duration, admin: Option<&str>) -> Option<Arc<OidcIssuer>> {
        let source = JwksSource::at(self.url.parse().expect("a URL")).expect("a client");
        trusted(source, RefreshPolicy { least, most: Duration::from_secs(3600) }, admin)
    }

    /// Replaces the keys. The first one signs.
    pub fn rotate(&self, keys: &[Key]) {
        *self.published.keys.lock().expect("keys") = keys.to_vec();
    }

    /// Sets whether the endpoint works.
    pub fn set_up(&self, is_up: bool) {
        self.published.is_up.store(is_up, Ordering::SeqCst);
    }

    /// How often the keys were requested.
    pub fn requests(&self) -> usize {
        self.published.requests.load(Ordering::SeqCst)
    }

    /// The signing key.
    pub fn key(&self) -> Key {
        self.published.keys.lock().expect("keys")[0].clone()
    }

    /// A token for `subject`, with additional claims.
    pub fn token(&self, subject: &str, others: Value) -> String {
        self.key().sign(&claims(subject, others))
    }
}

async fn keys_of(State(published): State<Arc<Published>>) -> Result<String, StatusCode> {
    published.requests.fetch_add(1, Ordering::SeqCst);
    if !published.is_up.load(Ordering::SeqCst) {
        return Err(StatusCode::BAD_GATEWAY);
    }
    Ok(key_set(&published.keys.lock().expect("keys")))
}

/// The JWKS document of those keys.
pub fn key_set(keys: &[Key]) -> String {
    json!({ "keys": keys.iter().map(|key| &key.public).collect::<Vec<_>>() }).to_string()
}

/// Configuration for an issuer with that source of keys and that refresh policy.
pub fn trusted(source: JwksSource, pace: RefreshPolicy, admin: Option<&str>) -> Option<Arc<OidcIssuer>> {
    let admin = admin.map(|claim| AdminClaim::parse(claim).expect("a claim"));
    let trust = OidcConfig { issuer: ISSUER.to_owned(), audience: AUDIENCE.to_owned(), admin };
    Some(Arc::new(OidcIssuer::new(trust, JwksCache::new(source, pace))))
}

/// The claims of a valid token, changed by `others`; null removes a claim.
pub fn claims(subject: &str, others: Value) -> Value {
    let now = guildhall::domain::Clock::default().now().timestamp();
    let mut claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 300 });
    let fields = claims.as_object_mut().expect("claims");
    for (name, value) in others.as_object().expect("claims") {
        fields.insert(name.clone(), value.clone());
    }
    fields.retain(|_, value| !value.is_null());
    claims
}
