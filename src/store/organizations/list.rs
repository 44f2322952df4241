//! Organizations as lists: those that a user is a member of, and for site administrators all of them.

use diesel::dsl::AsSelect;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{self, Array, BigInt, Bool, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::domain::clock::{self, Instant};
use crate::domain::page::{PageRequest, PageRows};
use crate::store::sql_types::MemberRole;
use crate::domain::{Result, Role, UserId};
use crate::store::Connection;
use crate::store::memberships::Membership;
use crate::store::organizations::Organization;
use crate::store::paging::KeysetRange;
use crate::store::text_keys::containing;

/// Which organizations.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those whose slug or name contains this.
    pub search: Option<String>,
    /// Only those where the viewer has one of these roles.
    pub roles: Option<Vec<Role>>,
    /// Those that the viewer is no member of as well, and those of others that are about to be deleted: for site
    /// administrators.
    pub everyones: bool,
}

/// What a list of organizations is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// When the viewer joined; those they did not join come last.
    JoinedAt,
    /// When the organization was created.
    CreatedAt,
    /// The slug.
    Slug,
    /// The name shown to people, by its key.
    Name,
}

impl Order {
    /// Whether an organization can have this key in this order, as [`key_of`] writes it.
    pub fn has_key(self, key: &str) -> bool {
        match self {
            Order::JoinedAt => key == NEVER || clock::from_key(key).is_some(),
            Order::CreatedAt => clock::from_key(key).is_some(),
            Order::Slug | Order::Name => true,
        }
    }
}

/// SQL of the form of a name that is searched and ordered: its key, or the lower case of its ASCII letters.
const NAME: &str = "coalesce(organizations.name_key, organizations.sort_name)";

/// What an organization is ordered by, as text: times in microseconds since 1970, texts as they are.
pub type Key = String;

/// The key, in the order of joining, of what was not joined.
const NEVER: &str = "never";

/// What an organization of a list is ordered by.
pub fn key_of(order: Order, organization: &Organization, membership: Option<&Membership>) -> Key {
    let micros = |at: Instant| at.timestamp_micros().to_string();
    match order {
        Order::JoinedAt => membership.map_or_else(|| NEVER.to_owned(), |membership| micros(membership.joined_at)),
        Order::CreatedAt => micros(organization.created_at),
        Order::Slug => organization.slug.clone(),
        Order::Name => organization.name_order().to_owned(),
    }
}

/// An organization of a list.
#[derive(Clone, Queryable)]
pub struct Row {
    /// The organization.
    pub organization: Organization,
    /// The viewer's membership.
    pub membership: Option<Membership>,
    /// Whether the viewer is a site administrator.
    pub viewer_is_admin: bool,
}

/// A page of organizations. The key of the window is one that the order has.
pub async fn page(
    connection: &mut Connection,
    viewer: UserId,
    filter: &Filter,
    (order, descending): (Order, bool),
    window: &PageRequest<Key>,
) -> Result<PageRows<Row>> {
    let mut rows = Vec::new();
    for (among, window) in parts(filter, order, window) {
        let Some(limit) = (window.limit as usize).checked_sub(rows.len()) else { break };
        let window = PageRequest { limit: limit as u32, ..window };
        let columns = (Organization::as_select(), Option::<Membership>::as_select());
        let part =
            Page { columns, listed: Listed::new(viewer, filter, among), by: By::new(order, &window, descending) };
        rows.extend(part.load::<Row>(connection).await?);
    }
    Ok(PageRows::from_read(rows, window))
}

/// Which indexes a page is read by, in the direction of paging. An administrator's list in the order of joining is two, one
/// after the other: what they joined by the time, the rest by ID.
fn parts(filter: &Filter, order: Order, window: &PageRequest<Key>) -> Vec<(Among, PageRequest<Key>)> {
    match (filter.everyones, order) {
        (false, _) => vec![(Among::Own, window.clone())],
        (true, Order::JoinedAt) => {
            let in_rest = window.from.as_ref().map(|place| place.key == NEVER);
            let of_start = || PageRequest { from: None, ..window.clone() };
            match (window.backward, in_rest) {
                (false, Some(true)) => vec![(Among::Others, window.clone())],
                (true, Some(false)) => vec![(Among::Joined, window.clone())],
                (false, _) => vec![(Among::Joined, window.clone()), (Among::Others, of_start())],
                (true, _) => vec![(Among::Others, window.clone()), (Among::Joined, of_start())],
            }
        }
        (true, _) => vec![(Among::All, window.clone())],
    }
}

/// How many organizations the filter lets through.
pub async fn count(connection: &mut Connection, viewer: UserId, filter: &Filter) -> Result<i64> {
    let among = if filter.everyones { Among::All } else { Among::Own };
    Ok(Count(Listed::new(viewer, filter, among)).get_result(connection).await?)
}

/// Where a list looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Among {
    /// Among those that the viewer is a member of, as members see them.
    Own,
    /// Among all that the viewer is a member of.
    Joined,
    /// Among those that the viewer is no member of.
    Others,
    /// Everywhere.
    All,
}

/// The condition of a list.
struct Listed<'a> {
    viewer: UserId,
    among: Among,
    roles: Option<&'a [Role]>,
    pattern: Option<String>,
}

