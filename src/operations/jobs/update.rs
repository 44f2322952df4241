//! Changes the assignee, stage and state of a job, and updates the status of its task.

use crate::auth::Actor;
use crate::domain::job::{JobStage, JobState};
use crate::domain::task::TaskStatus;
use crate::domain::validation::{Patch, Validator};
use crate::domain::{JobId, Result};
use crate::events::record;
use crate::operations::AppContext;
use crate::operations::access::resources::LockedJob;
use crate::operations::idempotency::Idempotency;
use crate::operations::resources::assignment::ineligible;
use crate::operations::resources::events::{job_updated, task_updated};
use crate::policy::Action;
use crate::store::jobs::{self, Job};
use crate::store::projects::Project;
use crate::store::tasks::{self, Task};

/// The changes of a job.
pub struct Input {
    /// ID of the job.
    pub job_id: String,
    /// The assignee's ID.
    pub assignee_id: Patch<String>,
    /// The stage; cannot be cleared.
    pub stage: Patch<JobStage>,
    /// The state; cannot be cleared.
    pub state: Patch<JobState>,
}

/// Changes the job. Each given field needs its permission, even if its value does not change.
pub async fn update_job(env: &AppContext, actor: &Actor, input: Input, retry: &Idempotency) -> Result<JobId> {
    let mut check = Validator::default();
    let (Some(id), Some(assignee), Some(stage), Some(state)) = (
        check.id("jobId", &input.job_id),
        check.patch_id("assigneeId", input.assignee_id),
        check.change("stage", input.stage, Ok),
        check.change("state", input.state, Ok),
    ) else {
        return Err(check.refuse());
    };
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let held = LockedJob::lock(tx, actor, id).await.map_err(|error| error.not_found_at("jobId"))?;
        let assigns = assignee.is_set() || stage.is_some();
        if assigns {
            held.require(Action::ResourceAssign)?;
        }
        if state.is_some() || !assigns {
            held.require(Action::JobStateUpdate)?;
        }
        if let Some(refusal) = ineligible(tx, &held.locked, &assignee).await? {
            return Err(refusal.into());
        }

        let before = &held.job;
        let stage = stage.unwrap_or(before.stage);
        let kept = if stage == before.stage { before.state } else { JobState::New };
        let after = Job {
            assignee_id: assignee.apply(before.assignee_id),
            stage,
            state: state.unwrap_or(kept),
            updated_at: now,
            ..before.clone()
        };
        let by = Some(held.locked.actor.id);
        let Some(event) = job_updated(by, before, &after, &held.containers()) else { return Ok(id) };
        tx.queue(jobs::update(&after));
        let mut events = vec![event];
        if (after.stage, after.state) != (before.stage, before.state) {
            let status = TaskStatus::of(&jobs::progress(tx, held.task.id).await?);
            let task = Task { status, updated_at: now, ..held.task.clone() };
            let outer: Vec<_> = held.project.iter().map(Project::people).collect();
            if let Some(event) = task_updated(by, &held.task, &task, &outer) {
                tx.queue(tasks::update(&task));
                events.push(event);
            }
        }
        record::record(tx, now, events).await?;
        Ok(id)
    })
    .await
}
