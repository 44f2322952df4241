//! `deleteOrganization`: permission, and the effects on members, invitations and offers.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Team, delete, restore, visible_objects};

/// The result of [`visible_objects`] for a person who sees nothing.
fn nothing_visible() -> Value {
    let none = json!({ "totalCount": 0, "nodes": [] });
    json!({ "byId": null, "bySlug": null, "nodes": [null, null, null], "invitation": null,
        "viewer": { "organizations": none, "invitations": none }, "organizations": none })
}

#[tokio::test]
async fn delete_organization_hides_it_from_all_but_the_owner_and_administrators() {
    let team = Team::new().await;
    let before = visible_objects(&team, &team.owner).await;
    assert_eq!(visible_objects(&team, &team.guest).await["viewer"]["invitations"]["totalCount"], 1);
    let deleted = delete(&team.owner, &team.id, " Team ").await.done()["organization"].clone();
    assert_eq!((&deleted["status"], &deleted["version"]), (&json!("PENDING_DELETION"), &json!(1)));
    let at = chrono::DateTime::parse_from_rfc3339(deleted["deletionScheduledFor"].as_str().expect("a time"));
    let left = at.expect("a time").to_utc() - team.app.env.clock.now();
    assert!(left <= TimeDelta::days(7) && left > TimeDelta::days(7) - TimeDelta::minutes(1), "{left}");
    assert_eq!(team.app.log_after("INVITATION_CREATED").await, ["ORGANIZATION_DELETION_SCHEDULED"]);

    assert_eq!(visible_objects(&team, &team.owner).await, before, "the owner still sees everything");
    for person in team.others() {
        assert_eq!(visible_objects(&team, person).await, nothing_visible(), "{}", person.name);
    }
    let administrator = visible_objects(&team, &team.root).await;
    assert_eq!((&administrator["byId"], &administrator["nodes"]), (&before["byId"], &before["nodes"]));
    assert_eq!(administrator["organizations"], before["organizations"]);
    assert_eq!(administrator["viewer"]["organizations"]["totalCount"], 0, "the administrator's own list is empty");
    let query = format!(r#"{{ organization(id: "{}") {{ slug }} node(id: "{}") {{ id }} }}"#, team.id, team.membership);
    assert_eq!(team.app.nobody(&query).await.data(), json!({ "organization": null, "node": null }));

    let query = format!(
        r#"{{ organization(id: "{}") {{ status memberCount viewerPermissions viewerAssignableRoles
             members {{ totalCount nodes {{ viewerPermissions user {{ email }} }} }}
             invitations {{ nodes {{ viewerPermissions organization {{ slug }} }} }} }} }}"#,
        team.id
    );
    let read_only = team.owner.ask(&query).await.data()["organization"].clone();
    assert_eq!((&read_only["memberCount"], &read_only["members"]["totalCount"]), (&json!(4), &json!(4)));
    assert_eq!(read_only["members"]["nodes"][3]["user"]["email"], "wim@example.org");
    assert_eq!(read_only["viewerAssignableRoles"], json!([]));
    let permissions = read_only["viewerPermissions"].as_array().expect("permissions");
    let writes = permissions.iter().filter(|name| !name.as_str().expect("a name").starts_with("VIEW_"));
    assert_eq!(writes.collect::<Vec<_>>(), ["RESTORE_ORGANIZATION"]);
    assert_eq!(read_only["members"]["nodes"][3]["viewerPermissions"], json!(["VIEW_MEMBERS", "VIEW_MEMBER_EMAILS"]));
    assert_eq!(
        read_only["invitations"]["nodes"][0],
        json!({ "viewerPermissions": ["VIEW_INVITATIONS"], "organization": { "slug": "team" } })
    );
    team.close().await;
}

