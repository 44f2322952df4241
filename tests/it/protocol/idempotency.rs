//! Idempotency keys: a repeated mutation runs once, and each repeat gets a successful payload.

use chrono::TimeDelta;
use guildhall::operations::maintenance::schedule;
use serde_json::{Value, json};

use crate::platform::races::{MANY, at_once, counts, tally};
use crate::support::{Answer, Person, TestApp};

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

#[tokio::test]
async fn idempotency_key_repeat_returns_the_same_object_and_changes_nothing() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let first = create(&ada, "acme", "k").await.done();
    assert!(first["organization"]["id"].is_string());
    assert_eq!(create(&ada, "acme", "k").await.done(), first);
    assert_eq!(app.count("organizations").await, 1);
    assert_eq!(app.log().await, ["ORGANIZATION_CREATED", "MEMBER_JOINED"]);
    app.close().await;
}

#[tokio::test]
async fn idempotency_key_repeat_returns_the_current_state() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let (id, membership) = acme(&ada, &bob).await;
    change_role(&ada, &membership, "SUPERVISOR", "up").await.done();
    change_role(&ada, &membership, "MAINTAINER", "further").await.done();
    let repeated = change_role(&ada, &membership, "SUPERVISOR", "up").await.done();
    assert_eq!(repeated["membership"]["role"], "MAINTAINER");

    let invite = json!({ "organizationId": id, "idempotencyKey": "k",
        "invitees": [{ "email": "cy@example.org", "role": "WORKER" }] });
    let results = "results { email invitation { id } userErrors { code } }";
    let invited = bob.mutate("inviteMembers", invite.clone(), results).await.done();
    assert!(invited["results"][0]["invitation"]["id"].is_string());
    change_role(&ada, &membership, "WORKER", "down").await.done();
    let repeated = bob.mutate("inviteMembers", invite.clone(), results).await.done();
    let nothing = json!([{ "email": "cy@example.org", "invitation": null, "userErrors": [] }]);
    assert_eq!(repeated["results"], nothing, "what a worker does not see");

    let removal = json!({ "membershipId": membership, "idempotencyKey": "out" });
    let fields = "removedMembershipId organization { memberCount }";
    let removed = ada.mutate("removeMember", removal.clone(), fields).await.done();
    assert_eq!(removed, ada.mutate("removeMember", removal, fields).await.done());
    assert_eq!(removed["removedMembershipId"], membership);
    let gone = change_role(&ada, &membership, "SUPERVISOR", "up").await.done();
    assert_eq!(gone["membership"], Value::Null, "it is gone, and that is no refusal");
    app.close().await;
}

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
async fn idempotency_key_is_not_stored_for_a_refused_mutation() {
    let app = TestApp::new().await;
    let (ada, bob, cy) = (app.person("ada").await, app.person("bob").await, app.person("cyd").await);
    let (id, membership) = acme(&ada, &bob).await;
    let of_cy = cy.accepts(&ada.invites(&id, &cy.email(), "WORKER").await).await;
    assert_eq!(change_role(&bob, &of_cy, "SUPERVISOR", "k").await.refused(), ["FORBIDDEN"]);
    assert_eq!(app.count("idempotency_keys").await, 0);
    change_role(&ada, &membership, "MAINTAINER", "k").await.done();
    let changed = change_role(&bob, &of_cy, "SUPERVISOR", "k").await.done();
    assert_eq!(changed["membership"]["role"], "SUPERVISOR");
    assert_eq!(app.count("idempotency_keys").await, 2);
    app.close().await;
}

