//! Accounts: sign-up, verification of addresses, sign-in, sessions, passwords and deletion.

mod address_proof;
mod delete;
mod email_domains;
mod model;
mod oidc;
mod oidc_attacks;
mod passwords;
mod profile;
mod sessions;
mod sign_in;
mod sign_up;
mod throttles;

use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp};

const PASSWORD: &str = "correct horse battery";
const SESSION: &str = "session { accessToken refreshToken accessTokenExpiresAt refreshTokenExpiresAt }";

async fn sign_up(app: &TestApp, input: Value) -> Answer {
    app.mutate_anonymously_selecting(
        "signUp",
        input,
        &format!("{SESSION} viewer {{ email emailVerified user {{ username displayName }} }}"),
    )
    .await
}

async fn sign_in(app: &TestApp, login: &str, password: &str) -> Answer {
    app.mutate_anonymously_selecting("signIn", json!({ "login": login, "password": password }), SESSION).await
}

fn account(name: &str) -> Value {
    json!({ "email": format!("{name}@example.org"), "username": name, "password": PASSWORD })
}

/// Signs up and returns the person with their refresh token.
async fn newcomer(app: &TestApp, name: &str) -> (Person, String) {
    let payload = sign_up(app, account(name)).await.done();
    (as_person(app, name, &payload), payload["session"]["refreshToken"].as_str().expect("a token").to_owned())
}

fn as_person(app: &TestApp, name: &str, payload: &Value) -> Person {
    let token = payload["session"]["accessToken"].as_str().expect("a token").to_owned();
    app.holder(name, token)
}

/// A password that is long enough, but too common.
const WEAK: &str = "password1";
