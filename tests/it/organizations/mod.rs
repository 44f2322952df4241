//! Creation, lookup, lists and updates of organizations.

mod deletion;
mod races;

use serde_json::json;

use crate::support::{Office, TestApp};

#[tokio::test]
async fn create_organization_makes_the_caller_its_owner() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let input = json!({
        "slug": " Team-A ", "name": "  The A Team ", "description": "two\nlines",
        "contact": { "email": "Team@Example.org", "phone": "+49 30 1", "location": "Berlin" },
    });
    let fields = "organization { slug name displayName description contact { email phone location } owner { username }
        status deletionScheduledFor version memberCount viewerMembership { role invitedBy { id } }
        viewerAssignableRoles viewerPermissions }";
    let payload = ada.mutate("createOrganization", input, fields).await.done();
    assert_eq!(
        payload["organization"],
        json!({
            "slug": "team-a", "name": "The A Team", "displayName": "The A Team", "description": "two\nlines",
            "contact": { "email": "team@example.org", "phone": "+49 30 1", "location": "Berlin" },
            "owner": { "username": "ada" }, "status": "ACTIVE", "deletionScheduledFor": null, "version": 1,
            "memberCount": 1, "viewerMembership": { "role": "OWNER", "invitedBy": null },
            "viewerAssignableRoles": ["WORKER", "SUPERVISOR", "MAINTAINER"],
            "viewerPermissions": [
                "VIEW_ORGANIZATION", "UPDATE_ORGANIZATION", "DELETE_ORGANIZATION", "OFFER_OWNERSHIP", "VIEW_MEMBERS",
                "VIEW_MEMBER_EMAILS", "CHANGE_MEMBER_ROLE", "REMOVE_MEMBER", "VIEW_INVITATIONS", "INVITE_MEMBER",
                "RESEND_INVITATION", "REVOKE_INVITATION", "VIEW_ALL_RESOURCES", "CREATE_PROJECT", "CREATE_TASK",
                "VIEW_CLOUD_STORAGES", "MANAGE_CLOUD_STORAGES", "VIEW_EVENTS", "VIEW_BILLING", "MANAGE_PLAN",
            ],
        })
    );
    app.close().await;
}

#[tokio::test]
async fn organization_is_null_for_non_members_and_anonymous_requests() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.person("ada").await, app.person("eve").await);
    let id = ada.creates("acme").await;
    let query = format!(
        r#"{{ bySlug: organization(slug: "ACME") {{ id }} byId: organization(id: "{id}") {{ id }} node(id: "{id}") {{ id }} }}"#
    );
    let hidden = json!({ "bySlug": null, "byId": null, "node": null });
    assert_eq!(eve.ask(&query).await.data(), hidden);
    assert_eq!(app.nobody(&query).await.data(), hidden);
    let shown = json!({ "bySlug": { "id": id }, "byId": { "id": id }, "node": { "id": id } });
    assert_eq!(ada.ask(&query).await.data(), shown);
    let input = json!({ "organizationId": id, "name": "Mine" });
    assert_eq!(eve.mutate("updateOrganization", input, "organization { id }").await.refused(), ["NOT_FOUND"]);
    app.close().await;
}

#[tokio::test]
async fn create_organization_reports_all_input_errors_at_once() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let input = json!({ "slug": "-", "name": "x".repeat(65), "contact": { "email": "nonsense", "phone": "a\u{0}b" } });
    let payload = ada.mutate("createOrganization", input, "organization { id }").await;
    let errors = payload.data()["createOrganization"]["userErrors"].clone();
    let found: Vec<_> =
        errors.as_array().expect("errors").iter().map(|e| (e["code"].clone(), e["path"].clone())).collect();
    assert_eq!(
        found,
        [
            (json!("INVALID_FORMAT"), json!(["input", "slug"])),
            (json!("TOO_LONG"), json!(["input", "name"])),
            (json!("INVALID_FORMAT"), json!(["input", "contact", "email"])),
            (json!("INVALID_FORMAT"), json!(["input", "contact", "phone"])),
        ]
    );
    assert_eq!(app.count("organizations").await, 0);
    app.close().await;
}

