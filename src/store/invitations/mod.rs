//! Invitations. Whether one has run out is a matter of the hour: see [`Invitation::status_at`]. Lists are in
//! [`list`].

pub mod deliveries;
pub mod list;

use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::schema::{invitations, memberships, users};
use super::{Connection, Write};
use crate::domain::clock::Instant;
use crate::domain::invitation::{DeliveryState, InvitationStatus};
use crate::domain::text_keys;
use crate::domain::{Email, InvitationId, OrganizationId, Result, Role, UserId};

/// An invitation.
#[derive(Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = invitations, check_for_backend(Pg), treat_none_as_default_value = false)]
pub struct Invitation {
    /// Its ID.
    pub id: InvitationId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The address invited, in the form for comparison.
    pub email: String,
    /// The address as it was written, if that is not `email`.
    pub email_written: Option<String>,
    /// The role offered.
    pub role: Role,
    /// Where it stands, but for the passing of time.
    pub status: InvitationStatus,
    /// Who sent it last.
    pub inviter_id: Option<UserId>,
    /// Words of the inviter.
    pub message: Option<String>,
    /// When it was made.
    pub created_at: Instant,
    /// When it runs out.
    pub expires_at: Instant,
    /// When it was accepted, declined, revoked, or marked as run out.
    pub resolved_at: Option<Instant>,
    /// When the last sending was asked for.
    pub sent_requested_at: Instant,
    /// Where the last sending stands.
    pub delivery: DeliveryState,
    /// How many times a mail was handed over.
    pub send_count: i32,
    /// When a mail was last handed over.
    pub last_sent_at: Option<Instant>,
    /// Why the last sending was given up.
    pub failure: Option<String>,
}

impl Invitation {
    /// The address invited.
    pub fn address(&self) -> Email {
        Email::stored(self.email.clone(), self.email_written.clone())
    }

    /// The address invited, as people see it.
    pub fn shown_email(&self) -> &str {
        self.email_written.as_deref().unwrap_or(&self.email)
    }

    /// Where it stands at `now`.
    pub fn status_at(&self, now: Instant) -> InvitationStatus {
        self.status.at(self.expires_at, now)
    }

    /// The same invitation, ended at `at` with that status.
    pub fn resolved(&self, status: InvitationStatus, at: Instant) -> Self {
        Self { status, resolved_at: Some(at), ..self.clone() }
    }

    /// The same invitation, pending again, as sent by `inviter` at `at`.
    pub fn renewed(&self, inviter: UserId, at: Instant, expires_at: Instant) -> Self {
        Self {
            status: InvitationStatus::Pending,
            resolved_at: None,
            inviter_id: Some(inviter),
            expires_at,
            sent_requested_at: at,
            delivery: DeliveryState::Queued,
            failure: None,
            ..self.clone()
        }
    }
}

/// The invitations with those IDs, in no order.
pub async fn find_many(connection: &mut Connection, ids: &[InvitationId]) -> Result<Vec<Invitation>> {
    Ok(invitations::table.filter(invitations::id.eq_any(ids)).select(Invitation::as_select()).load(connection).await?)
}

/// The invitation with that ID.
pub async fn find(connection: &mut Connection, id: InvitationId) -> Result<Option<Invitation>> {
    Ok(invitations::table.find(id).select(Invitation::as_select()).first(connection).await.optional()?)
}

/// The invitation whose token has that hash.
pub async fn find_by_token(mut connection: &Connection, token_hash: &[u8]) -> Result<Option<Invitation>> {
    Ok(invitations::table
        .filter(invitations::token_hash.eq(token_hash))
        .select(Invitation::as_select())
        .first(&mut connection)
        .await
        .optional()?)
}

/// Locks an invitation's row, and returns it as it is then. The organization's row must be locked before.
pub async fn lock(mut tx: &Connection, id: InvitationId) -> Result<Option<Invitation>> {
    Ok(invitations::table.find(id).select(Invitation::as_select()).for_update().first(&mut tx).await.optional()?)
}

