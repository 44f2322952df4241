//! Invitations. Whether one has run out is a matter of the hour: see [`Invitation::status_at`]. Lists are in
//! [`invitation_lists`](super::invitation_lists).

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Connection;
use super::schema::invitations;
use crate::domain::clock::Instant;
use crate::domain::invitation::{DeliveryState, InvitationStatus};
use crate::domain::{InvitationId, OrganizationId, Result, Role, UserId};

/// An invitation.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = invitations, check_for_backend(Pg))]
pub struct Invitation {
    /// Its ID.
    pub id: InvitationId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The address invited, in lower case.
    pub email: String,
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
    /// Where it stands at `now`.
    pub fn status_at(&self, now: Instant) -> InvitationStatus {
        self.status.at(self.expires_at, now)
    }
}

/// An invitation to be made.
#[derive(Insertable)]
#[diesel(table_name = invitations)]
pub struct NewInvitation {
    /// Its ID.
    pub id: InvitationId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The address invited, in lower case.
    pub email: String,
    /// The role offered.
    pub role: Role,
    /// Who sends it.
    pub inviter_id: Option<UserId>,
    /// Words of the inviter.
    pub message: Option<String>,
    /// Hash of the token in the mail.
    pub token_hash: Vec<u8>,
    /// When it is made.
    pub created_at: Instant,
    /// When it runs out.
    pub expires_at: Instant,
    /// When its sending is asked for.
    pub sent_requested_at: Instant,
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
pub async fn find_by_token(connection: &mut Connection, token_hash: &[u8]) -> Result<Option<Invitation>> {
    Ok(invitations::table
        .filter(invitations::token_hash.eq(token_hash))
        .select(Invitation::as_select())
        .first(connection)
        .await
        .optional()?)
}

/// Locks an invitation's row, and returns it as it is then. The organization's row must be locked before.
pub async fn lock(tx: &mut Connection, id: InvitationId) -> Result<Option<Invitation>> {
    Ok(invitations::table.find(id).select(Invitation::as_select()).for_update().first(tx).await.optional()?)
}

/// Those of `emails` that have a pending invitation to the organization.
pub async fn pending_among(
    connection: &mut Connection,
    organization: OrganizationId,
    emails: &[String],
    now: Instant,
) -> Result<Vec<String>> {
    Ok(invitations::table
        .filter(invitations::organization_id.eq(organization).and(invitations::email.eq_any(emails)))
        .filter(invitations::status.eq(InvitationStatus::Pending).and(invitations::expires_at.gt(now)))
        .select(invitations::email)
        .load(connection)
        .await?)
}

/// Marks the overdue invitations to those addresses as run out, so that new ones may take their place.
pub async fn expire_overdue(
    tx: &mut Connection,
    organization: OrganizationId,
    emails: &[String],
    now: Instant,
) -> Result<Vec<Invitation>> {
    let overdue = invitations::status.eq(InvitationStatus::Pending).and(invitations::expires_at.le(now));
    let to_them = invitations::organization_id.eq(organization).and(invitations::email.eq_any(emails));
    Ok(diesel::update(invitations::table.filter(to_them.and(overdue)))
        .set((
            invitations::status.eq(InvitationStatus::Expired),
            invitations::resolved_at.eq(invitations::expires_at.nullable()),
        ))
        .returning(Invitation::as_returning())
        .get_results(tx)
        .await?)
}

/// Makes invitations.
pub async fn insert(tx: &mut Connection, new: &[NewInvitation]) -> Result<Vec<Invitation>> {
    Ok(diesel::insert_into(invitations::table)
        .values(new)
        .returning(Invitation::as_returning())
        .get_results(tx)
        .await?)
}

/// Ends a pending invitation, or marks an overdue one. Its row must be locked.
pub async fn resolve(
    tx: &mut Connection,
    id: InvitationId,
    status: InvitationStatus,
    at: Instant,
) -> Result<Invitation> {
    Ok(diesel::update(invitations::table.find(id))
        .set((invitations::status.eq(status), invitations::resolved_at.eq(at)))
        .returning(Invitation::as_returning())
        .get_result(tx)
        .await?)
}

/// Forgets that a user sent invitations, as the end of their account does: before the account is locked, since whoever accepts
/// one has locked it and is about to refer to the account.
pub async fn forget_inviter(tx: &mut Connection, inviter: UserId) -> Result<()> {
    let theirs = invitations::table.filter(invitations::inviter_id.eq(inviter));
    diesel::update(theirs).set(invitations::inviter_id.eq(None::<UserId>)).execute(tx).await?;
    Ok(())
}

/// What a resend puts in the place of what was there.
pub struct Renewal {
    /// Who sends it now.
    pub inviter: UserId,
    /// Hash of the new token.
    pub token_hash: Vec<u8>,
    /// The new expiry.
    pub expires_at: Instant,
    /// When the sending is asked for.
    pub at: Instant,
}

/// Makes an invitation pending again. Its row must be locked.
pub async fn renew(tx: &mut Connection, id: InvitationId, renewal: Renewal) -> Result<Invitation> {
    Ok(diesel::update(invitations::table.find(id))
        .set((
            invitations::status.eq(InvitationStatus::Pending),
            invitations::resolved_at.eq(None::<Instant>),
            invitations::inviter_id.eq(renewal.inviter),
            invitations::token_hash.eq(renewal.token_hash),
            invitations::expires_at.eq(renewal.expires_at),
            invitations::sent_requested_at.eq(renewal.at),
            invitations::delivery.eq(DeliveryState::Queued),
            invitations::failure.eq(None::<String>),
        ))
        .returning(Invitation::as_returning())
        .get_result(tx)
        .await?)
}
