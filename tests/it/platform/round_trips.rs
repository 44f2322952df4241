//! Round trips and statements of mutations; each statement is prepared only once.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::support::org_fixture::bucket;
use crate::support::{Office, Person, TestApp, Wire};

/// An organization, and the cost of mutations in it.
struct Ledger {
    office: Office,
    wire: Wire,
    lines: String,
}

impl Ledger {
    /// Runs a mutation once with each input, and records the round trips and statements of the last run, which may not
    /// prepare any statement.
    async fn note(&mut self, person: &Person, mutation: &str, fields: &str, inputs: Vec<Value>) {
        let app = &self.office.app;
        let mut last = None;
        for input in inputs {
            // This prevents statements that record activity.
            app.sql("UPDATE memberships SET last_active_on = '2100-01-01'").await;
            let (answer, traffic) = self.wire.during(person.mutate(mutation, input, fields)).await;
            answer.done();
            last = Some(traffic);
        }
        let traffic = last.expect("an input");
        assert_eq!(traffic.prepared, 0, "{mutation} prepares again what was prepared before");
        let _ = writeln!(self.lines, "{mutation:<20}{:>3}{:>3}", traffic.round_trips, traffic.statements);
    }
}

fn each<const N: usize>(inputs: [Value; N]) -> Vec<Value> {
    inputs.to_vec()
}

