//! Table of imported rows, and reads by which the next import finds what has changed since. The rows themselves are
//! inserted by [`bulk_insert`](super::bulk_insert).

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

/// Imported row.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = imports, check_for_backend(diesel::pg::Pg))]
pub struct ImportRow {
    /// Other system from which the row was imported.
    pub source: String,
    /// Kind of the row here: USER, ORGANIZATION, MEMBERSHIP or INVITATION.
    pub kind: String,
    /// ID of the row in the other system.
    pub source_id: String,
    /// ID of the row here, which may be deleted.
    pub row_id: Uuid,
    /// Time of creation in the other system; `None` if unknown.
    pub made_at: Option<Instant>,
    /// Time of the import.
    pub imported_at: Instant,
}

/// Returns all rows imported from a source.
pub async fn of_source(tx: &mut Connection, source: &str) -> Result<Vec<ImportRow>> {
    Ok(imports::table.filter(imports::source.eq(source)).select(ImportRow::as_select()).load(tx).await?)
}

/// Inserts at most [`BATCH`](super::bulk_insert::BATCH) imported rows.
pub async fn append(tx: &mut Connection, rows: &[ImportRow]) -> Result<()> {
    diesel::insert_into(imports::table).values(rows).execute(tx).await?;
    Ok(())
}

/// Returns ID, username and address, proven or not, of those of these accounts that exist.
pub async fn accounts(tx: &mut Connection, ids: &[UserId]) -> Result<Vec<(UserId, String, Option<String>)>> {
    Ok(users::table.filter(users::id.eq_any(ids)).select((users::id, users::username, users::email)).load(tx).await?)
}

/// Returns the slugs of those of these organizations that exist.
pub async fn slugs(tx: &mut Connection, ids: &[OrganizationId]) -> Result<Vec<String>> {
    Ok(organizations::table.filter(organizations::id.eq_any(ids)).select(organizations::slug).load(tx).await?)
}

/// Locks those of these organizations that exist, in the order of their IDs. Returns ID, status and time of creation of
/// each.
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

/// Returns the members of these organizations: organization, user, membership and time of joining.
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

/// Returns the addresses with a pending invitation to each of these organizations, including expired invitations that
/// are not marked yet.
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

/// Adds `more` to the member count of an organization, whose row must be locked.
pub async fn grow(tx: &mut Connection, id: OrganizationId, more: i32) -> Result<()> {
    diesel::update(organizations::table.find(id))
        .set(organizations::member_count.eq(organizations::member_count + more))
        .execute(tx)
        .await?;
    Ok(())
}