impl<'a> Listed<'a> {
    fn new(viewer: UserId, filter: &'a Filter, among: Among) -> Self {
        let (roles, pattern) = (filter.roles.as_deref(), filter.search.as_deref().map(containing));
        Self { viewer, among, roles, pattern }
    }

    /// ` FROM … WHERE …`. What is joined is looked up row by row: the order of an index is kept, and no plan reads a whole
    /// table instead.
    fn walk<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self.among {
            Among::Own | Among::Joined => {
                out.push_sql(
                    " FROM memberships CROSS JOIN LATERAL \
                     (SELECT * FROM organizations o WHERE o.id = memberships.organization_id OFFSET 0) organizations \
                     WHERE memberships.user_id = ",
                );
                out.push_bind_param::<sql_types::Uuid, _>(&self.viewer)?;
            }
            Among::Others | Among::All => {
                out.push_sql(
                    " FROM organizations LEFT JOIN LATERAL (SELECT * FROM memberships m \
                     WHERE m.organization_id = organizations.id AND m.user_id = ",
                );
                out.push_bind_param::<sql_types::Uuid, _>(&self.viewer)?;
                // Of a bare `IS NULL`, PostgreSQL believes that it lets hardly anything through, and sorts the whole table for it.
                let unjoined = "CASE WHEN memberships.id IS NULL THEN true ELSE false END";
                let which = if self.among == Among::All { "true" } else { unjoined };
                out.push_sql(" OFFSET 0) memberships ON true WHERE ");
                out.push_sql(which);
            }
        }
        self.walk_conditions(out)
    }

    /// ` AND …`, once for each condition.
    fn walk_conditions<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.among == Among::Own {
            out.push_sql(" AND (organizations.status = 'ACTIVE' OR organizations.owner_id = ");
            out.push_bind_param::<sql_types::Uuid, _>(&self.viewer)?;
            out.push_sql(")");
        }
        if let Some(pattern) = &self.pattern {
            out.push_sql(" AND (organizations.slug LIKE ");
            out.push_bind_param::<Text, _>(pattern)?;
            out.push_sql(&format!(" OR {NAME} LIKE "));
            out.push_bind_param::<Text, _>(pattern)?;
            out.push_sql(")");
        }
        if let Some(roles) = &self.roles {
            out.push_sql(" AND memberships.role = ANY (");
            out.push_bind_param::<Array<MemberRole>, _>(roles)?;
            out.push_sql(")");
        }
        Ok(())
    }

    /// The column with the ID of the organization that is part of the index.
    fn id(&self) -> &'static str {
        match self.among {
            Among::Own | Among::Joined => "memberships.organization_id",
            Among::Others | Among::All => "organizations.id",
        }
    }
}

/// The order of a part of a list and the section of it that is read, by what it is ordered by.
enum By {
    Time(&'static str, KeysetRange<Instant>),
    Text(&'static str, KeysetRange<String>),
}

impl By {
    fn new(order: Order, window: &PageRequest<Key>, descending: bool) -> Self {
        let timed = || KeysetRange::of(window.keyed(|key| clock::from_key(key).unwrap_or_default()), descending);
        let texts = || KeysetRange::of(window.clone(), descending);
        match order {
            Order::JoinedAt => By::Time("memberships.joined_at", timed()),
            Order::CreatedAt => By::Time("organizations.created_at", timed()),
            Order::Slug => By::Text("organizations.slug", texts()),
            Order::Name => By::Text(NAME, texts()),
        }
    }
}

type Columns = (AsSelect<Organization, Pg>, AsSelect<Option<Membership>, Pg>);

/// The statement of a page.
struct Page<'a> {
    columns: Columns,
    listed: Listed<'a>,
    by: By,
}

impl QueryFragment<Pg> for Page<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(", (SELECT u.is_admin FROM users u WHERE u.id = ");
        out.push_bind_param::<sql_types::Uuid, _>(&self.listed.viewer)?;
        out.push_sql(") IS TRUE");
        self.listed.walk(&mut out)?;
        let id = self.listed.id();
        match &self.by {
            // Nothing but the ID orders what was never joined.
            By::Time(_, section) if self.listed.among == Among::Others => section.walk_ids(id, &mut out),
            By::Time(key, section) => section.walk::<Timestamptz>(key, id, &mut out),
            By::Text(key, section) => section.walk::<Text>(key, id, &mut out),
        }
    }
}

impl Query for Page<'_> {
    type SqlType = (
        <AsSelect<Organization, Pg> as Expression>::SqlType,
        <AsSelect<Option<Membership>, Pg> as Expression>::SqlType,
        Bool,
    );
}

impl QueryId for Page<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// The statement that counts a list.
struct Count<'a>(Listed<'a>);

impl QueryFragment<Pg> for Count<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Count(listed) = self;
        out.push_sql("SELECT count(*)");
        if listed.among == Among::All && listed.roles.is_none() {
            // Whether the viewer is a member makes no difference.
            out.push_sql(" FROM organizations WHERE true");
            return listed.walk_conditions(&mut out);
        }
        listed.walk(&mut out)
    }
}

impl Query for Count<'_> {
    type SqlType = BigInt;
}

impl QueryId for Count<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
