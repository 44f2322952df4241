//! Lists of invitations, newest first: those of an organization, and those to an address. Filters by status take the
//! current time, because expired invitations can still have the status PENDING.

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{self, Array, BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::domain::clock::Instant;
use crate::domain::invitation::InvitationStatus;
use crate::domain::page::{PageRequest, PageRows};
use crate::domain::{Email, OrganizationId, Result, Role, UserId};
use crate::store::Connection;
use crate::store::invitations::Invitation;
use crate::store::paging::KeysetRange;
use crate::store::sql_types::MemberRole;
use crate::store::text_keys::{containing, searched};
use crate::store::users::Profile;

/// Owner of a list of invitations.
#[derive(Clone, Debug)]
pub enum Whose {
    /// Invitations of an organization.
    Organization(OrganizationId),
    /// Invitations to the proven address of a user. Those of organizations that are pending deletion are left out,
    /// except for the owner and for site administrators.
    Invitee {
        /// Proven address of the user.
        email: String,
        /// ID of the user.
        user: UserId,
        /// Whether the user is a site administrator.
        is_admin: bool,
    },
}

/// Filter on invitations.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Owner of the list.
    pub whose: Whose,
    /// Only invitations whose address contains this text.
    pub search: Option<String>,
    /// Only invitations with one of these statuses at `now`.
    pub statuses: Option<Vec<InvitationStatus>>,
    /// Only invitations that offer one of these roles.
    pub roles: Option<Vec<Role>>,
    /// Time at which `statuses` is evaluated.
    pub now: Instant,
}

/// Sender of an invitation.
#[derive(Clone, Queryable)]
pub struct Inviter {
    /// Account of the sender; `None` if it is deleted.
    pub user: Option<Profile>,
    /// Current role of the sender in the organization; `None` if the sender is no longer a member.
    pub role: Option<Role>,
}

/// Returns a page of invitations, newest first.
pub async fn page(
    mut connection: &Connection,
    filter: &Filter,
    window: &PageRequest<Instant>,
) -> Result<PageRows<Invitation>> {
    let columns = Invitation::as_select();
    let page = Page { columns, with_queries: "", joins: "", section: section(window), listed: filter.into() };
    Ok(slice(page.load(&mut connection).await?, window, |invitation| invitation))
}

/// Returns the same page, each invitation with its sender.
pub async fn page_with_inviters(
    mut connection: &Connection,
    filter: &Filter,
    window: &PageRequest<Instant>,
) -> Result<PageRows<(Invitation, Inviter)>> {
    // Few users send most invitations, so each sender is looked up once. The lookup is row by row, which prevents a
    // scan of whole tables.
    let inviters = ", inviters AS MATERIALIZED (SELECT u.*, asked.organization_id, m.role \
                    FROM (SELECT DISTINCT organization_id, inviter_id FROM page) asked \
                    CROSS JOIN LATERAL (SELECT * FROM users u WHERE u.id = asked.inviter_id OFFSET 0) u \
                    LEFT JOIN LATERAL (SELECT m.role FROM memberships m WHERE m.organization_id = asked.organization_id \
                    AND m.user_id = asked.inviter_id OFFSET 0) m ON true)";
    let joins = " LEFT JOIN inviters users \
                 ON users.id = invitations.inviter_id AND users.organization_id = invitations.organization_id";
    let role = sql::<sql_types::Nullable<MemberRole>>("users.role");
    let columns = (Invitation::as_select(), (Option::<Profile>::as_select(), role));
    let page = Page { columns, with_queries: inviters, joins, section: section(window), listed: filter.into() };
    Ok(slice(page.load(&mut connection).await?, window, |(invitation, _)| invitation))
}

/// Returns the number of invitations that match the filter.
pub async fn count(connection: &mut Connection, filter: &Filter) -> Result<i64> {
    Ok(Count(filter.into()).get_result(connection).await?)
}

/// Sorts the rows that were read, and returns the page. The database would have to sort them after the joins, which is
/// slower.
fn slice<T>(mut rows: Vec<T>, window: &PageRequest<Instant>, invitation: impl Fn(&T) -> &Invitation) -> PageRows<T> {
    rows.sort_by_key(|row| {
        let Invitation { created_at, id, .. } = invitation(row);
        (*created_at, Uuid::from(*id))
    });
    if !window.backward {
        rows.reverse();
    }
    PageRows::from_read(rows, window)
}

fn section(window: &PageRequest<Instant>) -> KeysetRange<Instant> {
    KeysetRange::of(window.clone(), true)
}

