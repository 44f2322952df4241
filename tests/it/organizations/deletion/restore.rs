//! `restoreOrganization`.

use chrono::TimeDelta;
use guildhall::domain::plan_catalog::Plans;
use serde_json::json;

use super::{Team, delete, restore};
use crate::support::TestApp;
use crate::support::concurrency::{MANY, at_once, tally};

#[tokio::test]
async fn restore_organization_brings_back_members_and_invitations_unchanged() {
    let mut team = Team::new().await;
    let query = format!(
        r#"{{ organization(id: "{}") {{ slug version updatedAt memberCount owner {{ username }}
             members {{ nodes {{ id role joinedAt user {{ username }} }} }}
             invitations {{ nodes {{ id status expiresAt email role }} }} }} }}"#,
        team.id
    );
    let before = team.max.ask(&query).await.data();
    delete(&team.owner, &team.id, "team").await.done();
    team.later(TimeDelta::days(6)).await;
    restore(&team.owner, &team.id).await.done();
    assert_eq!(team.max.ask(&query).await.data(), before);
    team.guest.accepts(&team.invitation).await;
    team.owner
        .mutate("updateOrganization", json!({ "organizationId": team.id, "name": "T" }), "organization { version }")
        .await
        .done();
    team.close().await;
}

#[tokio::test]
async fn restore_organization_checks_the_limit_of_owned_organizations() {
    let app = TestApp::with(|settings| settings.rules.plans = Plans::default()).await;
    let (ada, root) = (app.person("ada").await, app.admin("root").await);
    let first = ada.creates("first").await;
    delete(&ada, &first, "first").await.done();
    let second = ada.creates("second").await;
    assert_eq!(restore(&ada, &first).await.refused(), ["LIMIT_EXCEEDED"]);
    assert_eq!(
        restore(&root, &first).await.refused(),
        ["LIMIT_EXCEEDED"],
        "an administrator's request is refused, too"
    );
    delete(&ada, &second, "second").await.done();
    let answers = at_once(|n| {
        let (ada, id) = (ada.clone(), [first.clone(), second.clone()][n % 2].clone());
        async move { restore(&ada, &id).await }
    });
    let tally = tally(answers.await);
    assert_eq!((tally["ok"], tally["NOT_PENDING_DELETION"] + tally["LIMIT_EXCEEDED"]), (1, MANY - 1), "{tally:?}");
    assert_eq!(app.number("SELECT count(*) FROM organizations WHERE status = 'ACTIVE'").await, 1);
    app.close().await;
}
