//! Stores the workspace that the actor works in, for menus. The selection grants no access and records no event.

use crate::auth::Actor;
use crate::domain::validation::Validator;
use crate::domain::{Result, UserId};
use crate::policy::{Action, Target};
use crate::store::users;

use crate::operations::AppContext;
use crate::operations::access::workspace::{LockMode, LockedWorkspace};
use crate::operations::idempotency::Idempotency;

/// The workspace to select.
pub struct Input {
    /// ID of a workspace of the actor.
    pub workspace_id: String,
}

/// Selects the workspace, and returns the ID of the user whose selection changed.
pub async fn select_workspace(env: &AppContext, actor: &Actor, input: Input, retry: &Idempotency) -> Result<UserId> {
    let mut check = Validator::default();
    let Some(id) = check.workspace("workspaceId", &input.workspace_id) else { return Err(check.refuse()) };
    // The selection is stored in the user's row. A lock of a personal workspace locks this row, and the write needs the
    // lock exclusively.
    let hold = if id.user().is_some() { LockMode::Exclusive } else { LockMode::Shared };
    env.write(retry, async |tx| {
        let locked = LockedWorkspace::enter(tx, actor, id, hold, "workspace").await?;
        locked.require(Action::WorkspaceSelect, &Target::default(), "workspace")?;
        tx.queue(users::select_organization(locked.actor.id, id.organization()));
        Ok(locked.actor.id)
    })
    .await
    .map_err(|error| error.not_found_at("workspaceId"))
}
