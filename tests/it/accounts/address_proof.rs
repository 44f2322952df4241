//! Proofs that an email address belongs to an account, and the content and limits of the mails that carry them.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp};

const PASSWORD: &str = "correct horse battery";
const ADDRESS: &str = "ada@example.org";

/// Signs up with that email address.
async fn signs_up(app: &TestApp, username: &str, email: &str) -> Person {
    let input = json!({ "username": username, "email": email, "password": PASSWORD });
    let payload = app.mutate_anonymously_selecting("signUp", input, "session { accessToken }").await.done();
    app.holder(username, payload["session"]["accessToken"].as_str().expect("a token").to_owned())
}

async fn verify(person: &Person, token: &str) -> Answer {
    person.mutate("verifyEmail", json!({ "token": token }), "viewer { email emailVerified }").await
}

/// Username and address of each account with a verified address.
async fn proven(app: &TestApp) -> Vec<String> {
    app.texts("SELECT username || ' ' || email FROM users WHERE email_verified_at IS NOT NULL ORDER BY 1").await
}

#[tokio::test]
async fn verify_email_counts_only_for_the_account_that_the_mail_names() {
    let app = TestApp::new().await;
    let stranger = signs_up(&app, "stranger", ADDRESS).await;
    let strangers_token = app.token_to(ADDRESS).await;
    let ada = signs_up(&app, "ada", ADDRESS).await;
    let before = app.snapshot().await;
    let nobody = app.mutate_anonymously("verifyEmail", json!({ "token": strangers_token })).await;
    assert_eq!(nobody.refused(), ["FORBIDDEN"], "a click alone proves nothing");
    assert_eq!(verify(&ada, &strangers_token).await.refused(), ["FORBIDDEN"], "nor does one in another account");
    assert_eq!(app.snapshot().await, before, "nothing has changed");

    let token = app.token_to(ADDRESS).await;
    let done = verify(&ada, &token).await.done();
    assert_eq!(done["viewer"], json!({ "email": ADDRESS, "emailVerified": true }));
    app.env.clock.advance(TimeDelta::days(20));
    assert_eq!(verify(&app.again(&ada).await, &token).await.done(), done, "a repeat gets the same payload");
    let stranger = app.again(&stranger).await;
    assert_eq!(verify(&stranger, &strangers_token).await.refused(), ["INVALID_CREDENTIALS"], "it went with the claim");
    assert_eq!(verify(&stranger, &token).await.refused(), ["FORBIDDEN"]);
    assert_eq!(proven(&app).await, [format!("ada {ADDRESS}")]);
    app.close().await;
}

#[tokio::test]
async fn verify_email_of_a_former_address_proves_nothing() {
    let app = TestApp::new().await;
    let ada = signs_up(&app, "ada", ADDRESS).await;
    let first = app.token_to(ADDRESS).await;
    verify(&ada, &first).await.done();
    for address in ["new@example.org", "newer@example.org"] {
        ada.mutate("changeEmail", json!({ "email": address, "password": PASSWORD }), "clientMutationId").await.done();
    }
    let (new, newer) = (app.token_to("new@example.org").await, app.token_to("newer@example.org").await);
    assert_eq!(verify(&ada, &new).await.refused(), ["INVALID_CREDENTIALS"], "a later change replaced it");
    verify(&ada, &first).await.done();
    let done = verify(&ada, &newer).await.done();
    assert_eq!(done["viewer"]["email"], "newer@example.org");
    assert_eq!(verify(&ada, &newer).await.done(), done);
    assert_eq!(verify(&ada, &first).await.refused(), ["INVALID_CREDENTIALS"], "the address is another now");
    assert_eq!(proven(&app).await, ["ada newer@example.org"]);
    app.close().await;
}

