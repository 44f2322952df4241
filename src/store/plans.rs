//! Table of paid plans. A workspace without a row has the plan FREE, and so has a workspace whose plan has ended: plans
//! from this table are filtered by [`Plan::at`].

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::plans;
use super::{Connection, Write};
use crate::domain::clock::Instant;
use crate::domain::plan::{BillingInterval, PaidPlan, Plan, PlanTier};
use crate::domain::{OrganizationId, Result, UserId, WorkspaceId};

/// Row of the table.
#[derive(Clone, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = plans, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
#[allow(missing_docs, reason = "the columns, documented in the database")]
pub struct PlanRow {
    pub workspace_id: Uuid,
    pub organization_id: Option<OrganizationId>,
    pub user_id: Option<UserId>,
    pub tier: PlanTier,
    pub paid_every: BillingInterval,
    pub seats: Option<i32>,
    pub anchor: Instant,
    pub cancels_at: Option<Instant>,
}

impl PlanRow {
    /// Returns the row for a workspace with a paid plan.
    pub fn new(workspace: WorkspaceId, terms: &PaidPlan) -> Self {
        Self {
            workspace_id: workspace.uuid(),
            organization_id: workspace.organization(),
            user_id: workspace.user(),
            tier: terms.tier,
            paid_every: terms.interval,
            seats: terms.seats,
            anchor: terms.anchor,
            cancels_at: terms.cancels_at,
        }
    }

    /// Returns the workspace of the plan.
    pub fn workspace(&self) -> WorkspaceId {
        WorkspaceId::of_row(self.workspace_id, self.organization_id)
    }

    /// Returns the paid plan.
    pub fn terms(&self) -> PaidPlan {
        PaidPlan {
            tier: self.tier,
            interval: self.paid_every,
            seats: self.seats,
            anchor: self.anchor,
            cancels_at: self.cancels_at,
        }
    }
}

/// Returns the plan of a workspace at `now`.
pub async fn find(mut connection: &Connection, workspace: WorkspaceId, now: Instant) -> Result<Plan> {
    let row =
        plans::table.find(workspace.uuid()).select(PlanRow::as_select()).first(&mut connection).await.optional()?;
    Ok(Plan(row.map(|row| row.terms())).at(now))
}

/// Returns the plans of these workspaces at `now`. Workspaces without a row, which have the plan FREE, are left out.
pub async fn find_many(
    connection: &mut Connection,
    workspaces: &[Uuid],
    now: Instant,
) -> Result<Vec<(WorkspaceId, Plan)>> {
    let rows = plans::table.filter(plans::workspace_id.eq_any(workspaces)).select(PlanRow::as_select());
    let rows: Vec<PlanRow> = rows.load(connection).await?;
    Ok(rows.into_iter().map(|row| (row.workspace(), Plan(Some(row.terms())).at(now))).collect())
}

/// Sets the plan of a workspace, and replaces an existing one. The workspace must be locked exclusively.
pub fn put(workspace: WorkspaceId, terms: &PaidPlan) -> Write {
    let row = PlanRow::new(workspace, terms);
    Write::of(
        diesel::insert_into(plans::table).values(row.clone()).on_conflict(plans::workspace_id).do_update().set(row),
    )
}

/// Deletes the plan of a workspace if it has ended at `now`. Returns the deleted row; `None` if the plan has not ended.
pub async fn delete_if_ended(tx: &mut Connection, workspace: WorkspaceId, now: Instant) -> Result<Option<PlanRow>> {
    let ended = plans::table.filter(plans::workspace_id.eq(workspace.uuid()).and(plans::cancels_at.le(now)));
    Ok(diesel::delete(ended).returning(PlanRow::as_returning()).get_result(tx).await.optional()?)
}

/// Deletes at most `limit` plans that have ended at `now`, and returns the deleted rows. Rows locked by other
/// transactions are skipped. Needs a transaction.
pub async fn delete_ended(tx: &mut Connection, now: Instant, limit: i64) -> Result<Vec<PlanRow>> {
    let ended: Vec<Uuid> = plans::table
        .filter(plans::cancels_at.le(now))
        .order_by(plans::cancels_at)
        .limit(limit)
        .select(plans::workspace_id)
        .for_update()
        .skip_locked()
        .load(tx)
        .await?;
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    Ok(diesel::delete(plans::table.filter(plans::workspace_id.eq_any(ended)))
        .returning(PlanRow::as_returning())
        .get_results(tx)
        .await?)
}