#[tokio::test]
async fn delete_organization_and_restore_require_the_owner_or_an_administrator() {
    let team = Team::new().await;
    for person in [&team.max, &team.sue, &team.wim] {
        assert_eq!(delete(person, &team.id, "team").await.refused(), ["FORBIDDEN"], "{}", person.name);
        assert_eq!(restore(person, &team.id).await.refused(), ["FORBIDDEN"], "{}", person.name);
    }
    for person in [&team.guest, &team.eve] {
        let (refused, missing) = (delete(person, &team.id, "team").await, "org_00000000000000000000000000");
        let unknown = delete(person, missing, "team").await;
        if person.name == "eve" {
            assert_eq!(refused.body, unknown.body, "the response is the same as for an unknown ID");
        } else {
            assert_eq!(refused.refused(), ["FORBIDDEN"], "invitees see the organization");
        }
    }
    assert_eq!(restore(&team.owner, &team.id).await.refused(), ["NOT_PENDING_DELETION"]);
    assert_eq!(delete(&team.owner, "nonsense", "team").await.refused(), ["INVALID_FORMAT"]);
    for slug in ["", "teams", "owner"] {
        let refused = delete(&team.owner, &team.id, slug).await;
        let error = &refused.body["data"]["deleteOrganization"]["userErrors"][0];
        assert_eq!(error["code"], "CONFIRMATION_MISMATCH");
        assert_eq!(error["path"], json!(["input", "confirmSlug"]));
    }
    assert_eq!(team.app.log_after("INVITATION_CREATED").await, [] as [&str; 0]);

    delete(&team.owner, &team.id, "TEAM").await.done();
    assert_eq!(delete(&team.owner, &team.id, "team").await.refused(), ["ORGANIZATION_PENDING_DELETION"]);
    for person in team.others() {
        assert_eq!(delete(person, &team.id, "team").await.refused(), ["NOT_FOUND"], "{}", person.name);
        assert_eq!(restore(person, &team.id).await.refused(), ["NOT_FOUND"], "{}", person.name);
    }
    let restored = restore(&team.root, &team.id).await.done();
    assert_eq!(
        restored["organization"],
        json!({ "slug": "team", "status": "ACTIVE", "deletionScheduledFor": null, "version": 1 })
    );
    delete(&team.root, &team.id, "team").await.done();
    restore(&team.owner, &team.id).await.done();
    assert_eq!(
        team.app.log_after("INVITATION_CREATED").await,
        [
            "ORGANIZATION_DELETION_SCHEDULED",
            "ORGANIZATION_RESTORED",
            "ORGANIZATION_DELETION_SCHEDULED",
            "ORGANIZATION_RESTORED"
        ]
    );
    let nobody = team
        .app
        .mutate_anonymously("deleteOrganization", json!({ "organizationId": team.id, "confirmSlug": "team" }))
        .await;
    assert_eq!(nobody.codes(), ["UNAUTHENTICATED"]);
    team.close().await;
}

