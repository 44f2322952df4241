//! Mutations of projects.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::input::{chosen, patched};
use super::organizations::patch;
use super::payload::{payload, run_mutation};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::types::project::Project;
use crate::graphql::types::user_error::UserError;
use crate::operations::projects::{create, update};

/// The mutations of projects.
#[derive(Default)]
pub struct ProjectMutations;

/// The mutations of projects.
#[Object]
impl ProjectMutations {
    /// Creates a project. The viewer becomes its owner. Needs CREATE_PROJECT.
    async fn create_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: CreateProjectInput,
    ) -> Result<CreateProjectPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
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
        #[graphql(desc = "Arguments of the mutation.")] input: UpdateProjectInput,
    ) -> Result<UpdateProjectPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
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
}

/// Input of `createProject`.
#[derive(InputObject)]
pub struct CreateProjectInput {
    /// ID of the workspace in which to create it.
    pub workspace_id: ID,
    /// Name, 1 to 256 characters.
    pub name: String,
    /// Description of the project, at most 4,096 characters.
    pub description: Option<String>,
    /// ID of the assignee: a member of the organization or, in a personal workspace, its user.
    pub assignee_id: Option<ID>,
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

/// Payload of `createProject`.
#[derive(Default, SimpleObject)]
pub struct CreateProjectPayload {
    /// The new project. Null on failure.
    pub project: Option<Project>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(CreateProjectPayload);

/// Input of `updateProject`.
#[derive(InputObject)]
pub struct UpdateProjectInput {
    /// ID of the project.
    pub project_id: ID,
    /// New name, 1 to 256 characters. Cannot be cleared.
    pub name: MaybeUndefined<String>,
    /// New description, at most 4,096 characters. Null clears it.
    pub description: MaybeUndefined<String>,
    /// ID of the assignee: a member of the organization or, in a personal workspace, its user. Null removes the
    /// assignee.
    pub assignee_id: MaybeUndefined<ID>,
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

/// Payload of `updateProject`.
#[derive(Default, SimpleObject)]
pub struct UpdateProjectPayload {
    /// The changed project. Null on failure, and if the viewer may no longer see it.
    pub project: Option<Project>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(UpdateProjectPayload);
