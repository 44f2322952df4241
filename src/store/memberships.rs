//! Memberships: who is in which organization, with which role. Whoever adds or removes one keeps
//! `organizations.member_count` in the same transaction.

use chrono::NaiveDate;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{self, Array, BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use super::Connection;
use super::paging::containing;
use super::schema::{memberships, organizations, users};
use crate::domain::clock::{self, Instant};
use crate::domain::page::Window;
use crate::domain::sql_types::MemberRole;
use crate::domain::{MembershipId, OrganizationId, Result, Role, UserId};

/// A membership.
#[derive(Clone, Insertable, Queryable, QueryableByName, Selectable)]
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
    /// The role.
    pub role: Role,
    /// When the member joined.
    pub joined_at: Instant,
    /// Day of the last activity, in UTC.
    pub last_active_on: Option<NaiveDate>,
    /// Who invited the member.
    pub invited_by: Option<UserId>,
}

/// Which members of an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Only those whose username or display name contains this.
    pub search: Option<String>,
    /// Only those with one of these roles.
    pub roles: Option<Vec<Role>>,
}

/// What members are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// When the member joined.
    JoinedAt,
    /// The username.
    Username,
    /// The role, from the least to the most powerful.
    Role,
}

impl Order {
    /// Whether a member can have this key in this order, as [`key_of`] writes it.
    pub fn has_key(self, key: &str) -> bool {
        match self {
            Order::JoinedAt => clock::from_key(key).is_some(),
            Order::Username => true,
            Order::Role => Role::named(key).is_some(),
        }
    }
}

/// What a member is ordered by, as text: times in microseconds since 1970, names as they are.
pub fn key_of(order: Order, membership: &Membership) -> String {
    match order {
        Order::JoinedAt => membership.joined_at.timestamp_micros().to_string(),
        Order::Username => membership.username.clone(),
        Order::Role => membership.role.name().to_owned(),
    }
}

/// Which members of each organization, and which part of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pages {
    /// Which.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// From the greatest to the least.
    pub descending: bool,
    /// Which part. Its key is one that the order has.
    pub window: Window<String>,
}

/// The same page of members of several organizations, in one statement: one row more than asked for in each organization
/// that has more. Rows come in the direction of paging.
pub async fn pages(
    connection: &mut Connection,
    organizations: &[OrganizationId],
    pages: &Pages,
) -> Result<Vec<Membership>> {
    let Pages { filter, order, descending, window } = pages;
    let key = match order {
        Order::JoinedAt => "joined_at",
        Order::Username => "username",
        Order::Role => "role",
    };
    let (way, beyond) = if *descending != window.backward { ("DESC", "<") } else { ("ASC", ">") };
    // Each organization is paged by itself, over the index that serves the order: the cost does not grow with its size.
    let mut query = diesel::sql_query("SELECT m.* FROM unnest(")
        .into_boxed::<Pg>()
        .sql("$1) AS o (id) CROSS JOIN LATERAL (SELECT * FROM memberships m WHERE m.organization_id = o.id")
        .bind::<Array<sql_types::Uuid>, _>(organizations);
    let mut bound = 1;
    if let Some(search) = &filter.search {
        query = query.sql(format!(
            " AND (m.username ILIKE ${0} OR EXISTS \
               (SELECT FROM users u WHERE u.id = m.user_id AND u.display_name ILIKE ${0}))",
            bound + 1
        ));
        query = query.bind::<Text, _>(containing(search));
        bound += 1;
    }
    if let Some(roles) = &filter.roles {
        query = query.sql(format!(" AND m.role = ANY(${})", bound + 1)).bind::<Array<MemberRole>, _>(roles);
        bound += 1;
    }
    if let Some(place) = &window.from {
        let (at, id) = (bound + 1, bound + 2);
        // Its first half is what lets the index begin at the right place.
        query = query.sql(format!(" AND {key} {beyond}= ${at} AND ({key} {beyond} ${at} OR id {beyond} ${id})"));
        query = match order {
            Order::JoinedAt => query.bind::<Timestamptz, _>(time_of(&place.key)),
            Order::Username => query.bind::<Text, _>(place.key.clone()),
            Order::Role => query.bind::<MemberRole, _>(Role::named(&place.key).unwrap_or(Role::Worker)),
        };
        query = query.bind::<sql_types::Uuid, _>(place.id);
        bound += 2;
    }
    query = query.sql(format!(" ORDER BY {key} {way}, id {way} LIMIT ${}) m", bound + 1));
    Ok(query.bind::<BigInt, _>(i64::from(window.limit) + 1).load(connection).await?)
}

/// The instant that a key stands for.
fn time_of(key: &str) -> Instant {
    clock::from_key(key).unwrap_or_default()
}

/// How many members of an organization the filter lets through.
pub async fn count(connection: &mut Connection, organization: OrganizationId, filter: &Filter) -> Result<i64> {
    let mut query = memberships::table.filter(memberships::organization_id.eq(organization)).into_boxed();
    if let Some(search) = &filter.search {
        let pattern = containing(search);
        let display_name =
            users::table.filter(users::id.eq(memberships::user_id)).filter(users::display_name.ilike(pattern.clone()));
        query = query.filter(memberships::username.ilike(pattern).or(diesel::dsl::exists(display_name)));
    }
    if let Some(roles) = &filter.roles {
        query = query.filter(memberships::role.eq_any(roles));
    }
    Ok(query.count().get_result(connection).await?)
}

/// The memberships with those IDs, in no order.
pub async fn find_many(connection: &mut Connection, ids: &[MembershipId]) -> Result<Vec<Membership>> {
    Ok(memberships::table.filter(memberships::id.eq_any(ids)).select(Membership::as_select()).load(connection).await?)
}

/// The membership with that ID.
pub async fn find(mut connection: &Connection, id: MembershipId) -> Result<Option<Membership>> {
    Ok(memberships::table.find(id).select(Membership::as_select()).first(&mut connection).await.optional()?)
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
pub fn insert(tx: &mut Connection, new: Membership) {
    let organization = new.organization_id;
    tx.post(diesel::insert_into(memberships::table).values(new));
    add_to_count(tx, organization, 1);
}

/// Gives a member another role. The organization's row must be locked.
pub fn set_role(tx: &mut Connection, membership: &Membership, role: Role) -> Membership {
    tx.post(diesel::update(memberships::table.find(membership.id)).set(memberships::role.eq(role)));
    Membership { role, ..membership.clone() }
}

/// Takes a member away. The organization's row must be locked.
pub fn delete(tx: &mut Connection, membership: &Membership) {
    tx.post(diesel::delete(memberships::table.find(membership.id)));
    add_to_count(tx, membership.organization_id, -1);
}

fn add_to_count(tx: &mut Connection, organization: OrganizationId, more: i32) {
    let count = organizations::member_count.eq(organizations::member_count + more);
    tx.post(diesel::update(organizations::table.find(organization)).set(count));
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
