//! Lists of resources: rows, order and count. Only this module translates the [`RowScope`] that the policy returns to
//! SQL.
//!
//! A list has a parent: a workspace, a project, a task, or an assignee. One statement reads the same page for many
//! parents.

mod kinds;

use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{self, Array, BigInt, Bool, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::domain::clock::Instant;
use crate::domain::ids::TypedId;
use crate::domain::job::JobState;
use crate::domain::page::{Keyset, PageRequest};
use crate::domain::resource::RowScope;
use crate::domain::task::TaskStatus;
use crate::domain::{Result, Role, UserId, WorkspaceId};
use crate::store::Connection;
use crate::store::paging::KeysetRange;
use crate::store::sql_types as enum_types;
use crate::store::text_keys::{containing, searched};

/// Kind of the listed resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Projects.
    Projects,
    /// Tasks.
    Tasks,
    /// Jobs.
    Jobs,
    /// Cloud storages.
    CloudStorages,
}

/// Kind of the parent of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParentKind {
    /// A workspace.
    Workspace,
    /// A project.
    Project,
    /// A task.
    Task,
    /// A user: the resources assigned to the user in all workspaces.
    Assignee,
}

/// Roles that see the resources assigned to them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RolesThatSee {
    /// In active organizations.
    pub active: Vec<Role>,
    /// In organizations that are pending deletion.
    pub pending: Vec<Role>,
}

/// Filter of a list, applied to the rows that the viewer may see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Only resources whose name contains this text.
    pub search: Option<String>,
    /// Only tasks with one of these statuses.
    pub statuses: Option<Vec<TaskStatus>>,
    /// Only jobs in one of these states.
    pub states: Option<Vec<JobState>>,
    /// Only resources assigned to this user.
    pub assignee: Option<UserId>,
}

/// A list without its parent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct List {
    /// Kind of its resources.
    pub kind: Kind,
    /// Kind of its parent.
    pub within: ParentKind,
    /// The viewer.
    pub viewer: UserId,
    /// The rows that the viewer may see.
    pub rows: RowScope,
    /// For lists over several workspaces: only organizations in which the viewer has one of these roles, and the
    /// viewer's personal workspace.
    pub seers: Option<RolesThatSee>,
    /// The filter.
    pub filter: Filter,
    /// Whether the order is from the newest to the oldest.
    pub newest_first: bool,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResourcePage {
    /// The list.
    pub list: List,
    /// The range of the page.
    pub window: PageRequest<Instant>,
}

/// Resources that can be listed, implemented for the types of their IDs.
pub trait ListableResource: TypedId {
    /// A row, with the columns that the policy needs.
    type Row: Clone + Send + Sync + 'static;
    /// Kind of the resource.
    const KIND: Kind;

    /// Returns the keyset of a row in its list.
    fn place(row: &Self::Row) -> Keyset<Instant>;
    /// Returns the workspace of a row.
    fn workspace(row: &Self::Row) -> WorkspaceId;
    /// Returns the parent of a row; `None` if it has no parent of that kind.
    fn within(row: &Self::Row, within: ParentKind) -> Option<Uuid>;
    /// Returns the rows of a page of the lists of `parents`, in no order.
    fn find(
        connection: &mut Connection,
        part: &ResourcePage,
        parents: &[Uuid],
    ) -> impl Future<Output = Result<Vec<Self::Row>>> + Send;
}

/// Returns the same page of the lists of `parents`, read by one statement, in the direction of paging. Each list that
/// continues has one row more than the page.
pub async fn pages<I: ListableResource>(
    connection: &mut Connection,
    parents: &[Uuid],
    part: &ResourcePage,
) -> Result<Vec<(Uuid, I::Row)>> {
    let mut rows = I::find(connection, part, parents).await?;
    let descending = part.descending();
    rows.sort_by(|one, other| {
        let (one, other) = (I::place(one), I::place(other));
        let order = (one.key, one.id).cmp(&(other.key, other.id));
        if descending { order.reverse() } else { order }
    });
    Ok(rows.into_iter().filter_map(|row| Some((I::within(&row, part.list.within)?, row))).collect())
}