#[tokio::test]
async fn invite_members_without_a_new_invitation_does_not_store_the_key() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    for policy in ["SKIP", "REJECT_ALL"] {
        let invitation = ada.invites(&id, "bob@example.org", "WORKER").await;
        let input = json!({ "organizationId": id, "onError": policy, "idempotencyKey": policy,
            "invitees": [{ "email": "bob@example.org", "role": "WORKER" }] });
        let fields = "results { invitation { id } userErrors { code } }";
        let invite = || ada.mutate("inviteMembers", input.clone(), fields);
        let none = invite().await.data()["inviteMembers"]["results"][0].clone();
        assert_eq!(none, json!({ "invitation": null, "userErrors": [{ "code": "ALREADY_INVITED" }] }));
        ada.mutate("revokeInvitation", json!({ "invitationId": invitation }), "invitation { id }").await.done();
        let second = invite().await.done();
        let made = second["results"][0]["invitation"]["id"].clone();
        assert!(made.is_string(), "{policy}: {second}");
        assert_eq!(invite().await.done(), second);
        ada.mutate("revokeInvitation", json!({ "invitationId": made }), "invitation { id }").await.done();
    }
    app.close().await;
}

#[tokio::test]
async fn invite_members_repeat_returns_the_same_results_and_sends_no_mail() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let invitees = json!([
        { "email": "Bob@Example.org", "role": "WORKER" },
        { "email": "ada@example.org", "role": "WORKER" },
        { "email": "nonsense", "role": "WORKER" },
        { "email": "cy@example.org", "role": "OWNER" },
        { "email": "di@example.org", "role": "MAINTAINER" },
        { "email": "di@example.org", "role": "WORKER" },
    ]);
    let input = json!({ "organizationId": id, "invitees": invitees, "message": "Come.", "idempotencyKey": "k" });
    let fields = "results { email invitation { id email status } userErrors { code message path } }";
    let first = ada.mutate("inviteMembers", input.clone(), fields).await.done();
    let codes = |payload: &Value| -> Vec<String> {
        let results = payload["results"].as_array().expect("results").iter();
        results.map(|result| result["userErrors"][0]["code"].as_str().unwrap_or("ok").to_owned()).collect()
    };
    let expected = ["ok", "ALREADY_MEMBER", "INVALID_FORMAT", "ROLE_NOT_ASSIGNABLE", "ok", "DUPLICATE_IN_REQUEST"];
    assert_eq!(codes(&first), expected);
    let log = app.log().await;
    assert_eq!(ada.mutate("inviteMembers", input.clone(), fields).await.done(), first);
    assert_eq!((app.count("mails").await, app.count("invitations").await), (2, 2));
    assert_eq!(app.log().await, log);
    let kept = "SELECT count(*) FROM idempotency_keys WHERE result::text LIKE '%example%'";
    assert_eq!(app.number(kept).await, 0, "no addresses are kept");
    app.close().await;
}

#[tokio::test]
async fn resend_invitation_repeat_sends_no_mail_and_is_not_rate_limited() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let invitation = ada.invites(&id, "bob@example.org", "WORKER").await;
    app.env.clock.advance(TimeDelta::minutes(2));
    let resend = |key: &str| {
        let input = json!({ "invitationId": invitation, "idempotencyKey": key });
        let ada = ada.clone();
        async move { ada.mutate("resendInvitation", input, "invitation { id expiresAt }").await }
    };
    let first = resend("k").await.done();
    let token = app.token_to("bob@example.org").await;
    assert_eq!(resend("k").await.done(), first);
    assert_eq!(app.token_to("bob@example.org").await, token);
    assert_eq!(app.count("mails").await, 2);
    assert_eq!(resend("another").await.refused(), ["RATE_LIMITED"]);
    app.close().await;
}

