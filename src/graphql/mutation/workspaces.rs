//! Mutations of the choice of a workspace.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::payload::{answer, payload};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::types::user_error::UserError;
use crate::graphql::types::viewer::Viewer;
use crate::operations::workspaces::select;

/// The choice of a workspace.
#[derive(Default)]
pub struct WorkspaceMutations;

/// The choice of a workspace.
#[Object]
impl WorkspaceMutations {
    /// Remembers the workspace that the viewer works in, for menus. It grants nothing.
    async fn select_workspace(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: SelectWorkspaceInput,
    ) -> Result<SelectWorkspacePayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = select::Input { workspace_id: input.workspace_id.0 };
            select::select_workspace(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let viewer = ctx.request().viewer().await?;
            Ok(SelectWorkspacePayload { viewer: Some(viewer.into()), ..Default::default() })
        })
        .await
    }
}

/// What `selectWorkspace` is to do.
#[derive(InputObject)]
pub struct SelectWorkspaceInput {
    /// ID of the viewer's personal workspace, or of an organization of theirs.
    pub workspace_id: ID,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `selectWorkspace` did.
#[derive(Default, SimpleObject)]
pub struct SelectWorkspacePayload {
    /// The caller, with the new choice. Null on failure.
    pub viewer: Option<Viewer>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(SelectWorkspacePayload);
