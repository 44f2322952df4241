//! What came from another system before, and what has become of it since: what the next import asks. The rows themselves go
//! through `bulk`.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Connection;
use super::invitations::is_pending;
use super::schema::{imports, invitations, memberships, organizations, users};
use crate::domain::clock::Instant;
use crate::domain::invitation::InvitationStatus;
use crate::domain::organization::OrganizationStatus;
use crate::domain::{InvitationId, MembershipId, OrganizationId, Result, UserId};

/// A row that came over.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = imports, check_for_backend(diesel::pg::Pg))]
pub struct ImportRow {
    /// The system that it came from.
    pub source: String,
    /// What it became: USER, ORGANIZATION, MEMBERSHIP or INVITATION.
    pub kind: String,
    /// Its number there.
    pub source_id: String,
    /// ID of what it became, which may be gone.
    pub row_id: Uuid,
    /// When it was made there, if that is known.
    pub made_at: Option<Instant>,
    /// When it came over.
    pub imported_at: Instant,
}

/// Everything that came from a source.
pub async fn of_source(tx: &mut Connection, source: &str) -> Result<Vec<ImportRow>> {
    Ok(imports::table.filter(imports::source.eq(source)).select(ImportRow::as_select()).load(tx).await?)
}

/// Writes down what came over: [`BATCH`](super::bulk_insert::BATCH) rows at a time.
pub async fn append(tx: &mut Connection, rows: &[ImportRow]) -> Result<()> {
    diesel::insert_into(imports::table).values(rows).execute(tx).await?;
    Ok(())
}

/// Those of the accounts that are still there: username, and address, proven or not.
pub async fn accounts(tx: &mut Connection, ids: &[UserId]) -> Result<Vec<(UserId, String, Option<String>)>> {
    Ok(users::table.filter(users::id.eq_any(ids)).select((users::id, users::username, users::email)).load(tx).await?)
}

/// Slugs of those of the organizations that are still there.
pub async fn slugs(tx: &mut Connection, ids: &[OrganizationId]) -> Result<Vec<String>> {
    Ok(organizations::table.filter(organizations::id.eq_any(ids)).select(organizations::slug).load(tx).await?)
}

/// Locks those of the organizations that are still there, by ascending ID: status, and when each was created.
pub async fn lock_organizations(
    tx: &mut Connection,
    ids: &[OrganizationId],
) -> Result<Vec<(OrganizationId, OrganizationStatus, Instant)>> {
    Ok(organizations::table
        .filter(organizations::id.eq_any(ids))
        .order(organizations::id)
        .select((organizations::id, organizations::status, organizations::created_at))
        .for_update()
        .load(tx)
        .await?)
}

/// Who is a member of the organizations, and since when.
pub async fn members(
    tx: &mut Connection,
    ids: &[OrganizationId],
) -> Result<Vec<(OrganizationId, UserId, MembershipId, Instant)>> {
    Ok(memberships::table
        .filter(memberships::organization_id.eq_any(ids))
        .select((memberships::organization_id, memberships::user_id, memberships::id, memberships::joined_at))
        .load(tx)
        .await?)
}

/// The addresses that each of the organizations has a pending invitation to, run out unmarked or not.
pub async fn invited(tx: &mut Connection, ids: &[OrganizationId]) -> Result<Vec<(OrganizationId, String)>> {
    Ok(invitations::table
        .filter(invitations::organization_id.eq_any(ids))
        .filter(is_pending())
        .select((invitations::organization_id, invitations::email))
        .load(tx)
        .await?)
}

/// Marks an invitation as accepted at `at`. Its organization's row must be locked.
pub async fn accept(tx: &mut Connection, id: InvitationId, at: Instant) -> Result<()> {
    diesel::update(invitations::table.find(id))
        .set((invitations::status.eq(InvitationStatus::Accepted), invitations::resolved_at.eq(at)))
        .execute(tx)
        .await?;
    Ok(())
}

/// Counts `more` members of an organization, whose row must be locked.
pub async fn grow(tx: &mut Connection, id: OrganizationId, more: i32) -> Result<()> {
    diesel::update(organizations::table.find(id))
        .set(organizations::member_count.eq(organizations::member_count + more))
        .execute(tx)
        .await?;
    Ok(())
}
