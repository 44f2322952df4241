//! An issuer elsewhere: it has keys, publishes them on a port of this machine, and signs tokens.

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

/// Its name.
pub const ISSUER: &str = "https://issuer.example";
/// What its tokens for us name.
pub const AUDIENCE: &str = "guildhall-api";

/// A key, and what its owner publishes of it.
#[derive(Clone)]
pub struct Key {
    pub algorithm: Algorithm,
    pub encoding: EncodingKey,
    pub public: Value,
}

/// RSA keys take long to find: all tests share one.
static RSA: LazyLock<EncodingKey> = LazyLock::new(|| {
    let key = rsa::RsaPrivateKey::new(&mut OsRng, 2048).expect("a key");
    EncodingKey::from_rsa_der(key.to_pkcs1_der().expect("a key").as_bytes())
});

impl Key {
    /// A key for that algorithm, under that ID.
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

    /// A token with that header, besides algorithm and ID of the key, and those claims.
    pub fn sign(&self, claims: &Value) -> String {
        let kid = self.public["kid"].as_str().map(str::to_owned);
        encode(&Header { kid, ..Header::new(self.algorithm) }, claims, &self.encoding).expect("a token")
    }
}

fn published(encoding: EncodingKey, algorithm: Algorithm) -> (EncodingKey, Value) {
    let jwk = Jwk::from_encoding_key(&encoding, algorithm).expect("a public key");
    (encoding, serde_json::to_value(jwk).expect("JSON"))
}

/// What it answers who asks for its keys.
struct Published {
    keys: Mutex<Vec<Key>>,
    is_up: AtomicBool,
    asked: AtomicUsize,
}

/// The issuer.
#[derive(Clone)]
pub struct TestIssuer {
    url: String,
    published: Arc<Published>,
}

impl TestIssuer {
    /// One with those keys, the first of which signs.
    pub async fn with(keys: &[Key]) -> Self {
        let published = Arc::new(Published {
            keys: Mutex::new(keys.to_vec()),
            is_up: AtomicBool::new(true),
            asked: AtomicUsize::new(0),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/jwks", listener.local_addr().expect("an address"));
        let router = Router::new().route("/jwks", get(keys_of)).with_state(published.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, published }
    }

    /// One with a key.
    pub async fn new() -> Self {
        Self::with(&[Key::new(Algorithm::EdDSA, "ed-1")]).await
    }

    /// What an application is told of it: its keys are read again after no less than `least`.
    pub fn trusted(&self, least: Duration, admin: Option<&str>) -> Option<Arc<OidcIssuer>> {
        let source = JwksSource::at(self.url.parse().expect("a URL")).expect("a client");
        trusted(source, RefreshPolicy { least, most: Duration::from_secs(3600) }, admin)
    }

    /// From now on it has those keys, and signs with the first.
    pub fn rotate(&self, keys: &[Key]) {
        *self.published.keys.lock().expect("keys") = keys.to_vec();
    }

    /// Whether it answers from now on.
    pub fn set_up(&self, is_up: bool) {
        self.published.is_up.store(is_up, Ordering::SeqCst);
    }

    /// How often it was asked for its keys.
    pub fn asked(&self) -> usize {
        self.published.asked.load(Ordering::SeqCst)
    }

    /// The key that signs.
    pub fn key(&self) -> Key {
        self.published.keys.lock().expect("keys")[0].clone()
    }

    /// A token for somebody, with claims besides the usual ones.
    pub fn token(&self, subject: &str, others: Value) -> String {
        self.key().sign(&claims(subject, others))
    }
}

async fn keys_of(State(published): State<Arc<Published>>) -> Result<String, StatusCode> {
    published.asked.fetch_add(1, Ordering::SeqCst);
    if !published.is_up.load(Ordering::SeqCst) {
        return Err(StatusCode::BAD_GATEWAY);
    }
    Ok(key_set(&published.keys.lock().expect("keys")))
}

/// What is published of those keys.
pub fn key_set(keys: &[Key]) -> String {
    json!({ "keys": keys.iter().map(|key| &key.public).collect::<Vec<_>>() }).to_string()
}

/// An issuer whose keys are read there, at that pace.
pub fn trusted(source: JwksSource, pace: RefreshPolicy, admin: Option<&str>) -> Option<Arc<OidcIssuer>> {
    let admin = admin.map(|claim| AdminClaim::parse(claim).expect("a claim"));
    let trust = OidcConfig { issuer: ISSUER.to_owned(), audience: AUDIENCE.to_owned(), admin };
    Some(Arc::new(OidcIssuer::new(trust, JwksCache::new(source, pace))))
}

/// The claims of a token that is good now, changed by `others`: null takes one away.
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
