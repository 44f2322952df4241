//! People: each has an account and sends requests with its token.

use axum::Router;
use serde_json::{Value, json};

use super::graphql::{self, Answer};

/// A signed-in person.
#[derive(Clone)]
pub struct Person {
    /// Username; the address is `<name>@example.org`.
    pub name: String,
    /// ID of the account.
    pub id: String,
    /// Access token.
    pub token: String,
    pub(super) router: Router,
}

impl Person {
    /// Runs a query without variables.
    pub async fn ask(&self, query: &str) -> Answer {
        self.run(query, json!({})).await
    }

    /// Runs a query with variables.
    pub async fn run(&self, query: &str, variables: Value) -> Answer {
        graphql::send(&self.router, Some(&self.token), query, variables).await
    }

    /// The email address of the account.
    pub fn email(&self) -> String {
        format!("{}@example.org", self.name)
    }

    /// Runs a mutation that takes `input`, and selects `fields` of the payload besides `userErrors`.
    pub async fn mutate(&self, mutation: &str, input: Value, fields: &str) -> Answer {
        graphql::send(&self.router, Some(&self.token), &document(mutation, fields), json!({ "input": input })).await
    }

    /// Creates an organization and returns its ID.
    pub async fn creates(&self, slug: &str) -> String {
        let payload = self.mutate("createOrganization", json!({ "slug": slug }), "organization { id }").await.done();
        payload["organization"]["id"].as_str().expect("an ID").to_owned()
    }

    /// Invites an address and returns the invitation's ID.
    pub async fn invites(&self, organization: &str, email: &str, role: &str) -> String {
        let input = json!({ "organizationId": organization, "invitees": [{ "email": email, "role": role }] });
        let payload =
            self.mutate("inviteMembers", input, "results { invitation { id } userErrors { code } }").await.done();
        payload["results"][0]["invitation"]["id"].as_str().expect("an invitation").to_owned()
    }

    /// Accepts an invitation and returns the membership's ID.
    pub async fn accepts(&self, invitation: &str) -> String {
        let input = json!({ "invitationId": invitation });
        let payload = self.mutate("acceptInvitation", input, "membership { id }").await.done();
        payload["membership"]["id"].as_str().expect("a membership").to_owned()
    }
}

/// The document of a mutation that takes `input`.
pub fn document(mutation: &str, fields: &str) -> String {
    let input = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    format!(
        "mutation M($input: {input}!) {{ {mutation}(input: $input) {{ {fields} userErrors {{ code message path permission requiredRole retryAt }} }} }}"
    )
}
