//! Lists of resources: which rows they hold, in which order, and how many. What somebody may open is written as a condition
//! on rows here and nowhere else, from the [`RowScope`] that the policy gives.
//!
//! A list lies within something: a workspace, a project, a task, or what is assigned to somebody. The same page of the lists
//! of many is read in one statement.

use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{self, Array, BigInt, Bool, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::domain::clock::Instant;
use crate::domain::ids::TypedId;
use crate::domain::page::{Keyset, PageRequest};
use crate::domain::resource::{JobState, RowScope, TaskStatus};
use crate::domain::sql_types as ours;
use crate::domain::{CloudStorageId, JobId, ProjectId, Result, Role, TaskId, UserId, WorkspaceId};
use crate::store::Connection;
use crate::store::cloud_storages::CloudStorage;
use crate::store::jobs::{Job, JobInTask};
use crate::store::paging::KeysetRange;
use crate::store::projects::{Project, ProjectPeople};
use crate::store::schema::{cloud_storages, jobs, projects, tasks};
use crate::store::tasks::{Task, TaskInProject, TaskPeople};
use crate::store::text_keys::{containing, searched};

/// What is listed.
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

/// What a list lies within.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParentKind {
    /// A workspace.
    Workspace,
    /// A project.
    Project,
    /// A task.
    Task,
    /// What is assigned to a user, in every workspace.
    Assignee,
}

/// Which roles see what is assigned to them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RolesThatSee {
    /// In organizations in use.
    pub active: Vec<Role>,
    /// In organizations that are about to be deleted.
    pub pending: Vec<Role>,
}

/// Which entries of a list are asked for, of those that may be opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Only those whose name contains this.
    pub search: Option<String>,
    /// Only tasks that stand there.
    pub statuses: Option<Vec<TaskStatus>>,
    /// Only jobs that are that far.
    pub states: Option<Vec<JobState>>,
    /// Only those assigned to that user.
    pub assignee: Option<UserId>,
}

/// A list, but for the one thing that it lies within.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct List {
    /// Of what.
    pub kind: Kind,
    /// Within what.
    pub within: ParentKind,
    /// For whom.
    pub viewer: UserId,
    /// Which they may open.
    pub rows: RowScope,
    /// Only in organizations where the viewer has one of these roles, and in their personal workspace: for lists that go
    /// through several workspaces.
    pub seers: Option<RolesThatSee>,
    /// Which are asked for.
    pub filter: Filter,
    /// From the latest to the earliest.
    pub newest_first: bool,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResourcePage {
    /// The list.
    pub list: List,
    /// Which part.
    pub window: PageRequest<Instant>,
}

/// What can be listed, by the type of its ID.
pub trait ListableResource: TypedId {
    /// A row of it, with what decides who may open it.
    type Row: Clone + Send + Sync + 'static;
    /// What it is.
    const KIND: Kind;

    /// Where in its list a row is.
    fn place(row: &Self::Row) -> Keyset<Instant>;
    /// The workspace that a row belongs to.
    fn workspace(row: &Self::Row) -> WorkspaceId;
    /// What a row lies within. None: it is in nothing of the kind.
    fn within(row: &Self::Row, within: ParentKind) -> Option<Uuid>;
    /// The rows of the same part of the lists within each of `parents`, in no order.
    fn find(
        connection: &mut Connection,
        part: &ResourcePage,
        parents: &[Uuid],
    ) -> impl Future<Output = Result<Vec<Self::Row>>> + Send;
}

/// The same part of the lists within each of `parents`, in one statement: of each one row more than asked for where there
/// are more, in the direction of paging.
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

/// How many entries the list within each of `parents` has.
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

    /// `table x WHERE …`: the entries of the list within `o.id`.
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
            out.push_bind_param::<Array<ours::MemberRole>, _>(&seers.pending)?;
            out.push_sql("::member_role[] ELSE ");
            out.push_bind_param::<Array<ours::MemberRole>, _>(&seers.active)?;
            out.push_sql("::member_role[] END)))");
        }
        if let Some(pattern) = pattern {
            out.push_sql(&format!(" AND {} LIKE ", searched("x.name_key", "x.name")));
            out.push_bind_param::<Text, _>(pattern)?;
        }
        if let Some(statuses) = &self.filter.statuses {
            out.push_sql(" AND x.status = ANY (");
            out.push_bind_param::<Array<ours::TaskStatus>, _>(statuses)?;
            out.push_sql(")");
        }
        if let Some(states) = &self.filter.states {
            out.push_sql(" AND x.state = ANY (");
            out.push_bind_param::<Array<ours::JobState>, _>(states)?;
            out.push_sql(")");
        }
        if let Some(assignee) = &self.filter.assignee {
            out.push_sql(" AND x.assignee_id = ");
            out.push_bind_param::<sql_types::Uuid, _>(assignee)?;
        }
        Ok(())
    }

    /// Only what the viewer is tied to. Each way to be tied is looked up by an index of its own, so that somebody who may
    /// open a few pays for a few; as an array, so that no plan reads the whole list instead.
    fn walk_tied<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (column, table, ties) = (self.within.column(), self.kind.table(), self.rows.tied);
        let mut ways = Vec::new();
        if ties.owner && self.kind.has_owner() {
            ways.push(format!("SELECT y.id FROM {table} y WHERE y.{column} = o.id AND y.owner_id = ?"));
        }
        if ties.assignee && self.kind.has_assignee() {
            ways.push(format!("SELECT y.id FROM {table} y WHERE y.{column} = o.id AND y.assignee_id = ?"));
        }
        if ties.container {
            ways.extend(self.tied_by_container());
        }
        if ways.is_empty() {
            out.push_sql(" AND false");
            return Ok(());
        }
        let tied = format!(" AND x.id = ANY (ARRAY({}))", ways.join(" UNION ALL "));
        for (index, sql) in tied.split('?').enumerate() {
            if index > 0 {
                out.push_bind_param::<sql_types::Uuid, _>(&self.viewer)?;
            }
            out.push_sql(sql);
        }
        Ok(())
    }

    /// The IDs of what is in a project or a task that the viewer, `?`, is tied to. In a workspace these are found by the viewer;
    /// elsewhere the list itself is short.
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

