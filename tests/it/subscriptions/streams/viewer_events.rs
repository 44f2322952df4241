//! `viewerEvents`: the events that concern the viewer.

use chrono::TimeDelta;
use guildhall::mail::transports::Transport;
use guildhall::mail::worker::send_due;
use guildhall::operations::maintenance::purge_organizations::purge_organizations;
use serde_json::{Value, json};

use super::{acme, another_instance, app_with_dispatcher, wait_until_registered};
use crate::support::Office;
use crate::support::stream::text;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewer_events_include_own_invitations_memberships_and_offers() {
    let app = app_with_dispatcher().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let mut listener = app.follow_oneself(&bob, None);
    wait_until_registered(&app, &mut listener).await;
    let id = ada.creates("acme").await;
    ada.invites(&id, "somebody.else@example.org", "WORKER").await;
    let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
    let created = listener.event().await;
    assert_eq!(
        (text(&created, "type").as_str(), created["subjectId"].as_str()),
        ("INVITATION_CREATED", Some(&*invitation))
    );
    let membership = bob.accepts(&invitation).await;
    assert_eq!(listener.types(2).await, ["INVITATION_ACCEPTED", "MEMBER_JOINED"]);
    let offer =
        ada.mutate("offerOwnership", json!({ "membershipId": membership }), "ownershipOffer { id }").await.done();
    assert_eq!(listener.types(1).await, ["OWNERSHIP_OFFERED"]);
    let input = json!({ "ownershipOfferId": offer["ownershipOffer"]["id"] });
    bob.mutate("acceptOwnership", input, "ownershipOffer { status }").await.done();
    assert_eq!(listener.types(2).await, ["OWNERSHIP_OFFER_RESOLVED", "MEMBER_ROLE_CHANGED"]);
    assert!(listener.is_silent().await, "the former owner's event is not included");
    // The same events again, read from the log.
    let mut replayed = app.follow_oneself(&bob, Some(&text(&created, "cursor")));
    let expected = [
        "INVITATION_ACCEPTED",
        "MEMBER_JOINED",
        "OWNERSHIP_OFFERED",
        "OWNERSHIP_OFFER_RESOLVED",
        "MEMBER_ROLE_CHANGED",
    ];
    assert_eq!(replayed.types(5).await, expected);
    assert!(replayed.is_silent().await);
    app.close().await;
}

