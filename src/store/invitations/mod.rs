//! Table of invitations. Expired invitations can still have the status PENDING: see [`Invitation::status_at`]. Lists
//! are in [`list`].

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

/// Invitation.
#[derive(Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = invitations, check_for_backend(Pg), treat_none_as_default_value = false)]
pub struct Invitation {
    /// ID of the invitation.
    pub id: InvitationId,
    /// ID of the organization.
    pub organization_id: OrganizationId,
    /// Invited address in canonical form.
    pub email: String,
    /// Address as the inviter wrote it; `None` if it equals `email`.
    pub email_written: Option<String>,
    /// Offered role.
    pub role: Role,
    /// Stored status, without regard to expiry by time.
    pub status: InvitationStatus,
    /// User who sent it last; `None` after that account was deleted.
    pub inviter_id: Option<UserId>,
    /// Message of the inviter.
    pub message: Option<String>,
    /// Time of creation.
    pub created_at: Instant,
    /// Time at which the invitation expires.
    pub expires_at: Instant,
    /// Time at which it was accepted, declined or revoked, or at which it expired; `None` while pending.
    pub resolved_at: Option<Instant>,
    /// Time at which the last delivery was requested.
    pub sent_requested_at: Instant,
    /// State of the last delivery.
    pub delivery: DeliveryState,
    /// Number of mails that were handed to the mail server.
    pub send_count: i32,
    /// Time at which a mail was last handed to the mail server; `None` before the first one.
    pub last_sent_at: Option<Instant>,
    /// Reason why the last delivery failed; `None` if it did not.
    pub failure: Option<String>,
}

impl Invitation {
    /// Returns the invited address.
    pub fn address(&self) -> Email {
        Email::stored(self.email.clone(), self.email_written.clone())
    }

    /// Returns the invited address as the inviter wrote it.
    pub fn shown_email(&self) -> &str {
        self.email_written.as_deref().unwrap_or(&self.email)
    }

    /// Returns the status at `now`.
    pub fn status_at(&self, now: Instant) -> InvitationStatus {
        self.status.at(self.expires_at, now)
    }

    /// Returns the invitation with a final status, resolved at `at`.
    pub fn resolved(&self, status: InvitationStatus, at: Instant) -> Self {
        Self { status, resolved_at: Some(at), ..self.clone() }
    }

    /// Returns the invitation as pending again, sent by `inviter` at `at`.
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

/// Returns the invitations with these IDs, in no order.
pub async fn find_many(connection: &mut Connection, ids: &[InvitationId]) -> Result<Vec<Invitation>> {
    Ok(invitations::table.filter(invitations::id.eq_any(ids)).select(Invitation::as_select()).load(connection).await?)
}

/// Returns the invitation with an ID.
pub async fn find(connection: &mut Connection, id: InvitationId) -> Result<Option<Invitation>> {
    Ok(invitations::table.find(id).select(Invitation::as_select()).first(connection).await.optional()?)
}

/// Returns the invitation whose token has this hash.
pub async fn find_by_token(mut connection: &Connection, token_hash: &[u8]) -> Result<Option<Invitation>> {
    Ok(invitations::table
        .filter(invitations::token_hash.eq(token_hash))
        .select(Invitation::as_select())
        .first(&mut connection)
        .await
        .optional()?)
}

/// Locks an invitation and returns its row as of the lock. The organization's row must be locked before.
pub async fn lock(mut tx: &Connection, id: InvitationId) -> Result<Option<Invitation>> {
    Ok(invitations::table.find(id).select(Invitation::as_select()).for_update().first(&mut tx).await.optional()?)
}

/// Locks an invitation like [`lock`]. Locks nothing and returns `None` unless the actor is a member of the
/// organization, an administrator, or has the invited address, so that other users cannot delay them.
pub async fn lock_for(mut tx: &Connection, id: InvitationId, actor: UserId) -> Result<Option<Invitation>> {
    let member = memberships::table
        .filter(memberships::organization_id.eq(invitations::organization_id).and(memberships::user_id.eq(actor)));
    let concerned = users::is_admin.or(users::email.eq(invitations::email.nullable()).assume_not_null());
    let concerned = users::table.filter(users::id.eq(actor).and(concerned));
    let row = invitations::table.find(id).filter(exists(member).or(exists(concerned)));
    Ok(row.select(Invitation::as_select()).for_update().first(&mut tx).await.optional()?)
}

diesel::postfix_operator!(IsPending, " = 'PENDING'", backend: Pg);

/// Returns the condition that the stored status is PENDING, expired or not. The status is a literal, because plans are
/// generic and use the partial index on pending invitations only for a literal.
pub fn is_pending() -> IsPending<invitations::status> {
    IsPending::new(invitations::status)
}

/// Returns the invitations of an organization to these addresses whose stored status is PENDING, expired or not.
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

/// Marks overdue invitations as expired, so that new ones can replace them. The organization's row must be locked.
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

/// Inserts invitations, each with the hash of its token.
pub fn insert(new: impl Iterator<Item = (Invitation, Vec<u8>)>) -> Write {
    let row = |(row, token_hash): (Invitation, Vec<u8>)| {
        let key = invitations::email_key.eq(text_keys::stored(row.shown_email()));
        (row, key, invitations::token_hash.eq(token_hash))
    };
    let rows: Vec<_> = new.map(row).collect();
    Write::of(diesel::insert_into(invitations::table).values(rows))
}

/// Updates status and `resolved_at` of an invitation. Its row must be locked.
pub fn resolve(resolved: &Invitation) -> Write {
    let set = (invitations::status.eq(resolved.status), invitations::resolved_at.eq(resolved.resolved_at));
    Write::of(diesel::update(invitations::table.find(resolved.id)).set(set))
}

/// Clears the inviter of all invitations that a user has sent, before the account is deleted. Lock order: before the
/// account, because a transaction that accepts an invitation locks the invitation before it refers to the account.
pub async fn forget_inviter(tx: &mut Connection, inviter: UserId) -> Result<()> {
    let sent = invitations::table.filter(invitations::inviter_id.eq(inviter));
    diesel::update(sent).set(invitations::inviter_id.eq(None::<UserId>)).execute(tx).await?;
    Ok(())
}

/// Updates the fields that a resend changes, and the hash of the new token. The row must be locked.
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
