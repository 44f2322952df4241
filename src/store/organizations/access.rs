//! The entrance of an organization: it is held, and how somebody stands to it is read under that hold. What whoever is about
//! to write there begins with.
//!
//! The hold is a statement of its own, and the one that reads comes after it. A statement that waits for a row sees that row
//! as it is by then, and everything else as it was when it began: read together with the lock, a membership could be one that
//! had ended meanwhile.

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

/// How something is held until the transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// Not at all: for a look that changes nothing.
    Unheld,
    /// Together with others who share it.
    Shared,
    /// Alone.
    Exclusive,
}

/// Which organization.
#[derive(Clone, Copy, Debug)]
pub enum OrganizationRef {
    /// The one with that ID.
    Id(OrganizationId),
    /// That of a membership.
    Membership(MembershipId),
    /// That of an invitation.
    Invitation(InvitationId),
    /// That of an invitation of which the token was shown: it opens the organization to anybody.
    HeldInvitation(InvitationId),
    /// That of an offer of ownership.
    Offer(OwnershipOfferId),
    /// That of a project; none if the project is in a personal workspace, as with the others.
    Project(ProjectId),
    /// That of a task.
    Task(TaskId),
    /// That of a job.
    Job(JobId),
    /// That of a cloud storage.
    Storage(CloudStorageId),
}

/// What is found at the entrance of an organization.
#[derive(Queryable)]
pub struct OrganizationAccess {
    /// Who comes.
    pub actor: User,
    /// The organization.
    pub organization: Option<Organization>,
    /// The membership of whoever comes.
    pub membership: Option<Membership>,
    /// Until when they hold an invitation to the organization, not being a member.
    pub invited_until: Option<Instant>,
}

/// Does `$then` with the organization's ID as an expression: neither memberships nor invitations ever change theirs.
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

/// Holds an organization, and finds how the actor stands to it, in one flight. None: the account is gone, or the session of the
/// actor's token has ended.
pub async fn enter(
    tx: &Connection,
    hold: LockMode,
    of: OrganizationRef,
    actor: &Actor,
) -> Result<Option<OrganizationAccess>> {
    let entrance = match hold {
        LockMode::Unheld => return find(tx, of, actor).await,
        LockMode::Shared => try_join(share(tx, of, actor.user_id), find(tx, of, actor)).await?,
        LockMode::Exclusive => try_join(lock(tx, of, actor.user_id), find(tx, of, actor)).await?,
    };
    let (held, entrance) = entrance;
    // One that came to be in between is not held, and not there yet.
    let held = |organization: &Organization| Some(organization.id) == held;
    Ok(entrance.map(|found| OrganizationAccess { organization: found.organization.filter(held), ..found }))
}

/// Whether `$actor` has anything to do with an organization: as a member, as an administrator, or as somebody whose address it
/// has invited. Nobody else holds up those who have.
macro_rules! concerns {
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
        let row = organizations::table.filter(organizations::id.nullable().eq(id)).filter(concerns!(of, actor));
        row.select(organizations::id).for_no_key_update().first(&mut tx).await.optional()?
    }))
}

async fn share(mut tx: &Connection, of: OrganizationRef, actor: UserId) -> Result<Option<OrganizationId>> {
    Ok(with_id!(of, |id| {
        let row = organizations::table.filter(organizations::id.nullable().eq(id)).filter(concerns!(of, actor));
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
