//! Mutations of projects, and of whatever else can be deleted.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::organizations::patch;
use super::payload::{answer, payload};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::types::project::Project;
use crate::graphql::types::user_error::UserError;
use crate::operations::projects::{create, update};
use crate::operations::resources::{assignment, delete};

/// Changes of projects.
#[derive(Default)]
pub struct ProjectMutations;

/// Changes of projects.
#[Object]
impl ProjectMutations {
    /// Creates a project, owned by the viewer. Needs CREATE_PROJECT.
    async fn create_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: CreateProjectInput,
    ) -> Result<CreateProjectPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = create::Input {
                workspace_id: input.workspace_id.0,
                name: input.name,
                description: input.description,
                wishes: chosen(input.assignee_id, input.source_storage_id, input.target_storage_id),
            };
            let created = create::create_project(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            Ok(CreateProjectPayload { project: Project::open(ctx, created).await?, ..Default::default() })
        })
        .await
    }

    /// Changes a project. Needs UPDATE_RESOURCE, and ASSIGN_RESOURCE for its assignee and storages.
    async fn update_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: UpdateProjectInput,
    ) -> Result<UpdateProjectPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = update::Input {
                project_id: input.project_id.0,
                name: patch(input.name),
                description: patch(input.description),
                wishes: patched(input.assignee_id, input.source_storage_id, input.target_storage_id),
            };
            let updated = update::update_project(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            Ok(UpdateProjectPayload { project: Project::open(ctx, updated).await?, ..Default::default() })
        })
        .await
    }

    /// Deletes a project with its tasks, a task with its jobs, or disconnects a cloud storage. Needs DELETE_RESOURCE or
    /// MANAGE_CLOUD_STORAGES.
    async fn delete_resource(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: DeleteResourceInput,
    ) -> Result<DeleteResourcePayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = delete::Input { resource_id: input.resource_id.0 };
            let deleted = delete::delete_resource(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            Ok(DeleteResourcePayload { deleted_resource_id: Some(ID(deleted.to_string())), ..Default::default() })
        })
        .await
    }
}

/// Assignee and storages of something new.
pub(super) fn chosen(assignee: Option<ID>, source: Option<ID>, target: Option<ID>) -> assignment::Input {
    let [assignee_id, source_storage_id, target_storage_id] =
        [assignee, source, target].map(|id| id.map(|id| id.0).into());
    assignment::Input { assignee_id, source_storage_id, target_storage_id }
}

/// Assignee and storages of an update.
pub(super) fn patched(
    assignee: MaybeUndefined<ID>,
    source: MaybeUndefined<ID>,
    target: MaybeUndefined<ID>,
) -> assignment::Input {
    let [assignee_id, source_storage_id, target_storage_id] =
        [assignee, source, target].map(|id| patch(id.map_value(|id| id.0)));
    assignment::Input { assignee_id, source_storage_id, target_storage_id }
}

/// What `createProject` is to do.
#[derive(InputObject)]
pub struct CreateProjectInput {
    /// ID of the workspace to own it.
    pub workspace_id: ID,
    /// Name, 1 to 256 characters.
    pub name: String,
    /// What the project is about, at most 4,096 characters.
    pub description: Option<String>,
    /// ID of the user to assign it to: a member of the organization, or, in a personal workspace, its user.
    pub assignee_id: Option<ID>,
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

/// What `createProject` did.
#[derive(Default, SimpleObject)]
pub struct CreateProjectPayload {
    /// The new project. Null on failure.
    pub project: Option<Project>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(CreateProjectPayload);

/// What `updateProject` is to do.
#[derive(InputObject)]
pub struct UpdateProjectInput {
    /// ID of the project.
    pub project_id: ID,
    /// New name, 1 to 256 characters. Cannot be cleared.
    pub name: MaybeUndefined<String>,
    /// New description, at most 4,096 characters. Null clears it.
    pub description: MaybeUndefined<String>,
    /// ID of the user to assign it to: a member of the organization, or, in a personal workspace, its user. Null clears it.
    pub assignee_id: MaybeUndefined<ID>,
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

/// What `updateProject` did.
#[derive(Default, SimpleObject)]
pub struct UpdateProjectPayload {
    /// The project as it is now. Null on failure, and if the viewer may not see it any more.
    pub project: Option<Project>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(UpdateProjectPayload);

/// What `deleteResource` is to do.
#[derive(InputObject)]
pub struct DeleteResourceInput {
    /// ID of a project, a task, or a cloud storage.
    pub resource_id: ID,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `deleteResource` did.
#[derive(Default, SimpleObject)]
pub struct DeleteResourcePayload {
    /// ID of what is gone. Null on failure.
    pub deleted_resource_id: Option<ID>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(DeleteResourcePayload);
