//! Lists of organizations: those of which a user is a member, and, for site administrators, all organizations.

use diesel::dsl::AsSelect;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{self, Array, BigInt, Bool, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::domain::clock::{self, Instant};
use crate::domain::page::{PageRequest, PageRows};
use crate::domain::{Result, Role, UserId};
use crate::store::Connection;
use crate::store::memberships::Membership;
use crate::store::organizations::Organization;
use crate::store::paging::KeysetRange;
use crate::store::sql_types::MemberRole;
use crate::store::text_keys::containing;

/// Filter on organizations.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only organizations whose slug or name contains this text.
    pub search: Option<String>,
    /// Only organizations in which the viewer has one of these roles.
    pub roles: Option<Vec<Role>>,
    /// Includes organizations of which the viewer is no member, and organizations of other owners that are pending
    /// deletion. Only for site administrators.
    pub all_organizations: bool,
}

/// Sort key of organizations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Time at which the viewer joined; organizations that the viewer has not joined come last.
    JoinedAt,
    /// Time at which the organization was created.
    CreatedAt,
    /// Slug.
    Slug,
    /// Shown name, by its search key.
    Name,
}

impl Order {
    /// Returns whether `key` is a valid key of this order, in the format of [`key_of`].
    pub fn has_key(self, key: &str) -> bool {
        match self {
            Order::JoinedAt => key == NEVER || clock::from_unix_micros(key).is_some(),
            Order::CreatedAt => clock::from_unix_micros(key).is_some(),
            Order::Slug | Order::Name => true,
        }
    }
}

/// SQL expression that searches and the order by name compare with: the key of the name, or, without a key, the name
/// with its ASCII letters in lower case.
const NAME: &str = "coalesce(organizations.name_key, organizations.sort_name)";

/// Sort key as text: times in microseconds since 1970, texts unchanged.
pub type Key = String;

/// Key of an organization that the viewer has not joined, in the order of joining.
const NEVER: &str = "never";

/// Returns the sort key of an organization.
pub fn key_of(order: Order, organization: &Organization, membership: Option<&Membership>) -> Key {
    let micros = |at: Instant| at.timestamp_micros().to_string();
    match order {
        Order::JoinedAt => membership.map_or_else(|| NEVER.to_owned(), |membership| micros(membership.joined_at)),
        Order::CreatedAt => micros(organization.created_at),
        Order::Slug => organization.slug.clone(),
        Order::Name => organization.name_order().to_owned(),
    }
}

/// Organization in a list.
#[derive(Clone, Queryable)]
pub struct Row {
    /// The organization.
    pub organization: Organization,
    /// Membership of the viewer; `None` if the viewer is no member.
    pub membership: Option<Membership>,
    /// Whether the viewer is a site administrator.
    pub viewer_is_admin: bool,
}

/// Returns a page of organizations. The key of `window` must be valid for the order.
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

/// Returns the parts of a list that a page is read from, in the direction of paging. An administrator's list in the
/// order of joining has two parts: the organizations that the administrator has joined, by time, and then the rest, by
/// ID.
fn parts(filter: &Filter, order: Order, window: &PageRequest<Key>) -> Vec<(Among, PageRequest<Key>)> {
    match (filter.all_organizations, order) {
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

/// Returns the number of organizations that match the filter.
pub async fn count(connection: &mut Connection, viewer: UserId, filter: &Filter) -> Result<i64> {
    let among = if filter.all_organizations { Among::All } else { Among::Own };
    Ok(Count(Listed::new(viewer, filter, among)).get_result(connection).await?)
}

/// Set of organizations that a part of a list reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Among {
    /// Organizations of which the viewer is a member, if members may see them.
    Own,
    /// All organizations of which the viewer is a member.
    Joined,
    /// All organizations of which the viewer is no member.
    Others,
    /// All organizations.
    All,
}

/// Condition of a part of a list.
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

    /// Writes ` FROM … WHERE …`. Joined rows are looked up one by one, which keeps the order of the index and prevents
    /// a scan of a whole table.
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
                // For a bare `IS NULL`, PostgreSQL expects very few rows and sorts the whole table.
                let unjoined = "CASE WHEN memberships.id IS NULL THEN true ELSE false END";
                let which = if self.among == Among::All { "true" } else { unjoined };
                out.push_sql(" OFFSET 0) memberships ON true WHERE ");
                out.push_sql(which);
            }
        }
        self.walk_conditions(out)
    }

    /// Writes ` AND …` for each condition of the filter.
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

    /// Returns the column with the ID of the organization that is part of the index.
    fn id(&self) -> &'static str {
        match self.among {
            Among::Own | Among::Joined => "memberships.organization_id",
            Among::Others | Among::All => "organizations.id",
        }
    }
}

/// Column and range of a part of a list, by the type of its sort key.
enum By {
    Time(&'static str, KeysetRange<Instant>),
    Text(&'static str, KeysetRange<String>),
}

impl By {
    fn new(order: Order, window: &PageRequest<Key>, descending: bool) -> Self {
        let timed =
            || KeysetRange::of(window.keyed(|key| clock::from_unix_micros(key).unwrap_or_default()), descending);
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

/// Statement of a part of a page.
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
            // Organizations that the viewer has not joined are ordered by ID.
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

/// Statement that counts a list.
struct Count<'a>(Listed<'a>);

impl QueryFragment<Pg> for Count<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Count(listed) = self;
        out.push_sql("SELECT count(*)");
        if listed.among == Among::All && listed.roles.is_none() {
            // The membership of the viewer does not matter here.
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
