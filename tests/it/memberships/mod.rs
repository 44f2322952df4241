//! Memberships: roles, removal, leaving, lists of members and their permissions.

mod departure;
mod races;

use serde_json::{Value, json};

use crate::support::{Person, TestApp};

/// An organization with an owner, two maintainers, a supervisor and a worker.
struct Team {
    app: TestApp,
    id: String,
    owner: Person,
    maintainers: [(Person, String); 2],
    supervisor: (Person, String),
    worker: (Person, String),
}

impl Team {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let owner = app.person("owner").await;
        let id = owner.creates("team").await;
        let join = async |name: &str, role: &str| {
            let person = app.person(name).await;
            let membership = person.accepts(&owner.invites(&id, &person.email(), role).await).await;
            (person, membership)
        };
        let maintainers = [join("max", "MAINTAINER").await, join("mia", "MAINTAINER").await];
        let supervisor = join("sue", "SUPERVISOR").await;
        let worker = join("wim", "WORKER").await;
        Self { owner, id, maintainers, supervisor, worker, app }
    }

    async fn owner_membership(&self) -> String {
        let query = format!(r#"{{ organization(id: "{}") {{ viewerMembership {{ id }} }} }}"#, self.id);
        let data = self.owner.ask(&query).await.data();
        data["organization"]["viewerMembership"]["id"].as_str().expect("an ID").to_owned()
    }
}

async fn change(by: &Person, membership: &str, role: &str) -> crate::support::Answer {
    by.mutate("changeMemberRole", json!({ "membershipId": membership, "role": role }), "membership { role }").await
}

async fn remove(by: &Person, membership: &str) -> crate::support::Answer {
    let fields = "removedMembershipId organization { memberCount }";
    by.mutate("removeMember", json!({ "membershipId": membership }), fields).await
}

#[tokio::test]
async fn change_member_role_works_only_below_the_callers_own_role() {
    let team = Team::new().await;
    let [(max, max_id), (_, mia_id)] = &team.maintainers;
    let (sue, sue_id) = &team.supervisor;
    let (_, wim_id) = &team.worker;
    assert_eq!(change(max, wim_id, "SUPERVISOR").await.done()["membership"]["role"], "SUPERVISOR");
    assert_eq!(
        change(max, wim_id, "SUPERVISOR").await.done()["membership"]["role"],
        "SUPERVISOR",
        "the current role is accepted"
    );
    assert_eq!(change(max, wim_id, "MAINTAINER").await.refused(), ["ROLE_NOT_ASSIGNABLE"]);
    assert_eq!(change(max, mia_id, "WORKER").await.refused(), ["FORBIDDEN"]);
    assert_eq!(change(max, max_id, "WORKER").await.refused(), ["CANNOT_CHANGE_SELF"]);
    let owner_id = team.owner_membership().await;
    assert_eq!(change(max, &owner_id, "WORKER").await.refused(), ["OWNER_CANNOT_BE_CHANGED"]);
    assert_eq!(change(&team.owner, max_id, "WORKER").await.done()["membership"]["role"], "WORKER");
    assert_eq!(change(&team.owner, mia_id, "OWNER").await.refused(), ["ROLE_NOT_ASSIGNABLE"]);

    let refused = change(sue, wim_id, "WORKER").await.data();
    let error = &refused["changeMemberRole"]["userErrors"][0];
    assert_eq!((&error["permission"], &error["requiredRole"]), (&json!("CHANGE_MEMBER_ROLE"), &json!("MAINTAINER")));
    let stranger = team.app.person("eve").await;
    assert_eq!(change(&stranger, sue_id, "WORKER").await.refused(), ["NOT_FOUND"]);
    let nobody =
        team.app.mutate_anonymously("changeMemberRole", json!({ "membershipId": sue_id, "role": "WORKER" })).await;
    assert_eq!(nobody.codes(), ["UNAUTHENTICATED"]);
    team.app.close().await;
}

