//! Sessions and tokens: a token of an ended session changes nothing, an invalid token is refused where an identity is
//! needed, and refresh tokens stay valid for their full lifetime.

mod endings;
mod invalid_tokens;
mod refresh;

use serde_json::{Value, json};

use crate::support::{Person, TestApp};

const PASSWORD: &str = "correct horse battery";
const SESSION: &str = "session { accessToken refreshToken }";

/// Signs up, and returns the person with their refresh token.
async fn newcomer(app: &TestApp, name: &str) -> (Person, String) {
    let input = json!({ "email": format!("{name}@example.org"), "username": name, "password": PASSWORD });
    let payload = app.mutate_anonymously_selecting("signUp", input, SESSION).await.done();
    signed_in(app, name, &payload)
}

async fn sign_in(app: &TestApp, name: &str) -> (Person, String) {
    let input = json!({ "login": name, "password": PASSWORD });
    signed_in(app, name, &app.mutate_anonymously_selecting("signIn", input, SESSION).await.done())
}

fn signed_in(app: &TestApp, name: &str, payload: &Value) -> (Person, String) {
    let token = |name: &str| payload["session"][name].as_str().expect("a token").to_owned();
    (app.holder(name, token("accessToken")), token("refreshToken"))
}
