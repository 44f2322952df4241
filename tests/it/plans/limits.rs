//! Limits of a plan: owned organizations, members, and resources.

use guildhall::domain::ids::TypedId;
use guildhall::domain::limit::LimitKind;
use guildhall::domain::{Code, Error, ProjectId, UserId, WorkspaceId};
use guildhall::operations::plans::quota;
use serde_json::json;
use uuid::Uuid;

use super::{
    LIMIT, app_with_limits, change_plan, organization_above_limits, organization_fields, personal_workspace, uuid,
};
use crate::support::TestApp;

#[tokio::test]
async fn create_organization_refuses_a_second_one_on_the_free_plan_and_names_the_limit() {
    let app = app_with_limits().await;
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
    let app = app_with_limits().await;
    let ada = app.person("ada").await;
    ada.creates("acme").await;
    app.sql("UPDATE organizations SET status = 'PENDING_DELETION', deletion_scheduled_for = now() + interval '7 d'")
        .await;
    ada.creates("another").await;
    app.close().await;
}

#[tokio::test]
async fn accept_invitation_refuses_members_above_the_plan_limit() {
    let app = app_with_limits().await;
    let (ada, id, guests) = organization_above_limits(&app, 8, 3).await;
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
    assert_eq!(app.mutate_anonymously("signUp", newcomer).await.refused(), ["LIMIT_EXCEEDED"]);
    assert_eq!(app.number("SELECT count(*) FROM users WHERE username = 'newcomer'").await, 0);
    let limits = organization_fields(&ada, &id, "memberCount limits { kind used max }").await;
    assert_eq!(limits["memberCount"], 10, "members stay, and new ones are refused");
    app.close().await;
}

#[tokio::test]
async fn accept_ownership_checks_the_limit_of_owned_organizations() {
    let app = app_with_limits().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    bob.creates("bobs").await;
    let membership = bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
    let offered =
        ada.mutate("offerOwnership", json!({ "membershipId": membership }), "ownershipOffer { id }").await.done();
    let input = json!({ "ownershipOfferId": offered["ownershipOffer"]["id"] });
    let refused = bob.mutate("acceptOwnership", input.clone(), "organization { id }").await;
    assert_eq!(refused.refused(), ["LIMIT_EXCEEDED"]);
    assert_eq!(organization_fields(&ada, &id, "viewerMembership { role }").await["viewerMembership"]["role"], "OWNER");
    change_plan(&bob, json!({ "workspaceId": personal_workspace(&bob), "tier": "SOLO" })).await;
    bob.mutate("acceptOwnership", input, "organization { id }").await.done();
    app.check_invariants().await;
    app.close().await;
}

#[tokio::test]
async fn limits_count_the_resources_of_the_workspace() {
    let app = app_with_limits().await;
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
    let limits = organization_fields(&ada, &id, "limits { kind used max }").await["limits"].clone();
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

/// Whether `more` projects, tasks or storages fit into the workspace: `None` if they fit, or use and maximum of the
/// exceeded limit.
async fn exceeded_limit(app: &TestApp, workspace: &str, kind: LimitKind, more: i64) -> Option<(i64, Option<i32>)> {
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
    let app = app_with_limits().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let user = Uuid::from(UserId::parse(&ada.id).expect("an ID"));
    let (own, project) = (personal_workspace(&ada), guildhall::domain::ids::new_id::<ProjectId>(app.env.clock.now()));
    app.sql(&format!(
        "INSERT INTO projects (id, workspace_id, user_id, owner_id, name, created_at, updated_at)
           VALUES ('{}', '{user}', '{user}', '{user}', 'p', now(), now());
         INSERT INTO tasks (id, workspace_id, user_id, owner_id, name, created_at, updated_at, project_id)
           SELECT gen_random_uuid(), '{user}', '{user}', '{user}', 't' || n, now(), now(), (SELECT id FROM projects)
           FROM generate_series(1, 5) n",
        Uuid::from(project)
    ))
    .await;
    assert_eq!(exceeded_limit(&app, &own, LimitKind::Projects, 2).await, None);
    assert_eq!(exceeded_limit(&app, &own, LimitKind::Projects, 3).await, Some((1, Some(3))));
    assert_eq!(exceeded_limit(&app, &own, LimitKind::Tasks, 5).await, None);
    assert_eq!(exceeded_limit(&app, &own, LimitKind::Tasks, 6).await, Some((5, Some(10))));
    assert_eq!(exceeded_limit(&app, &own, LimitKind::CloudStorages, 11).await, Some((0, Some(10))));
    assert_eq!(exceeded_limit(&app, &id, LimitKind::Projects, 3).await, None, "limits count per workspace");
    let now = app.env.clock.now();
    let workspace = WorkspaceId::parse(&own).expect("a workspace");
    let mut connection = app.env.store.read().await.expect("a connection");
    let full = quota::check_project_quota(&app.env, &mut connection, workspace, project, 1, now).await;
    assert!(matches!(full, Err(Error::Refused(refusals)) if refusals[0].limit.is_some_and(|limit| limit.used == 5)));
    for (tasks, fits) in [(5, true), (6, false)] {
        let quota = quota::new_project_quota(&app.env, &mut connection, workspace, now).await;
        assert_eq!(quota.expect("a quota").take(tasks).is_ok(), fits, "a project of {tasks}");
    }
    change_plan(&ada, json!({ "workspaceId": own, "tier": "SOLO" })).await;
    assert_eq!(exceeded_limit(&app, &own, LimitKind::Projects, 9).await, None);
    assert_eq!(exceeded_limit(&app, &own, LimitKind::Tasks, 246).await, Some((5, Some(250))));
    quota::check_project_quota(&app.env, &mut connection, workspace, project, 1000, now).await.expect("no limit");
    drop(connection);
    app.close().await;
}
