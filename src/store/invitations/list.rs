//! Invitations as lists: an organization's, and those to an address, newest first. Whether one has run out is a matter of the
//! hour: whoever filters by status passes the present instant.

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
use crate::store::sql_types::MemberRole;
use crate::domain::{Email, OrganizationId, Result, Role, UserId};
use crate::store::Connection;
use crate::store::invitations::Invitation;
use crate::store::paging::KeysetRange;
use crate::store::text_keys::{containing, searched};
use crate::store::users::Profile;

/// Whose invitations.
#[derive(Clone, Debug)]
pub enum Whose {
    /// Those of an organization.
    Organization(OrganizationId),
    /// Those to the proven address of a user, but for those that rest because their organization is about to be deleted: these
    /// are there for its owner and for site administrators.
    Invitee {
        /// The address.
        email: String,
        /// The user.
        user: UserId,
        /// Whether the user is a site administrator.
        is_admin: bool,
    },
}

/// Which invitations.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Whose.
    pub whose: Whose,
    /// Only those whose address contains this.
    pub search: Option<String>,
    /// Only those that stand so.
    pub statuses: Option<Vec<InvitationStatus>>,
    /// Only those to one of these roles.
    pub roles: Option<Vec<Role>>,
    /// The instant for which `statuses` is asked.
    pub now: Instant,
}

/// Who sent an invitation.
#[derive(Clone, Queryable)]
pub struct Inviter {
    /// The account. None: it is gone.
    pub user: Option<Profile>,
    /// Their role in the organization now. None: they are not a member any more.
    pub role: Option<Role>,
}

/// A page of invitations, newest first.
pub async fn page(
    mut connection: &Connection,
    filter: &Filter,
    window: &PageRequest<Instant>,
) -> Result<PageRows<Invitation>> {
    let columns = Invitation::as_select();
    let page = Page { columns, beside: "", joins: "", section: section(window), listed: filter.into() };
    Ok(slice(page.load(&mut connection).await?, window, |invitation| invitation))
}

/// The same, each with whoever sent it.
pub async fn page_with_inviters(
    mut connection: &Connection,
    filter: &Filter,
    window: &PageRequest<Instant>,
) -> Result<PageRows<(Invitation, Inviter)>> {
    // A few people send most invitations: each is looked up once, row by row, so that no plan reads whole tables instead.
    let inviters = ", inviters AS MATERIALIZED (SELECT u.*, asked.organization_id, m.role \
                    FROM (SELECT DISTINCT organization_id, inviter_id FROM page) asked \
                    CROSS JOIN LATERAL (SELECT * FROM users u WHERE u.id = asked.inviter_id OFFSET 0) u \
                    LEFT JOIN LATERAL (SELECT m.role FROM memberships m WHERE m.organization_id = asked.organization_id \
                    AND m.user_id = asked.inviter_id OFFSET 0) m ON true)";
    let joins = " LEFT JOIN inviters users \
                 ON users.id = invitations.inviter_id AND users.organization_id = invitations.organization_id";
    let role = sql::<sql_types::Nullable<MemberRole>>("users.role");
    let columns = (Invitation::as_select(), (Option::<Profile>::as_select(), role));
    let page = Page { columns, beside: inviters, joins, section: section(window), listed: filter.into() };
    Ok(slice(page.load(&mut connection).await?, window, |(invitation, _)| invitation))
}

/// How many invitations the filter lets through.
pub async fn count(connection: &mut Connection, filter: &Filter) -> Result<i64> {
    Ok(Count(filter.into()).get_result(connection).await?)
}

/// The part that was read, put in order here: the database would have to sort it after the joins, which takes it longer.
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

/// The condition of a list.
struct Listed<'a> {
    filter: &'a Filter,
    /// What an address is searched for: as it was written, and as it is compared.
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
    /// `invitations x WHERE …`.
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

/// The SQL side of [`InvitationStatus::at`], as one more alternative. The status is written out, so that the index of pending
/// ones serves whoever asks for these.
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

/// The statement of a page, whose rows come in no order.
struct Page<'a, C> {
    columns: C,
    /// What else is read of the page, as further `WITH` queries.
    beside: &'static str,
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
        out.push_sql(self.beside);
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

/// The statement that counts a list.
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
