//! `updateJob`, and the status of the task that is derived from its jobs.

use guildhall::domain::job::{JobStage, JobState};
use guildhall::domain::task::TaskStatus;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

use crate::support::org_fixture::with;
use crate::support::{Office, Person};

const JOB: &str = "job { id stage state assignee { username } }";

#[tokio::test]
async fn update_job_changes_stage_and_state_and_the_status_of_the_task() {
    let office = Office::new().await;
    let (sue, wim) = (&office.supervisor, &office.worker);
    let task = office.task(sue, json!({ "jobCount": 2 })).await;
    let jobs = office.jobs().await;
    let update = async |by: &Person, job: &str, input: Value| {
        let job = by.mutate("updateJob", with(json!({ "jobId": job }), input), JOB).await.done()["job"].clone();
        format!("{} {} {}", job["stage"], job["state"], job["assignee"]["username"]).replace('"', "")
    };
    let query = format!(r#"{{ node(id: "{task}") {{ ... on Task {{ status }} }} }}"#);
    let status = async || sue.ask(&query).await.data()["node"]["status"].as_str().expect("a status").to_owned();
    assert_eq!(update(sue, &jobs[0], json!({ "assigneeId": wim.id })).await, "ANNOTATION NEW wim");
    assert_eq!(update(wim, &jobs[0], json!({ "state": "COMPLETED" })).await, "ANNOTATION COMPLETED wim");
    assert_eq!(
        update(sue, &jobs[0], json!({ "stage": "ANNOTATION" })).await,
        "ANNOTATION COMPLETED wim",
        "the current stage changes nothing"
    );
    assert_eq!(
        update(sue, &jobs[0], json!({ "stage": "VALIDATION" })).await,
        "VALIDATION NEW wim",
        "a new stage resets the state"
    );
    assert_eq!(status().await, "ANNOTATION", "the other job is not completed");
    let both = json!({ "stage": "ACCEPTANCE", "state": "COMPLETED", "assigneeId": null });
    assert_eq!(update(sue, &jobs[1], both).await, "ACCEPTANCE COMPLETED null");
    assert_eq!(status().await, "VALIDATION");
    let log = office.app.log().await;
    assert_eq!(log[log.len() - 2..], ["JOB_UPDATED", "TASK_UPDATED"]);
    update(sue, &jobs[0], json!({ "stage": "ACCEPTANCE", "state": "COMPLETED" })).await;
    assert_eq!(status().await, "COMPLETED");
    let changes_of_task =
        office.app.texts("SELECT changes::text FROM events WHERE type = 'TASK_UPDATED' ORDER BY sequence").await;
    assert_eq!(
        changes_of_task.last().map(|changes| serde_json::from_str::<Value>(changes).expect("JSON")),
        Some(json!([{ "field": "status", "before": "VALIDATION", "after": "COMPLETED" }]))
    );
    update(wim, &jobs[0], json!({ "state": "REJECTED" })).await;
    assert_eq!(status().await, "VALIDATION");
    office.app.check_invariants().await;
    office.app.close().await;
}

#[tokio::test]
async fn update_job_keeps_the_task_status_derived_from_all_jobs() {
    let office = Office::new().await;
    let owner = &office.owner;
    let task = office.task(owner, json!({ "jobCount": 4 })).await;
    let jobs = office.jobs().await;
    let stages = [JobStage::Annotation, JobStage::Validation, JobStage::Acceptance, JobStage::Acceptance];
    let states = [JobState::New, JobState::InProgress, JobState::Completed, JobState::Completed, JobState::Rejected];
    let mut model = vec![(JobStage::Annotation, JobState::New); jobs.len()];
    let mut seen = std::collections::HashSet::new();
    let query = format!(r#"{{ node(id: "{task}") {{ ... on Task {{ status }} }} }}"#);
    let mut random = StdRng::seed_from_u64(27);
    for round in 0..120 {
        let place = round % jobs.len();
        let stage = stages.choose(&mut random).filter(|_| round % 3 != 0).copied();
        let state = states.choose(&mut random).filter(|_| round % 4 != 1).copied();
        let before = model[place];
        let kept = if stage.is_some_and(|stage| stage != before.0) { JobState::New } else { before.1 };
        model[place] = (stage.unwrap_or(before.0), state.unwrap_or(kept));
        let mut input = json!({ "jobId": jobs[place] });
        if let Some(stage) = stage {
            input = with(input, json!({ "stage": stage.name() }));
        }
        if let Some(state) = state {
            input = with(input, json!({ "state": state.name() }));
        }
        let job = owner.mutate("updateJob", input.clone(), JOB).await.done()["job"].clone();
        assert_eq!(
            (&job["stage"], &job["state"]),
            (&json!(model[place].0.name()), &json!(model[place].1.name())),
            "{input}"
        );
        let status = TaskStatus::of(&model);
        assert_eq!(owner.ask(&query).await.data()["node"]["status"], status.name(), "after {input}: {model:?}");
        seen.insert(status);
    }
    assert!(seen.len() > 1, "the random changes reached several statuses: {seen:?}");
    office.app.check_invariants().await;
    office.app.close().await;
}
