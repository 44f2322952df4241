//! Mutations of tasks and their jobs.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::organizations::patch;
use super::payload::{answer, payload};
use super::projects::{chosen, patched};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::types::enums::{JobStage, JobState};
use crate::graphql::types::job::Job;
use crate::graphql::types::task::Task;
use crate::graphql::types::user_error::UserError;
use crate::operations::tasks::create;
use crate::operations::{jobs, tasks};

/// Changes of tasks and jobs.
#[derive(Default)]
pub struct TaskMutations;

/// Changes of tasks and jobs.
#[Object]
impl TaskMutations {
    /// Creates a task with its jobs, alone or in a project, owned by the viewer. Needs CREATE_TASK.
    async fn create_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: CreateTaskInput,
    ) -> Result<CreateTaskPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = create::Input {
                workspace_id: input.workspace_id.map(|id| id.0),
                project_id: input.project_id.map(|id| id.0),
                name: input.name,
                job_count: input.job_count,
                wishes: chosen(input.assignee_id, input.source_storage_id, input.target_storage_id),
            };
            let created = create::create_task(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            Ok(CreateTaskPayload { task: Task::open(ctx, created).await?, ..Default::default() })
        })
        .await
    }

    /// Changes a task. Needs UPDATE_RESOURCE, and ASSIGN_RESOURCE for its assignee and storages.
    async fn update_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: UpdateTaskInput,
    ) -> Result<UpdateTaskPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = tasks::update::Input {
                task_id: input.task_id.0,
                name: patch(input.name),
                project_id: patch(input.project_id.map_value(|id| id.0)),
                wishes: patched(input.assignee_id, input.source_storage_id, input.target_storage_id),
            };
            let updated = tasks::update::update_task(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            Ok(UpdateTaskPayload { task: Task::open(ctx, updated).await?, ..Default::default() })
        })
        .await
    }

    /// Changes a job. Needs UPDATE_JOB_STATE for its state, ASSIGN_RESOURCE for its assignee and stage.
    async fn update_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: UpdateJobInput,
    ) -> Result<UpdateJobPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = jobs::update::Input {
                job_id: input.job_id.0,
                assignee_id: patch(input.assignee_id.map_value(|id| id.0)),
                stage: patch(input.stage.map_value(Into::into)),
                state: patch(input.state.map_value(Into::into)),
            };
            let updated = jobs::update::update_job(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            Ok(UpdateJobPayload { job: Job::open(ctx, updated).await?, ..Default::default() })
        })
        .await
    }
}

/// What `createTask` is to do.
#[derive(InputObject)]
pub struct CreateTaskInput {
    /// ID of the workspace to own it, for a task in no project. Exactly one of `workspaceId` and `projectId` must be given:
    /// REQUIRED otherwise.
    pub workspace_id: Option<ID>,
    /// ID of the project to put it in.
    pub project_id: Option<ID>,
    /// Name, 1 to 256 characters.
    pub name: String,
    /// ID of the user to assign it to: a member of the organization, or, in a personal workspace, its user.
    pub assignee_id: Option<ID>,
    /// How many jobs to make: 1 to 100.
    #[graphql(default = 1)]
    pub job_count: i32,
    /// ID of a cloud storage of the same workspace to read data from.
    pub source_storage_id: Option<ID>,
    /// ID of a cloud storage of the same workspace to write results to.
    pub target_storage_id: Option<ID>,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `createTask` did.
#[derive(Default, SimpleObject)]
pub struct CreateTaskPayload {
    /// The new task. Null on failure.
    pub task: Option<Task>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(CreateTaskPayload);

/// What `updateTask` is to do.
#[derive(InputObject)]
pub struct UpdateTaskInput {
    /// ID of the task.
    pub task_id: ID,
    /// New name, 1 to 256 characters. Cannot be cleared.
    pub name: MaybeUndefined<String>,
    /// ID of the user to assign it to: a member of the organization, or, in a personal workspace, its user. Null clears it.
    pub assignee_id: MaybeUndefined<ID>,
    /// ID of a project of the same workspace to put it in. Null takes it out of its project. Needs DELETE_RESOURCE where it
    /// is, and CREATE_TASK where it goes.
    pub project_id: MaybeUndefined<ID>,
    /// ID of a cloud storage of the same workspace to read data from. Null cuts the link.
    pub source_storage_id: MaybeUndefined<ID>,
    /// ID of a cloud storage of the same workspace to write results to. Null cuts the link.
    pub target_storage_id: MaybeUndefined<ID>,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `updateTask` did.
#[derive(Default, SimpleObject)]
pub struct UpdateTaskPayload {
    /// The task as it is now. Null on failure, and if the viewer may not see it any more.
    pub task: Option<Task>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(UpdateTaskPayload);

/// What `updateJob` is to do.
#[derive(InputObject)]
pub struct UpdateJobInput {
    /// ID of the job.
    pub job_id: ID,
    /// ID of the user to assign it to: a member of the organization, or, in a personal workspace, its user. Null clears it.
    pub assignee_id: MaybeUndefined<ID>,
    /// New stage. Without a `state` beside it, the state becomes NEW. Cannot be cleared.
    pub stage: MaybeUndefined<JobStage>,
    /// New state. Cannot be cleared.
    pub state: MaybeUndefined<JobState>,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `updateJob` did.
#[derive(Default, SimpleObject)]
pub struct UpdateJobPayload {
    /// The job as it is now. Null on failure, and if the viewer may not see it any more.
    pub job: Option<Job>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(UpdateJobPayload);
