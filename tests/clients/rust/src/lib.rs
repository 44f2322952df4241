//! The server that `run.sh` has started, with a signed-in demo account.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The server and the access token of the caller.
pub struct Server {
    url: String,
    token: Option<String>,
}

impl Server {
    /// Signs in with the username or address of a demo account.
    pub fn as_(login: &str) -> Self {
        let url = std::env::var("GUILDHALL_URL").expect("GUILDHALL_URL is the URL of the GraphQL endpoint");
        let mut server = Server { url, token: None };
        let query = "mutation ($login: String!) {
            signIn(input: { login: $login, password: \"guildhall-demo\" }) { session { accessToken } } }";
        let answer: Value = server.post(&json!({ "query": query, "variables": { "login": login } }));
        let token = answer["data"]["signIn"]["session"]["accessToken"].as_str();
        server.token = Some(token.expect("every demo account can sign in").to_owned());
        server
    }

    /// Posts a client's request, and deserializes the response into the client's type.
    pub fn post<A: DeserializeOwned>(&self, operation: &impl Serialize) -> A {
        let mut request = ureq::post(&self.url);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut response = request.send_json(operation).expect("the server responds");
        response.body_mut().read_json().expect("the response has the types of the schema")
    }
}
