//! Attacks with forged tokens of an external issuer. Each is answered with 401, changes nothing, and is never treated
//! as an anonymous request.

use std::time::Duration;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::support::fake_oidc::{AUDIENCE, ISSUER, Key, claims};
use crate::support::{TestApp, TestIssuer, graphql};

/// An application and the keys of its trusted issuer, one key for each algorithm.
struct Siege {
    app: TestApp,
    keys: [Key; 3],
}

impl Siege {
    async fn new() -> Self {
        let keys = [(Algorithm::RS256, "rs"), (Algorithm::ES256, "es"), (Algorithm::EdDSA, "ed")];
        let keys = keys.map(|(algorithm, id)| Key::new(algorithm, id));
        let issuer = TestIssuer::with(&keys).await;
        let trusted = issuer.trusted(Duration::from_secs(3600), None);
        Self { app: TestApp::with(|settings| settings.issuer = trusted).await, keys }
    }

    async fn status(&self, token: &str) -> StatusCode {
        graphql::send(&self.app.router, Some(token), "{ viewer { user { username } } }", json!({})).await.status
    }

    async fn believes(&self, what: &str, token: &str) {
        assert_eq!(self.status(token).await, StatusCode::OK, "{what}");
    }

    async fn refuses(&self, what: &str, token: &str) {
        assert_eq!(self.status(token).await, StatusCode::UNAUTHORIZED, "{what}");
    }

    /// Checks that no attack created an account.
    async fn holds(self) {
        assert_eq!(self.app.count("users").await, 0);
        self.app.close().await;
    }
}

/// A part of a token in its encoded form.
fn part(json: impl ToString) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

/// A token with exactly that header, signed by the key.
fn with_header(key: &Key, header: &Value) -> String {
    let signed = format!("{}.{}", part(header), part(claims("eve", json!({}))));
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key.encoding, key.algorithm).expect("a signature");
    format!("{signed}.{signature}")
}

#[tokio::test]
async fn oidc_verification_uses_the_algorithm_of_the_key_never_that_of_the_token() {
    let siege = Siege::new().await;
    let good = claims("eve", json!({}));
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        for kid in ["rs", "es", "ed"] {
            let unsigned = format!("{}.{}.", part(json!({ "alg": alg, "kid": kid })), part(&good));
            siege.refuses(alg, &unsigned).await;
        }
    }
    // Algorithm confusion: a public key is used as a shared secret.
    for key in &siege.keys {
        let text = |name: &str| key.public[name].as_str().unwrap_or_default().to_owned();
        let der: Vec<u8> =
            ["n", "x", "y"].iter().filter_map(|name| URL_SAFE_NO_PAD.decode(text(name)).ok()).flatten().collect();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
        let whole = key.public.to_string();
        for secret in
            [text("n").as_bytes(), text("x").as_bytes(), der.as_slice(), pem.as_bytes(), whole.as_bytes(), b""]
        {
            for alg in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                let header = Header { kid: Some(text("kid")), ..Header::new(alg) };
                let forged = encode(&header, &good, &EncodingKey::from_secret(secret)).expect("a token");
                siege.refuses("a public key as secret", &forged).await;
            }
        }
        for alg in ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "HS256", "A128GCM", "none"] {
            if json!(alg) != json!(format!("{:?}", key.algorithm)) {
                siege.refuses(alg, &with_header(key, &json!({ "alg": alg, "kid": text("kid") }))).await;
            }
        }
    }
    siege.holds().await;
}