#[tokio::test]
async fn remove_member_ends_access_immediately() {
    let team = Team::new().await;
    let [(max, _), (mia, mia_id)] = &team.maintainers;
    let (wim, wim_id) = &team.worker;
    assert_eq!(remove(max, mia_id).await.refused(), ["FORBIDDEN"], "not another maintainer");
    let removed = remove(max, wim_id).await.done();
    assert_eq!(removed["removedMembershipId"], *wim_id);
    assert_eq!(removed["organization"]["memberCount"], 4);
    let query = r#"{ organization(slug: "team") { id } viewer { organizations { totalCount } } }"#;
    assert_eq!(
        wim.ask(query).await.data(),
        json!({ "organization": null, "viewer": { "organizations": { "totalCount": 0 } } })
    );
    assert_eq!(remove(max, wim_id).await.refused(), ["NOT_FOUND"], "once");
    assert_eq!(remove(&team.owner, &team.owner_membership().await).await.refused(), ["CANNOT_CHANGE_SELF"]);
    assert_eq!(remove(&team.owner, mia_id).await.done()["removedMembershipId"], *mia_id);
    assert_eq!(remove(mia, wim_id).await.refused(), ["NOT_FOUND"]);
    team.app.close().await;
}

#[tokio::test]
async fn leave_organization_is_refused_to_the_owner_only() {
    let team = Team::new().await;
    let leave = |person: &Person| {
        let (person, id) = (person.clone(), team.id.clone());
        async move { person.mutate("leaveOrganization", json!({ "organizationId": id }), "leftMembershipId").await }
    };
    assert_eq!(leave(&team.owner).await.refused(), ["OWNER_CANNOT_LEAVE"]);
    assert_eq!(leave(&team.worker.0).await.done()["leftMembershipId"], team.worker.1);
    assert_eq!(leave(&team.worker.0).await.refused(), ["NOT_FOUND"]);
    let root = team.app.admin("root").await;
    assert_eq!(leave(&root).await.refused(), ["FORBIDDEN"], "administrators are not members");
    team.app.close().await;
}

#[tokio::test]
async fn membership_viewer_permissions_list_what_the_viewer_can_do_now() {
    let team = Team::new().await;
    let query = r#"{ organization(slug: "team") { members { nodes { user { username } viewerPermissions viewerAssignableRoles } } } }"#;
    let data = team.maintainers[0].0.ask(query).await.data();
    let rows: Vec<Value> = data["organization"]["members"]["nodes"].as_array().expect("nodes").clone();
    let row = |name: &str| rows.iter().find(|row| row["user"]["username"] == name).expect("a row").clone();
    assert_eq!(
        row("wim")["viewerPermissions"],
        json!(["VIEW_MEMBERS", "VIEW_MEMBER_EMAILS", "CHANGE_MEMBER_ROLE", "REMOVE_MEMBER"])
    );
    assert_eq!(row("wim")["viewerAssignableRoles"], json!(["WORKER", "SUPERVISOR"]));
    assert_eq!(row("mia")["viewerPermissions"], json!(["VIEW_MEMBERS", "VIEW_MEMBER_EMAILS"]));
    assert_eq!(row("owner")["viewerAssignableRoles"], json!([]));
    assert_eq!(row("max")["viewerPermissions"], json!(["VIEW_MEMBERS", "VIEW_MEMBER_EMAILS", "LEAVE_ORGANIZATION"]));
    team.app.close().await;
}

