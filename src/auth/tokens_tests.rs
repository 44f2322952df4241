//! Tests of issuing and verifying tokens.

use super::super::jwt::{LEEWAY, MAX_TOKEN};
use super::*;
use crate::domain::Clock;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const USER: &str = "usr_01jd0000000000000000000000";
const SESSION: &str = "ses_01jd0000000000000000000000";

fn both() -> [TokenSigner; 2] {
    [TokenSigner::from_pem(&TokenSigner::generate_pem()).unwrap(), TokenSigner::from_secret(SECRET).unwrap()]
}

fn ids() -> (UserId, SessionId) {
    (UserId::parse(USER).unwrap(), SessionId::parse(SESSION).unwrap())
}

fn now() -> Instant {
    Clock::default().now()
}

/// Signs a token with the right key and changed claims.
fn signed(keys: &TokenSigner, changes: Value) -> String {
    let at = now().timestamp();
    let mut claims = json!({"iss": "guildhall", "aud": "guildhall", "sub": USER, "iat": at, "nbf": at, "exp": at + 60});
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name)
        } else {
            claims.as_object_mut().unwrap().insert(name.clone(), value.clone())
        };
    }
    encode(&keys.header, &claims, &keys.encoding).unwrap()
}

#[test]
fn verify_returns_user_and_session() {
    let (user_id, session) = ids();
    for keys in both() {
        for session in [Some(session), None] {
            let (token, expires_at) = keys.issue_access_token(user_id, session, now(), ACCESS_LIFETIME).unwrap();
            let actor = keys.verify(&token, now()).unwrap();
            assert_eq!((actor.user_id, actor.session), (user_id, session));
            let end = actor.expires_at.unwrap();
            assert_eq!(keys.verify(&token, end), Err(TokenError::Expired));
            assert!(keys.verify(&token, end - TimeDelta::milliseconds(1)).is_ok());
            assert!((expires_at - now() - ACCESS_LIFETIME).abs() < TimeDelta::seconds(5));
        }
    }
}

#[test]
fn verify_checks_the_time_by_the_passed_clock() {
    let (user, _) = ids();
    let made = now();
    for keys in both() {
        let (token, expires_at) = keys.issue_access_token(user, None, made, ACCESS_LIFETIME).unwrap();
        assert!(keys.verify(&token, expires_at - TimeDelta::milliseconds(1)).is_ok());
        assert_eq!(keys.verify(&token, expires_at + LEEWAY + TimeDelta::seconds(1)), Err(TokenError::Expired));
        assert!(keys.verify(&token, made - TimeDelta::seconds(3)).is_ok(), "clocks differ a little");
        assert_eq!(keys.verify(&token, made - TimeDelta::seconds(30)), Err(TokenError::Invalid), "not yet");
    }
}

#[test]
fn verify_checks_every_claim() {
    for keys in both() {
        assert!(keys.verify(&signed(&keys, json!({})), now()).is_ok());
        for wrong in [
            json!({"iss": "https://other.example"}),
            json!({"iss": null}),
            json!({"aud": "another"}),
            json!({"aud": null}),
            json!({"exp": null}),
            json!({"nbf": null}),
            json!({"nbf": now().timestamp() + 600}),
            json!({"exp": "soon"}),
            json!({"sub": null}),
            json!({"sub": "org_01jd0000000000000000000000"}),
            json!({"sid": "usr_01jd0000000000000000000000"}),
        ] {
            assert_eq!(keys.verify(&signed(&keys, wrong.clone()), now()), Err(TokenError::Invalid), "{wrong}");
        }
        let past = json!({"exp": now().timestamp() - 60});
        assert_eq!(keys.verify(&signed(&keys, past), now()), Err(TokenError::Expired));
    }
}

#[test]
fn verify_uses_the_algorithm_of_the_key_not_of_the_token() {
    let (user, _) = ids();
    let [ed25519, hs256] = both();
    let claims =
        json!({"iss": "guildhall", "aud": "guildhall", "sub": USER, "iat": 0, "nbf": 0, "exp": i64::from(i32::MAX)});
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for alg in ["none", "None", "NONE"] {
        let unsigned = format!("{}.{}.", part(json!({"alg": alg, "typ": "JWT"})), part(claims.clone()));
        assert_eq!(ed25519.verify(&unsigned, now()), Err(TokenError::Invalid), "{alg}");
        assert_eq!(hs256.verify(&unsigned, now()), Err(TokenError::Invalid), "{alg}");
    }
    // The classic confusion: the public key, which everybody has, taken for a shared secret.
    let x = ed25519.public_key().unwrap()["x"].as_str().unwrap().to_owned();
    for secret in [x.clone().into_bytes(), URL_SAFE_NO_PAD.decode(&x).unwrap()] {
        let forged = encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(&secret)).unwrap();
        assert_eq!(ed25519.verify(&forged, now()), Err(TokenError::Invalid));
    }
    let hs512 = encode(&Header::new(Algorithm::HS512), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
    assert_eq!(hs256.verify(&hs512, now()), Err(TokenError::Invalid), "the right secret, another algorithm");
    let (token, _) = ed25519.issue_access_token(user, None, now(), ACCESS_LIFETIME).unwrap();
    assert_eq!(hs256.verify(&token, now()), Err(TokenError::Invalid));
}