#[tokio::test]
async fn delete_organization_hides_members_who_share_no_other_organization() {
    let team = Team::deleted().await;
    let open = |id: &str| format!(r#"{{ node(id: "{id}") {{ ... on User {{ username email }} }} }}"#);
    let wim = json!({ "username": "wim", "email": "wim@example.org" });
    assert_eq!(team.max.ask(&open(&team.wim.id)).await.data()["node"], Value::Null);
    assert_eq!(team.max.ask(&open(&team.owner.id)).await.data()["node"], Value::Null);
    assert_eq!(team.owner.ask(&open(&team.wim.id)).await.data()["node"], wim);
    restore(&team.owner, &team.id).await.done();
    assert_eq!(team.max.ask(&open(&team.wim.id)).await.data()["node"], wim);

    // Another shared organization gives access according to the role in it.
    let second = team.wim.creates("second").await;
    team.max.accepts(&team.wim.invites(&second, &team.max.email(), "WORKER").await).await;
    delete(&team.owner, &team.id, "team").await.done();
    assert_eq!(
        team.max.ask(&open(&team.wim.id)).await.data()["node"],
        json!({ "username": "wim", "email": null }),
        "a maintainer only there"
    );
    team.close().await;
}

#[tokio::test]
async fn delete_organization_resets_the_selected_workspace_of_other_members() {
    let team = Team::new().await;
    let other = team.max.creates("other").await;
    team.app.settle().await;
    team.app
        .sql(
            "UPDATE users SET selected_organization_id = (SELECT id FROM organizations WHERE slug = 'team')
              WHERE username IN ('owner', 'sue', 'wim');
              UPDATE users SET selected_organization_id = (SELECT id FROM organizations WHERE slug = 'other')
              WHERE username = 'max'",
        )
        .await;
    delete(&team.owner, &team.id, "team").await.done();
    let selected = "SELECT count(*) FROM users u JOIN organizations o ON o.id = u.selected_organization_id
        WHERE (u.username, o.slug) IN (('owner', 'team'), ('max', 'other'))";
    let all = "SELECT count(*) FROM users WHERE selected_organization_id IS NOT NULL";
    assert_eq!((team.app.number(selected).await, team.app.number(all).await), (2, 2), "{other}");
    restore(&team.owner, &team.id).await.done();
    assert_eq!(team.app.number(all).await, 2, "a selection is not restored");
    team.close().await;
}

#[tokio::test]
async fn delete_organization_cancels_a_pending_ownership_offer() {
    let team = Team::new().await;
    let offered =
        team.owner.mutate("offerOwnership", json!({ "membershipId": team.membership }), "ownershipOffer { id }");
    let offer = offered.await.done()["ownershipOffer"]["id"].as_str().expect("an ID").to_owned();
    let query = format!(
        r#"{{ viewer {{ ownershipOffers {{ id }} }} node(id: "{offer}") {{ ... on OwnershipOffer {{ status }} }} }}"#
    );
    assert_eq!(team.wim.ask(&query).await.data()["node"]["status"], "PENDING");
    delete(&team.owner, &team.id, "team").await.done();
    assert_eq!(
        team.app.log_after("OWNERSHIP_OFFERED").await,
        ["OWNERSHIP_OFFER_RESOLVED", "ORGANIZATION_DELETION_SCHEDULED"]
    );
    assert_eq!(team.wim.ask(&query).await.data(), json!({ "viewer": { "ownershipOffers": [] }, "node": null }));
    assert_eq!(team.owner.ask(&query).await.data()["node"]["status"], "CANCELLED");
    restore(&team.owner, &team.id).await.done();
    assert_eq!(team.wim.ask(&query).await.data()["node"]["status"], "CANCELLED");
    team.close().await;
}

#[tokio::test]
async fn delete_organization_and_restore_repeats_with_the_same_key_change_nothing() {
    let team = Team::new().await;
    let input = json!({ "organizationId": team.id, "confirmSlug": "team", "idempotencyKey": "k" });
    let first = team.owner.mutate("deleteOrganization", input.clone(), "organization { status }").await.done();
    assert_eq!(first["organization"]["status"], "PENDING_DELETION");
    assert_eq!(team.owner.mutate("deleteOrganization", input.clone(), "organization { status }").await.done(), first);
    let back = json!({ "organizationId": team.id, "idempotencyKey": "k" });
    let restored = team.owner.mutate("restoreOrganization", back.clone(), "organization { status }").await.done();
    assert_eq!(restored["organization"]["status"], "ACTIVE");
    assert_eq!(team.owner.mutate("restoreOrganization", back, "organization { status }").await.done(), restored);
    assert_eq!(team.owner.mutate("deleteOrganization", input, "organization { status }").await.done(), restored);
    assert_eq!(
        team.app.log_after("INVITATION_CREATED").await,
        ["ORGANIZATION_DELETION_SCHEDULED", "ORGANIZATION_RESTORED"]
    );
    team.close().await;
}
