//! The limits of plans, as whoever is about to add something asks for them.
//!
//! A count is only as good as the lock that it is made under. What is asked here holds until the commit because the caller
//! has the workspace for itself ([`Hold::Exclusive`](crate::operations::access::workspace::Hold), or
//! [`Floor::enter`](crate::operations::access::organization::Floor::enter)),
//! and everybody else who adds something of the kind has to wait for that. The one exception is [`check_owned_organizations_quota`], which
//! takes its lock itself. Nothing is counted where there is no limit.
//!
//! A limit never takes anything away: who is above it after a downgrade keeps what there is, and gets no more.

use crate::domain::clock::Instant;
use crate::domain::limit::{Limit, LimitKind};
use crate::domain::plan::{Plan, PlanTier};
use crate::domain::{Code, InternalError, ProjectId, Refusal, Result, UserId, WorkspaceId};
use crate::store::organizations::Organization;
use crate::store::{Connection, plans, usage, users};

use crate::operations::AppContext;

/// The room for things of one kind in one request. What the request takes is gone for the rest of the request.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    /// What is used without the request.
    limit: Limit,
    /// What the request has taken.
    taken: i64,
    /// What the request has asked for, what was refused included.
    asked: i64,
    /// Whether what was taken stays taken if more is refused.
    keeps_taken: bool,
    seats_bought: bool,
}

impl Quota {
    fn new(kind: LimitKind, used: i64, max: Option<i32>) -> Self {
        Self { limit: Limit { kind, used, max }, taken: 0, asked: 0, keeps_taken: false, seats_bought: false }
    }

    /// The same room for a request of which a part is done if the rest is refused.
    pub fn keeping_taken(self) -> Self {
        Self { keeps_taken: true, ..self }
    }

    /// Takes room for `more` things. Returns LIMIT_EXCEEDED if there is not enough, or SEATS_EXHAUSTED for bought seats, and
    /// then takes none.
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

/// Refuses unless the workspace has room for `more` projects, tasks or cloud storages: LIMIT_EXCEEDED. The caller holds the
/// workspace alone.
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

/// The room for projects, tasks or cloud storages of a workspace, for requests that take it bit by bit. To be relied on by
/// whoever holds the workspace alone; others may look.
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

/// Refuses unless a project of the workspace has room for `more` tasks: LIMIT_EXCEEDED. The room of the workspace is a matter
/// of its own: ask for that as well when the tasks are new there. The caller holds the workspace alone.
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

/// The room for tasks of a project that is about to come to the workspace.
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

/// Refuses unless the user may own one more organization: LIMIT_EXCEEDED, by the plan of their personal workspace. Locks
/// their account until the transaction ends, so organizations have to be locked before.
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
    // Before the plan is read: a change of it waits for this lock, too.
    users::lock(tx, user).await?;
    let max = max(env, tx, workspace, kind, now).await?;
    let used = if max.is_some() { usage::owned_organizations(tx, user).await? } else { 0 };
    Ok(Quota::new(kind, used, max).take(1)?)
}

/// The room for more people in an organization, whose row is locked: members and pending invitations take it. FREE refuses
/// with LIMIT_EXCEEDED, seats that were bought with SEATS_EXHAUSTED; elastic ones never do.
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

/// Refuses unless an organization, whose row is locked, has room for one more member: LIMIT_EXCEEDED or SEATS_EXHAUSTED. A
/// pending invitation holds a seat, but a plan that has ended may leave more of them than there are seats.
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
    // Pending invitations are counted for the refusal alone.
    let room = seats(env, tx, organization, &plan, now).await?;
    Err(room.limit.exceeded(room.code(), 1).into())
}

/// How many of a kind there may be in a workspace.
async fn max(
    env: &AppContext,
    tx: &mut Connection,
    workspace: WorkspaceId,
    kind: LimitKind,
    now: Instant,
) -> Result<Option<i32>> {
    Ok(env.rules.plans.max(workspace, &plan(env, tx, workspace, now).await?, kind))
}

/// The plan to hold somebody to. It does not matter where there are no limits, and is not looked up then.
pub async fn plan(env: &AppContext, tx: &Connection, workspace: WorkspaceId, now: Instant) -> Result<Plan> {
    if env.rules.plans.unlimited { Ok(Plan::FREE) } else { plans::find(tx, workspace, now).await }
}