/// Condition of a list.
struct Listed<'a> {
    filter: &'a Filter,
    /// `LIKE` patterns for the written form of the address, and for its canonical form.
    patterns: Option<(String, String)>,
}

impl<'a> From<&'a Filter> for Listed<'a> {
    fn from(filter: &'a Filter) -> Self {
        let patterns = filter.search.as_deref().map(|search| {
            let compared = Email::lookup_part(search);
            (containing(search), containing(compared.as_deref().unwrap_or(search)))
        });
        Self { filter, patterns }
    }
}

impl Listed<'_> {
    /// Writes `invitations x WHERE …`.
    fn walk<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Filter { whose, statuses, roles, now, .. } = self.filter;
        out.push_sql("invitations x WHERE ");
        match whose {
            Whose::Organization(id) => {
                out.push_sql("x.organization_id = ");
                out.push_bind_param::<sql_types::Uuid, _>(id)?;
            }
            Whose::Invitee { email, user, is_admin } => {
                out.push_sql("x.email = ");
                out.push_bind_param::<Text, _>(email)?;
                if !is_admin {
                    out.push_sql(
                        " AND EXISTS (SELECT FROM organizations o WHERE o.id = x.organization_id \
                         AND (o.status = 'ACTIVE' OR o.owner_id = ",
                    );
                    out.push_bind_param::<sql_types::Uuid, _>(user)?;
                    out.push_sql("))");
                }
            }
        }
        if let Some((written, compared)) = &self.patterns {
            out.push_sql(&format!(" AND ({} LIKE ", searched("x.email_key", "coalesce(x.email_written, x.email)")));
            out.push_bind_param::<Text, _>(written)?;
            out.push_sql(" OR x.email LIKE ");
            out.push_bind_param::<Text, _>(compared)?;
            out.push_sql(")");
        }
        if let Some(roles) = roles {
            out.push_sql(" AND x.role = ANY (");
            out.push_bind_param::<Array<MemberRole>, _>(roles)?;
            out.push_sql(")");
        }
        if let Some(statuses) = statuses {
            out.push_sql(" AND (false");
            for status in InvitationStatus::ALL.iter().filter(|status| statuses.contains(status)) {
                walk_status(*status, now, out)?;
            }
            out.push_sql(")");
        }
        Ok(())
    }
}

/// Writes the SQL form of [`InvitationStatus::at`] as one more alternative. The status is a literal, so that the
/// partial index on pending invitations can be used.
fn walk_status<'b>(status: InvitationStatus, now: &'b Instant, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    out.push_sql(match status {
        InvitationStatus::Pending => " OR x.status = 'PENDING' AND x.expires_at > ",
        InvitationStatus::Accepted => return written(out, " OR x.status = 'ACCEPTED'"),
        InvitationStatus::Declined => return written(out, " OR x.status = 'DECLINED'"),
        InvitationStatus::Revoked => return written(out, " OR x.status = 'REVOKED'"),
        InvitationStatus::Expired => " OR x.status = 'EXPIRED' OR x.status = 'PENDING' AND x.expires_at <= ",
    });
    out.push_bind_param::<Timestamptz, _>(now)
}

fn written(out: &mut AstPass<'_, '_, Pg>, sql: &str) -> QueryResult<()> {
    out.push_sql(sql);
    Ok(())
}

/// Statement of a page, which returns its rows in no order.
struct Page<'a, C> {
    columns: C,
    /// Further `WITH` queries on the rows of the page.
    with_queries: &'static str,
    joins: &'static str,
    section: KeysetRange<Instant>,
    listed: Listed<'a>,
}

impl<C: QueryFragment<Pg>> QueryFragment<Pg> for Page<'_, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH page AS MATERIALIZED (SELECT * FROM ");
        self.listed.walk(&mut out)?;
        self.section.walk::<Timestamptz>("x.created_at", "x.id", &mut out)?;
        out.push_sql(")");
        out.push_sql(self.with_queries);
        out.push_sql(" SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(" FROM page invitations");
        out.push_sql(self.joins);
        Ok(())
    }
}

impl<C: Expression> Query for Page<'_, C> {
    type SqlType = C::SqlType;
}

impl<C> QueryId for Page<'_, C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// Statement that counts a list.
struct Count<'a>(Listed<'a>);

impl QueryFragment<Pg> for Count<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT count(*) FROM ");
        self.0.walk(&mut out)
    }
}

impl Query for Count<'_> {
    type SqlType = BigInt;
}

impl QueryId for Count<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
