//! Remembers the workspace that the actor works in, for menus. It grants nothing, and the log does not tell.

use crate::auth::Actor;
use crate::domain::validation::Validator;
use crate::domain::{Result, UserId};
use crate::policy::{Action, Target};
use crate::store::users;

use crate::operations::AppContext;
use crate::operations::access::workspace::{LockMode, LockedWorkspace};
use crate::operations::idempotency::Idempotency;

/// What to select.
pub struct Input {
    /// A workspace of the actor's.
    pub workspace_id: String,
}

/// Selects it, and returns whose choice it is.
pub async fn select_workspace(env: &AppContext, actor: &Actor, input: Input, retry: &Idempotency) -> Result<UserId> {
    let mut check = Validator::default();
    let Some(id) = check.workspace("workspaceId", &input.workspace_id) else { return Err(check.refuse()) };
    // The choice is kept with the user: whose workspace is their own row, which is about to be written.
    let hold = if id.user().is_some() { LockMode::Exclusive } else { LockMode::Shared };
    env.write(retry, async |tx| {
        let ground = LockedWorkspace::enter(tx, actor, id, hold, "workspace").await?;
        ground.require(Action::WorkspaceSelect, &Target::default(), "workspace")?;
        tx.queue(users::select_organization(ground.actor.id, id.organization()));
        Ok(ground.actor.id)
    })
    .await
    .map_err(|error| error.not_found_at("workspaceId"))
}
