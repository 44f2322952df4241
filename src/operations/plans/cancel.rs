//! Cancels the plan of a workspace at the end of its period.

use crate::auth::Actor;
use crate::domain::validation::Validator;
use crate::domain::{Result, WorkspaceId};

use crate::operations::AppContext;
use crate::operations::idempotency::Idempotency;
use crate::operations::plans::paid_plan::{cancel, enter, present};

/// The workspace whose plan is cancelled.
pub struct Input {
    /// ID of the workspace.
    pub workspace_id: String,
}

/// Cancels the plan. A plan that is FREE or already cancelled stays as it is.
pub async fn cancel_plan(env: &AppContext, actor: &Actor, input: Input, retry: &Idempotency) -> Result<WorkspaceId> {
    let mut check = Validator::default();
    let Some(id) = check.workspace("workspaceId", &input.workspace_id) else { return Err(check.refuse()) };
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let locked = enter(env, tx, actor, id).await?;
        let before = present(tx, id, now).await?;
        cancel(tx, id, &before, locked.actor.id, now).await?;
        Ok(id)
    })
    .await
    .map_err(|error| error.not_found_at("workspaceId"))
}