#[tokio::test]
async fn reset_password_through_an_unproven_address_ends_all_other_access() {
    let app = TestApp::new().await;
    let stranger = signs_up(&app, "stranger", ADDRESS).await;
    let elsewhere = json!({ "email": "stranger@example.org", "password": PASSWORD });
    stranger.mutate("changeEmail", elsewhere, "clientMutationId").await.done();
    let change = app.token_to("stranger@example.org").await;
    let session = json!({ "login": "stranger", "password": PASSWORD });
    let from = "203.0.113.7".parse().expect("an address");
    let session =
        app.mutate_anonymously_from(from, "signIn", session, "session { refreshToken }").await.done()["session"]
            .clone();
    app.sql(
        "INSERT INTO external_identities (issuer, subject, user_id, claimed_at)
         SELECT 'https://issuer.example', 'stranger', id, now() FROM users",
    )
    .await;
    app.mutate_anonymously("requestPasswordReset", json!({ "email": ADDRESS })).await.done();
    let reset = json!({ "token": app.token_to(ADDRESS).await, "newPassword": "another horse battery" });
    app.mutate_anonymously("resetPassword", reset).await.done();

    assert_eq!(proven(&app).await, [format!("stranger {ADDRESS}")], "the account is its reader's");
    let ways = ["sessions", "sign_in_networks", "external_identities WHERE user_id IS NOT NULL"];
    for way in ways {
        assert_eq!(app.count(way).await, 0, "{way}");
    }
    assert_eq!(app.mutate_anonymously("refreshSession", session).await.refused(), ["INVALID_CREDENTIALS"]);
    let old = json!({ "login": "stranger", "password": PASSWORD });
    assert_eq!(app.mutate_anonymously("signIn", old).await.refused(), ["INVALID_CREDENTIALS"]);
    let reader = app.named("stranger").await;
    assert_eq!(verify(&reader, &change).await.refused(), ["INVALID_CREDENTIALS"], "the pending change was deleted");
    app.close().await;
}

#[tokio::test]
async fn accept_invitation_by_token_proves_the_invited_address() {
    let app = TestApp::new().await;
    let owner = app.person("olga").await;
    let id = owner.creates("acme").await;
    let (stranger, ada) = (signs_up(&app, "stranger", ADDRESS).await, signs_up(&app, "ada", ADDRESS).await);
    owner.invites(&id, ADDRESS, "WORKER").await;
    let token = app.token_to(ADDRESS).await;
    ada.mutate("acceptInvitation", json!({ "token": token }), "membership { id }").await.done();
    assert_eq!(proven(&app).await, [format!("ada {ADDRESS}"), "olga olga@example.org".to_owned()]);
    let viewer = stranger.ask("{ viewer { email emailVerified } }").await.data();
    assert_eq!(viewer["viewer"], json!({ "email": null, "emailVerified": false }));
    app.close().await;
}

#[tokio::test]
async fn request_password_reset_keeps_earlier_links_valid() {
    let app = TestApp::new().await;
    app.person("ada").await;
    let request = async || app.mutate_anonymously("requestPasswordReset", json!({ "email": ADDRESS })).await.done();
    for _ in 0..6 {
        request().await;
    }
    let links = app.mails_to(ADDRESS).await;
    assert_eq!(links.len(), 3, "the first three mails are sent without a delay");
    app.env.clock.advance(TimeDelta::minutes(59));
    let reset = async |token: &str| {
        let input = json!({ "token": token, "newPassword": "another horse battery" });
        app.mutate_anonymously("resetPassword", input).await
    };
    reset(&links[0].1).await.done();
    assert_eq!(reset(&links[2].1).await.refused(), ["INVALID_CREDENTIALS"], "the first use invalidates all links");
    request().await;
    reset(&app.token_to(ADDRESS).await).await.done();
    app.close().await;
}

#[tokio::test]
async fn request_password_reset_counts_no_mails_before_the_account_exists() {
    let app = TestApp::new().await;
    let request = async || app.mutate_anonymously("requestPasswordReset", json!({ "email": ADDRESS })).await.done();
    for _ in 0..5 {
        request().await;
    }
    app.person("ada").await;
    request().await;
    assert_eq!(app.mails_to(ADDRESS).await.len(), 1);
    app.close().await;
}

#[tokio::test]
async fn request_password_reset_sends_one_mail_an_hour_after_the_first_three() {
    let app = TestApp::new().await;
    app.person("ada").await;
    let request = async |minutes: i64| {
        app.env.clock.advance(TimeDelta::minutes(minutes));
        app.mutate_anonymously("requestPasswordReset", json!({ "email": ADDRESS })).await.done();
        app.mails_to(ADDRESS).await.len()
    };
    // The test starts at midnight UTC, so that no daily count is reset during it.
    let until_midnight = 24 * 60 - app.env.clock.now().signed_duration_since(midnight(&app)).num_minutes();
    let mut sent = Vec::new();
    for minutes in [until_midnight, 0, 0, 59, 1, 59, 1] {
        sent.push(request(minutes).await);
    }
    assert_eq!(sent, [1, 2, 3, 3, 4, 4, 5]);
    app.close().await;
}

/// Midnight UTC of the current day.
fn midnight(app: &TestApp) -> chrono::DateTime<chrono::Utc> {
    app.env.clock.now().date_naive().and_time(chrono::NaiveTime::MIN).and_utc()
}