#[tokio::test]
async fn update_organization_reserves_the_former_slug_for_30_days() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.person("ada").await, app.person("eve").await);
    let id = ada.creates("acme").await;
    let create = |slug: &'static str| eve.mutate("createOrganization", json!({ "slug": slug }), "organization { id }");
    assert_eq!(create("ACME").await.refused(), ["SLUG_TAKEN"]);
    assert_eq!(create("admin").await.refused(), ["SLUG_RESERVED"]);

    let rename = |slug: &'static str| {
        ada.mutate("updateOrganization", json!({ "organizationId": id, "slug": slug }), "organization { slug version }")
    };
    assert_eq!(rename("emca").await.done()["organization"], json!({ "slug": "emca", "version": 2 }));
    assert_eq!(create("acme").await.refused(), ["SLUG_TAKEN"], "held");
    assert_eq!(rename("acme").await.done()["organization"]["version"], 3, "its own former slug");
    assert_eq!(rename("emca").await.done()["organization"]["version"], 4);
    app.env.clock.advance(chrono::TimeDelta::days(31));
    let ada = app.again(&ada).await;
    let eve = app.again(&eve).await;
    eve.creates("acme").await;
    let taken =
        ada.mutate("updateOrganization", json!({ "organizationId": id, "slug": "acme" }), "organization { slug }");
    assert_eq!(taken.await.refused(), ["SLUG_TAKEN"]);
    app.close().await;
}

#[tokio::test]
async fn slug_availability_suggests_free_slugs() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    ada.creates("acme").await;
    ada.creates("acme-2").await;
    let query = r#"{ a: slugAvailability(slug: "Acme") { slug available problem suggestions }
        b: slugAvailability(slug: "free") { available problem suggestions }
        c: slugAvailability(slug: "api") { available problem } d: slugAvailability(slug: "_") { problem } }"#;
    assert_eq!(
        ada.ask(query).await.data(),
        json!({
            "a": { "slug": "acme", "available": false, "problem": "SLUG_TAKEN",
                   "suggestions": ["acme-3", "acme-4", "acme-5", "acme-6", "acme-7"] },
            "b": { "available": true, "problem": null, "suggestions": [] },
            "c": { "available": false, "problem": "SLUG_RESERVED" }, "d": { "problem": "INVALID_FORMAT" },
        })
    );
    assert_eq!(app.nobody(query).await.codes(), ["UNAUTHENTICATED"]);
    app.close().await;
}

#[tokio::test]
async fn update_organization_keeps_clears_and_sets_fields() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let fields = "organization { name description version contact { email phone } }";
    let update = |input| ada.mutate("updateOrganization", input, fields);
    let set = json!({ "organizationId": id, "name": "Acme Inc", "description": "d", "contact": { "email": "a@b.org", "phone": "1" } });
    assert_eq!(
        update(set).await.done()["organization"],
        json!({ "name": "Acme Inc", "description": "d", "version": 2, "contact": { "email": "a@b.org", "phone": "1" } })
    );
    let clear = json!({ "organizationId": id, "name": null, "contact": { "phone": null } });
    assert_eq!(
        update(clear).await.done()["organization"],
        json!({ "name": "acme", "description": "d", "version": 3, "contact": { "email": "a@b.org", "phone": null } })
    );
    let nothing = json!({ "organizationId": id, "description": " d " });
    assert_eq!(update(nothing).await.done()["organization"]["version"], 3, "nothing changed");
    let stale = json!({ "organizationId": id, "expectedVersion": 2, "name": "x" });
    assert_eq!(update(stale).await.refused(), ["VERSION_CONFLICT"]);
    let cleared_slug = json!({ "organizationId": id, "slug": null });
    assert_eq!(update(cleared_slug).await.refused(), ["REQUIRED"]);
    let wrong_type = json!({ "organizationId": ada.id });
    assert_eq!(update(wrong_type).await.refused(), ["INVALID_FORMAT"]);
    app.close().await;
}