#[tokio::test]
async fn oidc_verification_ignores_keys_that_a_token_contains_or_points_at() {
    let siege = Siege::new().await;
    let (eves, ours) = (Key::new(Algorithm::EdDSA, "eve"), &siege.keys[2]);
    let certificate = STANDARD.encode([7u8; 300]);
    for (what, header) in [
        ("jwk", json!({ "alg": "EdDSA", "jwk": eves.public })),
        ("jwk under our kid", json!({ "alg": "EdDSA", "kid": "ed", "jwk": eves.public })),
        ("jku", json!({ "alg": "EdDSA", "kid": "eve", "jku": "http://127.0.0.1:1/jwks" })),
        ("jku of ours", json!({ "alg": "EdDSA", "kid": "ed", "jku": format!("{ISSUER}@127.0.0.1:1/jwks") })),
        ("x5u", json!({ "alg": "EdDSA", "kid": "ed", "x5u": "http://127.0.0.1:1/cert" })),
        ("x5c", json!({ "alg": "EdDSA", "kid": "ed", "x5c": [certificate] })),
        ("no kid", json!({ "alg": "EdDSA" })),
        ("our kid", json!({ "alg": "EdDSA", "kid": "ed" })),
        ("another's kid", json!({ "alg": "EdDSA", "kid": "rs" })),
        ("a path", json!({ "alg": "EdDSA", "kid": "../../../../dev/null" })),
        ("a command", json!({ "alg": "EdDSA", "kid": "/dev/null; sleep 10|" })),
        ("SQL", json!({ "alg": "EdDSA", "kid": "x' UNION SELECT 'secret' -- " })),
        ("NUL", json!({ "alg": "EdDSA", "kid": "ed\0" })),
        ("empty", json!({ "alg": "EdDSA", "kid": "" })),
        ("huge", json!({ "alg": "EdDSA", "kid": "k".repeat(5000) })),
        ("a number", json!({ "alg": "EdDSA", "kid": 7 })),
        ("a list", json!({ "alg": "EdDSA", "kid": ["ed"] })),
    ] {
        siege.refuses(what, &with_header(&eves, &header)).await;
    }
    for (what, header) in [
        ("crit", json!({ "alg": "EdDSA", "kid": "ed", "crit": ["exp"] })),
        ("empty crit", json!({ "alg": "EdDSA", "kid": "ed", "crit": [] })),
        ("b64", json!({ "alg": "EdDSA", "kid": "ed", "b64": false, "crit": ["b64"] })),
        ("kid of another case", json!({ "alg": "EdDSA", "kid": "ED" })),
    ] {
        siege.refuses(what, &with_header(ours, &header)).await;
    }
    let twice = format!(
        "{}.{}",
        part(r#"{"alg":"EdDSA","kid":"eve","alg":"EdDSA","kid":"ed"}"#),
        part(claims("eve", json!({})))
    );
    let signature = jsonwebtoken::crypto::sign(twice.as_bytes(), &ours.encoding, ours.algorithm).expect("a signature");
    siege.refuses("a header that says two things", &format!("{twice}.{signature}")).await;
    siege.holds().await;
}

#[tokio::test]
async fn oidc_verification_checks_every_claim() {
    let siege = Siege::new().await;
    let now = siege.app.env.clock.now().timestamp();
    for key in &siege.keys {
        for (name, values) in [
            (
                "iss",
                vec![
                    json!(null),
                    json!("https://evil.example"),
                    json!(format!("{ISSUER}/")),
                    json!([ISSUER]),
                    json!("guildhall"),
                ],
            ),
            (
                "aud",
                vec![
                    json!(null),
                    json!("another"),
                    json!([]),
                    json!(["another", "third"]),
                    json!(""),
                    json!(7),
                    json!({ AUDIENCE: true }),
                    json!([[AUDIENCE]]),
                ],
            ),
            (
                "exp",
                vec![
                    json!(null),
                    json!(now - 60),
                    json!(0),
                    json!(-1),
                    json!("soon"),
                    json!((now + 300).to_string()),
                    json!(1e300),
                    json!(i64::MAX),
                    json!(u64::MAX),
                    json!([now + 300]),
                    json!(true),
                ],
            ),
            ("nbf", vec![json!(now + 600), json!(i64::MAX), json!("now"), json!(1e300)]),
            ("iat", vec![json!("now"), json!({})]),
            ("sub", vec![json!(null), json!(""), json!(7), json!("e\0ve"), json!("e\nve"), json!("e".repeat(256))]),
        ] {
            for value in values {
                siege.refuses(&format!("{name}: {value}"), &key.sign(&claims("eve", json!({ name: value })))).await;
            }
        }
    }
    let payload = format!(r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","sub":"eve","exp":1,"exp":{}}}"#, now + 300);
    let twice = format!("{}.{}", part(json!({ "alg": "EdDSA", "kid": "ed" })), part(payload));
    let signature =
        jsonwebtoken::crypto::sign(twice.as_bytes(), &siege.keys[2].encoding, Algorithm::EdDSA).expect("a signature");
    siege.refuses("a claim twice", &format!("{twice}.{signature}")).await;
    assert_eq!(siege.app.count("users").await, 0);
    for (number, good) in [
        json!({ "aud": [AUDIENCE] }),
        json!({ "aud": ["another", AUDIENCE] }),
        json!({ "exp": now as f64 + 300.5 }),
        json!({ "nbf": now, "iat": null }),
    ]
    .into_iter()
    .enumerate()
    {
        let token = siege.keys[number % 3].sign(&claims("ada", good.clone()));
        siege.believes(&good.to_string(), &token).await;
    }
    assert_eq!(siege.app.count("users").await, 1);
    siege.app.close().await;
}

#[tokio::test]
async fn oidc_verification_refuses_foreign_altered_and_oversized_tokens() {
    let siege = Siege::new().await;
    for key in &siege.keys {
        let id = key.public["kid"].as_str().expect("an ID");
        if key.algorithm != Algorithm::RS256 {
            let others = Key::new(key.algorithm, id);
            siege.refuses("another's key under the same ID", &others.sign(&claims("eve", json!({})))).await;
        }
        let token = key.sign(&claims("eve", json!({})));
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>().try_into().expect("three parts");
        let mut flipped = URL_SAFE_NO_PAD.decode(signature).expect("bytes");
        flipped[5] ^= 1;
        for (what, bad) in [
            ("other claims", format!("{header}.{}.{signature}", part(claims("root", json!({}))))),
            ("another signature", format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode(&flipped))),
            ("zeros", format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode(vec![0u8; flipped.len()]))),
            ("no signature", format!("{header}.{payload}.")),
            ("two parts", format!("{header}.{payload}")),
            ("four parts", format!("{token}.{signature}")),
            ("five parts", format!("{token}.{payload}.{signature}")),
            ("padding", format!("{header}.{payload}.{signature}==")),
            ("no JSON", format!("{}.{payload}.{signature}", part("{"))),
            ("nesting", format!("{header}.{}.{signature}", part(format!("{}{}", "[".repeat(3000), "]".repeat(3000))))),
        ] {
            siege.refuses(what, &bad).await;
        }
        siege.refuses("over-long", &key.sign(&claims("eve", json!({ "padding": "x".repeat(49_200) })))).await;
    }
    for nonsense in ["x", "..", "...", "a.b.c", "null", &"x".repeat(100_000)] {
        siege.refuses("nonsense", nonsense).await;
    }
    siege.holds().await;
}