/// The same for a member of the organization, an administrator or somebody with the address invited: nobody else holds up
/// those.
pub async fn lock_for(mut tx: &Connection, id: InvitationId, actor: UserId) -> Result<Option<Invitation>> {
    let member = memberships::table
        .filter(memberships::organization_id.eq(invitations::organization_id).and(memberships::user_id.eq(actor)));
    let concerned = users::is_admin.or(users::email.eq(invitations::email.nullable()).assume_not_null());
    let concerned = users::table.filter(users::id.eq(actor).and(concerned));
    let row = invitations::table.find(id).filter(exists(member).or(exists(concerned)));
    Ok(row.select(Invitation::as_select()).for_update().first(&mut tx).await.optional()?)
}

diesel::postfix_operator!(IsPending, " = 'PENDING'", backend: Pg);

/// Whether nothing has ended an invitation yet but perhaps the time. It is written out, so that the indexes of pending ones serve
/// whoever asks for these: a plan is made once for all values.
pub fn is_pending() -> IsPending<invitations::status> {
    IsPending::new(invitations::status)
}

/// The invitations to those addresses that nothing has ended yet but perhaps the time.
pub async fn unresolved(
    mut connection: &Connection,
    organization: OrganizationId,
    emails: &[String],
) -> Result<Vec<Invitation>> {
    Ok(invitations::table
        .filter(invitations::organization_id.eq(organization).and(invitations::email.eq_any(emails)))
        .filter(is_pending())
        .select(Invitation::as_select())
        .load(&mut connection)
        .await?)
}

/// Marks overdue invitations as run out, so that new ones may take their place. The organization's row must be locked.
pub fn expire(overdue: &[Invitation]) -> Write {
    if overdue.is_empty() {
        return Write::default();
    }
    let ids: Vec<InvitationId> = overdue.iter().map(|invitation| invitation.id).collect();
    let expired = (
        invitations::status.eq(InvitationStatus::Expired),
        invitations::resolved_at.eq(invitations::expires_at.nullable()),
    );
    Write::of(diesel::update(invitations::table.filter(invitations::id.eq_any(ids))).set(expired))
}

/// Makes invitations, each with the hash of the token in its mail.
pub fn insert(new: impl Iterator<Item = (Invitation, Vec<u8>)>) -> Write {
    let row = |(row, token_hash): (Invitation, Vec<u8>)| {
        let key = invitations::email_key.eq(text_keys::stored(row.shown_email()));
        (row, key, invitations::token_hash.eq(token_hash))
    };
    let rows: Vec<_> = new.map(row).collect();
    Write::of(diesel::insert_into(invitations::table).values(rows))
}

/// Writes the end of an invitation: its status and when it ended. Its row must be locked.
pub fn resolve(resolved: &Invitation) -> Write {
    let set = (invitations::status.eq(resolved.status), invitations::resolved_at.eq(resolved.resolved_at));
    Write::of(diesel::update(invitations::table.find(resolved.id)).set(set))
}

/// Forgets that a user sent invitations, as the end of their account does: before the account is locked, since whoever accepts
/// one has locked it and is about to refer to the account.
pub async fn forget_inviter(tx: &mut Connection, inviter: UserId) -> Result<()> {
    let theirs = invitations::table.filter(invitations::inviter_id.eq(inviter));
    diesel::update(theirs).set(invitations::inviter_id.eq(None::<UserId>)).execute(tx).await?;
    Ok(())
}

/// Writes what a resend changes, with the hash of the new token. The row must be locked.
pub fn renew(renewed: &Invitation, token_hash: Vec<u8>) -> Write {
    Write::of(diesel::update(invitations::table.find(renewed.id)).set((
        invitations::status.eq(renewed.status),
        invitations::resolved_at.eq(renewed.resolved_at),
        invitations::inviter_id.eq(renewed.inviter_id),
        invitations::token_hash.eq(token_hash),
        invitations::expires_at.eq(renewed.expires_at),
        invitations::sent_requested_at.eq(renewed.sent_requested_at),
        invitations::delivery.eq(renewed.delivery),
        invitations::failure.eq(renewed.failure.clone()),
    )))
}