#[tokio::test]
async fn organizations_lists_page_search_and_order() {
    let app = TestApp::new().await;
    let (ada, eve, root) = (app.person("ada").await, app.person("eve").await, app.admin("root").await);
    for slug in ["delta", "alpha", "charlie", "bravo"] {
        ada.creates(slug).await;
    }
    eve.creates("echo").await;
    let slugs = |data: &serde_json::Value| {
        let nodes = data.as_array().expect("nodes").iter();
        nodes.map(|node| node["slug"].as_str().expect("a slug").to_owned()).collect::<Vec<_>>()
    };
    let query = "query Q($first: Int, $after: String, $last: Int, $before: String, $by: OrganizationOrderField!, $to: OrderDirection!) {
        viewer { organizations(orderBy: { field: $by, direction: $to }, first: $first, after: $after, last: $last, before: $before) {
            totalCount nodes { slug } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }";
    for (by, to, expected) in [
        ("JOINED_AT", "ASC", ["delta", "alpha", "charlie", "bravo"]),
        ("CREATED_AT", "DESC", ["bravo", "charlie", "alpha", "delta"]),
        ("SLUG", "ASC", ["alpha", "bravo", "charlie", "delta"]),
        ("NAME", "DESC", ["delta", "charlie", "bravo", "alpha"]),
    ] {
        let mut seen = Vec::new();
        let mut after = serde_json::Value::Null;
        loop {
            let page = ada.run(query, json!({ "by": by, "to": to, "first": 3, "after": after })).await.data();
            let page = &page["viewer"]["organizations"];
            assert_eq!(page["totalCount"], 4);
            seen.extend(slugs(&page["nodes"]));
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(seen, expected, "{by} {to}");
        let back = ada.run(query, json!({ "by": by, "to": to, "last": 2, "before": after })).await.data();
        let back = &back["viewer"]["organizations"];
        assert_eq!(slugs(&back["nodes"]), expected[1..3], "backward, {by} {to}");
        assert_eq!(back["pageInfo"]["hasPreviousPage"], true);
        assert_eq!(back["pageInfo"]["hasNextPage"], true);
        let other_order = if by == "SLUG" { "NAME" } else { "SLUG" };
        let foreign = ada.run(query, json!({ "by": other_order, "to": to, "first": 1, "after": after })).await;
        assert_eq!(foreign.codes(), ["INVALID_CURSOR"]);
    }
    let searched = ada
        .ask(r#"{ viewer { organizations(search: "LPH") { nodes { slug } } } organizations { nodes { slug } } }"#)
        .await
        .data();
    assert_eq!(slugs(&searched["viewer"]["organizations"]["nodes"]), ["alpha"]);
    assert_eq!(slugs(&searched["organizations"]["nodes"]), ["alpha", "bravo", "charlie", "delta"], "their own");
    let all_organizations =
        root.ask("{ organizations { nodes { slug viewerMembership { id } memberCount } totalCount } }").await.data();
    assert_eq!(slugs(&all_organizations["organizations"]["nodes"]), ["alpha", "bravo", "charlie", "delta", "echo"]);
    for bad in ["first: 101", "first: -1", "first: 1, last: 1", r#"search: "\u0000""#] {
        assert_eq!(
            ada.ask(&format!("{{ organizations({bad}) {{ totalCount }} }}")).await.codes(),
            ["BAD_USER_INPUT"],
            "{bad}"
        );
    }
    assert_eq!(app.nobody("{ organizations { totalCount } }").await.codes(), ["UNAUTHENTICATED"]);
    app.close().await;
}

#[tokio::test]
async fn organization_fields_without_permission_are_null_and_the_rest_is_returned() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
    let through_node = format!(
        r#"{{ node(id: "{id}") {{ ... on Organization {{ slug invitations {{ totalCount }} }} }}
              organization(slug: "acme") {{ memberCount invitations {{ totalCount }} members {{ nodes {{ user {{ username email }} lastActiveAt }} }} }} }}"#
    );
    let answer = bob.ask(&through_node).await;
    assert_eq!(answer.codes(), ["FORBIDDEN", "FORBIDDEN"], "also through the `Workspace` interface");
    assert_eq!(answer.body["errors"][0]["extensions"]["permission"], "VIEW_INVITATIONS");
    assert_eq!(answer.body["errors"][0]["extensions"]["requiredRole"], "MAINTAINER");
    let data = &answer.body["data"];
    assert_eq!(data["node"], json!({ "slug": "acme", "invitations": null }));
    assert_eq!(data["organization"]["memberCount"], 2);
    let people = &data["organization"]["members"]["nodes"];
    assert_eq!(
        people[0]["user"],
        json!({ "username": "ada", "email": null }),
        "hidden addresses are null without an error"
    );
    assert_eq!(people[1]["user"], json!({ "username": "bob", "email": bob.email() }));
    assert_eq!(
        ada.ask(&through_node).await.data()["organization"]["members"]["nodes"][1]["user"]["email"],
        bob.email()
    );
    app.close().await;
}

