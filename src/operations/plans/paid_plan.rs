//! Code that the operations on plans share: the event of a changed plan, and the end of an expired plan.

use chrono::SecondsFormat;

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::plan::{PaidPlan, Plan};
use crate::domain::{Result, UserId, WorkspaceId};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::policy::{Action, Target};
use crate::store::{Connection, plans};

use crate::operations::AppContext;
use crate::operations::access::workspace::{LockMode, LockedWorkspace};

/// Locks a workspace exclusively to change its plan. FORBIDDEN or NOT_FOUND if the actor may not manage the plan.
pub(crate) async fn enter(
    env: &AppContext,
    tx: &mut Connection,
    actor: &Actor,
    workspace: WorkspaceId,
) -> Result<LockedWorkspace> {
    let locked = LockedWorkspace::enter(tx, actor, workspace, LockMode::Exclusive, "workspace").await?;
    let target = Target { owners_manage_plans: env.rules.owners_manage_plans, ..Target::default() };
    locked.require(Action::PlanManage, &target, "workspace")?;
    Ok(locked)
}

/// Returns the plan of a workspace that is locked exclusively. If the plan has expired and is still stored, deletes it
/// and records the event.
pub(crate) async fn present(tx: &mut Connection, workspace: WorkspaceId, now: Instant) -> Result<Plan> {
    if let Some(ended) = plans::delete_if_ended(tx, workspace, now).await? {
        record::record(
            tx,
            now,
            changed(workspace, &Plan(Some(ended.terms())), &Plan::FREE, None).into_iter().collect(),
        )
        .await?;
    }
    plans::find(tx, workspace, now).await
}

/// Gives a workspace that is locked exclusively the terms `after`, and records the event. Does nothing if the terms are
/// the same as before.
pub(crate) async fn agree(
    tx: &mut Connection,
    workspace: WorkspaceId,
    (before, after): (&Plan, PaidPlan),
    actor: UserId,
    now: Instant,
) -> Result<()> {
    let after = Plan(Some(after));
    let (Some(event), Some(terms)) = (changed(workspace, before, &after, Some(actor)), &after.0) else {
        return Ok(());
    };
    tx.queue(plans::put(workspace, terms));
    record::record(tx, now, vec![event]).await
}

/// Cancels a plan at the end of its present period. Does nothing if the plan is FREE or already cancelled.
pub(crate) async fn cancel(
    tx: &mut Connection,
    workspace: WorkspaceId,
    before: &Plan,
    actor: UserId,
    now: Instant,
) -> Result<()> {
    let Some(terms) = before.0.as_ref().filter(|terms| terms.cancels_at.is_none()) else { return Ok(()) };
    let after = PaidPlan { cancels_at: Some(terms.period_end(now)), ..terms.clone() };
    agree(tx, workspace, (before, after), actor, now).await
}

/// Returns the event of a changed plan; `None` if `before` and `after` are equal.
pub fn changed(workspace: WorkspaceId, before: &Plan, after: &Plan, actor: Option<UserId>) -> Option<NewEvent> {
    let seats = |plan: &Plan| plan.seats().map(|seats| seats.to_string());
    let end = |plan: &Plan| plan.cancels_at().map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true));
    let changes: Vec<FieldChange> = [
        FieldChange::between("plan.tier", Some(before.tier().name()), Some(after.tier().name())),
        FieldChange::between(
            "plan.interval",
            before.interval().map(|interval| interval.name()),
            after.interval().map(|interval| interval.name()),
        ),
        FieldChange::between("plan.seats", seats(before).as_deref(), seats(after).as_deref()),
        FieldChange::between("plan.cancelsAt", end(before).as_deref(), end(after).as_deref()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let event = NewEvent::new(workspace, EventType::PlanChanged, actor, workspace);
    (!changes.is_empty()).then_some(NewEvent { changes, ..event })
}
