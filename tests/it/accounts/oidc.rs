//! Accounts of an external OIDC issuer: which tokens are accepted while keys rotate, and what the claims change.

use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::join_all;
use guildhall::auth::oidc::{JwksSource, RefreshPolicy};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::support::fake_oidc::{Key, claims, key_set, trusted};
use crate::support::socket::Socket;
use crate::support::{Answer, TestApp, TestIssuer, graphql};

const ALWAYS: Duration = Duration::ZERO;
const SELDOM: Duration = Duration::from_secs(3600);
const VIEWER: &str = "{ viewer { email emailVerified isAdmin user { id username displayName } } }";

async fn app(issuer: &TestIssuer, least: Duration) -> TestApp {
    app_with(issuer, least, None).await
}

async fn app_with(issuer: &TestIssuer, least: Duration, admin: Option<&str>) -> TestApp {
    TestApp::with(|settings| settings.issuer = issuer.trusted(least, admin)).await
}

async fn ask(app: &TestApp, token: &str) -> Answer {
    graphql::send(&app.router, Some(token), VIEWER, json!({})).await
}

/// The `viewer` field for that token.
async fn viewer(app: &TestApp, token: &str) -> Value {
    ask(app, token).await.data()["viewer"].clone()
}

fn ada(others: Value) -> Value {
    let mut claims = json!({
        "preferred_username": "Ada", "name": "Ada Lovelace", "email": "Ada@example.org", "email_verified": true,
    });
    claims.as_object_mut().expect("claims").extend(others.as_object().expect("claims").clone());
    claims
}

#[tokio::test]
async fn oidc_accepts_each_algorithm_and_rotated_keys_without_a_restart() {
    let of = |algorithm, id: &str| Key::new(algorithm, id);
    let algorithms = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
    let issuer = TestIssuer::with(&[of(Algorithm::RS256, "rs"), of(Algorithm::ES256, "es")]).await;
    let app = app(&issuer, ALWAYS).await;
    let first = issuer.token("ada", ada(json!({})));
    let id = viewer(&app, &first).await["user"]["id"].clone();
    for (round, algorithm) in algorithms.into_iter().cycle().skip(1).take(6).enumerate() {
        let old = issuer.token("ada", ada(json!({})));
        issuer.rotate(&[of(algorithm, &format!("key-{round}"))]);
        assert_eq!(viewer(&app, &issuer.token("ada", ada(json!({})))).await["user"]["id"], id, "{algorithm:?}");
        assert_eq!(ask(&app, &old).await.status, StatusCode::UNAUTHORIZED, "the key before {algorithm:?} is gone");
    }
    assert_eq!(app.count("users").await, 1);
    app.close().await;
}

