//! The mutation that takes resources from one workspace to another.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use futures_util::future::try_join_all;

use super::payload::{answer, payload};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::types::enums::StorageHandling;
use crate::graphql::types::resource::Resource;
use crate::graphql::types::transfer::TransferPlan;
use crate::graphql::types::user_error::UserError;
use crate::graphql::types::workspace::Workspace;
use crate::operations::transfers::{plan, transfer};

/// Moves between workspaces.
#[derive(Default)]
pub struct TransferMutations;

/// Moves between workspaces.
#[Object]
impl TransferMutations {
    /// Moves projects and tasks to another workspace: all or none. The viewer becomes their owner; assignments are cleared,
    /// down to the jobs. Needs TRANSFER_RESOURCE for each. `Query.transferPlan` tells beforehand what it would do.
    async fn transfer_resources(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: TransferResourcesInput,
    ) -> Result<TransferResourcesPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = plan::Input {
                resource_ids: input.resource_ids.into_iter().map(|id| id.0).collect(),
                destination_workspace_id: input.destination_workspace_id.0,
                storage: input.storage.into(),
            };
            let actor = ctx.request().actor()?;
            let done = transfer::transfer_resources(ctx.env(), actor, input, &retry).await?;
            let moved = try_join_all(done.items.iter().map(|item| Resource::open(ctx, item.resource))).await?;
            // On a repeat something may be gone by now, or lost to the viewer, and a plan shows all that it is about.
            let all_there =
                moved.iter().all(Option::is_some) && Workspace::open(ctx, done.destination).await?.is_some();
            let plan = all_there.then_some(TransferPlan(done));
            let resources = Some(moved.into_iter().flatten().collect());
            Ok(TransferResourcesPayload { plan, resources, ..Default::default() })
        })
        .await
    }
}

/// What `transferResources` is to do.
#[derive(InputObject)]
pub struct TransferResourcesInput {
    /// IDs of projects, and of tasks that are in no project: 1 to 100, each once.
    pub resource_ids: Vec<ID>,
    /// ID of the workspace to move them to.
    pub destination_workspace_id: ID,
    /// What happens to their links to cloud storages.
    pub storage: StorageHandling,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `transferResources` did.
#[derive(Default, SimpleObject)]
pub struct TransferResourcesPayload {
    /// What was done. Null on failure.
    pub plan: Option<TransferPlan>,
    /// At most 100: what was moved, in the order of `resourceIds`. Null on failure.
    pub resources: Option<Vec<Resource>>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(TransferResourcesPayload);
