//! Plans: limits, seats, billing and periods.

mod change;
mod expiry;
mod limits;
mod races;
mod seats;
mod visibility;

use guildhall::domain::ids::TypedId;
use guildhall::domain::plan_catalog::Plans;
use guildhall::domain::{OrganizationId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Person, TestApp};

const LIMIT: &str = "limit { kind used max }";

/// An application where the limits of the built-in plans apply to all accounts.
async fn app_with_limits() -> TestApp {
    TestApp::with(|settings| settings.rules.plans = Plans::default()).await
}

/// The ID of the person's personal workspace.
fn personal_workspace(person: &Person) -> String {
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
async fn organization_fields(person: &Person, organization: &str, fields: &str) -> Value {
    let query = format!(r#"{{ organization(id: "{organization}") {{ {fields} }} }}"#);
    person.ask(&query).await.data()["organization"].clone()
}

/// Adds that many workers to the organization.
async fn add_workers(app: &TestApp, organization: &str, count: usize) {
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

/// An organization with `members` members besides its owner, and pending invitations to the accounts `guest-…`: the
/// state after a paid plan has ended. Returns the owner, the ID, and the guests with their invitations.
async fn organization_above_limits(
    app: &TestApp,
    members: usize,
    invited: usize,
) -> (Person, String, Vec<(Person, String)>) {
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let mut guests = Vec::new();
    for n in 0..invited {
        let guest = app.person(&format!("guest-{n}")).await;
        let invitation = ada.invites(&id, &guest.email(), "WORKER").await;
        guests.push((guest, invitation));
    }
    add_workers(app, &id, members).await;
    (ada, id, guests)
}

const PLAN: &str =
    "plan { tier interval seats renewsAt cancelsAt } billing { currency unitPrice quantity amount interval }";

/// Changes the plan of a workspace, and returns the workspace after the change.
async fn change_plan(person: &Person, input: Value) -> Value {
    let fields = format!("workspace {{ id {PLAN} }}");
    person.mutate("changePlan", input, &fields).await.done()["workspace"].clone()
}
