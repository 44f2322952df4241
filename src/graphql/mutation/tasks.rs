//! Mutations of tasks and their jobs.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::input::{chosen, patched};
use super::organizations::patch;
use super::payload::{payload, run_mutation};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::types::job::{Job, JobStage, JobState};
use crate::graphql::types::task::Task;
use crate::graphql::types::user_error::UserError;
use crate::operations::tasks::create;
use crate::operations::{jobs, tasks};

/// The mutations of tasks and jobs.
#[derive(Default)]
pub struct TaskMutations;

/// The mutations of tasks and jobs.
#[Object]
impl TaskMutations {
    /// Creates a task with its jobs, in a project or without one. The viewer becomes its owner. Needs CREATE_TASK.
    async fn create_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: CreateTaskInput,
    ) -> Result<CreateTaskPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
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
        #[graphql(desc = "Arguments of the mutation.")] input: UpdateTaskInput,
    ) -> Result<UpdateTaskPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
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
        #[graphql(desc = "Arguments of the mutation.")] input: UpdateJobInput,
    ) -> Result<UpdateJobPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
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

/// Input of `createTask`.
#[derive(InputObject)]
pub struct CreateTaskInput {
    /// ID of the workspace, for a task without a project. Exactly one of `workspaceId` and `projectId` must be given:
    /// REQUIRED otherwise.
    pub workspace_id: Option<ID>,
    /// ID of the project in which to create it.
    pub project_id: Option<ID>,
    /// Name, 1 to 256 characters.
    pub name: String,
    /// ID of the assignee: a member of the organization or, in a personal workspace, its user.
    pub assignee_id: Option<ID>,
    /// Number of jobs to create: 1 to 100.
    #[graphql(default = 1)]
    pub job_count: i32,
    /// ID of the cloud storage, in the same workspace, from which data is read.
    pub source_storage_id: Option<ID>,
    /// ID of the cloud storage, in the same workspace, to which results are written.
    pub target_storage_id: Option<ID>,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `createTask`.
#[derive(Default, SimpleObject)]
pub struct CreateTaskPayload {
    /// The new task. Null on failure.
    pub task: Option<Task>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(CreateTaskPayload);

/// Input of `updateTask`.
#[derive(InputObject)]
pub struct UpdateTaskInput {
    /// ID of the task.
    pub task_id: ID,
    /// New name, 1 to 256 characters. Cannot be cleared.
    pub name: MaybeUndefined<String>,
    /// ID of the assignee: a member of the organization or, in a personal workspace, its user. Null removes the
    /// assignee.
    pub assignee_id: MaybeUndefined<ID>,
    /// ID of the project, in the same workspace, to move it to. Null removes it from its project. Needs DELETE_RESOURCE
    /// on the task in its present place, and CREATE_TASK in the new one.
    pub project_id: MaybeUndefined<ID>,
    /// ID of the cloud storage, in the same workspace, from which data is read. Null removes the link.
    pub source_storage_id: MaybeUndefined<ID>,
    /// ID of the cloud storage, in the same workspace, to which results are written. Null removes the link.
    pub target_storage_id: MaybeUndefined<ID>,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `updateTask`.
#[derive(Default, SimpleObject)]
pub struct UpdateTaskPayload {
    /// The changed task. Null on failure, and if the viewer may no longer see it.
    pub task: Option<Task>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(UpdateTaskPayload);

/// Input of `updateJob`.
#[derive(InputObject)]
pub struct UpdateJobInput {
    /// ID of the job.
    pub job_id: ID,
    /// ID of the assignee: a member of the organization or, in a personal workspace, its user. Null removes the
    /// assignee.
    pub assignee_id: MaybeUndefined<ID>,
    /// New stage. If `state` is not given as well, the state becomes NEW. Cannot be cleared.
    pub stage: MaybeUndefined<JobStage>,
    /// New state. Cannot be cleared.
    pub state: MaybeUndefined<JobState>,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `updateJob`.
#[derive(Default, SimpleObject)]
pub struct UpdateJobPayload {
    /// The changed job. Null on failure, and if the viewer may no longer see it.
    pub job: Option<Job>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(UpdateJobPayload);
