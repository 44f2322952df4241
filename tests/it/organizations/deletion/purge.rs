//! The final deletion after the grace period, and without one.

use chrono::TimeDelta;
use guildhall::operations::maintenance::purge_organizations::purge_organizations;
use serde_json::{Value, json};

use super::{BELONGINGS, Team, delete, restore};
use crate::support::TestApp;

/// Adds rows of each kind that an organization can have.
async fn add_rows_of_each_kind(team: &Team) {
    let renamed = json!({ "organizationId": team.id, "slug": "crew" });
    team.owner.mutate("updateOrganization", renamed, "organization { slug }").await.done();
    let offered = json!({ "membershipId": team.membership });
    team.owner.mutate("offerOwnership", offered, "ownershipOffer { id }").await.done();
    team.app
        .sql("BEGIN;
              INSERT INTO plans (workspace_id, organization_id, tier, anchor) SELECT id, id, 'TEAM', now() FROM organizations;
              INSERT INTO cloud_storages (id, workspace_id, organization_id, owner_id, display_name, provider, resource, created_at)
                SELECT gen_random_uuid(), id, id, owner_id, 's', 'AWS_S3', 'bucket', now() FROM organizations;
              INSERT INTO projects (id, workspace_id, organization_id, owner_id, assignee_id, name, source_storage_id, created_at, updated_at)
                SELECT gen_random_uuid(), o.id, o.id, m.user_id, m.user_id, 'p', s.id, now(), now()
                FROM organizations o JOIN memberships m ON m.organization_id = o.id AND m.role = 'WORKER', cloud_storages s;
              INSERT INTO tasks (id, workspace_id, organization_id, project_id, owner_id, assignee_id, name, target_storage_id, created_at, updated_at)
                SELECT gen_random_uuid(), workspace_id, organization_id, id, owner_id, assignee_id, 't', source_storage_id, now(), now() FROM projects;
              INSERT INTO jobs (id, workspace_id, organization_id, task_id, assignee_id, created_at, updated_at)
                SELECT gen_random_uuid(), workspace_id, organization_id, id, assignee_id, now(), now() FROM tasks;
              UPDATE users SET selected_organization_id = (SELECT id FROM organizations) WHERE username IN ('owner', 'wim');
              COMMIT")
        .await;
    for table in BELONGINGS {
        assert!(team.app.count(table).await > 0, "no rows in {table}");
    }
}

/// Checks that nothing of the organization is left but its events.
async fn assert_gone(team: &Team) {
    assert_eq!(team.rows().await, 0);
    let uuid = "(SELECT workspace_id FROM events ORDER BY transaction_id, sequence LIMIT 1)";
    let deletion_events = format!(
        "SELECT count(*) FROM events e JOIN users u ON u.id = e.person_id WHERE e.type = 'ORGANIZATION_DELETED'
         AND u.username = 'owner' AND e.workspace_id = {uuid} AND e.changes @> '[{{\"field\": \"slug\", \"before\": \"crew\", \"after\": null}}]'"
    );
    assert_eq!(team.app.number(&deletion_events).await, 1);
    assert_eq!(team.app.number("SELECT count(*) FROM users WHERE selected_organization_id IS NOT NULL").await, 0);
    assert_eq!(team.app.count("users").await, 7);
    for slug in ["team", "crew"] {
        let query = format!(r#"{{ slugAvailability(slug: "{slug}") {{ available }} }}"#);
        assert_eq!(team.app.again(&team.eve).await.ask(&query).await.data()["slugAvailability"]["available"], true);
    }
    assert_eq!(delete(&team.app.again(&team.owner).await, &team.id, "crew").await.refused(), ["NOT_FOUND"]);
    assert_eq!(restore(&team.app.again(&team.root).await, &team.id).await.refused(), ["NOT_FOUND"]);
    team.app.again(&team.eve).await.creates("crew").await;
}

#[tokio::test]
async fn delete_organization_without_a_grace_period_deletes_immediately() {
    let team = Team::on(TestApp::with(|settings| settings.rules.deletion_grace = TimeDelta::zero()).await).await;
    add_rows_of_each_kind(&team).await;
    let gone = json!({ "organizationId": team.id, "confirmSlug": "crew", "idempotencyKey": "k" });
    for _ in 0..2 {
        let payload = team.owner.mutate("deleteOrganization", gone.clone(), "organization { slug }").await.done();
        assert_eq!(payload["organization"], Value::Null);
    }
    assert_eq!(team.app.log_after("OWNERSHIP_OFFERED").await, ["OWNERSHIP_OFFER_RESOLVED", "ORGANIZATION_DELETED"]);
    assert_gone(&team).await;
    team.close().await;
}

#[tokio::test]
async fn purge_organizations_deletes_all_rows_after_the_grace_period() {
    let mut team = Team::new().await;
    add_rows_of_each_kind(&team).await;
    delete(&team.owner, &team.id, "crew").await.done();
    let purge =
        async |team: &Team| purge_organizations(&team.app.env.store, &team.app.env.clock).await.expect("it runs");
    let rows = team.rows().await;
    team.later(TimeDelta::days(7) - TimeDelta::seconds(20)).await;
    assert_eq!((purge(&team).await, team.rows().await), (0, rows));
    for slug in ["crew", "team"] {
        let query = format!(r#"{{ slugAvailability(slug: "{slug}") {{ available problem }} }}"#);
        let taken = json!({ "available": false, "problem": "SLUG_TAKEN" });
        assert_eq!(team.guest.ask(&query).await.data()["slugAvailability"], taken);
        let create = team.guest.mutate("createOrganization", json!({ "slug": slug }), "organization { id }").await;
        assert_eq!(create.refused(), ["SLUG_TAKEN"]);
    }
    team.later(TimeDelta::seconds(20)).await;
    assert_eq!(restore(&team.owner, &team.id).await.refused(), ["NOT_FOUND"], "the grace period is over");
    assert_eq!(purge(&team).await, 1);
    assert_eq!(purge(&team).await, 0, "once");
    let deletion_events = "SELECT count(*) FROM events WHERE type = 'ORGANIZATION_DELETED' AND actor_id IS NULL";
    assert_eq!(team.app.number(deletion_events).await, 1, "the purge has no actor");
    assert_gone(&team).await;
    team.close().await;
}