#[tokio::test]
async fn mutations_take_the_expected_round_trips_and_statements() {
    let (app, wire) = TestApp::wired().await;
    let office = Office::over(app).await;
    let Office { id, owner, maintainer, worker, .. } = &office;
    let (id, owner, maintainer, worker) = (id.clone(), owner.clone(), maintainer.clone(), worker.clone());
    let membership = office.membership(&worker).await;
    let mut ledger = Ledger { office, wire, lines: String::new() };

    ledger
        .note(
            &owner,
            "changePlan",
            "workspace { displayName }",
            [3, 4, 5].map(|n| json!({ "workspaceId": id, "tier": "TEAM", "seats": n * 10 })).to_vec(),
        )
        .await;
    let elastic = json!({ "workspaceId": id, "tier": "TEAM", "seats": null });
    owner.mutate("changePlan", elastic, "clientMutationId").await.done();
    let roles = ["SUPERVISOR", "WORKER", "SUPERVISOR", "WORKER"];
    let change = |role| json!({ "membershipId": membership, "role": role });
    ledger.note(&maintainer, "changeMemberRole", "membership { role }", roles.map(change).to_vec()).await;

    let guests = ["gil", "gus", "guy", "gwen"];
    let invite = |name| json!({ "organizationId": id, "invitees": [{ "email": format!("{name}@example.org"), "role": "WORKER" }] });
    let fields = "results { invitation { id email } userErrors { code } }";
    ledger.note(&owner, "inviteMembers", fields, guests.map(invite).to_vec()).await;

    for (mutation, fields) in
        [("acceptInvitation", "membership { role }"), ("declineInvitation", "invitation { status }")]
    {
        let person = ledger.office.stranger.clone();
        let mut inputs = Vec::new();
        for n in 0..4 {
            let slug = format!("{}-{n}", &mutation[..6].to_lowercase());
            let other = owner.creates(&slug).await;
            inputs.push(json!({ "invitationId": owner.invites(&other, &person.email(), "WORKER").await }));
        }
        ledger.note(&person, mutation, fields, inputs).await;
    }

    for (mutation, fields) in
        [("resendInvitation", "invitation { status }"), ("revokeInvitation", "invitation { status }")]
    {
        let mut inputs = Vec::new();
        for n in 0..4 {
            let email = format!("{}-{n}@example.org", &mutation[..6].to_lowercase());
            inputs.push(json!({ "invitationId": owner.invites(&id, &email, "WORKER").await }));
        }
        ledger.office.app.sql("UPDATE invitations SET sent_requested_at = now() - interval '1 hour'").await;
        ledger.note(&owner, mutation, fields, inputs).await;
    }

    let workspaces = [&id, &worker.workspace(), &id, &worker.workspace()];
    let select = workspaces.map(|workspace| json!({ "workspaceId": workspace })).to_vec();
    ledger.note(&worker, "selectWorkspace", "viewer { selectedWorkspace { id } }", select).await;

    let slugs = ["one", "two", "three", "four"];
    let create = slugs.map(|slug| json!({ "slug": slug })).to_vec();
    ledger.note(&owner, "createOrganization", "organization { slug }", create).await;
    let rename = slugs.map(|name| json!({ "organizationId": id, "name": name })).to_vec();
    ledger.note(&owner, "updateOrganization", "organization { name }", rename).await;

    let named = |n: &str| json!({ "workspaceId": id, "name": n });
    ledger.note(&owner, "createProject", "project { name }", slugs.map(named).to_vec()).await;
    ledger.note(&owner, "createTask", "task { name }", slugs.map(named).to_vec()).await;
    ledger
        .note(&owner, "createCloudStorage", "cloudStorage { displayName }", each([(); 3].map(|()| bucket(&id))))
        .await;
    let (project, task) = (ledger.office.project(&owner, json!({})).await, ledger.office.task(&owner, json!({})).await);
    let job = ledger.office.jobs().await.pop().expect("a job");
    let named = |name| json!({ "projectId": project, "name": name });
    ledger.note(&owner, "updateProject", "project { name }", slugs.map(named).to_vec()).await;
    let named = |name| json!({ "taskId": task, "name": name });
    ledger.note(&owner, "updateTask", "task { name }", slugs.map(named).to_vec()).await;
    let states = ["IN_PROGRESS", "COMPLETED", "IN_PROGRESS", "COMPLETED"];
    let set = |state| json!({ "jobId": job, "state": state });
    ledger.note(&owner, "updateJob", "job { state }", states.map(set).to_vec()).await;
    let mut inputs = Vec::new();
    for _ in 0..4 {
        inputs.push(json!({ "resourceId": ledger.office.task(&owner, json!({})).await }));
    }
    ledger.note(&owner, "deleteResource", "deletedResourceId", inputs).await;

    let mut inputs = Vec::new();
    for person in [&ledger.office.supervisor, &ledger.office.other, &worker] {
        inputs.push(json!({ "membershipId": ledger.office.membership(person).await }));
    }
    ledger.note(&owner, "removeMember", "organization { memberCount }", inputs).await;

    insta::assert_snapshot!(ledger.lines.trim_end(), @"
    changePlan            7 11
    changeMemberRole      2  7
    inviteMembers         2  9
    acceptInvitation      2 10
    declineInvitation     2  7
    resendInvitation      3 10
    revokeInvitation      2  7
    selectWorkspace       5  7
    createOrganization    5 10
    updateOrganization    4  7
    createProject         5  9
    createTask            6 10
    createCloudStorage    5  9
    updateProject         6 11
    updateTask            7 12
    updateJob             9 14
    deleteResource        6 11
    removeMember          8 14
    ");
    ledger.office.app.close().await;
}

#[tokio::test]
async fn organization_lists_take_one_statement_each_after_the_lookup() {
    let (app, wire) = TestApp::wired().await;
    let office = Office::over(app).await;
    office.owner.invites(&office.id, "guest@example.org", "WORKER").await;
    let lists = "members(first: $first) { nodes { role user { email } } }
        invitations(first: $first, statuses: [PENDING]) { nodes { email inviter { email } } }";
    let query = format!(r#"query Q($first: Int!) {{ organization(slug: "office") {{ name {lists} }} }}"#);
    let ask = || office.owner.run(&query, json!({ "first": 3 }));
    // After this all statements are prepared; the update prevents statements that record activity.
    ask().await.data();
    office.app.sql("UPDATE memberships SET last_active_on = '2100-01-01'").await;
    let (answer, traffic) = wire.during(ask()).await;
    assert_eq!(answer.data()["organization"]["members"]["nodes"].as_array().map(Vec::len), Some(3));
    // The lookup, then both lists: one round trip each, because the pool has one connection.
    assert_eq!((traffic.round_trips, traffic.statements), (3, 3));
    office.app.close().await;
}
