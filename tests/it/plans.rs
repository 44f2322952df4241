//! Plans: limits, seats, billing and periods.

use chrono::TimeDelta;
use guildhall::domain::ids::TypedId;
use guildhall::domain::limit::LimitKind;
use guildhall::domain::plan_catalog::Plans;
use guildhall::domain::{Code, Error, OrganizationId, ProjectId, UserId, WorkspaceId};
use guildhall::operations::maintenance::expire_plans::expire_plans;
use guildhall::operations::plans::quota;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Person, TestApp};

const LIMIT: &str = "limit { kind used max }";

/// An application where the limits of the built-in plans apply to all accounts.
pub async fn limited() -> TestApp {
    TestApp::with(|settings| settings.rules.plans = Plans::default()).await
}

/// The ID of the person's personal workspace.
fn personal(person: &Person) -> String {
    let user = UserId::parse(&person.id).expect("an ID");
    guildhall::domain::PersonalWorkspaceId::from(Uuid::from(user)).to_string()
}

fn uuid(organization: &str) -> Uuid {
    OrganizationId::parse(organization).expect("an ID").into()
}

fn invitees(organization: &str, names: std::ops::Range<usize>) -> Value {
    let people: Vec<_> =
        names.map(|n| json!({ "email": format!("guest-{n}@example.org"), "role": "WORKER" })).collect();
    json!({ "organizationId": organization, "invitees": people })
}

