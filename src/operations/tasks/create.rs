//! Creates a task with its jobs, alone or in a project. The caller owns the task.

use crate::auth::Actor;
use crate::domain::error::FieldError;
use crate::domain::event::EventType;
use crate::domain::job::{JobStage, JobState};
use crate::domain::limit::LimitKind;
use crate::domain::task::TaskStatus;
use crate::domain::validation::Validator;
use crate::domain::{Code, ProjectId, Result, TaskId, WorkspaceId, ids, text};
use crate::events::record;
use crate::operations::AppContext;
use crate::operations::access::resources::{LockedProject, lock_to_create};
use crate::operations::access::workspace::LockedWorkspace;
use crate::operations::idempotency::Idempotency;
use crate::operations::plans::quota::{check_project_quota, check_quota};
use crate::operations::resources::assignment;
use crate::operations::resources::assignment::AssignmentPatch;
use crate::operations::resources::events::{of_job, task_created};
use crate::policy::{Action, Target};
use crate::store::Connection;
use crate::store::jobs::{self, Job};
use crate::store::projects::Project;
use crate::store::tasks::{self, Task};

/// Number of jobs that a task may have.
const JOBS: std::ops::RangeInclusive<i32> = 1..=100;
/// Stage and state of a new job.
const BEGINNING: (JobStage, JobState) = (JobStage::Annotation, JobState::New);

/// The new task.
pub struct Input {
    /// ID of the task's workspace, if the task is not in a project.
    pub workspace_id: Option<String>,
    /// ID of the task's project.
    pub project_id: Option<String>,
    /// The task's name.
    pub name: String,
    /// Number of jobs to create.
    pub job_count: i32,
    /// Assignee and cloud storages.
    pub wishes: assignment::Input,
}

/// The workspace or project of a new task.
#[derive(Clone, Copy)]
enum TaskLocation {
    Workspace(WorkspaceId),
    Project(ProjectId),
}

/// Creates the task. Its creator is its owner, and so may assign it.
pub async fn create_task(env: &AppContext, actor: &Actor, input: Input, retry: &Idempotency) -> Result<TaskId> {
    let mut check = Validator::default();
    let (Some(place), Some(name), Some(job_count), Some(mut wishes)) = (
        place(&mut check, input.workspace_id.as_deref(), input.project_id.as_deref()),
        check.field("name", text::required(&input.name, 256)),
        check.field("jobCount", job_count(input.job_count)),
        AssignmentPatch::check(&mut check, input.wishes),
    ) else {
        return Err(check.refuse());
    };
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let (locked, project) = enter(tx, actor, place).await?;
        wishes.find(tx, &locked).await?;
        locked.require(Action::TaskCreate, &Target::default(), "workspace")?;
        wishes.require_possible(tx, &locked).await?;
        check_quota(env, tx, locked.id, LimitKind::Tasks, 1, now).await?;
        if let Some(project) = &project {
            check_project_quota(env, tx, locked.id, project.id, 1, now).await?;
        }
        locked.lock_actor(tx).await?;

        let (stage, state) = BEGINNING;
        let task = Task {
            id: ids::new_id(now),
            workspace_id: locked.id.uuid(),
            organization_id: locked.id.organization(),
            project_id: project.as_ref().map(|project| project.id),
            owner_id: locked.actor.id,
            assignee_id: wishes.assignee.apply(None),
            name,
            status: TaskStatus::of(&[BEGINNING]),
            source_storage_id: wishes.source.apply(None),
            target_storage_id: wishes.target.apply(None),
            created_at: now,
            updated_at: now,
        };
        let job = |_| Job {
            id: ids::new_id(now),
            workspace_id: task.workspace_id,
            organization_id: task.organization_id,
            task_id: task.id,
            assignee_id: None,
            stage,
            state,
            created_at: now,
            updated_at: now,
        };
        let made: Vec<_> = (0..job_count).map(job).collect();
        tx.queue(tasks::insert(&task));
        jobs::insert(tx, &made).await?;

        let by = locked.actor.id;
        let outer: Vec<_> = project.iter().map(Project::people).collect();
        let inner = [&[task.people()], outer.as_slice()].concat();
        let mut events = vec![task_created(by, &task, &outer)];
        events.extend(made.iter().map(|job| of_job(EventType::JobCreated, Some(by), job, &inner)));
        record::record(tx, now, events).await?;
        Ok(task.id)
    })
    .await
}

/// Returns the location of the new task. REQUIRED unless exactly one of the two IDs is given.
fn place(check: &mut Validator, workspace: Option<&str>, project: Option<&str>) -> Option<TaskLocation> {
    match (workspace, project) {
        (Some(workspace), None) => check.workspace("workspaceId", workspace).map(TaskLocation::Workspace),
        (None, Some(project)) => check.id("projectId", project).map(TaskLocation::Project),
        _ => {
            let message = "Give exactly one of workspaceId and projectId.";
            check.note("workspaceId", FieldError::new(Code::Required, message));
            None
        }
    }
}

fn job_count(count: i32) -> std::result::Result<i32, FieldError> {
    let message = || format!("A task has {} to {} jobs.", JOBS.start(), JOBS.end());
    if JOBS.contains(&count) { Ok(count) } else { Err(FieldError::new(Code::OutOfRange, message())) }
}

/// Locks the workspace exclusively, and the project, if any, in shared mode.
async fn enter(tx: &mut Connection, actor: &Actor, place: TaskLocation) -> Result<(LockedWorkspace, Option<Project>)> {
    match place {
        TaskLocation::Workspace(id) => {
            let locked = lock_to_create(tx, actor, id).await.map_err(|error| error.not_found_at("workspaceId"))?;
            Ok((locked, None))
        }
        TaskLocation::Project(id) => {
            let held = LockedProject::share(tx, actor, id).await.map_err(|error| error.not_found_at("projectId"))?;
            Ok((held.locked, Some(held.project)))
        }
    }
}
