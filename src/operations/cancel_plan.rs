//! Cancels the plan of a workspace: it lasts to the end of its period.

use crate::auth::Actor;
use crate::domain::input::Check;
use crate::domain::{Result, WorkspaceId};
use crate::policy::{Action, Target};
use crate::store::Transactional;

use super::Env;
use super::ground::{Ground, Hold};
use super::plan_terms::{cancel, present};

/// Whose plan.
pub struct Input {
    /// ID of the workspace.
    pub workspace_id: String,
}

/// Cancels it. What is FREE or cancelled stays as it is.
pub async fn cancel_plan(env: &Env, actor: &Actor, input: Input) -> Result<WorkspaceId> {
    let mut check = Check::default();
    let Some(id) = check.workspace("workspaceId", &input.workspace_id) else { return Err(check.refuse()) };
    let now = env.clock.now();
    let target = Target { owners_manage_plans: env.rules.owners_manage_plans, ..Target::default() };
    let mut connection = env.store.writer().await?;
    connection
        .transaction(async |tx| {
            let ground = Ground::enter(tx, actor, id, Hold::Exclusive, "workspace").await?;
            ground.require(Action::PlanManage, &target, "workspace")?;
            let before = present(tx, id, now).await?;
            cancel(tx, id, &before, ground.actor.id, now).await?;
            Ok(id)
        })
        .await
}
