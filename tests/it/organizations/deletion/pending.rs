//! An organization that is pending deletion: refused writes, accounts of its members, and lists.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use guildhall::operations::maintenance::purge_organizations::purge_organizations;
use serde_json::{Value, json};

use super::{Team, delete, restore, visible_objects};
use crate::support::{Person, TestApp, graphql};

/// The mutations whose input names the organization or a part of it, each with such an input.
async fn writes(team: &Team, offer: &str) -> BTreeMap<String, Value> {
    let query = "{ __schema { mutationType { fields { name args { type { ofType {
        inputFields { name defaultValue type { kind } } } } } } } } }";
    let data = team.app.nobody(query).await.data();
    let known = json!({
        "organizationId": team.id, "membershipId": team.membership, "invitationId": team.invitation,
        "ownershipOfferId": offer, "workspaceId": team.id, "tier": "TEAM", "name": "x", "displayName": "x", "provider": "AWS_S3",
        "resource": "bucket", "confirmSlug": "team", "role": "SUPERVISOR",
        "invitees": [{ "email": "new@example.org", "role": "WORKER" }],
    });
    let named = ["organizationId", "membershipId", "invitationId", "ownershipOfferId", "workspaceId"];
    let mut writes = BTreeMap::new();
    for field in data["__schema"]["mutationType"]["fields"].as_array().expect("fields") {
        let name = field["name"].as_str().expect("a name").to_owned();
        let parts = field["args"][0]["type"]["ofType"]["inputFields"].as_array().expect("an input").clone();
        let mut input = json!({});
        for part in &parts {
            let part_name = part["name"].as_str().expect("a name");
            let needed = part["type"]["kind"] == "NON_NULL" && part["defaultValue"] == Value::Null;
            if needed || named.contains(&part_name) {
                input[part_name] = known[part_name].clone();
            }
        }
        // `selectWorkspace` writes nothing in the workspace.
        if name != "selectWorkspace" && named.iter().any(|name| input.get(name).is_some()) {
            let values = input.as_object().expect("an object").values();
            assert!(!values.clone().any(Value::is_null), "add the fields of {name} to the table: {input}");
            writes.insert(name, input);
        }
    }
    writes
}

#[tokio::test]
async fn pending_deletion_refuses_every_write_in_the_organization() {
    let team = Team::new().await;
    let offered =
        team.owner.mutate("offerOwnership", json!({ "membershipId": team.membership }), "ownershipOffer { id }");
    let offer = offered.await.done()["ownershipOffer"]["id"].as_str().expect("an ID").to_owned();
    let writes = writes(&team, &offer).await;
    assert!(writes.len() >= 17, "{:?}", writes.keys());
    delete(&team.owner, &team.id, "team").await.done();
    let log = team.app.log().await;
    // Mutations that are reserved for the invitee or the recipient of the offer, in any state of the organization.
    let personal = ["acceptInvitation", "declineInvitation", "acceptOwnership", "declineOwnership"];
    for (name, input) in writes.iter().filter(|(name, _)| *name != "restoreOrganization") {
        let of_the_owner = team.owner.mutate(name, input.clone(), "clientMutationId").await.refused();
        let expected = if personal.contains(&name.as_str()) { "FORBIDDEN" } else { "ORGANIZATION_PENDING_DELETION" };
        assert_eq!(of_the_owner, [expected], "{name}");
        let of_root = team.root.mutate(name, input.clone(), "clientMutationId").await.refused();
        let expected = if name == "leaveOrganization" { "FORBIDDEN" } else { expected };
        assert_eq!(of_root, [expected], "{name} by an administrator");
        let missing = input.to_string();
        let missing = [&team.id, &team.membership, &team.invitation, &offer].into_iter().fold(missing, |text, id| {
            let (prefix, _) = id.split_once('_').expect("a prefix");
            text.replace(id.as_str(), &format!("{prefix}_00000000000000000000000000"))
        });
        let missing: Value = serde_json::from_str(&missing).expect("an input");
        for person in team.others() {
            let refused = person.mutate(name, input.clone(), "clientMutationId").await;
            let unknown = person.mutate(name, missing.clone(), "clientMutationId").await;
            assert_eq!(refused.body, unknown.body, "{name} by {}", person.name);
            assert_eq!(refused.refused(), ["NOT_FOUND"], "{name} by {}", person.name);
        }
    }
    assert_eq!(team.app.log().await, log, "the log is unchanged");
    team.close().await;
}

