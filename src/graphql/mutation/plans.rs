//! Mutations of plans.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::organizations::patch;
use super::payload::{payload, run_mutation};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::types::plan::{BillingInterval, PlanTier};
use crate::graphql::types::user_error::UserError;
use crate::graphql::types::workspace::Workspace;
use crate::operations::plans::{cancel, change};

/// The mutations of plans.
#[derive(Default)]
pub struct PlanMutations;

/// The mutations of plans.
#[Object]
impl PlanMutations {
    /// Changes the plan of a workspace, or its seats or interval. A change to FREE works like `cancelPlan`; every other
    /// change takes effect immediately. Needs MANAGE_PLAN.
    async fn change_plan(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: ChangePlanInput,
    ) -> Result<ChangePlanPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
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

    /// Cancels the plan at the end of the present period. The workspace is FREE after that. Needs MANAGE_PLAN.
    async fn cancel_plan(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: CancelPlanInput,
    ) -> Result<CancelPlanPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = cancel::Input { workspace_id: input.workspace_id.0 };
            let workspace = cancel::cancel_plan(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let workspace = Workspace::by_plan(ctx, workspace).await?;
            Ok(CancelPlanPayload { workspace, ..Default::default() })
        })
        .await
    }
}

/// Input of `changePlan`.
#[derive(InputObject)]
pub struct ChangePlanInput {
    /// ID of the workspace.
    pub workspace_id: ID,
    /// Tier of the plan: SOLO for a personal workspace, TEAM for an organization, FREE for either.
    pub tier: PlanTier,
    /// Billing interval. Absent or null: the present interval, or MONTH if the plan is FREE. Ignored for FREE.
    pub interval: Option<BillingInterval>,
    /// TEAM only: number of seats to buy. OUT_OF_RANGE if it is below the number of used and reserved seats. Absent:
    /// unchanged. Null: elastic, always as many as there are members.
    pub seats: MaybeUndefined<i32>,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `changePlan`.
#[derive(Default, SimpleObject)]
pub struct ChangePlanPayload {
    /// The workspace with its new plan. Null on failure.
    pub workspace: Option<Workspace>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(ChangePlanPayload);

/// Input of `cancelPlan`.
#[derive(InputObject)]
pub struct CancelPlanInput {
    /// ID of the workspace.
    pub workspace_id: ID,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `cancelPlan`.
#[derive(Default, SimpleObject)]
pub struct CancelPlanPayload {
    /// The workspace; `plan.cancelsAt` is set. Null on failure.
    pub workspace: Option<Workspace>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(CancelPlanPayload);
