//! Concurrent mutations: the right number of them succeed, and the others get precise codes.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::json;

use crate::plans::{join, left_by_a_plan, limited};
use crate::support::org_fixture::bucket;
use crate::support::{Answer, Office, TestApp};

/// Number of concurrent requests.
pub const MANY: usize = 50;

/// The number of each outcome: `ok` or the code of the first user error. Top-level errors fail the test.
pub fn tally(answers: Vec<Answer>) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for answer in answers {
        let codes = answer.refused();
        *tally.entry(codes.first().cloned().unwrap_or_else(|| "ok".to_owned())).or_insert(0) += 1;
    }
    tally
}

/// The expected outcomes.
pub fn counts<const N: usize>(expected: [(&str, usize); N]) -> BTreeMap<String, usize> {
    expected.into_iter().map(|(code, count)| (code.to_owned(), count)).collect()
}

/// The answers of [`MANY`] concurrent tasks.
pub async fn at_once<F: Future<Output = Answer> + Send + 'static>(run: impl Fn(usize) -> F) -> Vec<Answer> {
    join_all((0..MANY).map(|n| tokio::spawn(run(n))))
        .await
        .into_iter()
        .map(|answer| answer.expect("an answer"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accept_invitation_fifty_times_concurrently_creates_one_member() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
    let answers = at_once(|_| {
        let (bob, input) = (bob.clone(), json!({ "invitationId": invitation }));
        async move { bob.mutate("acceptInvitation", input, "membership { id }").await }
    });
    assert_eq!(tally(answers.await), counts([("ok", 1), ("INVITATION_NOT_PENDING", MANY - 1)]));
    assert_eq!(app.count("memberships").await, 2);
    app.check_invariants().await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_organization_fifty_times_concurrently_creates_one_per_slug() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let answers = at_once(|_| {
        let ada = ada.clone();
        async move { ada.mutate("createOrganization", json!({ "slug": "acme" }), "organization { id }").await }
    });
    assert_eq!(tally(answers.await), counts([("ok", 1), ("SLUG_TAKEN", MANY - 1)]));
    assert_eq!(app.count("organizations").await, 1);
    app.check_invariants().await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invite_members_fifty_times_concurrently_leaves_one_pending_per_address() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let input = json!({ "organizationId": id, "onError": "REJECT_ALL", "invitees": [{ "email": "bob@example.org", "role": "WORKER" }] });
    let answers = at_once(|_| {
        let (ada, input) = (ada.clone(), input.clone());
        async move { ada.mutate("inviteMembers", input, "results { email }").await }
    });
    assert_eq!(tally(answers.await), counts([("ok", 1), ("ALREADY_INVITED", MANY - 1)]));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accept_invitation_against_revoke_invitation_has_one_winner() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    for _ in 0..5 {
        let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
        let answers = at_once(|n| {
            let (ada, bob, input) = (ada.clone(), bob.clone(), json!({ "invitationId": invitation }));
            async move {
                if n % 2 == 0 {
                    bob.mutate("acceptInvitation", input, "membership { id }").await
                } else {
                    ada.mutate("revokeInvitation", input, "invitation { status }").await
                }
            }
        });
        assert_eq!(tally(answers.await), counts([("ok", 1), ("INVITATION_NOT_PENDING", MANY - 1)]));
        let query =
            format!(r#"{{ invitation(id: "{invitation}") {{ status }} organization(id: "{id}") {{ memberCount }} }}"#);
        let data = ada.ask(&query).await.data();
        let accepted = data["invitation"]["status"] == "ACCEPTED";
        assert_eq!(data["organization"]["memberCount"], if accepted { 2 } else { 1 });
        if accepted {
            bob.mutate("leaveOrganization", json!({ "organizationId": id }), "leftMembershipId").await.done();
        }
        app.check_invariants().await;
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn change_member_role_against_remove_member_leaves_the_member_removed() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let membership = bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
    let answers = at_once(|n| {
        let (ada, membership) = (ada.clone(), membership.clone());
        async move {
            if n == MANY / 2 {
                ada.mutate("removeMember", json!({ "membershipId": membership }), "removedMembershipId").await
            } else {
                let role = ["SUPERVISOR", "WORKER"][n % 2];
                let input = json!({ "membershipId": membership, "role": role });
                ada.mutate("changeMemberRole", input, "membership { role }").await
            }
        }
    });
    let tally = tally(answers.await);
    assert_eq!(tally.keys().filter(|code| *code != "ok" && *code != "NOT_FOUND").count(), 0, "{tally:?}");
    assert_eq!(tally.values().sum::<usize>(), MANY);
    assert_eq!(app.count("memberships").await, 1);
    app.check_invariants().await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn change_member_role_demotion_stops_later_invitations_of_the_maintainer() {
    let app = TestApp::new().await;
    let (ada, max) = (app.person("ada").await, app.person("max").await);
    let id = ada.creates("acme").await;
    let max_id = max.accepts(&ada.invites(&id, &max.email(), "MAINTAINER").await).await;
    let answers = at_once(|n| {
        let (ada, max, id, max_id) = (ada.clone(), max.clone(), id.clone(), max_id.clone());
        async move {
            if n == 10 {
                let input = json!({ "membershipId": max_id, "role": "WORKER" });
                ada.mutate("changeMemberRole", input, "membership { role }").await
            } else {
                let input = json!({ "organizationId": id, "invitees": [{ "email": format!("p{n}@example.org"), "role": "WORKER" }] });
                max.mutate("inviteMembers", input, "results { email }").await
            }
        }
    });
    let tally = tally(answers.await);
    assert_eq!(tally.keys().filter(|code| *code != "ok" && *code != "FORBIDDEN").count(), 0, "{tally:?}");
    // The log contains no invitation by the maintainer after the demotion.
    let log = app.log().await;
    let demoted = log.iter().position(|kind| kind == "MEMBER_ROLE_CHANGED").expect("the demotion");
    let after = app.log_after("MEMBER_ROLE_CHANGED").await;
    assert!(demoted > 0 && after.iter().all(|kind| kind != "INVITATION_CREATED"), "{after:?}");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leave_organization_and_accept_invitation_concurrently_keep_the_count() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let mut people = Vec::new();
    for n in 0..20 {
        let person = app.person(&format!("person-{n}")).await;
        let invitation = ada.invites(&id, &person.email(), "WORKER").await;
        people.push((person, invitation));
    }
    for (person, invitation) in people.iter().take(10) {
        person.accepts(invitation).await;
    }
    let moves = people.iter().enumerate().map(|(n, (person, invitation))| {
        let (person, invitation, id) = (person.clone(), invitation.clone(), id.clone());
        tokio::spawn(async move {
            if n < 10 {
                person.mutate("leaveOrganization", json!({ "organizationId": id }), "leftMembershipId").await.done();
            } else {
                person.accepts(&invitation).await;
            }
        })
    });
    for moved in join_all(moves).await {
        moved.expect("it went through");
    }
    app.check_invariants().await;
    let data =
        ada.ask(&format!(r#"{{ organization(id: "{id}") {{ memberCount members {{ totalCount }} }} }}"#)).await.data();
    assert_eq!(data["organization"], json!({ "memberCount": 11, "members": { "totalCount": 11 } }));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accept_invitation_during_update_profile_stores_the_new_names() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    for round in 0..10 {
        let id = ada.creates(&format!("org-{round}")).await;
        let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
        let renamed = json!({ "username": format!("bob-{round}"), "displayName": format!("Bob {round}") });
        let accepted = bob.mutate("acceptInvitation", json!({ "invitationId": invitation }), "membership { id }");
        let (accepted, renamed) = tokio::join!(accepted, bob.mutate("updateProfile", renamed, "viewer { email }"));
        accepted.done();
        renamed.done();
    }
    let stale = "SELECT count(*) FROM memberships m JOIN users u ON u.id = m.user_id
        WHERE (m.username, m.shown_name) <> (u.username, u.shown_name)";
    assert_eq!(app.number(stale).await, 0);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn update_profile_and_remove_member_concurrently_do_not_deadlock() {
    let office = Office::new().await;
    for round in 0..20 {
        // The removal also resets the selected workspace of the member.
        let wes = &office.other;
        let select = json!({ "workspaceId": office.id });
        wes.mutate("selectWorkspace", select, "clientMutationId").await.done();
        let removal = json!({ "membershipId": office.membership(wes).await });
        let name = |n: usize| json!({ "displayName": format!("Wes {round}.{n}") });
        let (removed, first, second) = tokio::join!(
            office.owner.mutate("removeMember", removal, "organization { id }"),
            wes.mutate("updateProfile", name(1), "viewer { email }"),
            wes.mutate("updateProfile", name(2), "viewer { email }"),
        );
        for answer in [removed, first, second] {
            answer.done();
        }
        wes.accepts(&office.owner.invites(&office.id, &wes.email(), "WORKER").await).await;
    }
    let stale =
        "SELECT count(*) FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.shown_name <> u.shown_name";
    assert_eq!(office.app.number(stale).await, 0);
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offer_ownership_fifty_times_concurrently_leaves_one_pending() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let membership = bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
    let answers = at_once(|_| {
        let (ada, input) = (ada.clone(), json!({ "membershipId": membership }));
        async move { ada.mutate("offerOwnership", input, "ownershipOffer { id }").await }
    });
    assert_eq!(tally(answers.await), counts([("ok", 1), ("OFFER_ALREADY_PENDING", MANY - 1)]));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accept_ownership_against_cancel_and_removal_leaves_exactly_one_owner() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    for round in 0..5 {
        let id = ada.creates(&format!("org-{round}")).await;
        let membership = bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
        let input = json!({ "membershipId": membership });
        let made = ada.mutate("offerOwnership", input, "ownershipOffer { id }").await.done();
        let offer = made["ownershipOffer"]["id"].clone();
        let answers = at_once(|n| {
            let (ada, bob, id) = (ada.clone(), bob.clone(), id.clone());
            let (answer, removal) = (json!({ "ownershipOfferId": offer }), json!({ "membershipId": membership }));
            async move {
                match (n + round) % 5 {
                    0 | 1 => bob.mutate("acceptOwnership", answer, "ownershipOffer { status }").await,
                    2 => ada.mutate("cancelOwnershipOffer", answer, "ownershipOffer { status }").await,
                    3 => ada.mutate("removeMember", removal, "removedMembershipId").await,
                    _ => bob.mutate("leaveOrganization", json!({ "organizationId": id }), "leftMembershipId").await,
                }
            }
        })
        .await;
        let tally = tally(answers);
        let clean =
            ["ok", "OFFER_NOT_PENDING", "NOT_FOUND", "FORBIDDEN", "OWNER_CANNOT_LEAVE", "OWNER_CANNOT_BE_CHANGED"];
        assert!(tally.keys().all(|code| clean.contains(&code.as_str())), "{tally:?}");
        app.check_invariants().await;
        // The offer has one final status, and the owner is the person that this status implies.
        let settled = "SELECT count(*) FROM ownership_offers f JOIN organizations o ON o.id = f.organization_id
            WHERE o.owner_id = CASE f.status WHEN 'ACCEPTED' THEN f.to_id WHEN 'CANCELLED' THEN f.from_id END";
        assert_eq!(app.number(settled).await, round as i64 + 1);
        let ends = "SELECT count(*) FROM events WHERE type = 'OWNERSHIP_OFFER_RESOLVED'";
        assert_eq!(app.number(ends).await, round as i64 + 1, "one end each");
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accept_invitation_succeeds_while_the_inviter_deletes_the_account() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    bob.accepts(&ada.invites(&id, &bob.email(), "MAINTAINER").await).await;
    let mut invited = Vec::new();
    for n in 0..MANY - 1 {
        let person = app.person(&format!("person{n}")).await;
        let invitation = bob.invites(&id, &person.email(), "WORKER").await;
        invited.push((person, invitation));
    }
    bob.mutate("leaveOrganization", json!({ "organizationId": id }), "leftMembershipId").await.done();
    let answers = at_once(|n| {
        let (bob, invited) = (bob.clone(), invited.get(n).cloned());
        async move {
            match invited {
                Some((person, invitation)) => {
                    person.mutate("acceptInvitation", json!({ "invitationId": invitation }), "membership { id }").await
                }
                None => bob.mutate("deleteAccount", json!({ "confirmUsername": "bob" }), "deletedUserId").await,
            }
        }
    })
    .await;
    assert_eq!(tally(answers), counts([("ok", MANY)]));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_mutations_concurrently_stop_at_the_plan_limits() {
    let office = Office::over(TestApp::with(|settings| settings.rules.plans = Default::default()).await).await;
    let project = office.project(&office.owner, json!({})).await;
    let answers = at_once(|n| {
        let (owner, sue, id, project) =
            (office.owner.clone(), office.supervisor.clone(), office.id.clone(), project.clone());
        async move {
            match n % 4 {
                0 => sue.mutate("createProject", json!({ "workspaceId": id, "name": "P" }), "project { id }").await,
                1 => sue.mutate("createTask", json!({ "workspaceId": id, "name": "T" }), "task { id }").await,
                2 => owner.mutate("createTask", json!({ "projectId": project, "name": "T" }), "task { id }").await,
                _ => owner.mutate("createCloudStorage", bucket(&id), "cloudStorage { id }").await,
            }
        }
    });
    // Two projects besides the existing one, ten tasks, and ten of the twelve storages: exactly up to the limits.
    assert_eq!(tally(answers.await), counts([("ok", 2 + 10 + 10), ("LIMIT_EXCEEDED", MANY - 22)]));
    assert_eq!(office.app.count("projects").await, 3);
    assert_eq!(office.app.count("tasks").await, 10);
    assert_eq!(office.app.count("cloud_storages").await, 10);
    assert!(office.app.number("SELECT count(*) FROM tasks WHERE project_id IS NOT NULL").await <= 5);
    office.app.check_invariants().await;
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn remove_member_against_assignments_leaves_none_to_the_removed_member() {
    let office = Office::new().await;
    let project = office.project(&office.owner, json!({})).await;
    let task = office.owner.makes("createTask", json!({ "projectId": project, "name": "T" })).await;
    let job = office.jobs().await.pop().expect("a job");
    for person in [&office.worker, &office.other, &office.supervisor] {
        let membership = office.membership(person).await;
        let answers = at_once(|n| {
            let (owner, person, membership) = (office.owner.clone(), person.id.clone(), membership.clone());
            let (project, task, job) = (project.clone(), task.clone(), job.clone());
            async move {
                if n == MANY / 2 {
                    let input = json!({ "membershipId": membership });
                    return owner.mutate("removeMember", input, "removedMembershipId").await;
                }
                match n % 3 {
                    0 => {
                        let input = json!({ "projectId": project, "assigneeId": person });
                        owner.mutate("updateProject", input, "project { id }").await
                    }
                    1 => {
                        let input = json!({ "taskId": task, "assigneeId": person });
                        owner.mutate("updateTask", input, "task { id }").await
                    }
                    _ => {
                        let input = json!({ "jobId": job, "assigneeId": person });
                        owner.mutate("updateJob", input, "job { id }").await
                    }
                }
            }
        });
        let tally = tally(answers.await);
        assert!(tally.keys().all(|code| code == "ok" || code == "ASSIGNEE_NOT_ELIGIBLE"), "{tally:?}");
        office.app.check_invariants().await;
        let left = "SELECT (SELECT count(assignee_id) FROM projects) + (SELECT count(assignee_id) FROM tasks)
            + (SELECT count(assignee_id) FROM jobs)";
        assert_eq!(office.app.number(left).await, 0, "{}", person.name);
    }
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delete_resource_against_create_task_leaves_no_task_in_the_project() {
    let office = Office::new().await;
    for _ in 0..3 {
        let project = office.project(&office.supervisor, json!({})).await;
        let alone = office.task(&office.supervisor, json!({})).await;
        let answers = at_once(|n| {
            let (sue, project, alone) = (office.supervisor.clone(), project.clone(), alone.clone());
            async move {
                if n == MANY / 2 {
                    let input = json!({ "resourceId": project });
                    sue.mutate("deleteResource", input, "deletedResourceId").await
                } else if n % 5 == 0 {
                    let input = json!({ "taskId": alone, "projectId": project });
                    sue.mutate("updateTask", input, "task { id }").await
                } else {
                    let input = json!({ "projectId": project, "name": "T", "jobCount": 2 });
                    sue.mutate("createTask", input, "task { id }").await
                }
            }
        });
        let tally = tally(answers.await);
        assert!(tally.keys().all(|code| code == "ok" || code == "NOT_FOUND"), "{tally:?}");
        assert_eq!(office.app.number("SELECT count(*) FROM tasks WHERE project_id IS NOT NULL").await, 0);
        for kind in ["TASK", "JOB"] {
            let alive = office.app.count(&format!("{}s", kind.to_lowercase())).await;
            let balance = format!(
                "SELECT count(*) FILTER (WHERE type = '{kind}_CREATED') - count(*) FILTER (WHERE type = '{kind}_DELETED')
                 FROM events"
            );
            assert_eq!(office.app.number(&balance).await, alive, "the log tells of each {kind}");
        }
        office.app.check_invariants().await;
    }
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn update_task_against_update_job_succeeds_without_deadlock() {
    let office = Office::new().await;
    let owner = &office.owner;
    let projects = [office.project(owner, json!({})).await, office.project(owner, json!({})).await];
    let storage = office.storage(owner).await;
    let task = office.task(owner, json!({ "jobCount": 5 })).await;
    let jobs = office.jobs().await;
    let answers = at_once(|n| {
        let (owner, projects, task, storage) = (owner.clone(), projects.clone(), task.clone(), storage.clone());
        let job = jobs[n % jobs.len()].clone();
        async move {
            match n % 6 {
                0 => {
                    let input = json!({ "taskId": task, "projectId": projects[n / 6 % 2] });
                    owner.mutate("updateTask", input, "task { id }").await
                }
                1 => {
                    let input = json!({ "taskId": task, "projectId": null, "targetStorageId": storage });
                    owner.mutate("updateTask", input, "task { id }").await
                }
                2 => {
                    let input = json!({ "projectId": projects[n / 6 % 2], "name": format!("P{n}") });
                    owner.mutate("updateProject", input, "project { id }").await
                }
                _ => {
                    let stage = ["ANNOTATION", "VALIDATION", "ACCEPTANCE"][n % 3];
                    let input = json!({ "jobId": job, "stage": stage, "state": "COMPLETED" });
                    owner.mutate("updateJob", input, "job { id }").await
                }
            }
        }
    });
    assert_eq!(tally(answers.await), counts([("ok", MANY)]));
    office.app.check_invariants().await;
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn update_job_does_not_wait_for_share_locks_on_the_organization() {
    let office = Office::new().await;
    office.task(&office.owner, json!({})).await;
    let job = office.jobs().await.pop().expect("a job");
    let (other, connection) =
        tokio_postgres::connect(&office.app.url, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    other.batch_execute("BEGIN; SELECT FROM organizations FOR SHARE").await.expect("a hold");
    let input = json!({ "jobId": job, "state": "COMPLETED" });
    let update = office.owner.mutate("updateJob", input, "job { state }");
    let done = tokio::time::timeout(std::time::Duration::from_secs(10), update).await.expect("it does not wait").done();
    assert_eq!(done["job"]["state"], "COMPLETED");
    other.batch_execute("ROLLBACK").await.expect("an end");
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delete_account_against_create_project_leaves_no_project_without_an_owner() {
    let office = Office::new().await;
    let answers = at_once(|n| {
        let (root, id) = (office.admin.clone(), office.id.clone());
        async move {
            if n == MANY / 2 {
                root.mutate("deleteAccount", json!({ "confirmUsername": "root" }), "deletedUserId").await
            } else {
                root.mutate("createProject", json!({ "workspaceId": id, "name": "P" }), "project { id }").await
            }
        }
    })
    .await;
    // Requests after the deletion are unauthenticated. The deletion may ask for a retry if a project was created
    // meanwhile.
    let clean = ["UNAUTHENTICATED", "SERVICE_UNAVAILABLE"];
    for answer in &answers {
        assert!(answer.codes().iter().all(|code| clean.contains(code)), "{answer:?}");
    }
    let ownerless = "SELECT count(*) FROM projects WHERE owner_id NOT IN (SELECT id FROM users)";
    assert_eq!(office.app.number(ownerless).await, 0);
    office.app.check_invariants().await;
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_organization_fifty_times_concurrently_stops_at_the_plan_limit() {
    let app = limited().await;
    let ada = app.person("ada").await;
    for (round, most) in [(0, 1), (1, 3)] {
        if round == 1 {
            let input = json!({ "workspaceId": ada.id.replace("usr_", "pws_"), "tier": "SOLO" });
            ada.mutate("changePlan", input, "clientMutationId").await.done();
        }
        let before = usize::try_from(app.count("organizations").await).expect("a count");
        let answers = at_once(|n| {
            let ada = ada.clone();
            let document = format!(
                r#"mutation {{ createOrganization(input: {{ slug: "acme-{round}-{n}" }}) {{ userErrors {{ code limit {{ kind used max }} }} }} }}"#
            );
            async move { ada.ask(&document).await }
        })
        .await;
        for answer in &answers {
            let errors = &answer.body["data"]["createOrganization"]["userErrors"];
            let limit = json!({ "kind": "OWNED_ORGANIZATIONS", "used": most, "max": most });
            let refused = json!([{ "code": "LIMIT_EXCEEDED", "limit": limit }]);
            assert!(*errors == json!([]) || *errors == refused, "{errors}");
        }
        let made = most - before;
        assert_eq!(tally(answers), counts([("ok", made), ("LIMIT_EXCEEDED", MANY - made)]));
        assert_eq!(app.number(&format!("SELECT {most} - count(*) FROM organizations")).await, 0);
    }
    app.check_invariants().await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invite_members_fifty_times_concurrently_never_exceeds_the_seats() {
    let app = limited().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    join(&app, &id, 6).await;
    for (seats, code) in [(10, "LIMIT_EXCEEDED"), (14, "SEATS_EXHAUSTED")] {
        if seats > 10 {
            let input = json!({ "workspaceId": id, "tier": "TEAM", "seats": seats });
            ada.mutate("changePlan", input, "clientMutationId").await.done();
        }
        let answers = at_once(|n| {
            let (ada, email) = (ada.clone(), format!("guest-{seats}-{n}@example.org"));
            let input = json!({ "organizationId": id, "invitees": [{ "email": email, "role": "WORKER" }] });
            let fields = "results { userErrors { code limit { kind used max } } }";
            async move { ada.mutate("inviteMembers", input, fields).await }
        })
        .await;
        let mut refused = 0;
        for answer in answers {
            let errors = answer.done()["results"][0]["userErrors"].clone();
            let limit = (seats == 10).then(|| json!({ "kind": "MEMBERS", "used": 10, "max": 10 }));
            if errors != json!([]) {
                assert_eq!(errors, json!([{ "code": code, "limit": limit }]));
                refused += 1;
            }
        }
        let taken =
            "SELECT member_count + (SELECT count(*) FROM invitations WHERE status = 'PENDING') FROM organizations";
        assert_eq!((app.number(taken).await, refused), (seats, MANY - if seats == 10 { 3 } else { 4 }));
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accept_invitation_concurrently_never_exceeds_the_member_limit() {
    let app = limited().await;
    let (_, _, guests) = left_by_a_plan(&app, 4, 9).await;
    let accepts = guests.iter().map(|(guest, invitation)| {
        guest.mutate("acceptInvitation", json!({ "invitationId": invitation }), "membership { id }")
    });
    let outcomes = tally(futures_util::future::join_all(accepts).await);
    assert_eq!(outcomes, counts([("ok", 5), ("LIMIT_EXCEEDED", 4)]));
    assert_eq!(app.number("SELECT member_count::bigint FROM organizations").await, 10);
    app.check_invariants().await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn change_plan_against_invite_members_never_leaves_too_few_seats() {
    let app = limited().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let buy = |seats: usize| {
        let (ada, input) = (ada.clone(), json!({ "workspaceId": id, "tier": "TEAM", "seats": seats }));
        async move { ada.mutate("changePlan", input, "clientMutationId").await }
    };
    buy(30).await.done();
    let answers = at_once(|n| {
        let (ada, buy) = (ada.clone(), (n % 2 == 0).then(|| buy(1 + n / 2)));
        let email = format!("guest-{n}@example.org");
        let input = json!({ "organizationId": id, "invitees": [{ "email": email, "role": "WORKER" }] });
        async move {
            match buy {
                Some(buy) => buy.await,
                None => ada.mutate("inviteMembers", input, "results { email }").await,
            }
        }
    });
    let outcomes = tally(answers.await);
    assert!(outcomes.keys().all(|code| code == "ok" || code == "OUT_OF_RANGE"), "{outcomes:?}");
    let left = "SELECT seats - 1 - (SELECT count(*) FROM invitations WHERE status = 'PENDING') FROM plans";
    assert!(app.number(left).await >= 0);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn organization_lock_waiters_are_refused_after_a_demotion_commits() {
    let office = Office::new().await;
    let Office { app, id, owner, maintainer, .. } = &office;
    let invitation = owner.invites(id, "guest@example.org", "WORKER").await;
    let membership = office.membership(&office.worker).await;
    let (mut other, connection) = tokio_postgres::connect(&app.url, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let demotion = other.transaction().await.expect("a transaction");
    let demote = "SELECT FROM organizations FOR NO KEY UPDATE;
        UPDATE memberships SET role = 'WORKER' WHERE role = 'MAINTAINER'";
    demotion.batch_execute(demote).await.expect("a demotion");

    let attempts = [
        ("changeMemberRole", json!({ "membershipId": membership, "role": "SUPERVISOR" })),
        ("removeMember", json!({ "membershipId": membership })),
        ("revokeInvitation", json!({ "invitationId": invitation })),
        (
            "inviteMembers",
            json!({ "organizationId": id, "invitees": [{ "email": "p@example.org", "role": "WORKER" }] }),
        ),
        ("updateOrganization", json!({ "organizationId": id, "name": "Mine" })),
    ];
    let all = attempts.len() as i64;
    let attempts = attempts.map(|(mutation, input)| {
        let maintainer = maintainer.clone();
        tokio::spawn(async move { maintainer.mutate(mutation, input, "clientMutationId").await })
    });
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while app.number(waiting).await < all {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    demotion.commit().await.expect("a commit");
    for attempt in attempts {
        assert_eq!(attempt.await.expect("an answer").refused(), ["FORBIDDEN"]);
    }
    office.app.close().await;
}
