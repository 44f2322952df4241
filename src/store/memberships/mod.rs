//! Table of memberships. Each write that adds or removes one updates `organizations.member_count` in the same
//! transaction.

pub mod list;

use chrono::NaiveDate;
use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::schema::{memberships, organizations, users};
use super::{Connection, Write};
use crate::domain::clock::Instant;
use crate::domain::text_keys;
use crate::domain::{MembershipId, OrganizationId, Result, Role, UserId};

/// Membership.
#[derive(Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = memberships, check_for_backend(Pg), treat_none_as_default_value = false)]
pub struct Membership {
    /// ID of the membership.
    pub id: MembershipId,
    /// ID of the organization.
    pub organization_id: OrganizationId,
    /// User who is the member.
    pub user_id: UserId,
    /// Username of the member, a copy.
    pub username: String,
    /// Display name of the member, or the username; a copy.
    pub shown_name: String,
    /// Role of the member.
    pub role: Role,
    /// Time at which the member joined.
    pub joined_at: Instant,
    /// UTC day of the last activity; `None` before the first one.
    pub last_active_on: Option<NaiveDate>,
    /// User who invited the member; `None` if unknown.
    pub invited_by: Option<UserId>,
}

/// Returns the memberships with these IDs, in no order.
pub async fn find_many(connection: &mut Connection, ids: &[MembershipId]) -> Result<Vec<Membership>> {
    Ok(memberships::table.filter(memberships::id.eq_any(ids)).select(Membership::as_select()).load(connection).await?)
}

/// Locks a membership and returns its row as of the lock. Locks nothing and returns `None` unless the actor is a member
/// of the same organization or an administrator, so that other users cannot delay them.
pub async fn lock(mut tx: &Connection, id: MembershipId, actor: UserId) -> Result<Option<Membership>> {
    let own = diesel::alias!(memberships as own);
    let of_same = own.field(memberships::organization_id).eq(memberships::organization_id);
    let member = own.filter(of_same.and(own.field(memberships::user_id).eq(actor)));
    let admin = users::table.filter(users::id.eq(actor).and(users::is_admin));
    let row = memberships::table.find(id).filter(exists(member).or(exists(admin)));
    Ok(row.select(Membership::as_select()).for_no_key_update().first(&mut tx).await.optional()?)
}

/// Returns the membership of a user in an organization.
pub async fn of(connection: &mut Connection, organization: OrganizationId, user: UserId) -> Result<Option<Membership>> {
    Ok(memberships::table
        .filter(memberships::organization_id.eq(organization).and(memberships::user_id.eq(user)))
        .select(Membership::as_select())
        .first(connection)
        .await
        .optional()?)
}

/// Returns all memberships of a user, ordered by organization ID, the order in which organizations are locked.
pub async fn of_user(connection: &mut Connection, user: UserId) -> Result<Vec<Membership>> {
    Ok(memberships::table
        .filter(memberships::user_id.eq(user))
        .order_by(memberships::organization_id)
        .select(Membership::as_select())
        .load(connection)
        .await?)
}

/// Locks all memberships of a user in the same order, until the transaction ends.
pub async fn lock_of_user(tx: &mut Connection, user: UserId) -> Result<()> {
    let memberships_of_user =
        memberships::table.filter(memberships::user_id.eq(user)).order_by(memberships::organization_id);
    let _: Vec<MembershipId> = memberships_of_user.select(memberships::id).for_no_key_update().load(tx).await?;
    Ok(())
}

/// Returns those of `emails` that are proven addresses of members of the organization.
pub async fn emails_among(
    mut connection: &Connection,
    organization: OrganizationId,
    emails: &[String],
) -> Result<Vec<String>> {
    let found: Vec<Option<String>> = memberships::table
        .inner_join(users::table.on(users::id.eq(memberships::user_id)))
        .filter(memberships::organization_id.eq(organization))
        .filter(users::email.eq_any(emails).and(users::email_verified_at.is_not_null()))
        .select(users::email)
        .load(&mut connection)
        .await?;
    Ok(found.into_iter().flatten().collect())
}

/// Inserts a membership. The organization's row must be locked, and the account must be locked by
/// [`keep`](super::users::keep), so that the copied names stay true.
pub fn insert(new: Membership) -> Write {
    let organization = new.organization_id;
    let key = memberships::name_key.eq(text_keys::stored(&new.shown_name));
    Write::of(diesel::insert_into(memberships::table).values((new, key))).and(change_count(organization, 1))
}

/// Updates the role of a member. The organization's row must be locked.
pub fn update_role(membership: &Membership) -> Write {
    Write::of(diesel::update(memberships::table.find(membership.id)).set(memberships::role.eq(membership.role)))
}

/// Deletes a membership. The organization's row must be locked.
pub fn delete(membership: &Membership) -> Write {
    Write::of(diesel::delete(memberships::table.find(membership.id))).and(change_count(membership.organization_id, -1))
}

fn change_count(organization: OrganizationId, difference: i32) -> Write {
    let count = organizations::member_count.eq(organizations::member_count + difference);
    Write::of(diesel::update(organizations::table.find(organization)).set(count))
}

/// Records that the member was active on `day`, unless this day or a later one is recorded.
pub async fn touch(connection: &mut Connection, id: MembershipId, day: NaiveDate) -> Result<()> {
    let stale = memberships::last_active_on.is_null().or(memberships::last_active_on.lt(day));
    diesel::update(memberships::table.find(id).filter(stale))
        .set(memberships::last_active_on.eq(day))
        .execute(connection)
        .await?;
    Ok(())
}
