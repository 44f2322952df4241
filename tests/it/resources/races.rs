//! Concurrent changes of projects, tasks, jobs and cloud storages.

use serde_json::json;

use crate::support::concurrency::{MANY, at_once, counts, tally};
use crate::support::org_fixture::bucket;
use crate::support::{Office, TestApp};

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
            assert_eq!(office.app.number(&balance).await, alive, "the log has an event for each {kind}");
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
    other.batch_execute("BEGIN; SELECT FROM organizations FOR SHARE").await.expect("a lock");
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