#[test]
fn verify_refuses_tokens_of_other_keys_and_altered_and_over_long_tokens() {
    let (user, _) = ids();
    let others = [
        TokenSigner::from_pem(&TokenSigner::generate_pem()).unwrap(),
        TokenSigner::from_secret(&SECRET.replace('0', "x")).unwrap(),
    ];
    for (keys, other) in both().into_iter().zip(others) {
        let (foreign, _) = other.issue_access_token(user, None, now(), ACCESS_LIFETIME).unwrap();
        assert_eq!(keys.verify(&foreign, now()), Err(TokenError::Invalid));
        let (token, _) = keys.issue_access_token(user, None, now(), ACCESS_LIFETIME).unwrap();
        let [header, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let admin = URL_SAFE_NO_PAD.encode(json!({"iss": "guildhall"}).to_string());
        for bad in [
            format!("{header}.{admin}.{signature}"),
            format!("{header}.{claims}."),
            format!("{header}.{claims}"),
            format!("{token}.{signature}"),
            String::new(),
            "..".to_owned(),
            "é".repeat(3),
        ] {
            assert_eq!(keys.verify(&bad, now()), Err(TokenError::Invalid), "{bad}");
        }
        let padding = "x".repeat(MAX_TOKEN);
        assert_eq!(keys.verify(&signed(&keys, json!({"padding": padding})), now()), Err(TokenError::Invalid));
    }
}

#[test]
fn from_pem_and_from_secret_refuse_unsuitable_keys() {
    assert_eq!(TokenSigner::from_secret(&SECRET[1..]).err(), Some(KeyError::ShortSecret));
    for bad in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", SECRET] {
        assert_eq!(TokenSigner::from_pem(bad).err(), Some(KeyError::NotEd25519), "{bad}");
    }
    assert_ne!(TokenSigner::generate_pem(), TokenSigner::generate_pem());
}

#[test]
fn jwks_returns_the_public_key_with_its_thumbprint() {
    // The key and the thumbprint of RFC 8037, appendix A.
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
        STANDARD.encode(pkcs8(&seed.try_into().unwrap()))
    );
    let keys = TokenSigner::from_pem(&pem).unwrap();
    let expected = json!({
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "alg": "EdDSA", "use": "sig",
    });
    assert_eq!(keys.public_key(), Some(&expected));
    assert_eq!(TokenSigner::from_secret(SECRET).unwrap().public_key(), None, "a shared secret is not published");
}

#[test]
fn read_refresh_token_returns_session_and_generation() {
    let (_, session) = ids();
    for keys in both() {
        for generation in [0, 1, i32::MAX] {
            let token = keys.refresh_token(session, generation);
            assert_eq!(keys.read_refresh_token(&token), Some((session, generation)));
            assert_eq!(token, keys.refresh_token(session, generation), "the same each time");
        }
    }
}

#[test]
fn read_refresh_token_refuses_tokens_of_other_keys() {
    let (_, session) = ids();
    let [keys, other] = both();
    let token = keys.refresh_token(session, 3);
    let (named, mac) = token.rsplit_once('.').unwrap();
    for bad in [
        other.refresh_token(session, 3),
        format!("{session}.4.{mac}"),
        format!("ses_01jd0000000000000000000001.3.{mac}"),
        format!("{named}."),
        format!("{named}.{}", &mac[1..]),
        named.to_owned(),
        format!("{token}x"),
        "x".repeat(10_000),
        String::new(),
        "..".to_owned(),
    ] {
        assert_eq!(keys.read_refresh_token(&bad), None, "{bad}");
    }
}

#[test]
fn sealer_opens_what_another_process_with_the_same_key_sealed() {
    let pem = TokenSigner::generate_pem();
    let sealed = TokenSigner::from_pem(&pem).unwrap().sealer().seal("https://guildhall.example/i/x");
    let opened = TokenSigner::from_pem(&pem).unwrap().sealer().open(&sealed);
    assert_eq!(opened.as_deref(), Some("https://guildhall.example/i/x"));
    assert_eq!(TokenSigner::from_pem(&TokenSigner::generate_pem()).unwrap().sealer().open(&sealed), None);
}
