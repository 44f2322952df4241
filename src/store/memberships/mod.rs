//! Memberships: who is in which organization, with which role. Whoever adds or removes one keeps
//! `organizations.member_count` in the same transaction.

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

/// A membership.
#[derive(Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = memberships, check_for_backend(Pg), treat_none_as_default_value = false)]
pub struct Membership {
    /// Its ID.
    pub id: MembershipId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The member.
    pub user_id: UserId,
    /// The member's username.
    pub username: String,
    /// The name that the member is shown by.
    pub shown_name: String,
    /// The role.
    pub role: Role,
    /// When the member joined.
    pub joined_at: Instant,
    /// Day of the last activity, in UTC.
    pub last_active_on: Option<NaiveDate>,
    /// Who invited the member.
    pub invited_by: Option<UserId>,
}

/// The memberships with those IDs, in no order.
pub async fn find_many(connection: &mut Connection, ids: &[MembershipId]) -> Result<Vec<Membership>> {
    Ok(memberships::table.filter(memberships::id.eq_any(ids)).select(Membership::as_select()).load(connection).await?)
}

/// Locks a membership against other changes of it, and returns it as it is then, for a member of the same organization or an
/// administrator: nobody else holds up those.
pub async fn lock(mut tx: &Connection, id: MembershipId, actor: UserId) -> Result<Option<Membership>> {
    let own = diesel::alias!(memberships as own);
    let of_same = own.field(memberships::organization_id).eq(memberships::organization_id);
    let member = own.filter(of_same.and(own.field(memberships::user_id).eq(actor)));
    let admin = users::table.filter(users::id.eq(actor).and(users::is_admin));
    let row = memberships::table.find(id).filter(exists(member).or(exists(admin)));
    Ok(row.select(Membership::as_select()).for_no_key_update().first(&mut tx).await.optional()?)
}

/// The membership of a user in an organization.
pub async fn of(connection: &mut Connection, organization: OrganizationId, user: UserId) -> Result<Option<Membership>> {
    Ok(memberships::table
        .filter(memberships::organization_id.eq(organization).and(memberships::user_id.eq(user)))
        .select(Membership::as_select())
        .first(connection)
        .await
        .optional()?)
}

/// All memberships of a user, in the order of their organizations' IDs: that in which these are locked.
pub async fn of_user(connection: &mut Connection, user: UserId) -> Result<Vec<Membership>> {
    Ok(memberships::table
        .filter(memberships::user_id.eq(user))
        .order_by(memberships::organization_id)
        .select(Membership::as_select())
        .load(connection)
        .await?)
}

/// Locks all memberships of a user against other changes of them, in the same order, until the transaction ends.
pub async fn lock_of_user(tx: &mut Connection, user: UserId) -> Result<()> {
    let theirs = memberships::table.filter(memberships::user_id.eq(user)).order_by(memberships::organization_id);
    let _: Vec<MembershipId> = theirs.select(memberships::id).for_no_key_update().load(tx).await?;
    Ok(())
}

/// Those of `emails` that are the proven addresses of members of the organization.
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

/// Adds a member. The organization's row must be locked, and the account be [kept](super::users::keep) with the name that it
/// has in the membership.
pub fn insert(new: Membership) -> Write {
    let organization = new.organization_id;
    let key = memberships::name_key.eq(text_keys::stored(&new.shown_name));
    Write::of(diesel::insert_into(memberships::table).values((new, key))).and(change_count(organization, 1))
}

/// Writes the role of a member. The organization's row must be locked.
pub fn update_role(membership: &Membership) -> Write {
    Write::of(diesel::update(memberships::table.find(membership.id)).set(memberships::role.eq(membership.role)))
}

/// Takes a member away. The organization's row must be locked.
pub fn delete(membership: &Membership) -> Write {
    Write::of(diesel::delete(memberships::table.find(membership.id))).and(change_count(membership.organization_id, -1))
}

fn change_count(organization: OrganizationId, more: i32) -> Write {
    let count = organizations::member_count.eq(organizations::member_count + more);
    Write::of(diesel::update(organizations::table.find(organization)).set(count))
}

/// Notes that the member was active on `day`, if that is news.
pub async fn touch(connection: &mut Connection, id: MembershipId, day: NaiveDate) -> Result<()> {
    let stale = memberships::last_active_on.is_null().or(memberships::last_active_on.lt(day));
    diesel::update(memberships::table.find(id).filter(stale))
        .set(memberships::last_active_on.eq(day))
        .execute(connection)
        .await?;
    Ok(())
}