#[tokio::test]
async fn sign_up_sends_at_most_three_mails_a_day_to_an_address() {
    let app = TestApp::new().await;
    for n in 0..6 {
        signs_up(&app, &format!("ada{n}"), ADDRESS).await;
    }
    assert_eq!(app.mails_to(ADDRESS).await.len(), 3, "accounts are created although the mails are limited");
    assert_eq!(app.count("users").await, 6);
    assert_eq!(app.number("SELECT max(count)::bigint FROM mail_counts").await, 3, "all processes share the count");
    app.mutate_anonymously("requestPasswordReset", json!({ "email": ADDRESS })).await.done();
    assert_eq!(app.mails_to(ADDRESS).await.len(), 4, "mails of reset are counted apart");
    app.env.clock.advance(TimeDelta::days(2));
    signs_up(&app, "ada7", ADDRESS).await;
    assert_eq!(app.mails_to(ADDRESS).await.len(), 5);
    guildhall::operations::maintenance::schedule::sweep(&app.env.store, &app.env.clock).await.expect("it runs");
    assert_eq!(app.count("mail_counts").await, 1, "counts of earlier days are deleted");
    app.close().await;
}

#[tokio::test]
async fn request_password_reset_is_rate_limited_per_network() {
    let app = TestApp::new().await;
    app.person("ada").await;
    let ask = async |from: [u8; 4], email: &str| {
        app.mutate_anonymously_from(from.into(), "requestPasswordReset", json!({ "email": email }), "clientMutationId")
            .await
    };
    app.sql("UPDATE mail_counts SET count = 0").await;
    ask([10, 0, 0, 1], "nobody@example.org").await.done();
    app.sql("UPDATE mail_counts SET count = 200").await;
    let refused = ask([10, 0, 0, 1], ADDRESS).await;
    assert_eq!(refused.refused(), ["RATE_LIMITED"]);
    assert_eq!(
        ask([10, 0, 0, 1], "unknown@example.org").await.refused(),
        ["RATE_LIMITED"],
        "an unknown address gets the same code"
    );
    ask([10, 0, 0, 2], ADDRESS).await.done();
    assert_eq!(app.mails_to(ADDRESS).await.len(), 1);
    app.close().await;
}

#[tokio::test]
async fn account_mails_contain_no_free_text() {
    let app = TestApp::new().await;
    let input = json!({ "username": "ada", "email": ADDRESS, "password": PASSWORD, "displayName": "You won 500 EUR" });
    let payload = app.mutate_anonymously_selecting("signUp", input, "session { accessToken }").await.done();
    let ada = app.holder("ada", payload["session"]["accessToken"].as_str().expect("a token").to_owned());
    let change = json!({ "email": "new@example.org", "password": PASSWORD });
    ada.mutate("changeEmail", change, "clientMutationId").await.done();
    app.mutate_anonymously("requestPasswordReset", json!({ "email": ADDRESS })).await.done();
    let variables = app.texts("SELECT variables::text FROM mails").await;
    assert_eq!(variables.len(), 3);
    for variables in variables {
        let variables: Value = serde_json::from_str(&variables).expect("JSON");
        let names: Vec<_> = variables.as_object().expect("an object").keys().collect();
        assert_eq!(names, ["expires_at", "username"]);
        assert_eq!(variables["username"], "ada");
    }
    app.close().await;
}

#[tokio::test]
async fn name_validation_refuses_new_names_with_web_addresses() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let bad = ["see https://evil.example", "WWW.evil.example", "ｗｗｗ．evil.example"];
    for name in bad {
        let sign_up =
            json!({ "username": "eve", "email": "eve@example.org", "password": PASSWORD, "displayName": name });
        assert_eq!(app.mutate_anonymously("signUp", sign_up).await.refused(), ["INVALID_FORMAT"], "{name}");
        let refused = async |mutation: &str, input: Value| {
            assert_eq!(ada.mutate(mutation, input, "clientMutationId").await.refused(), ["INVALID_FORMAT"], "{name}");
        };
        refused("updateProfile", json!({ "displayName": name })).await;
        refused("createOrganization", json!({ "slug": "other", "name": name })).await;
        refused("updateOrganization", json!({ "organizationId": id, "name": name })).await;
    }
    // Names from before this rule stay valid, and an update can send them again.
    app.sql("UPDATE organizations SET name = 'www.acme.example'; UPDATE users SET display_name = 'www.ada.example'")
        .await;
    let allowed = json!({ "organizationId": id, "name": "www.acme.example", "description": "new" });
    ada.mutate("updateOrganization", allowed, "clientMutationId").await.done();
    let allowed = json!({ "displayName": "www.ada.example", "username": "countess" });
    ada.mutate("updateProfile", allowed, "clientMutationId").await.done();
    app.close().await;
}
