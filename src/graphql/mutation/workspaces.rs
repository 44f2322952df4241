//! The mutation of the viewer's selected workspace.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::payload::{payload, run_mutation};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::types::user_error::UserError;
use crate::graphql::types::viewer::Viewer;
use crate::operations::workspaces::select;

/// The mutation of the viewer's selected workspace.
#[derive(Default)]
pub struct WorkspaceMutations;

/// The mutation of the viewer's selected workspace.
#[Object]
impl WorkspaceMutations {
    /// Sets `Viewer.selectedWorkspace`, for menus. It grants no access.
    async fn select_workspace(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: SelectWorkspaceInput,
    ) -> Result<SelectWorkspacePayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = select::Input { workspace_id: input.workspace_id.0 };
            select::select_workspace(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let viewer = ctx.request().viewer().await?;
            Ok(SelectWorkspacePayload { viewer: Some(viewer.into()), ..Default::default() })
        })
        .await
    }
}

/// Input of `selectWorkspace`.
#[derive(InputObject)]
pub struct SelectWorkspaceInput {
    /// ID of the viewer's personal workspace, or of an organization of which the viewer is a member.
    pub workspace_id: ID,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `selectWorkspace`.
#[derive(Default, SimpleObject)]
pub struct SelectWorkspacePayload {
    /// The caller, with the newly selected workspace. Null on failure.
    pub viewer: Option<Viewer>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(SelectWorkspacePayload);
