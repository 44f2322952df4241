//! Rate limits of sign-in and sign-up: limited per network, so that one client cannot lock another out.

use std::net::IpAddr;

use chrono::TimeDelta;
use serde_json::json;

use crate::support::{Answer, TestApp};

const PASSWORD: &str = "correct horse battery";
const HOME: [u8; 4] = [10, 0, 0, 1];
const CAFE: [u8; 4] = [10, 0, 0, 2];

async fn sign_in(app: &TestApp, from: impl Into<IpAddr>, login: &str, password: &str) -> Answer {
    let input = json!({ "login": login, "password": password });
    app.mutate_anonymously_from(from.into(), "signIn", input, "session { accessToken }").await
}

async fn sign_up(app: &TestApp, from: impl Into<IpAddr>, username: &str) -> Answer {
    let input = json!({ "username": username, "email": format!("{username}@example.org"), "password": PASSWORD });
    app.mutate_anonymously_from(from.into(), "signUp", input, "session { accessToken }").await
}

/// The `n`th network of a client with many networks.
fn network(n: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, n])
}

#[tokio::test]
async fn sign_in_is_limited_to_ten_attempts_a_minute_per_network_and_login() {
    let app = TestApp::new().await;
    sign_up(&app, HOME, "ada").await.done();
    for login in ["ada", "nobody"] {
        let mut codes = Vec::new();
        for _ in 0..11 {
            codes.extend(sign_in(&app, network(1), login, "wrong").await.refused());
        }
        assert_eq!(codes.iter().filter(|code| *code == "RATE_LIMITED").count(), 1, "{login}: {codes:?}");
    }
    assert_eq!(
        sign_in(&app, network(1), "ADA", PASSWORD).await.refused(),
        ["RATE_LIMITED"],
        "the correct password is limited, too"
    );
    sign_in(&app, network(2), "ada", PASSWORD).await.done();
    app.close().await;
}

#[tokio::test]
async fn sign_in_from_a_known_network_is_not_blocked_by_attempts_from_others() {
    let app = TestApp::new().await;
    sign_up(&app, HOME, "ada").await.done();
    let mut refused = Vec::new();
    for n in 0..14 {
        for _ in 0..10 {
            refused.extend(sign_in(&app, network(n), "ada", "wrong").await.refused());
        }
    }
    let tried = refused.iter().filter(|code| *code == "INVALID_CREDENTIALS").count();
    assert!((100..140).contains(&tried), "a hundred a minute, and what recovers meanwhile: {tried}");
    sign_in(&app, HOME, "ada", PASSWORD).await.done();
    app.env.clock.advance(TimeDelta::days(29));
    sign_in(&app, HOME, "ada", PASSWORD).await.done();
    app.env.clock.advance(TimeDelta::days(31));
    guildhall::operations::maintenance::schedule::sweep(&app.env.store, &app.env.clock).await.expect("it runs");
    assert_eq!(app.count("sign_in_networks").await, 0, "it is new again");
    app.close().await;
}

#[tokio::test]
async fn sign_up_with_a_taken_username_does_not_block_sign_in_of_its_account() {
    let app = TestApp::new().await;
    sign_up(&app, HOME, "ada").await.done();
    let mut codes = Vec::new();
    for _ in 0..12 {
        codes.extend(sign_up(&app, CAFE, "ada").await.refused());
    }
    assert_eq!(codes.last().map(String::as_str), Some("RATE_LIMITED"));
    sign_in(&app, CAFE, "ada", PASSWORD).await.done();
    app.close().await;
}

#[tokio::test]
async fn sign_in_counts_two_spellings_of_an_address_as_one() {
    let app = TestApp::new().await;
    let mut codes = Vec::new();
    for n in 0..11 {
        let login = ["user@bücher.example", "User@xn--bcher-kva.example"][n % 2];
        codes.extend(sign_in(&app, CAFE, login, "wrong").await.refused());
    }
    assert_eq!(codes.last().map(String::as_str), Some("RATE_LIMITED"));
    app.close().await;
}

#[tokio::test]
async fn delete_account_deletes_its_sign_in_networks() {
    let app = TestApp::new().await;
    let payload = sign_up(&app, HOME, "ada").await.done();
    assert_eq!(app.texts("SELECT network FROM sign_in_networks").await, ["10.0.0.1"]);
    let ada = app.holder("ada", payload["session"]["accessToken"].as_str().expect("a token").to_owned());
    ada.mutate("deleteAccount", json!({ "confirmUsername": "ada" }), "deletedUserId").await.done();
    assert_eq!(app.count("sign_in_networks").await, 0);
    app.close().await;
}
