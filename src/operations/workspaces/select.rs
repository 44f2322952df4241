//! Remembers the workspace that the actor works in, for menus. It grants nothing, and the log does not tell.

use crate::auth::Actor;
use crate::domain::validation::Check;
use crate::domain::{Result, UserId};
use crate::policy::{Action, Target};
use crate::store::users;

use crate::operations::Env;
use crate::operations::access::workspace::{Ground, Hold};
use crate::operations::idempotency::Retry;

/// What to select.
pub struct Input {
    /// A workspace of the actor's.
    pub workspace_id: String,
}

/// Selects it, and returns whose choice it is.
pub async fn select_workspace(env: &Env, actor: &Actor, input: Input, retry: &Retry) -> Result<UserId> {
    let mut check = Check::default();
    let Some(id) = check.workspace("workspaceId", &input.workspace_id) else { return Err(check.refuse()) };
    // The choice is kept with the user: whose workspace is their own row, which is about to be written.
    let hold = if id.user().is_some() { Hold::Exclusive } else { Hold::Shared };
    env.write(retry, async |tx| {
        let ground = Ground::enter(tx, actor, id, hold, "workspace").await?;
        ground.require(Action::WorkspaceSelect, &Target::default(), "workspace")?;
        tx.queue(users::select_organization(ground.actor.id, id.organization()));
        Ok(ground.actor.id)
    })
    .await
    .map_err(|error| error.missing_at("workspaceId"))
}
