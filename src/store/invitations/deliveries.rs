//! Delivery columns of `invitations`, which the mail worker writes.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::domain::clock::Instant;
use crate::domain::invitation::{DeliveryState, InvitationStatus};
use crate::domain::{InvitationId, OrganizationId, Result};
use crate::store::Connection;
use crate::store::schema::invitations;

/// Fields of an invitation on which its delivery depends. It has no `Debug`, so that addresses do not get into logs.
#[derive(Queryable, Selectable)]
#[diesel(table_name = invitations, check_for_backend(diesel::pg::Pg))]
pub struct Delivery {
    /// ID of the invitation.
    pub id: InvitationId,
    /// ID of the organization.
    pub organization_id: OrganizationId,
    /// Invited address.
    pub email: String,
    /// Stored status, without regard to expiry by time.
    pub status: InvitationStatus,
    /// Time at which the invitation expires.
    pub expires_at: Instant,
    /// State of the last delivery.
    #[diesel(column_name = delivery)]
    pub state: DeliveryState,
    /// Reason why the last delivery failed; `None` if it did not.
    pub failure: Option<String>,
    /// Number of mails that were handed to the mail server.
    pub send_count: i32,
}

/// Returns the deliveries of these invitations, in no order.
pub async fn find_many(connection: &mut Connection, ids: &[InvitationId]) -> Result<Vec<Delivery>> {
    Ok(invitations::table.filter(invitations::id.eq_any(ids)).select(Delivery::as_select()).load(connection).await?)
}

/// Locks an invitation until the transaction ends, and returns its delivery.
pub async fn lock(tx: &mut Connection, id: InvitationId) -> Result<Option<Delivery>> {
    Ok(invitations::table.find(id).select(Delivery::as_select()).for_no_key_update().first(tx).await.optional()?)
}

/// Counts a mail that was handed to the mail server at `at`.
pub async fn count_sent(tx: &mut Connection, id: InvitationId, at: Instant) -> Result<()> {
    diesel::update(invitations::table.find(id))
        .set((invitations::send_count.eq(invitations::send_count + 1), invitations::last_sent_at.eq(at)))
        .execute(tx)
        .await?;
    Ok(())
}

/// Marks the last delivery as sent, or, with a reason, as failed. Returns the new state.
pub async fn mark(tx: &mut Connection, id: InvitationId, failure: Option<&str>) -> Result<DeliveryState> {
    let state = if failure.is_some() { DeliveryState::Failed } else { DeliveryState::Sent };
    diesel::update(invitations::table.find(id))
        .set((invitations::delivery.eq(state), invitations::failure.eq(failure)))
        .execute(tx)
        .await?;
    Ok(state)
}
