//! Changes the plan of a workspace, or the seats or the billing interval of its plan.

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::error::FieldError;
use crate::domain::plan::{BillingInterval, PaidPlan, Plan, PlanTier};
use crate::domain::validation::{Patch, Validator};
use crate::domain::{Code, OrganizationId, Refusal, Result, WorkspaceId};
use crate::store::{Connection, organizations, usage};

use crate::operations::AppContext;
use crate::operations::idempotency::Idempotency;
use crate::operations::plans::paid_plan::{agree, cancel, enter, present};

/// The new plan of a workspace.
pub struct Input {
    /// ID of the workspace.
    pub workspace_id: String,
    /// The tier to buy.
    pub tier: PlanTier,
    /// The billing interval. `None` keeps the present interval, or means monthly if there is none.
    pub interval: Option<BillingInterval>,
    /// The number of seats to buy. If cleared, the plan has as many seats as members.
    pub seats: Patch<i32>,
}

/// Changes the plan at once and revokes a cancellation. A change to FREE takes effect at the end of the period. A new
/// tier or interval starts a new period now; any other change keeps the present period.
pub async fn change_plan(env: &AppContext, actor: &Actor, input: Input, retry: &Idempotency) -> Result<WorkspaceId> {
    let mut check = Validator::default();
    let (Some(id), Some(())) = (
        check.workspace("workspaceId", &input.workspace_id),
        check.field("seats", check_seats(&input, env.rules.plans.max_seats())),
    ) else {
        return Err(check.refuse());
    };
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let locked = enter(env, tx, actor, id).await?;
        require_available(id, input.tier)?;
        let before = present(tx, id, now).await?;
        if input.tier == PlanTier::Free {
            cancel(tx, id, &before, locked.actor.id, now).await?;
            return Ok(id);
        }
        if let (Patch::Set(seats), Some(organization)) = (&input.seats, id.organization()) {
            require_enough(tx, organization, *seats, now).await?;
        }
        let after = terms(&before, &input, now);
        agree(tx, id, (&before, after), locked.actor.id, now).await?;
        Ok(id)
    })
    .await
    .map_err(|error| error.not_found_at("workspaceId"))
}

/// Returns the requested plan; values that the input omits are taken from the present plan.
fn terms(before: &Plan, input: &Input, now: Instant) -> PaidPlan {
    let same_tier = before.0.as_ref().filter(|terms| terms.tier == input.tier);
    let interval = input.interval.or(before.interval()).unwrap_or(BillingInterval::Month);
    PaidPlan {
        tier: input.tier,
        interval,
        seats: input.seats.clone().apply(same_tier.and_then(|terms| terms.seats)),
        anchor: same_tier.filter(|terms| terms.interval == interval).map_or(now, |terms| terms.anchor),
        cancels_at: None,
    }
}

fn check_seats(input: &Input, most: i32) -> std::result::Result<(), FieldError> {
    let Patch::Set(seats) = input.seats else { return Ok(()) };
    let message = match seats {
        _ if input.tier != PlanTier::Team => "Seats are bought with the plan TEAM only.".to_owned(),
        ..=0 => "Buy at least one seat, or leave it to the number of members by null.".to_owned(),
        _ if seats > most => format!("At most {most} seats can be bought."),
        _ => return Ok(()),
    };
    Err(FieldError::new(Code::OutOfRange, message))
}

/// PLAN_NOT_AVAILABLE if a workspace of this kind cannot have the plan.
fn require_available(workspace: WorkspaceId, tier: PlanTier) -> Result<()> {
    let message = match (tier, workspace) {
        (PlanTier::Solo, WorkspaceId::Organization(_)) => "SOLO is for personal workspaces: take TEAM.",
        (PlanTier::Team, WorkspaceId::Personal(_)) => "TEAM is for organizations: take SOLO.",
        _ => return Ok(()),
    };
    Err(Refusal::new(Code::PlanNotAvailable, message).at("tier").into())
}

/// OUT_OF_RANGE if members and pending invitations use more than `seats`. The organization's row must be locked.
async fn require_enough(tx: &mut Connection, organization: OrganizationId, seats: i32, now: Instant) -> Result<()> {
    let members = organizations::lock(tx, organization).await?.map_or(0, |organization| organization.member_count);
    let taken = i64::from(members) + usage::pending_invitations(tx, organization, now).await?;
    if i64::from(seats) >= taken {
        return Ok(());
    }
    let message = format!("{taken} seats are taken by members and pending invitations.");
    Err(Refusal::new(Code::OutOfRange, message).at("seats").into())
}
