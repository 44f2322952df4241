//! The server that `run.sh` has started, as somebody of its demo world sees it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The server, and who asks it.
pub struct Server {
    url: String,
    token: Option<String>,
}

impl Server {
    /// Signs in.
    pub fn as_(login: &str) -> Self {
        let url = std::env::var("GUILDHALL_URL").expect("GUILDHALL_URL says where GraphQL is served");
        let mut server = Server { url, token: None };
        let query = "mutation ($login: String!) {
            signIn(input: { login: $login, password: \"guildhall-demo\" }) { session { accessToken } } }";
        let answer: Value = server.post(&json!({ "query": query, "variables": { "login": login } }));
        let token = answer["data"]["signIn"]["session"]["accessToken"].as_str();
        server.token = Some(token.expect("everybody of the demo world can sign in").to_owned());
        server
    }

    /// Sends what a client has made of an operation, and reads the answer as the client wants it.
    pub fn post<A: DeserializeOwned>(&self, operation: &impl Serialize) -> A {
        let mut request = ureq::post(&self.url);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut response = request.send_json(operation).expect("the server answers");
        response.body_mut().read_json().expect("the answer has the types that the schema promises")
    }
}