/// The condition that a row is in a part of the list within one of `parents`.
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

// It names the column of its kind's table itself, and is put into queries of that table by `ListableResource::find` alone.
impl<QS> AppearsOnTable<QS> for InPart<'_> {}

impl ValidGrouping<()> for InPart<'_> {
    type IsAggregate = is_aggregate::No;
}

impl QueryId for InPart<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// Counts the list within each of `parents`.
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

impl ListableResource for ProjectId {
    type Row = Project;
    const KIND: Kind = Kind::Projects;

    fn place(row: &Project) -> Keyset<Instant> {
        Keyset { key: row.created_at, id: row.id.into() }
    }

    fn workspace(row: &Project) -> WorkspaceId {
        row.workspace()
    }

    fn within(row: &Project, within: ParentKind) -> Option<Uuid> {
        match within {
            ParentKind::Workspace => Some(row.workspace_id),
            ParentKind::Assignee => row.assignee_id.map(Uuid::from),
            ParentKind::Project | ParentKind::Task => None,
        }
    }

    async fn find(connection: &mut Connection, part: &ResourcePage, parents: &[Uuid]) -> Result<Vec<Project>> {
        let query = projects::table.filter(InPart::new(parents, part));
        Ok(query.select(Project::as_select()).load(connection).await?)
    }
}

impl ListableResource for TaskId {
    type Row = TaskInProject;
    const KIND: Kind = Kind::Tasks;

    fn place(row: &TaskInProject) -> Keyset<Instant> {
        Keyset { key: row.task.created_at, id: row.task.id.into() }
    }

    fn workspace(row: &TaskInProject) -> WorkspaceId {
        row.task.workspace()
    }

    fn within(row: &TaskInProject, within: ParentKind) -> Option<Uuid> {
        match within {
            ParentKind::Workspace => Some(row.task.workspace_id),
            ParentKind::Project => row.task.project_id.map(Uuid::from),
            ParentKind::Assignee => row.task.assignee_id.map(Uuid::from),
            ParentKind::Task => None,
        }
    }

    async fn find(connection: &mut Connection, part: &ResourcePage, parents: &[Uuid]) -> Result<Vec<TaskInProject>> {
        let query = tasks::table.left_join(projects::table.on(tasks::project_id.eq(projects::id.nullable())));
        Ok(query
            .filter(InPart::new(parents, part))
            .select((Task::as_select(), Option::<ProjectPeople>::as_select()))
            .load(connection)
            .await?)
    }
}

impl ListableResource for JobId {
    type Row = JobInTask;
    const KIND: Kind = Kind::Jobs;

    fn place(row: &JobInTask) -> Keyset<Instant> {
        Keyset { key: row.job.created_at, id: row.job.id.into() }
    }

    fn workspace(row: &JobInTask) -> WorkspaceId {
        row.job.workspace()
    }

    fn within(row: &JobInTask, within: ParentKind) -> Option<Uuid> {
        match within {
            ParentKind::Workspace => Some(row.job.workspace_id),
            ParentKind::Task => Some(row.job.task_id.into()),
            ParentKind::Assignee => row.job.assignee_id.map(Uuid::from),
            ParentKind::Project => None,
        }
    }

    async fn find(connection: &mut Connection, part: &ResourcePage, parents: &[Uuid]) -> Result<Vec<JobInTask>> {
        let query = jobs::table
            .inner_join(tasks::table.on(jobs::task_id.eq(tasks::id)))
            .left_join(projects::table.on(tasks::project_id.eq(projects::id.nullable())));
        Ok(query
            .filter(InPart::new(parents, part))
            .select((Job::as_select(), TaskPeople::as_select(), Option::<ProjectPeople>::as_select()))
            .load(connection)
            .await?)
    }
}

impl ListableResource for CloudStorageId {
    type Row = CloudStorage;
    const KIND: Kind = Kind::CloudStorages;

    fn place(row: &CloudStorage) -> Keyset<Instant> {
        Keyset { key: row.created_at, id: row.id.into() }
    }

    fn workspace(row: &CloudStorage) -> WorkspaceId {
        row.workspace()
    }

    fn within(row: &CloudStorage, within: ParentKind) -> Option<Uuid> {
        (within == ParentKind::Workspace).then_some(row.workspace_id)
    }

    async fn find(connection: &mut Connection, part: &ResourcePage, parents: &[Uuid]) -> Result<Vec<CloudStorage>> {
        let query = cloud_storages::table.filter(InPart::new(parents, part));
        Ok(query.select(CloudStorage::as_select()).load(connection).await?)
    }
}