#[tokio::test]
async fn pending_deletion_records_no_member_activity() {
    let mut team = Team::deleted().await;
    team.app.settle().await;
    team.later(TimeDelta::days(2)).await;
    let noted = "SELECT count(*) FROM memberships WHERE last_active_on > now() + interval '1 day'";
    for person in [&team.owner, &team.max, &team.wim] {
        visible_objects(&team, person).await;
    }
    team.app.settle().await;
    assert_eq!(team.app.number(noted).await, 0);
    restore(&team.owner, &team.id).await.done();
    visible_objects(&team, &team.max).await;
    team.app.settle().await;
    assert_eq!(team.app.number(noted).await, 2, "activity of the owner, who restored it, and of the maintainer");
    team.close().await;
}

#[tokio::test]
async fn delete_account_during_pending_deletion_is_refused_to_the_owner_only() {
    let mut team = Team::deleted().await;
    let end = |person: &Person| {
        let (person, input) = (person.clone(), json!({ "confirmUsername": person.name }));
        async move { person.mutate("deleteAccount", input, "deletedUserId").await }
    };
    // Members can delete their accounts; the owner cannot while the organization can still be restored.
    end(&team.wim).await.done();
    let refused = end(&team.owner).await;
    let message = refused.body["data"]["deleteAccount"]["userErrors"][0]["message"].to_string();
    assert!(message.contains("can be restored until 20"), "{message}");
    assert_eq!(refused.refused(), ["OWNER_CANNOT_LEAVE"]);
    restore(&team.owner, &team.id).await.done();
    let query = format!(r#"{{ organization(id: "{}") {{ memberCount }} }}"#, team.id);
    assert_eq!(team.max.ask(&query).await.data()["organization"]["memberCount"], 3);
    delete(&team.owner, &team.id, "team").await.done();
    let alone = team.eve.creates("alone").await;
    delete(&team.eve, &alone, "alone").await.done();
    end(&team.eve).await.done();
    assert_eq!(team.app.count("organizations").await, 2, "the sole organization waits for its purge");
    assert_eq!(team.app.log_after("ORGANIZATION_DELETION_SCHEDULED").await, [] as [&str; 0]);
    team.app.env.clock.advance(TimeDelta::days(7));
    purge_organizations(&team.app.env.store, &team.app.env.clock).await.expect("it runs");
    assert_eq!(team.app.log_after("ORGANIZATION_DELETION_SCHEDULED").await, ["ORGANIZATION_DELETED"; 2]);
    assert_eq!(team.app.count("users WHERE deleted_at IS NOT NULL").await, 0);
    team.owner = team.app.again(&team.owner).await;
    end(&team.owner).await.done();
    team.close().await;
}

#[tokio::test]
async fn organizations_list_fills_pages_although_some_are_pending_deletion() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    for n in 0..6 {
        let id = ada.creates(&format!("org-{n}")).await;
        bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
        if n % 2 == 0 {
            delete(&ada, &id, &format!("org-{n}")).await.done();
        }
    }
    let query = "query($first: Int) { viewer { organizations(first: $first, search: \"org\") { totalCount pageInfo { hasNextPage } nodes { slug } } } }";
    let of = async |person: &Person, first: i32| {
        let answer = graphql::send(&app.router, Some(&person.token), query, json!({ "first": first })).await;
        answer.data()["viewer"]["organizations"].clone()
    };
    let nodes = json!([{ "slug": "org-1" }, { "slug": "org-3" }]);
    assert_eq!(of(&bob, 2).await, json!({ "totalCount": 3, "pageInfo": { "hasNextPage": true }, "nodes": nodes }));
    assert_eq!(of(&bob, 3).await["pageInfo"]["hasNextPage"], false);
    assert_eq!(of(&ada, 6).await["totalCount"], 6);
    app.close().await;
}