#[tokio::test]
async fn ownership_offer_mutations_run_once_per_idempotency_key() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let (id, membership) = acme(&ada, &bob).await;
    let fields = "ownershipOffer { id status }";
    let twice = |person: &Person, mutation: &'static str, field: &'static str, value: Value| {
        let (person, input) = (person.clone(), json!({ field: value, "idempotencyKey": "k" }));
        async move {
            let first = person.mutate(mutation, input.clone(), fields).await.done();
            assert_eq!(person.mutate(mutation, input, fields).await.done(), first, "{mutation}");
            first["ownershipOffer"]["id"].clone()
        }
    };
    let offer = twice(&ada, "offerOwnership", "membershipId", json!(membership)).await;
    twice(&bob, "declineOwnership", "ownershipOfferId", offer).await;
    let offer = |key: &'static str| {
        let (ada, input) = (ada.clone(), json!({ "membershipId": membership, "idempotencyKey": key }));
        async move { ada.mutate("offerOwnership", input, fields).await.done()["ownershipOffer"]["id"].clone() }
    };
    twice(&ada, "cancelOwnershipOffer", "ownershipOfferId", offer("second").await).await;
    let input = json!({ "ownershipOfferId": offer("third").await, "idempotencyKey": "k" });
    let fields = "ownershipOffer { status } organization { owner { username } }";
    let accepted = bob.mutate("acceptOwnership", input.clone(), fields).await.done();
    assert_eq!(accepted["organization"]["owner"]["username"], "bob");
    assert_eq!(bob.mutate("acceptOwnership", input, fields).await.done(), accepted);

    let leave = json!({ "organizationId": id, "idempotencyKey": "k" });
    let left = ada.mutate("leaveOrganization", leave.clone(), "leftMembershipId").await.done();
    assert_eq!(ada.mutate("leaveOrganization", leave, "leftMembershipId").await.done(), left);
    let count = |log: &[String], kind: &str| log.iter().filter(|event| *event == kind).count();
    let log = app.log().await;
    assert_eq!((count(&log, "OWNERSHIP_TRANSFERRED"), count(&log, "MEMBER_LEFT")), (1, 1));
    app.check_invariants().await;
    app.close().await;
}

#[tokio::test]
async fn accept_invitation_and_decline_invitation_run_once_per_idempotency_key() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    for (mutation, fields) in [
        ("declineInvitation", "invitation { id status }"),
        ("acceptInvitation", "invitation { id status } membership { id role }"),
    ] {
        let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
        let input = json!({ "invitationId": invitation, "idempotencyKey": "k" });
        let first = bob.mutate(mutation, input.clone(), fields).await.done();
        assert_eq!(first["invitation"]["id"], invitation);
        assert_eq!(bob.mutate(mutation, input, fields).await.done(), first);
        let bare = json!({ "invitationId": invitation });
        assert_eq!(bob.mutate(mutation, bare, fields).await.refused(), ["INVITATION_NOT_PENDING"]);
    }
    app.close().await;
}

#[tokio::test]
async fn decline_invitation_by_token_repeats_without_sign_in() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let mut tokens = Vec::new();
    for email in ["bob@example.org", "cy@example.org"] {
        ada.invites(&id, email, "WORKER").await;
        tokens.push(app.token_to(email).await);
    }
    let decline = |token: &str, key: &str| {
        let input = json!({ "token": token, "idempotencyKey": key });
        let app = &app;
        async move { app.nobody_gets("declineInvitation", input, "invitation { id }").await }
    };
    assert_eq!(decline(&tokens[0], "k").await.done()["invitation"], Value::Null);
    decline(&tokens[0], "k").await.done();
    assert_eq!(decline(&tokens[0], "other").await.refused(), ["INVITATION_NOT_PENDING"]);
    decline(&tokens[1], "k").await.done();
    assert_eq!(decline("unknown", "k").await.refused(), ["NOT_FOUND"]);
    let declined = app.log().await.into_iter().filter(|event| event == "INVITATION_DECLINED").count();
    assert_eq!(declined, 2, "one for each token");
    app.close().await;
}

#[tokio::test]
async fn idempotency_key_repeat_without_sign_in_is_unauthenticated() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    create(&ada, "acme", "k").await.done();
    let input = json!({ "slug": "acme", "idempotencyKey": "k" });
    assert_eq!(app.nobody_mutates("createOrganization", input).await.codes(), ["UNAUTHENTICATED"]);
    app.close().await;
}

