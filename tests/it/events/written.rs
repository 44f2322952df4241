//! Which events each mutation and each maintenance job writes.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use guildhall::operations::maintenance::expire_invitations::expire_invitations;
use guildhall::operations::maintenance::expire_ownership_offers::expire_ownership_offers;
use guildhall::operations::maintenance::expire_plans::expire_plans;
use guildhall::operations::maintenance::purge_organizations::purge_organizations;
use serde_json::json;

use super::story;
use crate::support::stream::text;
use crate::support::{Office, TestApp};

const ACCOUNT_MUTATIONS: &[&str] = &[
    "signUp",
    "signIn",
    "refreshSession",
    "signOut",
    "verifyEmail",
    "resendVerificationEmail",
    "requestPasswordReset",
    "resetPassword",
    "changePassword",
    "updateProfile",
    "changeEmail",
    "deleteAccount",
    "selectWorkspace",
];

/// The event types that each of the other mutations writes in [`story`].
const EVENTS_OF_MUTATIONS: &[(&str, &[&str])] = &[
    ("createOrganization", &["ORGANIZATION_CREATED", "MEMBER_JOINED"]),
    ("updateOrganization", &["ORGANIZATION_UPDATED"]),
    ("deleteOrganization", &["ORGANIZATION_DELETION_SCHEDULED"]),
    ("restoreOrganization", &["ORGANIZATION_RESTORED"]),
    ("inviteMembers", &["INVITATION_CREATED"]),
    ("resendInvitation", &["INVITATION_RESENT"]),
    ("revokeInvitation", &["INVITATION_REVOKED"]),
    ("acceptInvitation", &["INVITATION_ACCEPTED", "MEMBER_JOINED"]),
    ("declineInvitation", &["INVITATION_DECLINED"]),
    ("changeMemberRole", &["MEMBER_ROLE_CHANGED"]),
    ("removeMember", &["MEMBER_REMOVED", "TASK_UPDATED", "JOB_UPDATED"]),
    ("leaveOrganization", &["MEMBER_LEFT", "PROJECT_UPDATED", "TASK_UPDATED", "JOB_UPDATED"]),
    ("offerOwnership", &["OWNERSHIP_OFFERED"]),
    ("cancelOwnershipOffer", &["OWNERSHIP_OFFER_RESOLVED"]),
    ("declineOwnership", &["OWNERSHIP_OFFER_RESOLVED"]),
    ("acceptOwnership", &["OWNERSHIP_OFFER_RESOLVED", "OWNERSHIP_TRANSFERRED", "MEMBER_ROLE_CHANGED"]),
    ("createProject", &["PROJECT_CREATED"]),
    ("updateProject", &["PROJECT_UPDATED"]),
    ("createTask", &["TASK_CREATED", "JOB_CREATED"]),
    ("updateTask", &["TASK_UPDATED"]),
    ("updateJob", &["JOB_UPDATED", "TASK_UPDATED"]),
    ("createCloudStorage", &["CLOUD_STORAGE_CREATED"]),
    ("updateCloudStorage", &["CLOUD_STORAGE_UPDATED"]),
    ("deleteResource", &["TASK_DELETED", "JOB_DELETED"]),
    ("transferResources", &["RESOURCE_MOVED_OUT", "RESOURCE_MOVED_IN"]),
    ("changePlan", &["PLAN_CHANGED"]),
    ("cancelPlan", &["PLAN_CHANGED"]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutations_write_their_events_except_for_account_mutations() {
    let story = story().await;
    let data = story.office.app.nobody("{ __schema { mutationType { fields { name } } } }").await.data();
    let served = data["__schema"]["mutationType"]["fields"].as_array().expect("fields");
    let served: BTreeSet<String> = served.iter().map(|field| text(field, "name")).collect();
    assert_eq!(story.written.keys().cloned().collect::<BTreeSet<_>>(), served, "the story runs every mutation");
    let silent: BTreeSet<&str> =
        story.written.iter().filter(|(_, written)| written.is_empty()).map(|(name, _)| name.as_str()).collect();
    assert_eq!(silent, ACCOUNT_MUTATIONS.iter().copied().collect());
    for (mutation, kinds) in EVENTS_OF_MUTATIONS {
        let written: BTreeSet<&str> = story.written[*mutation].iter().map(String::as_str).collect();
        assert_eq!(written, kinds.iter().copied().collect(), "{mutation}");
    }
    assert_eq!(EVENTS_OF_MUTATIONS.len() + ACCOUNT_MUTATIONS.len(), story.written.len());
    story.office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maintenance_jobs_write_events_without_an_actor() {
    let office = Office::over(TestApp::with(|_| {}).await).await;
    let app = &office.app;
    let team = json!({ "workspaceId": office.id, "tier": "TEAM", "interval": "MONTH" });
    office.owner.mutate("changePlan", team, "clientMutationId").await.done();
    office.owner.mutate("cancelPlan", json!({ "workspaceId": office.id }), "clientMutationId").await.done();
    office.owner.invites(&office.id, "late@example.org", "WORKER").await;
    let offer = json!({ "membershipId": office.membership(&office.worker).await });
    office.owner.mutate("offerOwnership", offer, "clientMutationId").await.done();
    let doomed = office.owner.creates("doomed").await;
    let confirmed = json!({ "organizationId": doomed, "confirmSlug": "doomed" });
    office.owner.mutate("deleteOrganization", confirmed, "clientMutationId").await.done();
    app.env.clock.advance(TimeDelta::days(40));
    assert_eq!(expire_invitations(&app.env.store, &app.env.clock).await.ok(), Some(1));
    assert_eq!(expire_ownership_offers(&app.env.store, &app.env.clock).await.ok(), Some(1));
    assert_eq!(expire_plans(&app.env.store, &app.env.clock).await.ok(), Some(1));
    assert_eq!(purge_organizations(&app.env.store, &app.env.clock).await.ok(), Some(1));
    let written = app.texts("SELECT type FROM events WHERE actor_id IS NULL ORDER BY sequence").await;
    assert_eq!(written, ["INVITATION_EXPIRED", "OWNERSHIP_OFFER_RESOLVED", "PLAN_CHANGED", "ORGANIZATION_DELETED"]);
    office.app.close().await;
}

#[tokio::test]
async fn member_and_invitation_changes_each_write_one_event() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let membership = bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
    let update = json!({ "organizationId": id, "name": "Acme" });
    ada.mutate("updateOrganization", update, "organization { id }").await.done();
    let change = json!({ "membershipId": membership, "role": "SUPERVISOR" });
    ada.mutate("changeMemberRole", change.clone(), "membership { id }").await.done();
    ada.mutate("changeMemberRole", change, "membership { id }").await.done();
    ada.mutate("removeMember", json!({ "membershipId": membership }), "removedMembershipId").await.done();
    assert_eq!(
        app.log().await,
        [
            "ORGANIZATION_CREATED",
            "MEMBER_JOINED",
            "INVITATION_CREATED",
            "INVITATION_ACCEPTED",
            "MEMBER_JOINED",
            "ORGANIZATION_UPDATED",
            "MEMBER_ROLE_CHANGED",
            "MEMBER_REMOVED",
        ]
    );
    app.close().await;
}
