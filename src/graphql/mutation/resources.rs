//! The deletion of projects, tasks and cloud storages.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::payload::{payload, run_mutation};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::types::user_error::UserError;
use crate::operations::resources::delete;

/// The mutations of resources of any kind.
#[derive(Default)]
pub struct ResourceMutations;

/// The mutations of resources of any kind.
#[Object]
impl ResourceMutations {
    /// Deletes a project with its tasks, or a task with its jobs, or disconnects a cloud storage. Needs DELETE_RESOURCE
    /// or MANAGE_CLOUD_STORAGES.
    async fn delete_resource(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: DeleteResourceInput,
    ) -> Result<DeleteResourcePayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = delete::Input { resource_id: input.resource_id.0 };
            let deleted = delete::delete_resource(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            Ok(DeleteResourcePayload { deleted_resource_id: Some(ID(deleted.to_string())), ..Default::default() })
        })
        .await
    }
}

/// Input of `deleteResource`.
#[derive(InputObject)]
pub struct DeleteResourceInput {
    /// ID of a project, a task, or a cloud storage.
    pub resource_id: ID,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `deleteResource`.
#[derive(Default, SimpleObject)]
pub struct DeleteResourcePayload {
    /// ID of the deleted resource. Null on failure.
    pub deleted_resource_id: Option<ID>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(DeleteResourcePayload);
