//! The entrance of an organization: it is held, and how somebody stands to it is read under that hold. What whoever is about
//! to write there begins with.
//!
//! The hold is a statement of its own, and the one that reads comes after it. A statement that waits for a row sees that row
//! as it is by then, and everything else as it was when it began: read together with the lock, a membership could be one that
//! had ended meanwhile.

use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::future::try_join;

use super::Connection;
use super::invitations::is_pending;
use super::memberships::Membership;
use super::organizations::Organization;
use super::schema::{invitations, memberships, organizations, users};
use super::users::User;
use crate::domain::clock::Instant;
use crate::domain::{InvitationId, MembershipId, OrganizationId, Result, UserId};

/// How something is held until the transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Not at all: for a look that changes nothing.
    Unheld,
    /// Together with others who share it.
    Shared,
    /// Alone.
    Exclusive,
}

/// Which organization.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    /// The one with that ID.
    Id(OrganizationId),
    /// That of a membership.
    Membership(MembershipId),
    /// That of an invitation.
    Invitation(InvitationId),
}

/// What is found at the entrance of an organization.
#[derive(Queryable)]
pub struct Entrance {
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
            Of::Id(organization) => {
                let $id = Some(organization);
                $then
            }
            Of::Membership(membership) => {
                let $id = memberships::table.find(membership).select(memberships::organization_id).single_value();
                $then
            }
            Of::Invitation(invitation) => {
                let $id = invitations::table.find(invitation).select(invitations::organization_id).single_value();
                $then
            }
        }
    };
}

/// Holds an organization, and finds how somebody stands to it, in one flight. None: the account is gone.
pub async fn enter(tx: &Connection, hold: Hold, of: Of, actor: UserId) -> Result<Option<Entrance>> {
    let entrance = match hold {
        Hold::Unheld => return find(tx, of, actor).await,
        Hold::Shared => try_join(share(tx, of), find(tx, of, actor)).await?,
        Hold::Exclusive => try_join(lock(tx, of), find(tx, of, actor)).await?,
    };
    let (held, entrance) = entrance;
    // One that came to be in between is not held, and not there yet.
    let held = |organization: &Organization| Some(organization.id) == held;
    Ok(entrance.map(|found| Entrance { organization: found.organization.filter(held), ..found }))
}

async fn lock(mut tx: &Connection, of: Of) -> Result<Option<OrganizationId>> {
    Ok(with_id!(of, |id| {
        let row = organizations::table.filter(organizations::id.nullable().eq(id)).select(organizations::id);
        row.for_no_key_update().first(&mut tx).await.optional()?
    }))
}

async fn share(mut tx: &Connection, of: Of) -> Result<Option<OrganizationId>> {
    Ok(with_id!(of, |id| {
        let row = organizations::table.filter(organizations::id.nullable().eq(id)).select(organizations::id);
        row.for_share().first(&mut tx).await.optional()?
    }))
}

async fn find(mut connection: &Connection, of: Of, actor: UserId) -> Result<Option<Entrance>> {
    let own = memberships::organization_id.eq(organizations::id).and(memberships::user_id.eq(users::id));
    let invited_until = invitations::table
        .filter(invitations::organization_id.eq(organizations::id))
        .filter(invitations::email.nullable().eq(users::email).and(users::email_verified_at.is_not_null()))
        .filter(is_pending())
        .select(invitations::expires_at)
        .single_value();
    Ok(with_id!(of, |id| {
        users::table
            .left_join(organizations::table.on(organizations::id.nullable().eq(id)))
            .left_join(memberships::table.on(own))
            .filter(users::id.eq(actor))
            .select((
                User::as_select(),
                Option::<Organization>::as_select(),
                Option::<Membership>::as_select(),
                case_when(memberships::id.nullable().is_null(), invited_until),
            ))
            .first(&mut connection)
            .await
            .optional()?
    }))
}
