//! The mutation that moves resources between workspaces.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use futures_util::future::try_join_all;

use super::payload::{payload, run_mutation};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::types::resource::Resource;
use crate::graphql::types::transfer::{StorageHandling, TransferPlan};
use crate::graphql::types::user_error::UserError;
use crate::graphql::types::workspace::Workspace;
use crate::operations::transfers::{plan, transfer};

/// The mutation that moves resources between workspaces.
#[derive(Default)]
pub struct TransferMutations;

/// The mutation that moves resources between workspaces.
#[Object]
impl TransferMutations {
    /// Moves projects and tasks to another workspace, all of them or none. The viewer becomes their owner. Assignments
    /// are cleared, those of jobs included. Needs TRANSFER_RESOURCE for each. `Query.transferPlan` shows the effects in
    /// advance.
    async fn transfer_resources(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: TransferResourcesInput,
    ) -> Result<TransferResourcesPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = plan::Input {
                resource_ids: input.resource_ids.into_iter().map(|id| id.0).collect(),
                destination_workspace_id: input.destination_workspace_id.0,
                storage: input.storage.into(),
            };
            let actor = ctx.request().actor()?;
            let done = transfer::transfer_resources(ctx.env(), actor, input, &retry).await?;
            let moved = try_join_all(done.items.iter().map(|item| Resource::open(ctx, item.resource))).await?;
            // On a retry with the same idempotency key, a resource may be deleted or no longer visible to the viewer. A
            // plan resolves every object that it names, so it is omitted then.
            let all_there =
                moved.iter().all(Option::is_some) && Workspace::open(ctx, done.destination).await?.is_some();
            let plan = all_there.then_some(TransferPlan(done));
            let resources = Some(moved.into_iter().flatten().collect());
            Ok(TransferResourcesPayload { plan, resources, ..Default::default() })
        })
        .await
    }
}

/// Input of `transferResources`.
#[derive(InputObject)]
pub struct TransferResourcesInput {
    /// IDs of projects, and of tasks without a project: 1 to 100, each once.
    pub resource_ids: Vec<ID>,
    /// ID of the destination workspace.
    pub destination_workspace_id: ID,
    /// How to handle their links to cloud storages.
    pub storage: StorageHandling,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `transferResources`.
#[derive(Default, SimpleObject)]
pub struct TransferResourcesPayload {
    /// The executed plan. Null on failure, and on a retry if the viewer no longer sees all of its objects.
    pub plan: Option<TransferPlan>,
    /// The moved resources, at most 100, in the order of `resourceIds`. Null on failure.
    pub resources: Option<Vec<Resource>>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(TransferResourcesPayload);