/// Fields of an organization, as the person sees them.
async fn seen(person: &Person, organization: &str, fields: &str) -> Value {
    let query = format!(r#"{{ organization(id: "{organization}") {{ {fields} }} }}"#);
    person.ask(&query).await.data()["organization"].clone()
}

/// Adds that many workers to the organization.
pub async fn join(app: &TestApp, organization: &str, count: usize) {
    app.sql(&format!(
        "BEGIN;
         INSERT INTO users (id, username, created_at) SELECT gen_random_uuid(), 'member-' || n, now() FROM generate_series(1, {count}) n;
         INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
           SELECT gen_random_uuid(), '{0}', id, username, 'WORKER', now() FROM users WHERE username LIKE 'member-%';
         UPDATE organizations o SET member_count = (SELECT count(*) FROM memberships m WHERE m.organization_id = o.id) WHERE id = '{0}';
         COMMIT",
        uuid(organization)
    ))
    .await;
}

#[tokio::test]
async fn create_organization_refuses_a_second_one_on_the_free_plan_and_names_the_limit() {
    let app = limited().await;
    let ada = app.person("ada").await;
    ada.creates("acme").await;
    let document = format!(
        r#"mutation {{ createOrganization(input: {{ slug: "another" }}) {{ organization {{ id }} userErrors {{ code path {LIMIT} }} }} }}"#
    );
    let refused = ada.ask(&document).await.data()["createOrganization"].clone();
    let limit = json!({ "kind": "OWNED_ORGANIZATIONS", "used": 1, "max": 1 });
    let error = json!({ "code": "LIMIT_EXCEEDED", "path": [], "limit": limit });
    assert_eq!(refused, json!({ "organization": null, "userErrors": [error] }));
    let taken = ada.mutate("createOrganization", json!({ "slug": "acme" }), "organization { id }").await;
    assert_eq!(taken.refused(), ["SLUG_TAKEN"], "state comes before limits");
    assert_eq!(app.count("organizations").await, 1);
    app.close().await;
}

#[tokio::test]
async fn create_organization_does_not_count_organizations_pending_deletion() {
    let app = limited().await;
    let ada = app.person("ada").await;
    ada.creates("acme").await;
    app.sql("UPDATE organizations SET status = 'PENDING_DELETION', deletion_scheduled_for = now() + interval '7 d'")
        .await;
    ada.creates("another").await;
    app.close().await;
}

#[tokio::test]
async fn invite_members_gives_the_last_seats_to_the_first_invitees() {
    let app = limited().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    join(&app, &id, 7).await;
    let fields = format!("results {{ invitation {{ id }} userErrors {{ code path {LIMIT} }} }}");
    let mut input = invitees(&id, 0..4);
    input["invitees"][0]["email"] = json!("no address");
    input["onError"] = json!("REJECT_ALL");
    let rejected = ada.mutate("inviteMembers", input.clone(), &fields).await;
    assert_eq!(rejected.body["data"]["inviteMembers"]["results"][1], json!({ "invitation": null, "userErrors": [] }));
    assert_eq!(app.count("invitations").await, 0, "nothing is written unless all are good");

    input["onError"] = json!("SKIP");
    let results = ada.mutate("inviteMembers", input, &fields).await.done()["results"].clone();
    assert_eq!(results[0]["userErrors"][0]["code"], "INVALID_FORMAT", "who cannot be invited takes no seat");
    assert!(results[1]["invitation"]["id"].is_string() && results[2]["invitation"]["id"].is_string(), "{results}");
    let limit = json!({ "kind": "MEMBERS", "used": 10, "max": 10 });
    let error = json!({ "code": "LIMIT_EXCEEDED", "path": ["input", "invitees", "3"], "limit": limit });
    assert_eq!(results[3], json!({ "invitation": null, "userErrors": [error] }));
    let taken = json!({ "used": 8, "reserved": 2, "total": 10 });
    assert_eq!(seen(&ada, &id, "seats { used reserved total }").await["seats"], taken);
    app.close().await;
}

#[tokio::test]
async fn invite_members_reject_all_reports_current_use_without_rejected_invitees() {
    let app = limited().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    join(&app, &id, 7).await;
    let mut input = invitees(&id, 0..4);
    input["onError"] = json!("REJECT_ALL");
    let fields = format!("results {{ userErrors {{ code message {LIMIT} }} }}");
    let rejected = ada.mutate("inviteMembers", input, &fields).await.body["data"]["inviteMembers"].clone();
    let errors: Vec<_> = (0..4).map(|n| rejected["results"][n]["userErrors"][0].clone()).collect();
    assert_eq!(errors[..2], [Value::Null, Value::Null], "there is room for two");
    for error in &errors[2..] {
        assert_eq!(error["limit"], json!({ "kind": "MEMBERS", "used": 8, "max": 10 }));
    }
    assert_eq!(app.count("invitations").await, 0);
    app.close().await;
}

#[tokio::test]
async fn resend_invitation_of_an_expired_one_needs_a_free_seat() {
    let app = limited().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    join(&app, &id, 8).await;
    let first = ada.invites(&id, "guest@example.org", "WORKER").await;
    let resend = json!({ "invitationId": first });
    ada.mutate("resendInvitation", resend.clone(), "invitation { id }").await.done();
    app.env.clock.advance(TimeDelta::days(8));
    let ada = app.again(&ada).await;
    assert_eq!(seen(&ada, &id, "seats { reserved }").await["seats"]["reserved"], 0);
    ada.invites(&id, "another@example.org", "WORKER").await;
    let refused = ada.mutate("resendInvitation", resend, "invitation { id }").await;
    assert_eq!(refused.refused(), ["LIMIT_EXCEEDED"]);
    app.close().await;
}

/// An organization with `members` members besides its owner, and pending invitations to the accounts `guest-…`: the
/// state after a paid plan has ended. Returns the owner, the ID, and the guests with their invitations.
pub async fn left_by_a_plan(app: &TestApp, members: usize, invited: usize) -> (Person, String, Vec<(Person, String)>) {
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let mut guests = Vec::new();
    for n in 0..invited {
        let guest = app.person(&format!("guest-{n}")).await;
        let invitation = ada.invites(&id, &guest.email(), "WORKER").await;
        guests.push((guest, invitation));
    }
    join(app, &id, members).await;
    (ada, id, guests)
}

#[tokio::test]
async fn accept_invitation_refuses_members_above_the_plan_limit() {
    let app = limited().await;
    let (ada, id, guests) = left_by_a_plan(&app, 8, 3).await;
    let accept = async |n: usize| {
        let (guest, invitation) = &guests[n];
        guest.mutate("acceptInvitation", json!({ "invitationId": invitation }), "membership { id }").await
    };
    accept(0).await.done();
    assert_eq!(accept(1).await.refused(), ["LIMIT_EXCEEDED"]);

    // By token, with an account and through `signUp`.
    let (guest, _) = &guests[2];
    let token = json!({ "token": app.token_to(&guest.email()).await });
    let fields = format!("membership {{ id }} userErrors {{ message {LIMIT} }}");
    let refused = guest.mutate("acceptInvitation", token, &fields).await;
    let errors = refused.body["data"]["acceptInvitation"]["userErrors"].clone();
    assert_eq!(errors[0]["limit"], json!({ "kind": "MEMBERS", "used": 12, "max": 10 }));
    assert_eq!(refused.refused(), ["LIMIT_EXCEEDED"]);
    app.sql("UPDATE users SET email = NULL, email_verified_at = NULL WHERE username = 'guest-2'").await;
    let token = app.token_to(&guest.email()).await;
    let newcomer = json!({ "username": "newcomer", "password": "a long and winding road", "invitationToken": token });
    assert_eq!(app.nobody_mutates("signUp", newcomer).await.refused(), ["LIMIT_EXCEEDED"]);
    assert_eq!(app.number("SELECT count(*) FROM users WHERE username = 'newcomer'").await, 0);
    let limits = seen(&ada, &id, "memberCount limits { kind used max }").await;
    assert_eq!(limits["memberCount"], 10, "nobody is taken away, and nobody comes");
    app.close().await;
}

#[tokio::test]
async fn accept_ownership_checks_the_limit_of_owned_organizations() {
    let app = limited().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    bob.creates("bobs").await;
    let membership = bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
    let offered =
        ada.mutate("offerOwnership", json!({ "membershipId": membership }), "ownershipOffer { id }").await.done();
    let input = json!({ "ownershipOfferId": offered["ownershipOffer"]["id"] });
    let refused = bob.mutate("acceptOwnership", input.clone(), "organization { id }").await;
    assert_eq!(refused.refused(), ["LIMIT_EXCEEDED"]);
    assert_eq!(seen(&ada, &id, "viewerMembership { role }").await["viewerMembership"]["role"], "OWNER");
    changes(&bob, json!({ "workspaceId": personal(&bob), "tier": "SOLO" })).await;
    bob.mutate("acceptOwnership", input, "organization { id }").await.done();
    app.check_invariants().await;
    app.close().await;
}

const PLAN: &str =
    "plan { tier interval seats renewsAt cancelsAt } billing { currency unitPrice quantity amount interval }";

/// Changes the plan of a workspace, and returns the workspace after the change.
async fn changes(person: &Person, input: Value) -> Value {
    let fields = format!("workspace {{ id {PLAN} }}");
    person.mutate("changePlan", input, &fields).await.done()["workspace"].clone()
}

#[tokio::test]
async fn change_plan_bills_bought_seats_or_members_if_seats_are_elastic() {
    let app = limited().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    join(&app, &id, 4).await;
    let free = seen(&ada, &id, "plan { tier interval seats renewsAt cancelsAt } billing { amount }").await;
    let nothing = json!({ "tier": "FREE", "interval": null, "seats": null, "renewsAt": null, "cancelsAt": null });
    assert_eq!(free, json!({ "plan": nothing, "billing": null }));

    let elastic = changes(&ada, json!({ "workspaceId": id, "tier": "TEAM" })).await;
    assert_eq!((&elastic["plan"]["interval"], &elastic["plan"]["seats"]), (&json!("MONTH"), &Value::Null));
    let bill = json!({ "currency": "USD", "unitPrice": 3300, "quantity": 5, "amount": 16500, "interval": "MONTH" });
    assert_eq!(elastic["billing"], bill, "33.00 for each of five members");
    assert_eq!(seen(&ada, &id, "seats { used reserved total }").await["seats"]["total"], Value::Null);

    let bought = changes(&ada, json!({ "workspaceId": id, "tier": "TEAM", "interval": "YEAR", "seats": 6 })).await;
    let bill = json!({ "currency": "USD", "unitPrice": 27720, "quantity": 6, "amount": 166320, "interval": "YEAR" });
    assert_eq!(bought["billing"], bill, "277.20 for each of six seats");
    let kept = changes(&ada, json!({ "workspaceId": id, "tier": "TEAM" })).await;
    assert_eq!(kept, bought, "what is not named stays as it was");

    let fields = format!("results {{ invitation {{ id }} userErrors {{ code {LIMIT} }} }}");
    let results = ada.mutate("inviteMembers", invitees(&id, 0..2), &fields).await.done()["results"].clone();
    assert!(results[0]["invitation"]["id"].is_string(), "{results}");
    assert_eq!(results[1]["userErrors"], json!([{ "code": "SEATS_EXHAUSTED", "limit": null }]));
    for (seats, message) in
        [(5, "fewer than five members and an invitation"), (0, "none"), (-3, "less"), (50_001, "too many")]
    {
        let input = json!({ "workspaceId": id, "tier": "TEAM", "seats": seats });
        let refused = ada.mutate("changePlan", input, "clientMutationId").await;
        assert_eq!(refused.body["data"]["changePlan"]["userErrors"][0]["path"], json!(["input", "seats"]));
        assert_eq!(refused.refused(), ["OUT_OF_RANGE"], "{message}");
    }
    let more = changes(&ada, json!({ "workspaceId": id, "tier": "TEAM", "seats": null })).await;
    assert_eq!((&more["plan"]["seats"], &more["billing"]["quantity"]), (&Value::Null, &json!(5)));
    app.close().await;
}

#[tokio::test]
async fn change_plan_refuses_tiers_of_the_other_kind_of_workspace() {
    let app = limited().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    for (workspace, tier) in [(id.clone(), "SOLO"), (personal(&ada), "TEAM")] {
        let refused =
            ada.mutate("changePlan", json!({ "workspaceId": workspace, "tier": tier }), "clientMutationId").await;
        assert_eq!(refused.refused(), ["PLAN_NOT_AVAILABLE"]);
    }
    for tier in ["SOLO", "FREE"] {
        let input = json!({ "workspaceId": personal(&ada), "tier": tier, "seats": 3 });
        assert_eq!(ada.mutate("changePlan", input, "clientMutationId").await.refused(), ["OUT_OF_RANGE"]);
    }
    let solo = changes(&ada, json!({ "workspaceId": personal(&ada), "tier": "SOLO", "interval": "YEAR" })).await;
    let bill = json!({ "currency": "USD", "unitPrice": 27720, "quantity": 1, "amount": 27720, "interval": "YEAR" });
    assert_eq!((&solo["plan"]["tier"], &solo["billing"]), (&json!("SOLO"), &bill));
    assert_eq!(solo["id"], personal(&ada));
    let bad = ada.mutate("changePlan", json!({ "workspaceId": ada.id, "tier": "SOLO" }), "clientMutationId").await;
    assert_eq!(bad.refused(), ["INVALID_FORMAT"]);
    app.close().await;
}

#[tokio::test]
async fn cancel_plan_keeps_the_plan_until_its_period_ends_and_deletes_nothing() {
    let app = limited().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let team = changes(&ada, json!({ "workspaceId": id, "tier": "TEAM" })).await;
    join(&app, &id, 14).await;
    let renews_at = team["plan"]["renewsAt"].clone();
    app.env.clock.advance(TimeDelta::days(10));
    let ada = app.again(&ada).await;
    let input = json!({ "workspaceId": id });
    ada.mutate("cancelPlan", input.clone(), "clientMutationId").await.done();
    let cancelled = seen(&ada, &id, PLAN).await["plan"].clone();
    assert_eq!((&cancelled["tier"], &cancelled["cancelsAt"]), (&json!("TEAM"), &renews_at));
    assert_eq!(cancelled["renewsAt"], Value::Null);
    ada.mutate("cancelPlan", input, "clientMutationId").await.done();
    assert_eq!(seen(&ada, &id, PLAN).await["plan"], cancelled, "once is enough");
    ada.invites(&id, "guest@example.org", "WORKER").await;

    let taken_back = changes(&ada, json!({ "workspaceId": id, "tier": "TEAM" })).await;
    assert_eq!(taken_back["plan"], team["plan"], "the period is the same");
    changes(&ada, json!({ "workspaceId": id, "tier": "FREE" })).await;
    app.env.clock.advance(TimeDelta::days(22));
    let ada = app.again(&ada).await;
    let over = seen(&ada, &id, "plan { tier cancelsAt } memberCount billing { amount }").await;
    assert_eq!(over, json!({ "plan": { "tier": "FREE", "cancelsAt": null }, "memberCount": 15, "billing": null }));
    assert_eq!(app.count("plans").await, 1, "before any job has run");
    let results = ada.mutate("inviteMembers", invitees(&id, 0..1), "results { userErrors { code } }").await.done();
    assert_eq!(results["results"][0]["userErrors"][0]["code"], "LIMIT_EXCEEDED");

    let ended: usize = futures_util::future::join_all((0..4).map(|_| expire_plans(&app.env.store, &app.env.clock)))
        .await
        .into_iter()
        .map(|ended| ended.expect("it ends"))
        .sum();
    assert_eq!((ended, app.count("plans").await), (1, 0), "four processes, one end");
    let told = "SELECT count(*) FROM events WHERE type = 'PLAN_CHANGED'";
    assert_eq!(app.number(told).await, 5, "bought, cancelled, taken back, cancelled, ended");
    let unasked = "SELECT count(*) FROM events WHERE type = 'PLAN_CHANGED' AND actor_id IS NULL
        AND changes @> '[{\"field\": \"plan.tier\", \"before\": \"TEAM\", \"after\": \"FREE\"}]'";
    assert_eq!(app.number(unasked).await, 1);
    app.close().await;
}

#[tokio::test]
async fn change_plan_after_an_ended_plan_starts_anew_and_logs_the_end() {
    let app = limited().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    changes(&ada, json!({ "workspaceId": id, "tier": "TEAM", "interval": "YEAR", "seats": 5 })).await;
    ada.mutate("cancelPlan", json!({ "workspaceId": id }), "clientMutationId").await.done();
    app.env.clock.advance(TimeDelta::days(367));
    let ada = app.again(&ada).await;
    let team = changes(&ada, json!({ "workspaceId": id, "tier": "TEAM" })).await["plan"].clone();
    assert_eq!((&team["interval"], &team["seats"]), (&json!("MONTH"), &Value::Null), "nothing of the old one is left");
    assert_eq!(app.number("SELECT count(*) FROM events WHERE type = 'PLAN_CHANGED'").await, 4);
    assert_eq!(expire_plans(&app.env.store, &app.env.clock).await.expect("it runs"), 0, "and it is told once");
    app.close().await;
}

#[tokio::test]
async fn change_plan_of_interval_starts_a_new_period_and_of_seats_keeps_it() {
    let app = limited().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let monthly = changes(&ada, json!({ "workspaceId": id, "tier": "TEAM" })).await["plan"].clone();
    app.env.clock.advance(TimeDelta::days(3));
    let ada = app.again(&ada).await;
    let seats = changes(&ada, json!({ "workspaceId": id, "tier": "TEAM", "seats": 9 })).await["plan"].clone();
    assert_eq!(seats["renewsAt"], monthly["renewsAt"]);
    let yearly = changes(&ada, json!({ "workspaceId": id, "tier": "TEAM", "interval": "YEAR" })).await["plan"].clone();
    assert_eq!(yearly["seats"], 9);
    let begins = |plan: &Value| {
        plan["renewsAt"].as_str().expect("an instant").parse::<chrono::DateTime<chrono::Utc>>().expect("an instant")
    };
    assert!((360..=366).contains(&(begins(&yearly) - app.env.clock.now()).num_days()));
    let log = app.number("SELECT count(*) FROM events WHERE type = 'PLAN_CHANGED'").await;
    changes(&ada, json!({ "workspaceId": id, "tier": "TEAM" })).await;
    assert_eq!(app.number("SELECT count(*) FROM events WHERE type = 'PLAN_CHANGED'").await, log, "nothing changed");
    app.close().await;
}

#[tokio::test]
async fn change_plan_by_owners_is_refused_if_only_administrators_manage_plans() {
    let app = TestApp::with(|settings| settings.rules.owners_manage_plans = false).await;
    let (ada, root) = (app.person("ada").await, app.admin("root").await);
    let bob = app.person("bob").await;
    let id = ada.creates("acme").await;
    let shared = ada.creates("shared").await;
    bob.accepts(&ada.invites(&shared, &bob.email(), "WORKER").await).await;
    let refused = bob.mutate("changePlan", json!({ "workspaceId": shared, "tier": "TEAM" }), "clientMutationId").await;
    let error = &refused.body["data"]["changePlan"]["userErrors"][0];
    assert_eq!((&error["code"], &error["requiredRole"]), (&json!("FORBIDDEN"), &Value::Null), "nor is the owner's");
    for (workspace, tier) in [(id, "TEAM"), (personal(&ada), "SOLO")] {
        let input = json!({ "workspaceId": workspace, "tier": tier });
        let refused = ada.mutate("changePlan", input.clone(), "clientMutationId").await;
        let error = refused.body["data"]["changePlan"]["userErrors"][0].clone();
        assert_eq!((&error["code"], &error["permission"]), (&json!("FORBIDDEN"), &json!("MANAGE_PLAN")));
        assert_eq!(error["requiredRole"], Value::Null, "no role is enough");
        let bought = root
            .mutate("changePlan", input, "workspace { id plan { tier } billing { amount } limits { kind max } }")
            .await
            .done();
        assert_eq!(bought["workspace"]["plan"]["tier"], tier);
        assert_eq!(
            (&bought["workspace"]["id"], &bought["workspace"]["billing"]["amount"]),
            (&json!(workspace), &json!(3300))
        );
        let cancelled =
            root.mutate("cancelPlan", json!({ "workspaceId": workspace }), "workspace { plan { cancelsAt } }").await;
        assert!(cancelled.done()["workspace"]["plan"]["cancelsAt"].is_string());
    }
    app.close().await;
}

#[tokio::test]
async fn change_plan_is_not_found_for_non_members_and_forbidden_below_owner() {
    let app = limited().await;
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let id = ada.creates("acme").await;
    bob.accepts(&ada.invites(&id, &bob.email(), "MAINTAINER").await).await;
    for mutation in ["changePlan", "cancelPlan"] {
        for workspace in [id.clone(), personal(&ada), personal(&bob).replace("pws_0", "pws_1")] {
            let mut input = json!({ "workspaceId": workspace });
            if mutation == "changePlan" {
                input["tier"] = json!("FREE");
            }
            assert_eq!(eve.mutate(mutation, input.clone(), "clientMutationId").await.refused(), ["NOT_FOUND"]);
            let nobody = app.nobody_gets(mutation, input.clone(), "clientMutationId").await;
            assert_eq!(nobody.codes(), ["UNAUTHENTICATED"]);
            if workspace == id {
                let refused = bob.mutate(mutation, input, "clientMutationId").await;
                let error = refused.body["data"][mutation]["userErrors"][0].clone();
                assert_eq!((&error["permission"], &error["requiredRole"]), (&json!("MANAGE_PLAN"), &json!("OWNER")));
            }
        }
    }
    app.close().await;
}

#[tokio::test]
async fn plan_is_visible_to_all_members_and_billing_to_maintainers() {
    let app = limited().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    changes(&ada, json!({ "workspaceId": id, "tier": "TEAM", "seats": 8 })).await;
    let fields = "slug plan { tier seats } seats { used reserved total } limits { kind used max } billing { amount }";
    for (name, role, may) in [("bob", "WORKER", false), ("carol", "SUPERVISOR", false), ("dan", "MAINTAINER", true)] {
        let person = app.person(name).await;
        person.accepts(&ada.invites(&id, &person.email(), role).await).await;
        let answer = person.ask(&format!(r#"{{ organization(id: "{id}") {{ {fields} }} }}"#)).await;
        let organization = answer.body["data"]["organization"].clone();
        assert_eq!(organization["plan"], json!({ "tier": "TEAM", "seats": 8 }), "{role}");
        assert_eq!(organization["seats"]["total"], 8);
        assert_eq!(organization["limits"].as_array().map(Vec::len), Some(5));
        if may {
            assert_eq!((organization["billing"]["amount"].clone(), answer.codes().len()), (json!(26400), 0));
        } else {
            assert_eq!((organization["billing"].clone(), answer.codes()), (Value::Null, vec!["FORBIDDEN"]));
            assert_eq!(answer.body["errors"][0]["path"], json!(["organization", "billing"]));
            assert_eq!(answer.body["errors"][0]["extensions"]["permission"], "VIEW_BILLING");
            assert_eq!(answer.body["errors"][0]["extensions"]["requiredRole"], "MAINTAINER");
        }
    }
    let eve = app.person("eve").await;
    ada.invites(&id, &eve.email(), "WORKER").await;
    let glimpse = eve.ask(&format!(r#"{{ organization(id: "{id}") {{ slug plan {{ tier }} }} }}"#)).await;
    assert_eq!(glimpse.codes(), ["FORBIDDEN"], "an invitee sees the name and no plan");
    app.close().await;
}

#[tokio::test]
async fn limits_count_the_resources_of_the_workspace() {
    let app = limited().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let user = Uuid::from(UserId::parse(&ada.id).expect("an ID"));
    app.sql(&format!(
        "INSERT INTO projects (id, workspace_id, organization_id, owner_id, name, created_at, updated_at)
           SELECT gen_random_uuid(), '{0}', '{0}', '{user}', 'p' || n, now(), now() FROM generate_series(1, 2) n;
         INSERT INTO tasks (id, workspace_id, organization_id, owner_id, name, created_at, updated_at, project_id)
           SELECT gen_random_uuid(), '{0}', '{0}', '{user}', 't' || n, now(), now(),
                  (SELECT id FROM projects WHERE name = CASE n % 4 WHEN 0 THEN 'p1' WHEN 1 THEN NULL ELSE 'p2' END)
           FROM generate_series(1, 8) n;
         INSERT INTO cloud_storages (id, workspace_id, organization_id, owner_id, display_name, provider, resource, created_at)
           SELECT gen_random_uuid(), '{0}', '{0}', '{user}', 's' || n, 'AWS_S3', 'bucket', now() FROM generate_series(1, 3) n",
        uuid(&id)
    ))
    .await;
    let limits = seen(&ada, &id, "limits { kind used max }").await["limits"].clone();
    let limit = |kind: &str, used: i32, max: i32| json!({ "kind": kind, "used": used, "max": max });
    assert_eq!(
        limits,
        json!([
            limit("PROJECTS", 2, 3),
            limit("TASKS", 8, 10),
            limit("TASKS_PER_PROJECT", 4, 5),
            limit("CLOUD_STORAGES", 3, 10),
            limit("MEMBERS", 1, 10)
        ])
    );
    app.close().await;
}

#[tokio::test]
async fn change_plan_with_a_repeated_idempotency_key_runs_once() {
    let app = limited().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let input = json!({ "workspaceId": id, "tier": "TEAM", "seats": 4, "idempotencyKey": "k" });
    changes(&ada, input.clone()).await;
    changes(&ada, json!({ "workspaceId": id, "tier": "TEAM", "seats": 7 })).await;
    let repeat = changes(&ada, input).await;
    assert_eq!(repeat["plan"]["seats"], 7, "as it is now");
    let other = json!({ "workspaceId": id, "tier": "TEAM", "idempotencyKey": "k" });
    assert_eq!(ada.mutate("changePlan", other, "clientMutationId").await.refused(), ["IDEMPOTENCY_KEY_REUSED"]);
    app.close().await;
}

/// Whether `more` projects, tasks or storages fit into the workspace: `None` if they fit, or use and maximum of the
/// exceeded limit.
async fn room(app: &TestApp, workspace: &str, kind: LimitKind, more: i64) -> Option<(i64, Option<i32>)> {
    let workspace = WorkspaceId::parse(workspace).expect("a workspace");
    let now = app.env.clock.now();
    let mut connection = app.env.store.read().await.expect("a connection");
    match quota::check_quota(&app.env, &mut connection, workspace, kind, more, now).await {
        Ok(()) => None,
        Err(Error::Refused(refusals)) => {
            let limit = refusals[0].limit.expect("a limit");
            assert_eq!((refusals[0].code, limit.kind), (Code::LimitExceeded, kind));
            Some((limit.used, limit.max))
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn check_quota_allows_resources_up_to_the_plan_limit() {
    let app = limited().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let user = Uuid::from(UserId::parse(&ada.id).expect("an ID"));
    let (own, project) = (personal(&ada), guildhall::domain::ids::new_id::<ProjectId>(app.env.clock.now()));
    app.sql(&format!(
        "INSERT INTO projects (id, workspace_id, user_id, owner_id, name, created_at, updated_at)
           VALUES ('{}', '{user}', '{user}', '{user}', 'p', now(), now());
         INSERT INTO tasks (id, workspace_id, user_id, owner_id, name, created_at, updated_at, project_id)
           SELECT gen_random_uuid(), '{user}', '{user}', '{user}', 't' || n, now(), now(), (SELECT id FROM projects)
           FROM generate_series(1, 5) n",
        Uuid::from(project)
    ))
    .await;
    assert_eq!(room(&app, &own, LimitKind::Projects, 2).await, None);
    assert_eq!(room(&app, &own, LimitKind::Projects, 3).await, Some((1, Some(3))));
    assert_eq!(room(&app, &own, LimitKind::Tasks, 5).await, None);
    assert_eq!(room(&app, &own, LimitKind::Tasks, 6).await, Some((5, Some(10))));
    assert_eq!(room(&app, &own, LimitKind::CloudStorages, 11).await, Some((0, Some(10))));
    assert_eq!(room(&app, &id, LimitKind::Projects, 3).await, None, "each workspace has its own");
    let now = app.env.clock.now();
    let workspace = WorkspaceId::parse(&own).expect("a workspace");
    let mut connection = app.env.store.read().await.expect("a connection");
    let full = quota::check_project_quota(&app.env, &mut connection, workspace, project, 1, now).await;
    assert!(matches!(full, Err(Error::Refused(refusals)) if refusals[0].limit.is_some_and(|limit| limit.used == 5)));
    for (tasks, fits) in [(5, true), (6, false)] {
        let room = quota::new_project_quota(&app.env, &mut connection, workspace, now).await;
        assert_eq!(room.expect("the room").take(tasks).is_ok(), fits, "a project of {tasks}");
    }
    changes(&ada, json!({ "workspaceId": own, "tier": "SOLO" })).await;
    assert_eq!(room(&app, &own, LimitKind::Projects, 9).await, None);
    assert_eq!(room(&app, &own, LimitKind::Tasks, 246).await, Some((5, Some(250))));
    quota::check_project_quota(&app.env, &mut connection, workspace, project, 1000, now).await.expect("no limit");
    drop(connection);
    app.close().await;
}

#[tokio::test]
async fn billing_requires_permission_through_the_workspace_interface_too() {
    let app = limited().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    changes(&ada, json!({ "workspaceId": id, "tier": "TEAM" })).await;
    bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
    let query = "query Q($id: ID!) { node(id: $id) { ... on Workspace { plan { tier } limits { kind used } billing { amount } } } }";
    let costs = ada.run(query, json!({ "id": id })).await.data();
    assert_eq!(costs["node"]["billing"]["amount"], 6600);
    let hidden = bob.run(query, json!({ "id": id })).await;
    assert_eq!((hidden.codes(), &hidden.body["data"]["node"]["billing"]), (vec!["FORBIDDEN"], &Value::Null));
    assert_eq!(hidden.body["data"]["node"]["plan"]["tier"], "TEAM");

    let own = bob.run(query, json!({ "id": personal(&bob) })).await.data()["node"].clone();
    assert_eq!((&own["plan"]["tier"], &own["billing"]), (&json!("FREE"), &Value::Null));
    let owned = json!({ "kind": "OWNED_ORGANIZATIONS", "used": 0 });
    assert_eq!(own["limits"].as_array().expect("limits").last(), Some(&owned));
    assert_eq!(bob.run(query, json!({ "id": personal(&ada) })).await.data()["node"], Value::Null);
    app.close().await;
}