#[tokio::test]
async fn idempotency_key_expires_after_a_day_and_is_deleted_by_the_sweep() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let first = create(&ada, "acme", "k").await.done();
    create(&ada, "second", "swept").await.done();
    app.env.clock.advance(TimeDelta::hours(24) - TimeDelta::minutes(1));
    let ada = app.again(&ada).await;
    assert_eq!(create(&ada, "acme", "k").await.done(), first);
    schedule::sweep(&app.env.store, &app.env.clock).await.expect("a sweep");
    assert_eq!(app.count("idempotency_keys").await, 2, "a day is not over");

    app.env.clock.advance(TimeDelta::minutes(2));
    assert_eq!(create(&ada, "acme", "k").await.refused(), ["SLUG_TAKEN"], "it is done, not repeated");
    let other = create(&ada, "other", "k").await.done();
    assert_ne!(other["organization"]["id"], first["organization"]["id"]);
    assert_eq!(create(&ada, "other", "k").await.done(), other, "taken over");
    schedule::sweep(&app.env.store, &app.env.clock).await.expect("a sweep");
    let left = "SELECT count(*) FROM idempotency_keys WHERE key = 'k'";
    assert_eq!((app.number(left).await, app.count("idempotency_keys").await), (1, 1));
    app.close().await;
}

#[tokio::test]
async fn sweep_deletes_more_than_one_batch_of_idempotency_keys() {
    let app = TestApp::new().await;
    app.sql(
        "INSERT INTO idempotency_keys (scope_id, mutation, key, input_hash, created_at)
         SELECT gen_random_uuid(), 'createOrganization', n::text, '\\x00', now() - interval '25 h' FROM generate_series(1, 1200) n",
    )
    .await;
    assert_eq!(schedule::sweep(&app.env.store, &app.env.clock).await.expect("a sweep"), 1200);
    assert_eq!(app.count("idempotency_keys").await, 0);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_organization_fifty_times_with_one_key_returns_one_organization() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let answers = at_once(|_| {
        let ada = ada.clone();
        async move { create(&ada, "acme", "k").await }
    });
    let mut payloads: Vec<Value> = answers.await.into_iter().map(Answer::done).collect();
    payloads.dedup();
    assert_eq!(payloads.len(), 1, "all the same");
    assert!(payloads[0]["organization"]["id"].is_string());
    assert_eq!(app.count("organizations").await, 1);
    assert_eq!(app.log().await, ["ORGANIZATION_CREATED", "MEMBER_JOINED"]);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_organization_with_fifty_inputs_and_one_key_creates_one() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let answers = at_once(|n| {
        let ada = ada.clone();
        async move { create(&ada, &format!("acme-{n}"), "k").await }
    });
    assert_eq!(tally(answers.await), counts([("ok", 1), ("IDEMPOTENCY_KEY_REUSED", MANY - 1)]));
    assert_eq!(app.count("organizations").await, 1);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn change_member_role_fifty_times_with_one_key_writes_one_event() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let (_, membership) = acme(&ada, &bob).await;
    let answers = at_once(|_| {
        let (ada, membership) = (ada.clone(), membership.clone());
        async move { change_role(&ada, &membership, "SUPERVISOR", "k").await }
    });
    assert_eq!(tally(answers.await), counts([("ok", MANY)]));
    assert_eq!(app.log_after("MEMBER_JOINED").await, ["MEMBER_ROLE_CHANGED"]);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invite_members_fifty_times_with_one_key_sends_one_mail() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let input = json!({ "organizationId": id, "onError": "REJECT_ALL", "idempotencyKey": "k",
        "invitees": [{ "email": "bob@example.org", "role": "WORKER" }] });
    let answers = at_once(|_| {
        let (ada, input) = (ada.clone(), input.clone());
        async move { ada.mutate("inviteMembers", input, "results { invitation { id } }").await }
    });
    let mut payloads: Vec<Value> = answers.await.into_iter().map(Answer::done).collect();
    payloads.dedup();
    assert_eq!(payloads.len(), 1, "all the same, where all but one were ALREADY_INVITED without a key");
    assert_eq!(app.count("mails").await, 1);
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
