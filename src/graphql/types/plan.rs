//! Plans, limits, seats and prices of workspaces.

use async_graphql::{Context, Enum, SimpleObject};

use crate::domain::limit::{self, LimitKind as Kind};
use crate::domain::{Error, InternalError, WorkspaceId, plan};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::guard::{authorize, guarded};
use crate::graphql::loaders::plans::{PlanOf, ReservedSeats, UsageOf};
use crate::graphql::scalars::DateTime;
use crate::policy::{AccessContext, Action, Target};
use crate::store::organizations;
use crate::store::usage::Usage;

/// Tier of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::plan::PlanTier")]
pub enum PlanTier {
    /// Free of charge. Every new workspace has it.
    Free,
    /// Higher limits for a personal workspace.
    Solo,
    /// An organization without limits other than its seats. It applies to all members.
    Team,
}

/// Interval at which a plan is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::plan::BillingInterval")]
pub enum BillingInterval {
    /// Paid every month.
    Month,
    /// Paid every year. With the default prices, 30 per cent less than for twelve months.
    Year,
}

/// Kind of number that a plan limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::limit::LimitKind")]
pub enum LimitKind {
    /// Projects in the workspace.
    Projects,
    /// Tasks in the workspace, those in projects included.
    Tasks,
    /// Tasks in a single project.
    TasksPerProject,
    /// Cloud storages in the workspace.
    CloudStorages,
    /// Members of the organization, the owner included, and pending invitations.
    Members,
    /// Organizations that the user owns.
    OwnedOrganizations,
}

/// The plan of a workspace.
#[derive(SimpleObject)]
pub struct Plan {
    /// Tier of the plan.
    tier: PlanTier,
    /// Billing interval. Null for FREE.
    interval: Option<BillingInterval>,
    /// Number of bought seats. Null for a plan that is not TEAM, and for elastic seats: their number always equals the
    /// number of members.
    seats: Option<i32>,
    /// Start of the next billing period. Null for FREE, and if the plan is cancelled.
    renews_at: Option<DateTime>,
    /// Time at which the plan becomes FREE. Null unless it is cancelled.
    cancels_at: Option<DateTime>,
}

/// One limit of a workspace's plan.
#[derive(SimpleObject)]
pub struct Limit {
    /// Kind of the limit.
    kind: LimitKind,
    /// The present number. For TASKS_PER_PROJECT, the number in the project with the most tasks. It may exceed `max`
    /// after a downgrade.
    used: i32,
    /// The maximum number. Null means no limit.
    max: Option<i32>,
}

impl From<limit::Limit> for Limit {
    fn from(limit: limit::Limit) -> Self {
        Self { kind: limit.kind.into(), used: to_int(limit.used), max: limit.max }
    }
}

/// The seats of an organization.
#[derive(SimpleObject)]
pub struct SeatUsage {
    /// Number of seats taken by members, the owner included.
    used: i32,
    /// Number of seats reserved for pending invitations.
    reserved: i32,
    /// Total number of seats. Null means no limit.
    total: Option<i32>,
}

/// Price of a plan. Amounts are in minor units of the currency, such as cents, for one interval.
#[derive(SimpleObject)]
pub struct Billing {
    /// Currency code of ISO 4217, such as `USD`.
    currency: String,
    /// Price of one seat, or of the personal plan, for one interval, in minor units.
    unit_price: i32,
    /// Number of billed units: bought seats or, for elastic seats, members; 1 for a personal plan.
    quantity: i32,
    /// Amount due for one interval, in minor units: `unitPrice` times `quantity`.
    amount: i32,
    /// Billing interval.
    interval: BillingInterval,
}

/// Converts a count to an `Int` of the schema. Counts above `i32::MAX`, which do not occur, become `i32::MAX`.
fn to_int(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

async fn load(ctx: &Context<'_>, workspace: WorkspaceId) -> Result<plan::Plan> {
    Ok(ctx.request().loader.load_one(PlanOf(workspace)).await?.unwrap_or_default())
}

/// Loads the plan of a workspace. `viewer_access` is the viewer's access.
pub async fn plan_of(ctx: &Context<'_>, workspace: WorkspaceId, viewer_access: &AccessContext) -> Result<Plan> {
    authorize(viewer_access, Action::PlanView, &Target::default())?;
    let plan = load(ctx, workspace).await?;
    Ok(Plan {
        tier: plan.tier().into(),
        interval: plan.interval().map(Into::into),
        seats: plan.seats(),
        renews_at: plan.renews_at(ctx.request().now).map(Into::into),
        cancels_at: plan.cancels_at().map(Into::into),
    })
}

/// Loads the limits of a workspace's plan and their present use. `viewer_access` is the viewer's access.
pub async fn limits_of(ctx: &Context<'_>, workspace: WorkspaceId, viewer_access: &AccessContext) -> Result<Vec<Limit>> {
    authorize(viewer_access, Action::PlanView, &Target::default())?;
    let plan = load(ctx, workspace).await?;
    let usage = ctx.request().loader.load_one(UsageOf(workspace)).await?.unwrap_or_default();
    let plans = &ctx.env().rules.plans;
    let limit = |kind| limit::Limit { kind, used: used(&usage, kind), max: plans.max(workspace, &plan, kind) };
    Ok(Kind::of(workspace).map(|kind| limit(kind).into()).collect())
}

fn used(usage: &Usage, kind: Kind) -> i64 {
    match kind {
        Kind::Projects => usage.projects,
        Kind::Tasks => usage.tasks,
        Kind::TasksPerProject => usage.fullest_project,
        Kind::CloudStorages => usage.cloud_storages,
        Kind::Members => usage.members + usage.pending_invitations,
        Kind::OwnedOrganizations => usage.owned_organizations,
    }
}

/// Loads the seats of an organization. `viewer_access` is the viewer's access.
pub async fn seats_of(
    ctx: &Context<'_>,
    organization: &organizations::Organization,
    viewer_access: &AccessContext,
) -> Result<SeatUsage> {
    authorize(viewer_access, Action::PlanView, &Target::default())?;
    let workspace = WorkspaceId::Organization(organization.id);
    let plan = load(ctx, workspace).await?;
    let reserved = ctx.request().loader.load_one(ReservedSeats(organization.id)).await?.unwrap_or_default();
    let total = ctx.env().rules.plans.max(workspace, &plan, Kind::Members);
    Ok(SeatUsage { used: organization.member_count, reserved: to_int(reserved), total })
}

/// Loads the price of the plan of a workspace with `members` members; `None` for plans without a price. `viewer_access` is
/// the viewer's access.
pub async fn billing_of(
    ctx: &Context<'_>,
    workspace: WorkspaceId,
    members: i32,
    viewer_access: &AccessContext,
) -> Option<Result<Billing>> {
    guarded(viewer_access, Action::BillingView, async {
        let Some(paid) = load(ctx, workspace).await?.0 else { return Ok(None) };
        let plans = &ctx.env().rules.plans;
        let Some(unit_price) = plans.unit_price(paid.tier, paid.interval) else { return Ok(None) };
        let quantity = match workspace {
            WorkspaceId::Personal(_) => 1,
            WorkspaceId::Organization(_) => paid.seats.unwrap_or(members),
        };
        let overflow = || Error::from(InternalError::new("price of a plan exceeds the range of Int"));
        let amount = unit_price.checked_mul(quantity).ok_or_else(overflow)?;
        let (currency, interval) = (plans.currency.clone(), paid.interval.into());
        Ok(Some(Billing { currency, unit_price, quantity, amount, interval }))
    })
    .await
}
