//! Which inputs count as the same, and which callers and mutations share a key.

use serde_json::{Value, json};

use super::{acme, create};
use crate::support::TestApp;

/// Account mutations. Their inputs have no idempotency key.
const ACCOUNTS: [&str; 12] = [
    "changeEmail",
    "changePassword",
    "deleteAccount",
    "refreshSession",
    "requestPasswordReset",
    "resendVerificationEmail",
    "resetPassword",
    "signIn",
    "signOut",
    "signUp",
    "updateProfile",
    "verifyEmail",
];

#[tokio::test]
async fn idempotency_key_with_another_input_is_refused() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let first = create(&ada, "acme", "k").await.done();
    let refused = create(&ada, "other", "k").await.data()["createOrganization"].clone();
    assert_eq!(refused["organization"], Value::Null);
    assert_eq!(refused["userErrors"][0]["code"], "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(refused["userErrors"][0]["path"], json!(["input", "idempotencyKey"]));
    assert_eq!(app.count("organizations").await, 1);
    assert_eq!(create(&ada, "acme", "k").await.done(), first, "the first write keeps the key");
    app.close().await;
}

#[tokio::test]
async fn idempotency_key_compares_inputs_by_value_not_by_syntax() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let (id, _) = acme(&ada, &bob).await;
    let fields = "results { invitation { id } } userErrors { code }";
    let written = |input: &str| format!("mutation {{ again: inviteMembers(input: {{ {input} }}) {{ {fields} }} }}");
    let literal = format!(
        r#"organizationId: "{id}", idempotencyKey: "k", invitees: {{ role: WORKER, email: "cy@example.org" }}"#
    );
    let first = ada.ask(&written(&literal)).await.done();
    assert!(first["results"][0]["invitation"]["id"].is_string());
    let spelled_out = format!("{literal}, onError: SKIP, clientMutationId: \"second\"");
    assert_eq!(ada.ask(&written(&spelled_out)).await.done(), first);
    let query = format!(
        "mutation M($email: String!, $role: Role = WORKER, $key: String, $policy: InviteErrorPolicy! = SKIP) {{
             inviteMembers(input: {{ invitees: [{{ email: $email, role: $role }}], onError: $policy, idempotencyKey: $key,
                 organizationId: \"{id}\" }}) {{ {fields} }} }}"
    );
    let variables = json!({ "email": "cy@example.org", "key": "k" });
    assert_eq!(ada.run(&query, variables).await.done(), first);
    for other in [
        json!({ "email": "cy@example.org", "key": "k", "policy": "REJECT_ALL" }),
        json!({ "email": "cy@example.org", "key": "k", "role": "SUPERVISOR" }),
        json!({ "email": "di@example.org", "key": "k" }),
    ] {
        assert_eq!(ada.run(&query, other).await.refused(), ["IDEMPOTENCY_KEY_REUSED"]);
    }
    assert_eq!(app.count("invitations").await, 2);
    app.close().await;
}

#[tokio::test]
async fn idempotency_key_distinguishes_null_from_an_absent_field() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let update = |input: Value| {
        let mut whole = json!({ "organizationId": id, "idempotencyKey": "k" });
        whole.as_object_mut().expect("an object").extend(input.as_object().expect("an object").clone());
        let ada = ada.clone();
        async move { ada.mutate("updateOrganization", whole, "organization { version }").await }
    };
    let first = update(json!({ "name": "Acme", "contact": { "phone": "1" } })).await.done();
    assert_eq!(update(json!({ "contact": { "phone": "1" }, "name": "Acme" })).await.done(), first);
    for other in [
        json!({ "name": "Acme", "contact": { "phone": "1", "email": null } }),
        json!({ "name": "Acme", "contact": { "phone": "1" }, "description": null }),
        json!({ "name": "Acme", "contact": null }),
        json!({ "name": "Acme" }),
    ] {
        assert_eq!(update(other).await.refused(), ["IDEMPOTENCY_KEY_REUSED"]);
    }
    app.close().await;
}

#[tokio::test]
async fn idempotency_key_is_scoped_by_caller_and_mutation() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let acme = create(&ada, "acme", "k").await.done();
    let other = create(&bob, "other", "k").await.done();
    assert_ne!(acme["organization"]["id"], other["organization"]["id"]);
    let update = json!({ "organizationId": acme["organization"]["id"], "name": "Acme", "idempotencyKey": "k" });
    let updated = ada.mutate("updateOrganization", update, "organization { name }").await.done();
    assert_eq!(updated["organization"]["name"], "Acme");
    assert_eq!(app.count("idempotency_keys").await, 3);
    app.close().await;
}

#[tokio::test]
async fn idempotency_key_of_another_caller_with_the_same_input_runs_separately() {
    let app = TestApp::new().await;
    let (ada, bob, cyd) = (app.person("ada").await, app.person("bob").await, app.person("cyd").await);
    let (id, of_bob) = acme(&ada, &bob).await;
    let of_cyd = cyd.accepts(&ada.invites(&id, &cyd.email(), "WORKER").await).await;
    let leave = json!({ "organizationId": id, "idempotencyKey": "k" });
    for (person, membership) in [(&bob, &of_bob), (&cyd, &of_cyd), (&bob, &of_bob)] {
        let left = person.mutate("leaveOrganization", leave.clone(), "leftMembershipId").await.done();
        assert_eq!(left["leftMembershipId"], *membership);
    }
    assert_eq!(app.count("memberships").await, 1);
    app.close().await;
}

#[tokio::test]
async fn idempotency_key_must_have_1_to_128_characters_without_control_characters() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    for (key, code) in [
        (String::new(), "REQUIRED"),
        ("é".repeat(129), "TOO_LONG"),
        ("a\0b".to_owned(), "INVALID_FORMAT"),
        ("a\nb".to_owned(), "INVALID_FORMAT"),
    ] {
        let refused = create(&ada, "acme", &key).await.data()["createOrganization"]["userErrors"].clone();
        assert_eq!(refused[0]["code"], code, "{key:?}");
        assert_eq!(refused[0]["path"], json!(["input", "idempotencyKey"]));
    }
    let longest = "é".repeat(128);
    let made = create(&ada, "acme", &longest).await.done();
    assert_eq!(create(&ada, "acme", &longest).await.done(), made);
    create(&ada, "other", " ").await.done();
    let null = json!({ "slug": "third", "idempotencyKey": null });
    ada.mutate("createOrganization", null, "organization { id }").await.done();
    assert_eq!(app.count("idempotency_keys").await, 2);
    app.close().await;
}

#[tokio::test]
async fn mutations_take_an_idempotency_key_except_account_mutations() {
    let app = TestApp::new().await;
    let query =
        r#"{ __type(name: "Mutation") { fields { name args { name type { ofType { inputFields { name } } } } } } }"#;
    let data = app.nobody(query).await.data();
    let mutations = data["__type"]["fields"].as_array().expect("mutations");
    assert!(mutations.len() > ACCOUNTS.len());
    for mutation in mutations {
        let name = mutation["name"].as_str().expect("a name");
        let fields = mutation["args"][0]["type"]["ofType"]["inputFields"].as_array().expect("an input");
        let takes_a_key = fields.iter().any(|field| field["name"] == "idempotencyKey");
        assert_eq!(takes_a_key, !ACCOUNTS.contains(&name), "{name}");
    }
    app.close().await;
}
