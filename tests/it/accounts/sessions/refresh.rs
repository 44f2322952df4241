//! `refreshSession`: rotation of refresh tokens, and reuse of old ones.

use chrono::TimeDelta;
use serde_json::json;

use super::{SESSION, newcomer, sign_in};
use crate::support::{Answer, TestApp};

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.mutate_anonymously_selecting("refreshSession", json!({ "refreshToken": token }), SESSION).await
}

async fn refreshed(app: &TestApp, token: &str) -> String {
    refresh(app, token).await.done()["session"]["refreshToken"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn refresh_session_accepts_a_token_until_its_successor_is_used() {
    let app = TestApp::with(|_| {}).await;
    let (_, first) = newcomer(&app, "ada").await;
    let second = refreshed(&app, &first).await;
    app.env.clock.advance(TimeDelta::minutes(1));
    assert_eq!(refreshed(&app, &first).await, second, "a retry after a lost response");
    let third = refreshed(&app, &second).await;
    assert_eq!(refresh(&app, &first).await.refused(), ["INVALID_CREDENTIALS"], "refused a minute after its first use");
    assert_eq!(refresh(&app, &third).await.refused(), ["INVALID_CREDENTIALS"], "reuse ended the session");
    app.close().await;
}

#[tokio::test]
async fn refresh_session_accepts_a_token_for_ten_seconds_after_its_first_use() {
    let app = TestApp::with(|_| {}).await;
    let (_, first) = newcomer(&app, "ada").await;
    let second = refreshed(&app, &first).await;
    let third = refreshed(&app, &second).await;
    assert_eq!(refreshed(&app, &first).await, third);
    let fourth = refreshed(&app, &third).await;
    app.env.clock.advance(TimeDelta::seconds(9));
    for token in [&first, &second, &third] {
        assert_eq!(refreshed(&app, token).await, fourth);
    }
    app.env.clock.advance(TimeDelta::days(31));
    assert_eq!(refresh(&app, &fourth).await.refused(), ["INVALID_CREDENTIALS"], "the token has expired");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refresh_session_keeps_concurrent_tabs_signed_in() {
    let app = TestApp::with(|_| {}).await;
    let (_, first) = newcomer(&app, "ada").await;
    let tab = async || {
        let mut token = first.clone();
        for _ in 0..5 {
            token = refreshed(&app, &token).await;
        }
        token
    };
    let tabs = futures_util::future::join_all((0..8).map(|_| tab())).await;
    for token in &tabs {
        refreshed(&app, token).await;
    }
    app.close().await;
}

#[tokio::test]
async fn refresh_session_rotates_tokens_and_reuse_ends_the_session() {
    let app = TestApp::new().await;
    let (_, first) = newcomer(&app, "ada").await;
    let second = refreshed(&app, &first).await;
    assert_ne!(first, second);
    assert_eq!(refreshed(&app, &first).await, second, "two tabs get the same successor");
    let third = refreshed(&app, &second).await;
    app.env.clock.advance(TimeDelta::seconds(11));
    assert_eq!(refresh(&app, &first).await.refused(), ["INVALID_CREDENTIALS"], "an old token is reused");
    assert_eq!(refresh(&app, &third).await.refused(), ["INVALID_CREDENTIALS"], "reuse ends the session");
    for nonsense in ["", "nonsense", &first.replace('.', "x"), &"x".repeat(5000)] {
        assert_eq!(refresh(&app, nonsense).await.refused(), ["INVALID_CREDENTIALS"]);
    }
    let (_, token) = sign_in(&app, "ada").await;
    let sign_out = json!({ "refreshToken": token });
    app.mutate_anonymously("signOut", sign_out.clone()).await.done();
    app.mutate_anonymously("signOut", sign_out).await.done();
    assert_eq!(refresh(&app, &token).await.refused(), ["INVALID_CREDENTIALS"]);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refresh_session_gives_fifty_concurrent_refreshes_the_same_successor() {
    let app = TestApp::new().await;
    let (_, token) = newcomer(&app, "ada").await;
    let successors = futures_util::future::join_all((0..50).map(|_| refreshed(&app, &token))).await;
    assert!(successors.iter().all(|successor| *successor == successors[0]), "{successors:?}");
    app.close().await;
}