#[tokio::test]
async fn organization_returns_the_same_lists_by_slug_and_by_id() {
    let office = Office::new().await;
    for n in 0..4 {
        let role = if n < 2 { "WORKER" } else { "SUPERVISOR" };
        office.owner.invites(&office.id, &format!("guest-{n}@example.org"), role).await;
    }
    let after =
        office.owner.ask(r#"{ organization(slug: "office") { members(first: 2) { pageInfo { endCursor } } } }"#);
    let after = after.await.data()["organization"]["members"]["pageInfo"]["endCursor"].to_string();
    let members =
        "{ nodes { id role user { username email } } totalCount pageInfo { hasNextPage hasPreviousPage endCursor } }";
    let invitations =
        "{ edges { cursor node { email role inviter { username } } } totalCount pageInfo { hasNextPage } }";
    let lists = [
        format!("members {members}"),
        format!("members(first: 2) {members}"),
        format!("members(last: 2) {members}"),
        format!("members(first: 2, after: {after}) {members}"),
        format!("members(first: $first, roles: $roles, search: $search) {members}"),
        format!("members(orderBy: {{ field: USERNAME, direction: DESC }}) {members}"),
        format!("a: members(first: 1) {members} b: members(first: 3) {members}"),
        "members(first: 3) { nodes { id } } members(first: 3) { nodes { user { username } } }".to_owned(),
        "members(first: 2) { nodes { id } } ...More".to_owned(),
        format!("members(first: 0) {members}"),
        format!("members(first: 101) {members}"),
        format!("members(first: 1, last: 1) {members}"),
        format!("members(search: \"{}\") {members}", "x".repeat(300)),
        format!("members @skip(if: true) {members} slug"),
        format!("invitations {invitations}"),
        format!("invitations(first: $first, roles: $roles, search: $search) {invitations}"),
        format!("invitations(first: 2, statuses: [REVOKED, PENDING]) {invitations}"),
        format!("invitations(last: 1) {invitations} members(first: 1) {members}"),
        format!("invitations(statuses: []) {invitations}"),
    ];
    let more = "fragment More on Organization { members(first: 2) { nodes { user { username } } } }";
    let given = json!({ "first": 2, "roles": ["SUPERVISOR", "WORKER"], "search": "e" });
    for person in [&office.owner, &office.worker, &office.stranger, &office.admin] {
        for list in &lists {
            let ask = async |by: String| {
                let variables = if list.contains('$') { "($first: Int, $roles: [Role!], $search: String)" } else { "" };
                let more = if list.contains("...More") { more } else { "" };
                let query = format!("query Lists{variables} {{\norganization({by}) {{\n name {list} }} }} {more}");
                person.run(&query, given.clone()).await.body
            };
            let (by_slug, by_id) =
                (ask("slug: \"office\"".to_owned()).await, ask(format!("id: \"{}\"", office.id)).await);
            assert_eq!(by_slug, by_id, "{list}");
        }
    }
    office.app.close().await;
}
