//! The limits of plans, as whoever is about to add something asks for them.
//!
//! A count is only as good as the lock that it is made under. What is asked here holds until the commit because the caller
//! has the workspace for itself ([`Hold::Exclusive`](super::ground::Hold), or [`Floor::enter`](super::floor::Floor::enter)),
//! and everybody else who adds something of the kind has to wait for that. The one exception is [`require_owned_room`], which
//! takes its lock itself. Nothing is counted where there is no limit.
//!
//! A limit never takes anything away: who is above it after a downgrade keeps what there is, and gets no more.

use crate::domain::clock::Instant;
use crate::domain::limit::{Limit, LimitKind};
use crate::domain::plan::{Plan, PlanTier};
use crate::domain::{Code, Fault, ProjectId, Refusal, Result, UserId, WorkspaceId};
use crate::store::organizations::Organization;
use crate::store::{Connection, plans, usage, users};

use super::Env;

/// The room that is left for things of one kind. What a request takes of it is not there for the rest of the request.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    limit: Limit,
    seats_bought: bool,
}

impl Room {
    /// Takes the room of so many; refuses, and takes none, if there is not enough: LIMIT_EXCEEDED with what is used so far,
    /// or SEATS_EXHAUSTED where it is a matter of seats that were bought.
    pub fn take(&mut self, more: i64) -> std::result::Result<(), Refusal> {
        if self.limit.has_room(more) {
            self.limit.used = self.limit.used.saturating_add(more.max(0));
            return Ok(());
        }
        if self.seats_bought {
            let message = "All seats are taken by members and pending invitations.";
            return Err(Refusal::new(Code::SeatsExhausted, message));
        }
        Err(self.limit.exceeded())
    }
}

/// Refuses unless the workspace has room for `more` projects, tasks or cloud storages: LIMIT_EXCEEDED. The caller holds the
/// workspace alone.
pub async fn require_room(
    env: &Env,
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
    env: &Env,
    tx: &mut Connection,
    workspace: WorkspaceId,
    kind: LimitKind,
    now: Instant,
) -> Result<Room> {
    let max = max(env, tx, workspace, kind, now).await?;
    let used = match (max, kind) {
        (None, _) => 0,
        (_, LimitKind::Projects) => usage::projects(tx, workspace).await?,
        (_, LimitKind::Tasks) => usage::tasks(tx, workspace).await?,
        (_, LimitKind::CloudStorages) => usage::cloud_storages(tx, workspace).await?,
        _ => return Err(Fault::new(format!("{} are not counted by workspace", kind.name())).into()),
    };
    Ok(Room { limit: Limit { kind, used, max }, seats_bought: false })
}

/// Refuses unless a project of the workspace has room for `more` tasks: LIMIT_EXCEEDED. The room of the workspace is a matter
/// of its own: ask for that as well when the tasks are new there. The caller holds the workspace alone.
pub async fn require_room_in_project(
    env: &Env,
    tx: &mut Connection,
    workspace: WorkspaceId,
    project: ProjectId,
    more: i64,
    now: Instant,
) -> Result<()> {
    let kind = LimitKind::TasksPerProject;
    let max = max(env, tx, workspace, kind, now).await?;
    let used = if max.is_some() { usage::tasks_in_project(tx, project).await? } else { 0 };
    Ok(Room { limit: Limit { kind, used, max }, seats_bought: false }.take(more)?)
}

/// The room for tasks of a project that is about to come to the workspace.
pub async fn room_of_new_project(env: &Env, tx: &mut Connection, workspace: WorkspaceId, now: Instant) -> Result<Room> {
    let kind = LimitKind::TasksPerProject;
    let max = max(env, tx, workspace, kind, now).await?;
    Ok(Room { limit: Limit { kind, used: 0, max }, seats_bought: false })
}

/// Refuses unless the user may own one more organization: LIMIT_EXCEEDED, by the plan of their personal workspace. Locks
/// their account until the transaction ends, so organizations have to be locked before.
pub async fn require_owned_room(env: &Env, tx: &mut Connection, user: UserId, now: Instant) -> Result<()> {
    let (workspace, kind) = (WorkspaceId::Personal(user), LimitKind::OwnedOrganizations);
    if env.rules.plans.unlimited {
        return Ok(());
    }
    // Before the plan is read: a change of it waits for this lock, too.
    users::lock(tx, user).await?;
    let max = max(env, tx, workspace, kind, now).await?;
    let used = if max.is_some() { usage::owned_organizations(tx, user).await? } else { 0 };
    Ok(Room { limit: Limit { kind, used, max }, seats_bought: false }.take(1)?)
}

/// The room for more people in an organization, whose row is locked: members and pending invitations take it. FREE refuses
/// with LIMIT_EXCEEDED, seats that were bought with SEATS_EXHAUSTED; elastic ones never do. Who accepts an invitation needs
/// none: it was reserved.
pub async fn seats(
    env: &Env,
    tx: &mut Connection,
    organization: &Organization,
    plan: &Plan,
    now: Instant,
) -> Result<Room> {
    let (workspace, kind) = (WorkspaceId::Organization(organization.id), LimitKind::Members);
    let max = env.rules.plans.max(workspace, plan, kind);
    let used = match max {
        Some(_) => i64::from(organization.member_count) + usage::pending_invitations(tx, organization.id, now).await?,
        None => 0,
    };
    Ok(Room { limit: Limit { kind, used, max }, seats_bought: plan.tier() == PlanTier::Team })
}

/// How many of a kind there may be in a workspace.
async fn max(
    env: &Env,
    tx: &mut Connection,
    workspace: WorkspaceId,
    kind: LimitKind,
    now: Instant,
) -> Result<Option<i32>> {
    Ok(env.rules.plans.max(workspace, &plan(env, tx, workspace, now).await?, kind))
}

/// The plan to hold somebody to. It does not matter where there are no limits, and is not looked up then.
pub async fn plan(env: &Env, tx: &Connection, workspace: WorkspaceId, now: Instant) -> Result<Plan> {
    if env.rules.plans.unlimited { Ok(Plan::FREE) } else { plans::find(tx, workspace, now).await }
}
