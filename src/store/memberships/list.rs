//! Lists of members: filter, order and paging. One statement reads the same page for several organizations, if
//! requested with the members' accounts.

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{self, Array, Bool, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::domain::clock::{self, Instant};
use crate::domain::page::PageRequest;
use crate::domain::{OrganizationId, Result, Role};
use crate::store::Connection;
use crate::store::memberships::Membership;
use crate::store::paging::KeysetRange;
use crate::store::schema::{memberships, users};
use crate::store::sql_types::MemberRole;
use crate::store::text_keys::{containing, searched};
use crate::store::users::Profile;

/// Filter on the members of an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Only members whose username or display name contains this text.
    pub search: Option<String>,
    /// Only members with one of these roles.
    pub roles: Option<Vec<Role>>,
}

/// Sort key of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Time at which the member joined.
    JoinedAt,
    /// Username.
    Username,
    /// Role, from the least to the most powerful.
    Role,
}

impl Order {
    /// Returns whether `key` is a valid key of this order, in the format of [`key_of`].
    pub fn has_key(self, key: &str) -> bool {
        match self {
            Order::JoinedAt => clock::from_unix_micros(key).is_some(),
            Order::Username => true,
            Order::Role => Role::from_name(key).is_some(),
        }
    }
}

/// Returns the sort key of a member as text: times in microseconds since 1970, names unchanged.
pub fn key_of(order: Order, membership: &Membership) -> String {
    match order {
        Order::JoinedAt => membership.joined_at.timestamp_micros().to_string(),
        Order::Username => membership.username.clone(),
        Order::Role => membership.role.name().to_owned(),
    }
}

/// Page of the list of members, the same for each organization.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pages {
    /// Filter of the list.
    pub filter: Filter,
    /// Order of the list.
    pub order: Order,
    /// Whether the order is descending.
    pub descending: bool,
    /// Range of the page. Its key must be valid for the order.
    pub window: PageRequest<String>,
}

/// Returns the same page of members of several organizations, read by one statement, in the direction of paging. Each
/// organization whose list continues has one row more than the page.
pub async fn pages(
    mut connection: &Connection,
    organizations: &[OrganizationId],
    pages: &Pages,
) -> Result<Vec<Membership>> {
    Ok(Members::new(Membership::as_select(), "", organizations, pages).load(&mut connection).await?)
}

/// Returns the same rows, each with the account of the member.
pub async fn pages_with_users(
    mut connection: &Connection,
    organizations: &[OrganizationId],
    pages: &Pages,
) -> Result<Vec<(Membership, Profile)>> {
    // Looked up row by row, which keeps the order of the page and prevents a scan of all accounts.
    let join = " CROSS JOIN LATERAL (SELECT * FROM users u WHERE u.id = memberships.user_id OFFSET 0) users";
    // The columns that the membership does not contain: it has ID and username.
    let columns =
        (Membership::as_select(), (users::display_name, users::email, users::email_written, users::created_at));
    let rows: Vec<(Membership, _)> = Members::new(columns, join, organizations, pages).load(&mut connection).await?;
    let with_profile = |(membership, (display_name, email, email_written, created_at)): (Membership, _)| {
        let (id, username) = (membership.user_id, membership.username.clone());
        (membership, Profile { id, username, display_name, email, email_written, created_at })
    };
    Ok(rows.into_iter().map(with_profile).collect())
}

/// Returns the number of members of an organization that match the filter.
pub async fn count(connection: &mut Connection, organization: OrganizationId, filter: &Filter) -> Result<i64> {
    let mut query = memberships::table.filter(memberships::organization_id.eq(organization)).into_boxed();
    if let Some(search) = &filter.search {
        let name = searched("memberships.name_key", "memberships.shown_name");
        let named = sql::<Bool>(&format!("{name} LIKE ")).bind::<Text, _>(containing(search));
        query = query.filter(memberships::username.like(containing(search)).or(named));
    }
    if let Some(roles) = &filter.roles {
        query = query.filter(memberships::role.eq_any(roles));
    }
    Ok(query.count().get_result(connection).await?)
}

/// Statement of a page. Each organization is paged separately over the index of the order, so the cost does not grow
/// with its size.
struct Members<'a, C> {
    columns: C,
    join: &'static str,
    organizations: &'a [OrganizationId],
    roles: Option<&'a [Role]>,
    pattern: Option<String>,
    section: Ordered,
}

/// Range of a page, by the type of its sort key.
enum Ordered {
    JoinedAt(KeysetRange<Instant>),
    Username(KeysetRange<String>),
    Role(KeysetRange<Role>),
}

impl<'a, C> Members<'a, C> {
    fn new(columns: C, join: &'static str, organizations: &'a [OrganizationId], pages: &'a Pages) -> Self {
        let Pages { filter, order, descending, window } = pages;
        let section = match order {
            Order::JoinedAt => {
                let at = |key: &String| clock::from_unix_micros(key).unwrap_or_default();
                Ordered::JoinedAt(KeysetRange::of(window.keyed(at), *descending))
            }
            Order::Username => Ordered::Username(KeysetRange::of(window.clone(), *descending)),
            Order::Role => {
                let role = |key: &String| Role::from_name(key).unwrap_or(Role::Worker);
                Ordered::Role(KeysetRange::of(window.keyed(role), *descending))
            }
        };
        let (roles, pattern) = (filter.roles.as_deref(), filter.search.as_deref().map(containing));
        Self { columns, join, organizations, roles, pattern, section }
    }
}

impl<C: QueryFragment<Pg>> QueryFragment<Pg> for Members<'_, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(" FROM unnest(");
        out.push_bind_param::<Array<sql_types::Uuid>, _>(&self.organizations)?;
        out.push_sql("::uuid[]) o (id) CROSS JOIN LATERAL (SELECT * FROM memberships x WHERE x.organization_id = o.id");
        if let Some(pattern) = &self.pattern {
            out.push_sql(" AND (x.username LIKE ");
            out.push_bind_param::<Text, _>(pattern)?;
            out.push_sql(&format!(" OR {} LIKE ", searched("x.name_key", "x.shown_name")));
            out.push_bind_param::<Text, _>(pattern)?;
            out.push_sql(")");
        }
        if let Some(roles) = &self.roles {
            out.push_sql(" AND x.role = ANY (");
            out.push_bind_param::<Array<MemberRole>, _>(roles)?;
            out.push_sql(")");
        }
        match &self.section {
            Ordered::JoinedAt(section) => section.walk::<Timestamptz>("x.joined_at", "x.id", &mut out)?,
            Ordered::Username(section) => section.walk::<Text>("x.username", "x.id", &mut out)?,
            Ordered::Role(section) => section.walk::<MemberRole>("x.role", "x.id", &mut out)?,
        }
        out.push_sql(") memberships");
        out.push_sql(self.join);
        Ok(())
    }
}

impl<C: Expression> Query for Members<'_, C> {
    type SqlType = C::SqlType;
}

impl<C> QueryId for Members<'_, C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