/// Returns the number of rows of the list of each of `parents`.
pub async fn counts(connection: &mut Connection, parents: &[Uuid], list: &List) -> Result<Vec<(Uuid, i64)>> {
    Ok(Counts { parents, pattern: list.pattern(), list }.load(connection).await?)
}

impl Kind {
    fn table(self) -> &'static str {
        match self {
            Kind::Projects => "projects",
            Kind::Tasks => "tasks",
            Kind::Jobs => "jobs",
            Kind::CloudStorages => "cloud_storages",
        }
    }

    fn has_owner(self) -> bool {
        self != Kind::Jobs
    }

    fn has_assignee(self) -> bool {
        self != Kind::CloudStorages
    }
}

impl ParentKind {
    fn column(self) -> &'static str {
        match self {
            ParentKind::Workspace => "workspace_id",
            ParentKind::Project => "project_id",
            ParentKind::Task => "task_id",
            ParentKind::Assignee => "assignee_id",
        }
    }
}

impl ResourcePage {
    fn descending(&self) -> bool {
        self.list.newest_first != self.window.backward
    }
}

impl List {
    fn pattern(&self) -> Option<String> {
        self.filter.search.as_deref().map(containing)
    }

    /// Writes `table x WHERE …`: the rows of the list of the parent `o.id`.
    pub(super) fn walk<'b>(&'b self, pattern: &'b Option<String>, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let column = self.within.column();
        out.push_sql(&format!("{} x WHERE x.{column} = o.id", self.kind.table()));
        if !self.rows.all {
            self.walk_tied(out)?;
        }
        if let Some(seers) = &self.seers {
            out.push_sql(
                " AND (x.organization_id IS NULL OR EXISTS (SELECT FROM memberships m \
                   JOIN organizations a ON a.id = m.organization_id \
                   WHERE m.organization_id = x.organization_id AND m.user_id = ",
            );
            out.push_bind_param::<sql_types::Uuid, _>(&self.viewer)?;
            out.push_sql(" AND m.role = ANY (CASE a.status WHEN 'PENDING_DELETION' THEN ");
            out.push_bind_param::<Array<enum_types::MemberRole>, _>(&seers.pending)?;
            out.push_sql("::member_role[] ELSE ");
            out.push_bind_param::<Array<enum_types::MemberRole>, _>(&seers.active)?;
            out.push_sql("::member_role[] END)))");
        }
        if let Some(pattern) = pattern {
            out.push_sql(&format!(" AND {} LIKE ", searched("x.name_key", "x.name")));
            out.push_bind_param::<Text, _>(pattern)?;
        }
        if let Some(statuses) = &self.filter.statuses {
            out.push_sql(" AND x.status = ANY (");
            out.push_bind_param::<Array<enum_types::TaskStatus>, _>(statuses)?;
            out.push_sql(")");
        }
        if let Some(states) = &self.filter.states {
            out.push_sql(" AND x.state = ANY (");
            out.push_bind_param::<Array<enum_types::JobState>, _>(states)?;
            out.push_sql(")");
        }
        if let Some(assignee) = &self.filter.assignee {
            out.push_sql(" AND x.assignee_id = ");
            out.push_bind_param::<sql_types::Uuid, _>(assignee)?;
        }
        Ok(())
    }

    /// Restricts the list to resources to which the viewer is related. Each relation is looked up by its own index, so
    /// the cost depends on the number of related rows. The IDs are collected in an array, because for a join the
    /// planner would read the whole list.
    fn walk_tied<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (column, table, relations) = (self.within.column(), self.kind.table(), self.rows.tied);
        let mut lookups = Vec::new();
        if relations.owner && self.kind.has_owner() {
            lookups.push(format!("SELECT y.id FROM {table} y WHERE y.{column} = o.id AND y.owner_id = ?"));
        }
        if relations.assignee && self.kind.has_assignee() {
            lookups.push(format!("SELECT y.id FROM {table} y WHERE y.{column} = o.id AND y.assignee_id = ?"));
        }
        if relations.container {
            lookups.extend(self.tied_by_container());
        }
        if lookups.is_empty() {
            out.push_sql(" AND false");
            return Ok(());
        }
        let tied = format!(" AND x.id = ANY (ARRAY({}))", lookups.join(" UNION ALL "));
        for (index, sql) in tied.split('?').enumerate() {
            if index > 0 {
                out.push_bind_param::<sql_types::Uuid, _>(&self.viewer)?;
            }
            out.push_sql(sql);
        }
        Ok(())
    }

    /// Returns the query of the resources in projects or tasks to which the viewer, `?`, is related. For a workspace it
    /// starts from the viewer's projects and tasks; other lists are short.
    fn tied_by_container(&self) -> Option<String> {
        let column = self.within.column();
        let in_workspace = self.within == ParentKind::Workspace;
        let of_viewer = |table: &str, person: &str| {
            format!("SELECT z.id FROM {table} z WHERE z.workspace_id = o.id AND z.{person} = ?")
        };
        let projects =
            format!("{} UNION ALL {}", of_viewer("projects", "owner_id"), of_viewer("projects", "assignee_id"));
        match self.kind {
            Kind::Tasks if in_workspace => Some(format!(
                "SELECT y.id FROM tasks y WHERE y.workspace_id = o.id AND y.project_id = ANY (ARRAY({projects}))"
            )),
            Kind::Tasks => Some(format!(
                "SELECT y.id FROM tasks y JOIN projects p ON p.id = y.project_id \
                 WHERE y.{column} = o.id AND ? IN (p.owner_id, p.assignee_id)"
            )),
            Kind::Jobs if in_workspace => Some(format!(
                "SELECT y.id FROM jobs y WHERE y.workspace_id = o.id AND y.task_id = ANY (ARRAY({} UNION ALL {} UNION ALL \
                 SELECT t.id FROM tasks t WHERE t.workspace_id = o.id AND t.project_id = ANY (ARRAY({projects}))))",
                of_viewer("tasks", "owner_id"),
                of_viewer("tasks", "assignee_id"),
            )),
            Kind::Jobs => Some(format!(
                "SELECT y.id FROM jobs y JOIN tasks t ON t.id = y.task_id LEFT JOIN projects p ON p.id = t.project_id \
                 WHERE y.{column} = o.id AND ? IN (t.owner_id, t.assignee_id, p.owner_id, p.assignee_id)"
            )),
            Kind::Projects | Kind::CloudStorages => None,
        }
    }
}

