//! Idempotency keys: a repeated mutation runs once, and each repeat gets a successful payload.

mod inputs;
mod races;
mod repeats;
mod storage;

use serde_json::json;

use crate::support::{Answer, Person};

async fn create(person: &Person, slug: &str, key: &str) -> Answer {
    let input = json!({ "slug": slug, "idempotencyKey": key });
    person.mutate("createOrganization", input, "organization { id slug }").await
}

async fn change_role(person: &Person, membership: &str, role: &str, key: &str) -> Answer {
    let input = json!({ "membershipId": membership, "role": role, "idempotencyKey": key });
    person.mutate("changeMemberRole", input, "membership { id role }").await
}

/// Creates Ada's organization with Bob as a worker. Returns its ID and the ID of Bob's membership.
async fn acme(ada: &Person, bob: &Person) -> (String, String) {
    let id = ada.creates("acme").await;
    let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
    (id, bob.accepts(&invitation).await)
}
