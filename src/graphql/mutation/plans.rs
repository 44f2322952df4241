//! Mutations of plans.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::organizations::patch;
use super::payload::{answer, payload};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::types::enums::{BillingInterval, PlanTier};
use crate::graphql::types::user_error::UserError;
use crate::graphql::types::workspace::Workspace;
use crate::operations::plans::{cancel, change};

/// Changes of plans.
#[derive(Default)]
pub struct PlanMutations;

/// Changes of plans.
#[Object]
impl PlanMutations {
    /// Gives a workspace another plan, or the same one with other seats or another interval. To FREE: as `cancelPlan` does;
    /// else at once. Needs MANAGE_PLAN.
    async fn change_plan(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: ChangePlanInput,
    ) -> Result<ChangePlanPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = change::Input {
                workspace_id: input.workspace_id.0,
                tier: input.tier.into(),
                interval: input.interval.map(Into::into),
                seats: patch(input.seats),
            };
            let workspace = change::change_plan(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let workspace = Workspace::by_plan(ctx, workspace).await?;
            Ok(ChangePlanPayload { workspace, ..Default::default() })
        })
        .await
    }

    /// Lets the plan end with its present period; then the workspace is FREE. Needs MANAGE_PLAN.
    async fn cancel_plan(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: CancelPlanInput,
    ) -> Result<CancelPlanPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = cancel::Input { workspace_id: input.workspace_id.0 };
            let workspace = cancel::cancel_plan(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let workspace = Workspace::by_plan(ctx, workspace).await?;
            Ok(CancelPlanPayload { workspace, ..Default::default() })
        })
        .await
    }
}

/// What `changePlan` is to do.
#[derive(InputObject)]
pub struct ChangePlanInput {
    /// ID of the workspace.
    pub workspace_id: ID,
    /// What is paid for: SOLO for a personal workspace, TEAM for an organization, FREE for either.
    pub tier: PlanTier,
    /// How often is paid. Absent or null: as before, or MONTH if the plan was FREE. Not looked at for FREE.
    pub interval: Option<BillingInterval>,
    /// TEAM only: how many seats to buy; OUT_OF_RANGE if fewer than are used and reserved. Absent: as before. Null: elastic,
    /// as many as there are members.
    pub seats: MaybeUndefined<i32>,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `changePlan` did.
#[derive(Default, SimpleObject)]
pub struct ChangePlanPayload {
    /// The workspace with its new plan. Null on failure.
    pub workspace: Option<Workspace>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(ChangePlanPayload);

/// What `cancelPlan` is to do.
#[derive(InputObject)]
pub struct CancelPlanInput {
    /// ID of the workspace.
    pub workspace_id: ID,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `cancelPlan` did.
#[derive(Default, SimpleObject)]
pub struct CancelPlanPayload {
    /// The workspace; `plan.cancelsAt` is set. Null on failure.
    pub workspace: Option<Workspace>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(CancelPlanPayload);