#[tokio::test]
async fn members_list_searches_filters_orders_and_pages() {
    let team = Team::new().await;
    let names = async |arguments: &str| {
        let query = format!(
            r#"{{ organization(slug: "team") {{ members({arguments}) {{ nodes {{ user {{ username }} }} }} }} }}"#
        );
        let data = team.owner.ask(&query).await.data();
        let nodes = data["organization"]["members"]["nodes"].as_array().expect("nodes").clone();
        nodes.iter().map(|node| node["user"]["username"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("first: 10").await, ["owner", "max", "mia", "sue", "wim"]);
    assert_eq!(names("orderBy: { field: USERNAME, direction: DESC }").await, ["wim", "sue", "owner", "mia", "max"]);
    assert_eq!(names("orderBy: { field: ROLE, direction: ASC }, first: 2").await, ["wim", "sue"]);
    assert_eq!(names("roles: [WORKER, OWNER]").await, ["owner", "wim"]);
    assert_eq!(names("roles: []").await, [] as [&str; 0]);
    assert_eq!(names(r#"search: "M""#).await, ["max", "mia", "wim"]);
    assert_eq!(names(r#"search: "%""#).await, [] as [&str; 0], "taken literally");
    assert_eq!(names("last: 2").await, ["sue", "wim"]);
    assert_eq!(names("first: 0").await, [] as [&str; 0]);
    team.app.close().await;
}

#[tokio::test]
async fn members_search_uses_current_names() {
    let team = Team::new().await;
    let (max, _) = &team.maintainers[0];
    let shown = async |arguments: &str| {
        let query = format!(
            r#"{{ organization(slug: "team") {{ members({arguments}) {{ nodes {{ user {{ username displayName }} }} }} }} }}"#
        );
        team.owner.ask(&query).await.data()["organization"]["members"]["nodes"].clone()
    };
    let named = |name: Option<&str>| json!({ "displayName": name });
    for (name, search) in [(Some("Maximilian Ström"), "MILIAN STR"), (Some("Maxine"), "xine"), (None, "max")] {
        max.mutate("updateProfile", named(name), "viewer { user { displayName } }").await.done();
        let expected = json!([{ "user": { "username": "max", "displayName": name.unwrap_or("max") } }]);
        assert_eq!(shown(&format!(r#"search: "{search}""#)).await, expected);
        assert_eq!(shown("roles: [MAINTAINER], search: \"ma\"").await[0], expected[0]);
    }
    let renamed = json!({ "username": "maxim" });
    max.mutate("updateProfile", renamed, "viewer { email }").await.done();
    assert_eq!(shown(r#"search: "maxim""#).await, json!([{ "user": { "username": "maxim", "displayName": "maxim" } }]));
    // A selection of more fields, and a single member by `node`, show the same account.
    let query = r#"{ organization(slug: "team") { members(search: "maxim") {
        nodes { id user { displayName email } } names: nodes { user { id displayName } } } } }"#;
    let nodes = team.owner.ask(query).await.data()["organization"]["members"].clone();
    let node = format!(
        r#"{{ node(id: {}) {{ ... on Membership {{ user {{ id displayName email createdAt }} }} }} }}"#,
        nodes["nodes"][0]["id"]
    );
    let user = team.owner.ask(&node).await.data()["node"]["user"].clone();
    assert_eq!(nodes["nodes"][0]["user"]["email"], user["email"]);
    assert_eq!(nodes["names"][0]["user"]["id"], user["id"]);
    assert!(user["createdAt"].is_string());
    team.app.close().await;
}

#[tokio::test]
async fn membership_last_active_at_is_updated_and_visible_to_maintainers() {
    let team = Team::new().await;
    let today = team.app.env.clock.now().format("%Y-%m-%dT00:00:00.000Z").to_string();
    team.worker.0.ask(r#"{ organization(slug: "team") { id } }"#).await.data();
    team.app.settle().await;
    let query = format!(r#"{{ node(id: "{}") {{ ... on Membership {{ lastActiveAt }} }} }}"#, team.worker.1);
    assert_eq!(team.owner.ask(&query).await.data()["node"]["lastActiveAt"], today);
    assert_eq!(
        team.supervisor.0.ask(&query).await.data()["node"]["lastActiveAt"],
        Value::Null,
        "for maintainers alone"
    );
    team.app.close().await;
}

#[tokio::test]
async fn user_node_is_visible_to_fellow_members_only() {
    let team = Team::new().await;
    let query = format!(r#"{{ node(id: "{}") {{ ... on User {{ username displayName email }} }} }}"#, team.worker.0.id);
    let (sue, eve) = (&team.supervisor.0, team.app.person("eve").await);
    assert_eq!(sue.ask(&query).await.data()["node"], json!({ "username": "wim", "displayName": "wim", "email": null }));
    assert_eq!(team.owner.ask(&query).await.data()["node"]["email"], team.worker.0.email());
    assert_eq!(eve.ask(&query).await.data()["node"], Value::Null);
    assert_eq!(team.app.nobody(&query).await.data()["node"], Value::Null);
    team.app.close().await;
}
