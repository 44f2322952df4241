//! Checks the limits of plans before something is added. A count is valid only under a lock: the caller has locked the
//! workspace exclusively ([`LockMode::Exclusive`](crate::operations::access::workspace::LockMode)) or its
//! [organization](crate::operations::access::organization::LockedOrganization::enter), and other writers wait
//! for that lock. Only [`check_owned_organizations_quota`] takes its lock itself. Nothing is counted without a limit. A
//! workspace above a limit after a downgrade keeps its content, but cannot add more.

use crate::domain::clock::Instant;
use crate::domain::limit::{Limit, LimitKind};
use crate::domain::plan::{Plan, PlanTier};
use crate::domain::{Code, InternalError, ProjectId, Refusal, Result, UserId, WorkspaceId};
use crate::store::organizations::Organization;
use crate::store::{Connection, plans, usage, users};

use crate::operations::AppContext;

/// The remaining quota of one kind within one request. What the request takes is subtracted for the rest of the
/// request.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    /// The maximum, and the usage without this request.
    limit: Limit,
    /// The number that this request has taken.
    taken: i64,
    /// The number that this request has asked for, including refused parts.
    asked: i64,
    /// Whether the request keeps what it has taken if a later part is refused.
    keeps_taken: bool,
    seats_bought: bool,
}

impl Quota {
    fn new(kind: LimitKind, used: i64, max: Option<i32>) -> Self {
        Self { limit: Limit { kind, used, max }, taken: 0, asked: 0, keeps_taken: false, seats_bought: false }
    }

    /// Returns the same quota for a request that is done in part if the rest is refused.
    pub fn keeping_taken(self) -> Self {
        Self { keeps_taken: true, ..self }
    }

    /// Takes `more` from the quota. If too little is left, takes nothing and returns LIMIT_EXCEEDED, or SEATS_EXHAUSTED
    /// for bought seats.
    pub fn take(&mut self, more: i64) -> std::result::Result<(), Refusal> {
        let more = more.max(0);
        self.asked = self.asked.saturating_add(more);
        if more == 0 || self.limit.has_room(self.taken.saturating_add(more)) {
            self.taken = self.taken.saturating_add(more);
            return Ok(());
        }
        Err(if self.keeps_taken {
            Limit { used: self.limit.used.saturating_add(self.taken), ..self.limit }.exceeded(self.code(), more)
        } else {
            self.limit.exceeded(self.code(), self.asked)
        })
    }

    fn code(&self) -> Code {
        if self.seats_bought { Code::SeatsExhausted } else { Code::LimitExceeded }
    }
}

/// LIMIT_EXCEEDED unless `more` projects, tasks or cloud storages fit into the quota of the workspace. The caller holds
/// an exclusive lock on the workspace.
pub async fn check_quota(
    env: &AppContext,
    tx: &mut Connection,
    workspace: WorkspaceId,
    kind: LimitKind,
    more: i64,
    now: Instant,
) -> Result<()> {
    Ok(room(env, tx, workspace, kind, now).await?.take(more)?)
}

/// Returns the quota of a workspace for projects, tasks or cloud storages, for requests that take it in parts. The
/// result is reliable only under an exclusive lock on the workspace; without the lock it is a preview.
pub async fn room(
    env: &AppContext,
    tx: &mut Connection,
    workspace: WorkspaceId,
    kind: LimitKind,
    now: Instant,
) -> Result<Quota> {
    let max = max(env, tx, workspace, kind, now).await?;
    let used = match (max, kind) {
        (None, _) => 0,
        (_, LimitKind::Projects) => usage::projects(tx, workspace).await?,
        (_, LimitKind::Tasks) => usage::tasks(tx, workspace).await?,
        (_, LimitKind::CloudStorages) => usage::cloud_storages(tx, workspace).await?,
        _ => return Err(InternalError::new(format!("{} are not counted by workspace", kind.name())).into()),
    };
    Ok(Quota::new(kind, used, max))
}