/// Type and subject of each event.
fn types_and_subjects(events: &[Value]) -> Vec<(String, String)> {
    events.iter().map(|event| (text(event, "type"), text(event, "subjectId"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewer_events_include_own_assignments_and_not_those_of_others() {
    let office = Office::over(app_with_dispatcher().await).await;
    let (app, owner, wim, wes) = (&office.app, &office.owner, &office.worker, &office.other);
    let elsewhere = another_instance(app).await;
    // Each subscriber is on another instance.
    let (from, to) = (app.own_cursor(wim).await, app.own_cursor(wes).await);
    let mut listeners = [app.follow_oneself(wim, Some(&from)), elsewhere.follow_oneself(wes, Some(&to))];

    let project = office.project(owner, json!({ "assigneeId": wim.id })).await;
    let input = json!({ "projectId": project, "name": "Task", "assigneeId": wim.id });
    let task = owner.makes("createTask", input).await;
    let job = office.jobs().await.pop().expect("a job");
    let assign = |mutation: &'static str, field: &'static str, id: String, to: Value| async move {
        owner.mutate(mutation, json!({ field: id, "assigneeId": to }), "clientMutationId").await.done();
    };
    assign("updateJob", "jobId", job.clone(), json!(wim.id)).await;
    let named = |kind: &str, id: &str| (kind.to_owned(), id.to_owned());
    let first = listeners[0].events(3).await;
    let expected = [named("PROJECT_CREATED", &project), named("TASK_CREATED", &task), named("JOB_UPDATED", &job)];
    assert_eq!(types_and_subjects(&first), expected);

    // A new assignment: the new assignee receives the event, the former one may no longer see it.
    assign("updateJob", "jobId", job.clone(), json!(wes.id)).await;
    assign("updateTask", "taskId", task.clone(), json!(wes.id)).await;
    assign("updateProject", "projectId", project.clone(), json!(wes.id)).await;
    let second = listeners[1].events(3).await;
    let expected = [named("JOB_UPDATED", &job), named("TASK_UPDATED", &task), named("PROJECT_UPDATED", &project)];
    assert_eq!(types_and_subjects(&second), expected);
    assign("updateProject", "projectId", project.clone(), Value::Null).await;
    for listener in &mut listeners {
        assert!(listener.is_silent().await);
    }

    // The same from the log on the other instance, with current access: Wes is still the assignee of the task and its
    // job.
    let mut replayed = app.follow_oneself(wes, Some(&text(&second[0], "cursor")));
    assert_eq!(replayed.events(1).await, second[1..2]);
    assert!(replayed.is_silent().await);
    let mut replayed = elsewhere.follow_oneself(wim, Some(&text(&first[0], "cursor")));
    assert!(replayed.is_silent().await, "former assignments are not visible");
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewer_events_show_invitees_the_invitation_and_not_its_mails() {
    let office = Office::over(app_with_dispatcher().await).await;
    let (app, eve) = (&office.app, &office.stranger);
    let other = another_instance(app).await;
    let mut invitee = other.follow_oneself(eve, Some(&app.own_cursor(eve).await));
    let mut maintainer = app.follow(&office.maintainer, &office.id, &app.last_cursor(&office.owner, &office.id).await);
    let invitation = office.owner.invites(&office.id, &eve.email(), "WORKER").await;
    let folder = std::env::temp_dir().join(format!("guildhall-mails-of-streams-{}", std::process::id()));
    let transport = Transport::folder(folder.clone(), "Guildhall <guildhall@example.org>", None).expect("a folder");
    send_due(&app.env.store, &app.env.outbox, &transport, &app.env.clock).await.expect("it runs");
    let mut delivered = Vec::new();
    while !delivered.contains(&("INVITATION_DELIVERED".to_owned(), invitation.clone())) {
        delivered.extend(types_and_subjects(&maintainer.events(1).await));
    }
    let first = invitee.event().await;
    assert_eq!(
        types_and_subjects(std::slice::from_ref(&first)),
        [("INVITATION_CREATED".to_owned(), invitation.clone())]
    );
    office.owner.mutate("revokeInvitation", json!({ "invitationId": invitation }), "clientMutationId").await.done();
    assert_eq!(invitee.types(1).await, ["INVITATION_REVOKED"]);
    let mut replayed = app.follow_oneself(eve, Some(&text(&first, "cursor")));
    assert_eq!(replayed.types(1).await, ["INVITATION_REVOKED"]);
    assert!(replayed.is_silent().await && invitee.is_silent().await);
    std::fs::remove_dir_all(folder).expect("the folder");
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewer_events_report_the_final_deletion_to_the_former_owner() {
    let app = app_with_dispatcher().await;
    let other = another_instance(&app).await;
    let (ada, id, bob, _) = acme(&app, "WORKER").await;
    let confirmed = json!({ "organizationId": id, "confirmSlug": "acme" });
    ada.mutate("deleteOrganization", confirmed, "clientMutationId").await.done();
    app.env.clock.advance(TimeDelta::days(8));
    other.env.clock.advance(TimeDelta::days(8));
    let (ada, bob) = (app.again(&ada).await, app.again(&bob).await);
    let (owner_cursor, worker_cursor) = (app.own_cursor(&ada).await, app.own_cursor(&bob).await);
    let mut owner = other.follow_oneself(&ada, Some(&owner_cursor));
    let mut worker = other.follow_oneself(&bob, Some(&worker_cursor));
    assert_eq!(purge_organizations(&app.env.store, &app.env.clock).await.ok(), Some(1));
    assert_eq!(owner.types(1).await, ["ORGANIZATION_DELETED"]);
    assert!(worker.is_silent().await);
    assert_eq!(
        app.follow_oneself(&ada, Some(&owner_cursor)).types(1).await,
        ["ORGANIZATION_DELETED"],
        "also when read from the log"
    );
    app.close().await;
}
