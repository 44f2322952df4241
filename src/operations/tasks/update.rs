//! Changes a task's name, project, assignee and cloud storages.

use crate::auth::Actor;
use crate::domain::validation::{Patch, Validator};
use crate::domain::{Code, ProjectId, Refusal, Result, TaskId, text};
use crate::events::record;
use crate::operations::AppContext;
use crate::operations::access::resources::{LockedTask, look_for_project};
use crate::operations::access::workspace::LockMode;
use crate::operations::idempotency::Idempotency;
use crate::operations::plans::quota::check_project_quota;
use crate::operations::resources::assignment;
use crate::operations::resources::assignment::AssignmentPatch;
use crate::operations::resources::events::task_updated;
use crate::policy::{Action, Target};
use crate::store::Connection;
use crate::store::projects::Project;
use crate::store::tasks::{self, Task};

/// The changes of a task.
pub struct Input {
    /// ID of the task.
    pub task_id: String,
    /// The name; cannot be cleared.
    pub name: Patch<String>,
    /// ID of the new project; if cleared, the task leaves its project.
    pub project_id: Patch<String>,
    /// Assignee and cloud storages.
    pub wishes: assignment::Input,
}

/// Changes the task. Each given field needs its permission, even if its value does not change. A move needs the
/// permissions to delete the task where it is and to create a task at the destination.
pub async fn update_task(env: &AppContext, actor: &Actor, input: Input, retry: &Idempotency) -> Result<TaskId> {
    let mut check = Validator::default();
    let (Some(id), Some(name), Some(destination), Some(mut wishes)) = (
        check.id("taskId", &input.task_id),
        check.change("name", input.name, |raw| text::required(&raw, 256)),
        check.patch_id::<ProjectId>("projectId", input.project_id),
        AssignmentPatch::check(&mut check, input.wishes),
    ) else {
        return Err(check.refuse());
    };
    let moves = destination.is_set();
    let hold = if moves { LockMode::Exclusive } else { LockMode::Shared };
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let held = LockedTask::lock(tx, actor, id, hold).await.map_err(|error| error.not_found_at("taskId"))?;
        let project = find_project(tx, &held, &destination).await?;
        wishes.find(tx, &held.locked).await?;
        if name.is_some() || !(moves || wishes.are_given()) {
            held.require(Action::ResourceUpdate)?;
        }
        if wishes.are_given() {
            held.require(Action::ResourceAssign)?;
        }
        if moves {
            held.require(Action::ResourceDelete)?;
            held.locked.require(Action::TaskCreate, &Target::default(), "workspace")?;
        }
        if project.as_ref().is_some_and(|project| project.workspace() != held.locked.id) {
            let message = "This project belongs to another workspace. To move the task there, transfer it.";
            return Err(Refusal::new(Code::DifferentWorkspace, message).at("projectId").into());
        }
        wishes.require_possible(tx, &held.locked).await?;

        let before = &held.task;
        let after = Task {
            name: name.unwrap_or_else(|| before.name.clone()),
            project_id: destination.apply(before.project_id),
            assignee_id: wishes.assignee.apply(before.assignee_id),
            source_storage_id: wishes.source.apply(before.source_storage_id),
            target_storage_id: wishes.target.apply(before.target_storage_id),
            updated_at: now,
            ..before.clone()
        };
        if let Some(project) = after.project_id.filter(|_| after.project_id != before.project_id) {
            check_project_quota(env, tx, held.locked.id, project, 1, now).await?;
        }
        let outer: Vec<_> = if moves { project.iter().map(Project::people).collect() } else { held.containers() };
        if let Some(event) = task_updated(Some(held.locked.actor.id), before, &after, &outer) {
            tx.queue(tasks::update(&after));
            record::record(tx, now, vec![event]).await?;
        }
        Ok(id)
    })
    .await
}

/// Returns the project to move the task to. NOT_FOUND if the actor cannot see it, in any workspace. A project of this
/// workspace cannot change meanwhile, because the workspace is locked exclusively.
async fn find_project(tx: &Connection, held: &LockedTask, destination: &Patch<ProjectId>) -> Result<Option<Project>> {
    let Patch::Set(id) = *destination else { return Ok(None) };
    let found = look_for_project(tx, &held.locked.by, id).await;
    found.map(Some).map_err(|error| error.not_found_at("projectId"))
}