/// LIMIT_EXCEEDED unless `more` tasks fit into the quota of a project. The quota of the workspace is separate: check it
/// too if the tasks are new in the workspace. The caller holds an exclusive lock on the workspace.
pub async fn check_project_quota(
    env: &AppContext,
    tx: &mut Connection,
    workspace: WorkspaceId,
    project: ProjectId,
    more: i64,
    now: Instant,
) -> Result<()> {
    let kind = LimitKind::TasksPerProject;
    let max = max(env, tx, workspace, kind, now).await?;
    let used = if max.is_some() { usage::tasks_in_project(tx, project).await? } else { 0 };
    Ok(Quota::new(kind, used, max).take(more)?)
}

/// Returns the quota for tasks of a project that is about to move to the workspace.
pub async fn new_project_quota(
    env: &AppContext,
    tx: &mut Connection,
    workspace: WorkspaceId,
    now: Instant,
) -> Result<Quota> {
    let kind = LimitKind::TasksPerProject;
    let max = max(env, tx, workspace, kind, now).await?;
    Ok(Quota::new(kind, 0, max))
}

/// LIMIT_EXCEEDED unless the plan of the user's personal workspace allows one more organization. Locks the user's
/// account until the transaction ends, so organizations must be locked before this call.
pub async fn check_owned_organizations_quota(
    env: &AppContext,
    tx: &mut Connection,
    user: UserId,
    now: Instant,
) -> Result<()> {
    let (workspace, kind) = (WorkspaceId::Personal(user), LimitKind::OwnedOrganizations);
    if env.rules.plans.unlimited {
        return Ok(());
    }
    // The lock precedes the read of the plan, because a change of the plan waits for this lock too.
    users::lock(tx, user).await?;
    let max = max(env, tx, workspace, kind, now).await?;
    let used = if max.is_some() { usage::owned_organizations(tx, user).await? } else { 0 };
    Ok(Quota::new(kind, used, max).take(1)?)
}

/// Returns the quota for members of an organization whose row is locked; members and pending invitations count. The
/// plan FREE refuses with LIMIT_EXCEEDED, bought seats refuse with SEATS_EXHAUSTED, elastic seats never refuse.
pub async fn seats(
    env: &AppContext,
    tx: &mut Connection,
    organization: &Organization,
    plan: &Plan,
    now: Instant,
) -> Result<Quota> {
    let (workspace, kind) = (WorkspaceId::Organization(organization.id), LimitKind::Members);
    let max = env.rules.plans.max(workspace, plan, kind);
    let used = match max {
        Some(_) => i64::from(organization.member_count) + usage::pending_invitations(tx, organization.id, now).await?,
        None => 0,
    };
    Ok(Quota { seats_bought: plan.tier() == PlanTier::Team, ..Quota::new(kind, used, max) })
}

/// LIMIT_EXCEEDED or SEATS_EXHAUSTED unless an organization, whose row is locked, can have one more member. A pending
/// invitation reserves a seat, but after a plan has ended there may be more pending invitations than seats.
pub async fn check_member_quota(
    env: &AppContext,
    tx: &mut Connection,
    organization: &Organization,
    now: Instant,
) -> Result<()> {
    let plan = plan(env, tx, organization.id.into(), now).await?;
    let max = env.rules.plans.max(organization.id.into(), &plan, LimitKind::Members);
    if max.is_none_or(|max| organization.member_count < max) {
        return Ok(());
    }
    // Pending invitations are counted only for the error message.
    let room = seats(env, tx, organization, &plan, now).await?;
    Err(room.limit.exceeded(room.code(), 1).into())
}

/// Returns the maximum of a kind in a workspace; `None` if there is no limit.
async fn max(
    env: &AppContext,
    tx: &mut Connection,
    workspace: WorkspaceId,
    kind: LimitKind,
    now: Instant,
) -> Result<Option<i32>> {
    Ok(env.rules.plans.max(workspace, &plan(env, tx, workspace, now).await?, kind))
}

/// Returns the plan whose limits apply. If limits are disabled, the plan does not matter and is not read.
pub async fn plan(env: &AppContext, tx: &Connection, workspace: WorkspaceId, now: Instant) -> Result<Plan> {
    if env.rules.plans.unlimited { Ok(Plan::FREE) } else { plans::find(tx, workspace, now).await }
}