/// Condition that a row is on a page of the list of one of `parents`.
struct InPart<'a> {
    parents: &'a [Uuid],
    list: &'a List,
    pattern: Option<String>,
    section: KeysetRange<Instant>,
}

impl<'a> InPart<'a> {
    fn new(parents: &'a [Uuid], part: &'a ResourcePage) -> Self {
        let (list, window) = (&part.list, part.window.clone());
        Self { parents, list, pattern: list.pattern(), section: KeysetRange::of(window, list.newest_first) }
    }
}

impl QueryFragment<Pg> for InPart<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let list = self.list;
        out.push_sql(&format!("{}.id = ANY (ARRAY(SELECT w.id FROM unnest(", list.kind.table()));
        out.push_bind_param::<Array<sql_types::Uuid>, _>(self.parents)?;
        out.push_sql("::uuid[]) o (id) CROSS JOIN LATERAL (SELECT x.id FROM ");
        list.walk(&self.pattern, &mut out)?;
        self.section.walk::<Timestamptz>("x.created_at", "x.id", &mut out)?;
        out.push_sql(") w))");
        Ok(())
    }
}

impl Expression for InPart<'_> {
    type SqlType = Bool;
}

// The condition names the column of its table itself, and only `ListableResource::find` uses it, in queries of that
// table.
impl<QS> AppearsOnTable<QS> for InPart<'_> {}

impl ValidGrouping<()> for InPart<'_> {
    type IsAggregate = is_aggregate::No;
}

impl QueryId for InPart<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// Counts the list of each of `parents`.
struct Counts<'a> {
    parents: &'a [Uuid],
    list: &'a List,
    pattern: Option<String>,
}

impl QueryFragment<Pg> for Counts<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT o.id, (SELECT count(*) FROM ");
        self.list.walk(&self.pattern, &mut out)?;
        out.push_sql(") FROM unnest(");
        out.push_bind_param::<Array<sql_types::Uuid>, _>(self.parents)?;
        out.push_sql("::uuid[]) o (id)");
        Ok(())
    }
}

impl Query for Counts<'_> {
    type SqlType = (sql_types::Uuid, BigInt);
}

impl QueryId for Counts<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
