//! How the sending of invitations stands: the columns of `invitations` that the mail worker writes, apart from those that
//! people's decisions do.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::domain::clock::Instant;
use crate::domain::invitation::{DeliveryState, InvitationStatus};
use crate::domain::{InvitationId, OrganizationId, Result};
use crate::store::Connection;
use crate::store::schema::invitations;

/// What sending an invitation depends on. It has no `Debug`: addresses stay out of logs.
#[derive(Queryable, Selectable)]
#[diesel(table_name = invitations, check_for_backend(diesel::pg::Pg))]
pub struct Delivery {
    /// The invitation.
    pub id: InvitationId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The address invited.
    pub email: String,
    /// Where it stands, but for the passing of time.
    pub status: InvitationStatus,
    /// When it runs out.
    pub expires_at: Instant,
    /// Where the last sending stands.
    #[diesel(column_name = delivery)]
    pub state: DeliveryState,
    /// Why the last sending was given up.
    pub failure: Option<String>,
    /// How many times a mail was handed over.
    pub send_count: i32,
}

/// Those of these invitations.
pub async fn find_many(connection: &mut Connection, ids: &[InvitationId]) -> Result<Vec<Delivery>> {
    Ok(invitations::table.filter(invitations::id.eq_any(ids)).select(Delivery::as_select()).load(connection).await?)
}

/// That of one invitation, locked until the end of the transaction.
pub async fn lock(tx: &mut Connection, id: InvitationId) -> Result<Option<Delivery>> {
    Ok(invitations::table.find(id).select(Delivery::as_select()).for_no_key_update().first(tx).await.optional()?)
}

/// Counts a mail that was handed over at `at`.
pub async fn count_sent(tx: &mut Connection, id: InvitationId, at: Instant) -> Result<()> {
    diesel::update(invitations::table.find(id))
        .set((invitations::send_count.eq(invitations::send_count + 1), invitations::last_sent_at.eq(at)))
        .execute(tx)
        .await?;
    Ok(())
}

/// Marks the last sending as done, or as given up for that reason; tells where it stands then.
pub async fn mark(tx: &mut Connection, id: InvitationId, failure: Option<&str>) -> Result<DeliveryState> {
    let state = if failure.is_some() { DeliveryState::Failed } else { DeliveryState::Sent };
    diesel::update(invitations::table.find(id))
        .set((invitations::delivery.eq(state), invitations::failure.eq(failure)))
        .execute(tx)
        .await?;
    Ok(state)
}