#[tokio::test]
async fn jwks_refresh_refuses_tokens_of_a_replaced_key_with_the_same_key_id() {
    let named = |id: &str| Key::new(Algorithm::EdDSA, id);
    let issuer = TestIssuer::with(&[named("a")]).await;
    let app = app(&issuer, ALWAYS).await;
    let old = issuer.token("ada", ada(json!({})));
    for _ in 0..2 {
        assert_eq!(ask(&app, &old).await.status, StatusCode::OK);
    }
    issuer.rotate(&[named("b"), named("a")]);
    assert_eq!(
        ask(&app, &issuer.token("ada", ada(json!({})))).await.status,
        StatusCode::OK,
        "the keys were read again"
    );
    assert_eq!(ask(&app, &old).await.status, StatusCode::UNAUTHORIZED);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn provision_oidc_user_creates_one_account_for_fifty_concurrent_requests() {
    let issuer = TestIssuer::new().await;
    let app = app(&issuer, SELDOM).await;
    let token = issuer.token("ada", ada(json!({})));
    let ids: std::collections::HashSet<String> = join_all((0..50).map(|_| viewer(&app, &token)))
        .await
        .into_iter()
        .map(|viewer| viewer["user"]["id"].to_string())
        .collect();
    assert_eq!((ids.len(), app.count("users").await, issuer.requests()), (1, 1, 1));
    // Several people who claim the same name get different names.
    let tokens: Vec<_> =
        (0..20).map(|number| issuer.token(&format!("g{number}"), json!({ "preferred_username": "grace" }))).collect();
    let names: std::collections::HashSet<String> = join_all(tokens.iter().map(|token| viewer(&app, token)))
        .await
        .into_iter()
        .map(|viewer| viewer["user"]["username"].to_string())
        .collect();
    assert_eq!(names.len(), 20);
    app.close().await;
}

#[tokio::test]
async fn jwks_refresh_for_unknown_keys_is_rate_limited() {
    let issuer = TestIssuer::new().await;
    let app = app(&issuer, SELDOM).await;
    viewer(&app, &issuer.token("ada", json!({}))).await;
    let other = Key::new(Algorithm::EdDSA, "unknown");
    let token = other.sign(&claims("ada", json!({})));
    for answer in join_all((0..50).map(|_| ask(&app, &token))).await {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(issuer.requests(), 1);
    app.close().await;
}

#[tokio::test]
async fn jwks_file_is_read_again_for_an_unknown_key_and_periodically() {
    let file = std::env::temp_dir().join(format!("guildhall-keys-{}.json", std::process::id()));
    let [first, second, third] = ["1", "2", "3"].map(|id| Key::new(Algorithm::EdDSA, id));
    let publish = |keys: &[Key]| std::fs::write(&file, key_set(keys)).expect("the file");
    publish(std::slice::from_ref(&first));
    let app = async |pace| {
        let source = JwksSource::file(file.clone()).expect("a file with keys");
        TestApp::with(|settings| settings.issuer = trusted(source, pace, None)).await
    };
    let asked_for = app(RefreshPolicy { least: ALWAYS, most: SELDOM }).await;
    let status = async |app: &TestApp, key: &Key| ask(app, &key.sign(&claims("ada", json!({})))).await.status;
    assert_eq!(status(&asked_for, &first).await, StatusCode::OK);
    assert_eq!(status(&asked_for, &second).await, StatusCode::UNAUTHORIZED);
    publish(std::slice::from_ref(&second));
    assert_eq!(status(&asked_for, &second).await, StatusCode::OK, "the key was published");
    assert_eq!(status(&asked_for, &first).await, StatusCode::UNAUTHORIZED, "the key is no longer published");
    for content in ["", "{", r#"{"keys": []}"#] {
        std::fs::write(&file, content).expect("the file");
        assert_eq!(status(&asked_for, &third).await, StatusCode::UNAUTHORIZED);
        assert_eq!(
            status(&asked_for, &second).await,
            StatusCode::OK,
            "while the file is unfit, the keys at hand go on"
        );
    }
    asked_for.close().await;

    publish(&[second.clone(), third.clone()]);
    let followed = app(RefreshPolicy { least: ALWAYS, most: Duration::from_millis(20) }).await;
    followed.app.spawn_jwks_refresh();
    assert_eq!(status(&followed, &second).await, StatusCode::OK);
    publish(&[third]);
    // No token has named an unknown key since.
    let gone = async {
        while status(&followed, &second).await == StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("the file is read again");
    followed.app.shutdown.soft.cancel();
    followed.close().await;
    std::fs::remove_file(file).expect("the file");
}

#[tokio::test]
async fn jwks_refresh_is_not_triggered_by_tokens_with_invalid_claims() {
    let issuer = TestIssuer::new().await;
    let app = app(&issuer, ALWAYS).await;
    for wrong in [json!({ "aud": "another" }), json!({ "exp": 1 }), json!({ "sub": "" })] {
        assert_eq!(ask(&app, &issuer.token("ada", wrong)).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(issuer.requests(), 0);
    app.close().await;
}

#[tokio::test]
async fn jwks_outage_keeps_known_keys_valid_and_refuses_unknown_ones() {
    let issuer = TestIssuer::new().await;
    issuer.set_up(false);
    let app = app(&issuer, ALWAYS).await;
    let token = issuer.token("ada", json!({}));
    let answer = ask(&app, &token).await;
    assert_eq!((answer.status, answer.codes()), (StatusCode::SERVICE_UNAVAILABLE, vec!["SERVICE_UNAVAILABLE"]));
    issuer.set_up(true);
    viewer(&app, &token).await;
    issuer.set_up(false);
    viewer(&app, &token).await;
    issuer.rotate(&[Key::new(Algorithm::EdDSA, "ed-2")]);
    assert_eq!(ask(&app, &issuer.token("ada", json!({}))).await.status, StatusCode::UNAUTHORIZED);
    viewer(&app, &token).await;
    app.close().await;
}

#[tokio::test]
async fn provision_oidc_user_creates_an_account_and_later_claims_update_it() {
    let issuer = TestIssuer::new().await;
    let app = app(&issuer, SELDOM).await;
    let first = viewer(&app, &issuer.token("ada", ada(json!({})))).await;
    assert_eq!(first["email"], "ada@example.org");
    assert_eq!((&first["emailVerified"], &first["isAdmin"]), (&json!(true), &json!(false)));
    assert_eq!((&first["user"]["username"], &first["user"]["displayName"]), (&json!("ada"), &json!("Ada Lovelace")));

    let now = json!({ "preferred_username": "countess", "name": "Ada\u{202E} King", "email": "king@example.org" });
    let later = viewer(&app, &issuer.token("ada", ada(now))).await;
    assert_eq!(later["email"], "king@example.org");
    assert_eq!(later["user"], json!({ "id": first["user"]["id"], "username": "countess", "displayName": "Ada King" }));
    let silent = viewer(&app, &issuer.token("ada", json!({}))).await;
    assert_eq!(silent, later, "a missing claim changes nothing");
    let before = issuer.token("ada", ada(json!({ "iat": 1_700_000_000 })));
    assert_eq!(viewer(&app, &before).await, later, "claims of an older token change nothing");
    for unverified in [json!(false), json!("false"), json!(null), json!(1)] {
        let doubtful = json!({ "email": "king@example.org", "email_verified": unverified });
        let viewer = viewer(&app, &issuer.token("ada", doubtful)).await;
        assert_eq!((&viewer["email"], &viewer["emailVerified"]), (&Value::Null, &json!(false)), "{unverified}");
        let proven = json!({ "email": "king@example.org", "email_verified": "true" });
        assert_eq!(self::viewer(&app, &issuer.token("ada", proven)).await["email"], "king@example.org");
    }
    assert_eq!(app.count("users").await, 1);
    app.close().await;
}

#[tokio::test]
async fn provision_oidc_user_derives_a_free_valid_username() {
    let issuer = TestIssuer::new().await;
    let app = app(&issuer, SELDOM).await;
    app.person("ada").await;
    for (subject, claimed, expected) in [
        ("1", json!("Ada"), "ada-2"),
        ("2", json!("ada@example.org"), "ada-3"),
        ("3", json!("Zoë Ünal"), "zoe-unal"),
        ("4", json!("x".repeat(500)), &"x".repeat(32)),
    ] {
        let viewer = viewer(&app, &issuer.token(subject, json!({ "preferred_username": claimed }))).await;
        assert_eq!(viewer["user"]["username"], expected, "{claimed}");
    }
    for (subject, claimed) in [("5", json!("名前")), ("6", json!(7)), ("7", json!(null)), ("8", json!("\0"))] {
        let viewer = viewer(&app, &issuer.token(subject, json!({ "preferred_username": claimed }))).await;
        let name = viewer["user"]["username"].as_str().expect("a name").to_owned();
        assert!(name.starts_with("user-") && name.len() == 13, "{name}");
    }
    // The same claim again does not change the name, even if a better one is free now.
    app.sql("DELETE FROM users WHERE username = 'ada'").await;
    let again = json!({ "preferred_username": "Ada", "name": "Ada" });
    assert_eq!(viewer(&app, &issuer.token("1", again)).await["user"]["username"], "ada-2");
    app.close().await;
}

#[tokio::test]
async fn provision_oidc_user_trusts_a_verified_address_and_never_links_accounts_by_it() {
    let issuer = TestIssuer::new().await;
    let app = app(&issuer, SELDOM).await;
    let (squatter, owner) = (app.unverified("ada").await, app.person("grace").await);
    let ada = viewer(&app, &issuer.token("1", ada(json!({})))).await;
    assert_eq!(ada["email"], "ada@example.org");
    let squatter = squatter.ask(VIEWER).await.data();
    assert_eq!(squatter["viewer"]["email"], Value::Null, "an account that did not verify the address loses it");
    assert_ne!(ada["user"]["id"], squatter["viewer"]["user"]["id"]);

    let taken = json!({ "email": "GRACE@example.org", "email_verified": true });
    let stranger = viewer(&app, &issuer.token("2", taken.clone())).await;
    assert_eq!(stranger["email"], Value::Null, "an account that verified the address keeps it");
    assert_eq!(owner.ask(VIEWER).await.data()["viewer"]["email"], "grace@example.org");
    // Once the address is free, the account gets it.
    app.sql("DELETE FROM users WHERE username = 'grace'").await;
    app.env.clock.advance(chrono::TimeDelta::seconds(61));
    assert_eq!(viewer(&app, &issuer.token("2", taken)).await["email"], "grace@example.org");
    app.close().await;
}

#[tokio::test]
async fn oidc_admin_claim_grants_and_revokes_is_admin() {
    let issuer = TestIssuer::new().await;
    let app = app_with(&issuer, SELDOM, Some("realm_access.roles=boss")).await;
    for (roles, is_admin) in [
        (json!(["user"]), false),
        (json!(["user", "boss"]), true),
        (json!(["user"]), false),
        (json!("user boss"), true),
        (json!("bossy"), false),
        (json!({ "boss": true }), false),
        (json!("boss"), true),
        (Value::Null, false),
    ] {
        let claims = json!({ "realm_access": { "roles": roles } });
        assert_eq!(viewer(&app, &issuer.token("ada", claims)).await["isAdmin"], is_admin, "{roles}");
    }
    let app_of_grants = self::app(&issuer, SELDOM).await;
    let boss = issuer.token("ada", json!({ "realm_access": { "roles": ["boss"] } }));
    assert_eq!(viewer(&app_of_grants, &boss).await["isAdmin"], false, "without a configured claim");
    app_of_grants.sql("UPDATE users SET is_admin = true").await;
    app_of_grants.env.clock.advance(chrono::TimeDelta::seconds(61));
    assert_eq!(viewer(&app_of_grants, &boss).await["isAdmin"], true, "the claim does not revoke a grant");
    app.close().await;
    app_of_grants.close().await;
}

#[tokio::test]
async fn oidc_accounts_are_refused_all_account_mutations_but_delete_account() {
    let issuer = TestIssuer::new().await;
    let app = app(&issuer, SELDOM).await;
    let token = issuer.token("ada", ada(json!({})));
    viewer(&app, &token).await;
    let mut ada = app.named("ada").await;
    ada.token = token.clone();
    let secret = "correct horse battery";
    for (mutation, input) in [
        ("signUp", json!({ "email": "new@example.org", "username": "newcomer", "password": secret })),
        ("signIn", json!({ "login": "ada", "password": secret })),
        ("refreshSession", json!({ "refreshToken": "x" })),
        ("signOut", json!({ "refreshToken": "x" })),
        ("verifyEmail", json!({ "token": "x" })),
        ("resendVerificationEmail", json!({})),
        ("requestPasswordReset", json!({ "email": "ada@example.org" })),
        ("resetPassword", json!({ "token": "x", "newPassword": secret })),
        ("changePassword", json!({ "currentPassword": secret, "newPassword": secret })),
        ("updateProfile", json!({ "displayName": "Ada" })),
        ("changeEmail", json!({ "email": "new@example.org", "password": secret })),
    ] {
        assert_eq!(ada.mutate(mutation, input, "clientMutationId").await.refused(), ["FORBIDDEN"], "{mutation}");
    }
    ada.creates("acme").await;
    ada.mutate("deleteAccount", json!({ "confirmUsername": "ada" }), "deletedUserId").await.done();
    assert_eq!(ask(&app, &token).await.status, StatusCode::UNAUTHORIZED, "the same token creates no second account");
    assert_eq!(app.count("users WHERE deleted_at IS NULL").await, 0);
    app.env.clock.advance(chrono::TimeDelta::seconds(5));
    ada.token = issuer.token("ada", self::ada(json!({ "iat": app.env.clock.now().timestamp() })));
    assert_eq!(viewer(&app, &ada.token).await["user"]["username"], "ada", "a new sign-in creates a new account");
    app.close().await;
}

#[tokio::test]
async fn oidc_accepts_own_tokens_too_and_tokens_in_connection_init() {
    let issuer = TestIssuer::new().await;
    let app = app(&issuer, SELDOM).await;
    let robot = app.person("robot").await;
    assert_eq!(robot.ask(VIEWER).await.data()["viewer"]["user"]["username"], "robot");
    let address = app.serve().await;
    let mut socket = Socket::open_for(address, &issuer.token("ada", ada(json!({})))).await;
    socket.subscribe("1", VIEWER, json!({})).await;
    assert_eq!(socket.hears().await["payload"]["data"]["viewer"]["user"]["username"], "ada");
    let mut socket = Socket::open(address).await;
    let payload = json!({ "token": issuer.token("ada", json!({ "aud": "another" })) });
    socket.say(json!({ "type": "connection_init", "payload": payload })).await;
    assert_eq!(socket.close_code().await, 4401);
    app.app.shutdown.soft.cancel();
    app.close().await;
}

#[tokio::test]
async fn oidc_accepts_long_tokens_in_headers_and_in_connection_init() {
    let issuer = TestIssuer::new().await;
    let app = app(&issuer, SELDOM).await;
    let address = app.serve().await;
    for length in [9_000, 45_000] {
        let token = issuer.token("ada", ada(json!({ "groups": "x".repeat(length) })));
        assert!(token.len() > length * 4 / 3);
        assert_eq!(viewer(&app, &token).await["user"]["username"], "ada");
        let mut socket = Socket::open_for(address, &token).await;
        socket.subscribe("1", VIEWER, json!({})).await;
        assert_eq!(socket.hears().await["payload"]["data"]["viewer"]["user"]["username"], "ada");
        let response = answer_over_tcp(address, &token).await;
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    }
    app.app.shutdown.soft.cancel();
    app.close().await;
}

/// The response of the server over a separate TCP connection.
async fn answer_over_tcp(address: std::net::SocketAddr, token: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let body = json!({ "query": VIEWER }).to_string();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}
