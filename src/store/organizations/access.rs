//! Lock of an organization together with the actor's access to it, with which each write in an organization begins.
//!
//! The lock is a statement of its own, before the statement that reads. A statement that waits for a row lock sees that
//! row as of the lock, but all other rows as of its own start. A membership read by the locking statement could have
//! ended while it waited.

use diesel::dsl::{case_when, exists};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use futures_util::future::try_join;

use crate::domain::clock::Instant;
use crate::domain::{
    Actor, CloudStorageId, InvitationId, JobId, MembershipId, OrganizationId, OwnershipOfferId, ProjectId, Result,
    TaskId, UserId,
};
use crate::store::Connection;
use crate::store::invitations::is_pending;
use crate::store::memberships::Membership;
use crate::store::organizations::Organization;
use crate::store::schema::{
    cloud_storages, invitations, jobs, memberships, organizations, ownership_offers, projects, tasks, users,
};
use crate::store::users::{User, accounts, is_live};

/// Lock mode, until the transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// No lock: for reads.
    Unheld,
    /// Share lock: other share locks are possible.
    Shared,
    /// Exclusive lock.
    Exclusive,
}

/// Reference to an organization, by its ID or by a row that belongs to it.
#[derive(Clone, Copy, Debug)]
pub enum OrganizationRef {
    /// Organization with this ID.
    Id(OrganizationId),
    /// Organization of a membership.
    Membership(MembershipId),
    /// Organization of an invitation.
    Invitation(InvitationId),
    /// Organization of an invitation whose token the caller has presented. The token permits every caller to lock the
    /// organization.
    HeldInvitation(InvitationId),
    /// Organization of an ownership offer.
    Offer(OwnershipOfferId),
    /// Organization of a project; no organization for resources in personal workspaces, here and below.
    Project(ProjectId),
    /// Organization of a task.
    Task(TaskId),
    /// Organization of a job.
    Job(JobId),
    /// Organization of a cloud storage.
    Storage(CloudStorageId),
}

/// Organization with the actor's access to it.
#[derive(Queryable)]
pub struct OrganizationAccess {
    /// Account of the actor.
    pub actor: User,
    /// The organization; `None` if it does not exist, or if a lock was requested that the actor may not take.
    pub organization: Option<Organization>,
    /// Membership of the actor; `None` if the actor is no member.
    pub membership: Option<Membership>,
    /// `expires_at` of the actor's invitation that is stored as pending; it may be past; `None` for members and without an invitation.
    pub invited_until: Option<Instant>,
}

/// Evaluates `$then` with the organization's ID as an SQL expression. The organization of the referring row can be read
/// without a lock only if it never changes; callers check it for resources.
macro_rules! with_id {
    ($of:expr, |$id:ident| $then:expr) => {
        match $of {
            OrganizationRef::Id(organization) => {
                let $id = Some(organization);
                $then
            }
            OrganizationRef::Membership(membership) => {
                let $id = memberships::table.find(membership).select(memberships::organization_id).single_value();
                $then
            }
            OrganizationRef::Invitation(invitation) | OrganizationRef::HeldInvitation(invitation) => {
                let $id = invitations::table.find(invitation).select(invitations::organization_id).single_value();
                $then
            }
            OrganizationRef::Offer(offer) => {
                let $id = ownership_offers::table.find(offer).select(ownership_offers::organization_id).single_value();
                $then
            }
            OrganizationRef::Project(project) => {
                let $id = projects::table.find(project).select(projects::organization_id).single_value();
                $then
            }
            OrganizationRef::Task(task) => {
                let $id = tasks::table.find(task).select(tasks::organization_id).single_value();
                $then
            }
            OrganizationRef::Job(job) => {
                let $id = jobs::table.find(job).select(jobs::organization_id).single_value();
                $then
            }
            OrganizationRef::Storage(storage) => {
                let $id = cloud_storages::table.find(storage).select(cloud_storages::organization_id).single_value();
                $then
            }
        }
    };
}

/// Locks an organization and reads the actor's access, in one round trip. Returns `None` if the account is deleted or
/// the session of the actor's token has ended.
pub async fn enter(
    tx: &Connection,
    mode: LockMode,
    of: OrganizationRef,
    actor: &Actor,
) -> Result<Option<OrganizationAccess>> {
    let (locked, access) = match mode {
        LockMode::Unheld => return find(tx, of, actor).await,
        LockMode::Shared => try_join(share(tx, of, actor.user_id), find(tx, of, actor)).await?,
        LockMode::Exclusive => try_join(lock(tx, of, actor.user_id), find(tx, of, actor)).await?,
    };
    // An organization that was created between the two statements is not locked, and counts as not existing.
    let is_locked = |organization: &Organization| Some(organization.id) == locked;
    Ok(access.map(|found| OrganizationAccess { organization: found.organization.filter(is_locked), ..found }))
}

/// Condition that `$actor` may lock an organization: as a member, an administrator, an invitee, or with the token of an
/// invitation. Other users cannot delay its writes.
macro_rules! may_lock {
    ($of:expr, $actor:expr) => {{
        let actor: UserId = $actor;
        let member = memberships::table
            .filter(memberships::organization_id.eq(organizations::id).and(memberships::user_id.eq(actor)));
        let admin = users::table.filter(users::id.eq(actor).and(users::is_admin));
        let invited = invitations::table
            .inner_join(users::table.on(users::email.eq(invitations::email.nullable())))
            .filter(invitations::organization_id.eq(organizations::id).and(users::id.eq(actor)));
        let holds_token = matches!($of, OrganizationRef::HeldInvitation(_)).into_sql::<Bool>();
        holds_token.or(exists(member)).or(exists(admin)).or(exists(invited))
    }};
}

async fn lock(mut tx: &Connection, of: OrganizationRef, actor: UserId) -> Result<Option<OrganizationId>> {
    Ok(with_id!(of, |id| {
        let row = organizations::table.filter(organizations::id.nullable().eq(id)).filter(may_lock!(of, actor));
        row.select(organizations::id).for_no_key_update().first(&mut tx).await.optional()?
    }))
}

async fn share(mut tx: &Connection, of: OrganizationRef, actor: UserId) -> Result<Option<OrganizationId>> {
    Ok(with_id!(of, |id| {
        let row = organizations::table.filter(organizations::id.nullable().eq(id)).filter(may_lock!(of, actor));
        row.select(organizations::id).for_share().first(&mut tx).await.optional()?
    }))
}

async fn find(mut connection: &Connection, of: OrganizationRef, actor: &Actor) -> Result<Option<OrganizationAccess>> {
    let own = memberships::organization_id.eq(organizations::id).and(memberships::user_id.eq(users::id));
    let invited_until = invitations::table
        .filter(invitations::organization_id.eq(organizations::id))
        .filter(invitations::email.nullable().eq(users::email).and(users::email_verified_at.is_not_null()))
        .filter(is_pending())
        .select(invitations::expires_at)
        .single_value();
    let found: Option<OrganizationAccess> = with_id!(of, |id| {
        accounts()
            .left_join(organizations::table.on(organizations::id.nullable().eq(id)))
            .left_join(memberships::table.on(own))
            .filter(users::id.eq(actor.user_id).and(is_live(actor.session, actor.issued_without_session())))
            .select((
                User::as_select(),
                Option::<Organization>::as_select(),
                Option::<Membership>::as_select(),
                case_when(memberships::id.nullable().is_null(), invited_until),
            ))
            .first(&mut connection)
            .await
            .optional()?
    });
    found.iter().for_each(|_| connection.note_live_actor());
    Ok(found)
}
