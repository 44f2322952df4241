//! Tasks, in a project or without one.

use async_graphql::{Context, Enum, ID, Object};
use uuid::Uuid;

use super::cloud_storage::CloudStorage;
use super::job::{Job, JobConnection};
use super::permission::Permission;
use super::project::Project;
use super::resource::{self, ResourceAccess};
use super::user::User;
use super::workspace::Workspace;
use crate::domain::ids::TypedId;
use crate::domain::{ProjectId, TaskId, UserId, WorkspaceId};
use crate::graphql::Result;
use crate::graphql::connection;
use crate::graphql::connection::{PageArgs, connection};
use crate::graphql::context::ContextExt;
use crate::graphql::fast_list::SyncFields;
use crate::graphql::resource_list;
use crate::graphql::resource_list::{ResourceList, ResourceNode};
use crate::graphql::scalars::{DateTime, id};
use crate::policy::{AccessContext, Action};
use crate::store::resource_lists::{Filter, ParentKind};
use crate::store::{tasks, users};

/// The actions on a task without a project that `viewerPermissions` checks.
const TASK_ACTIONS: [Action; 5] = [
    Action::ResourceView,
    Action::ResourceUpdate,
    Action::ResourceAssign,
    Action::ResourceDelete,
    Action::ResourceTransfer,
];
/// The actions on a task in a project that `viewerPermissions` checks. `ResourceTransfer` is missing because the task
/// moves to another workspace only together with its project.
const TASK_IN_PROJECT_ACTIONS: [Action; 4] =
    [Action::ResourceView, Action::ResourceUpdate, Action::ResourceAssign, Action::ResourceDelete];

/// Status of a task, derived from its jobs: the least advanced job decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::task::TaskStatus")]
pub enum TaskStatus {
    /// At least one job is in the stage ANNOTATION.
    Annotation,
    /// No job is in the stage ANNOTATION, but not every job is accepted yet.
    Validation,
    /// Every job is in the stage ACCEPTANCE and completed.
    Completed,
}

/// A task that the viewer may see, with the viewer's access to it.
#[derive(Clone)]
pub struct Task {
    row: tasks::Task,
    access: ResourceAccess,
}

impl Task {
    /// Loads a task by its ID; `None` unless the viewer may see it.
    pub async fn open(ctx: &Context<'_>, id: TaskId) -> Result<Option<Self>> {
        let row = ctx.request().loader.load_one(id).await?;
        let workspace = Workspace::of_found(ctx, row.as_ref().map(|row| row.task.workspace())).await?;
        Ok(row.zip(workspace).and_then(|(row, workspace)| Self::if_visible(ctx, row, workspace.viewer_access())))
    }

    /// Wraps a row; `None` unless the viewer, with access `viewer_access` to its workspace, may see it.
    pub fn if_visible(ctx: &Context<'_>, row: tasks::TaskInProject, viewer_access: AccessContext) -> Option<Self> {
        let access =
            ResourceAccess::of(ctx, viewer_access, Action::ResourceView, row.task.people(), &row.containers())?;
        Some(Self { row: row.task, access })
    }
}

impl ResourceNode for Task {
    type Id = TaskId;
    const ACTION: Action = Action::ResourceView;

    fn if_visible(ctx: &Context<'_>, row: tasks::TaskInProject, viewer_access: AccessContext) -> Option<Self> {
        Self::if_visible(ctx, row, viewer_access)
    }
}

/// A task, in a project or without one. Its work is done in jobs.
#[Object]
impl Task {
    /// Globally unique, stable and opaque ID: a prefix for the type and a UUIDv7, such as `org_01jd…`.
    pub async fn id(&self) -> ID {
        id(self.row.id)
    }

    /// The project that contains it. Null if there is none, or if the viewer may not see the project.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        let project = self.row.project_id?;
        let row = ctx.request().loader.load_one(project).await;
        row.map(|row| Project::if_visible(ctx, row?, self.access.viewer_access)).map_err(Into::into).transpose()
    }

    /// Status of the task, derived from its jobs.
    async fn status(&self) -> TaskStatus {
        self.row.status.into()
    }

    /// The task's jobs that the viewer may open, oldest first.
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Forward paging: number of entries, 0 to 100. Not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Forward paging: cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Backward paging: number of entries, 0 to 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Backward paging: cursor before which the page ends.")] before: Option<String>,
    ) -> Result<JobConnection> {
        JobConnection::of_task(ctx, self.row.id, self.access, PageArgs { first, after, last, before }).await
    }

    /// Total number of jobs, whether or not the viewer may open them.
    async fn job_count(&self, ctx: &Context<'_>) -> Result<i32> {
        resource_list::count_all::<Job>(ctx, ParentKind::Task, self.row.id.into()).await
    }

    /// Name, 1 to 256 characters.
    pub async fn name(&self) -> &str {
        &self.row.name
    }

    /// The workspace to which it belongs.
    pub async fn workspace(&self, ctx: &Context<'_>) -> Result<Workspace> {
        Workspace::of(ctx, self.row.workspace()).await
    }

    /// The user who created it or moved it here. After that user has left, the owner of the workspace.
    pub async fn owner(&self, ctx: &Context<'_>) -> Result<User> {
        resource::owner(ctx, self.row.owner_id).await
    }

    /// The user who is responsible for the work. Null if it is not assigned.
    pub async fn assignee(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        resource::assignee(ctx, self.row.assignee_id).await
    }

    /// The storage from which its data is read. Null if there is none, or if the viewer may not see the storage.
    pub async fn source_storage(&self, ctx: &Context<'_>) -> Option<Result<CloudStorage>> {
        CloudStorage::linked(ctx, self.row.source_storage_id, self.access.viewer_access).await
    }

    /// The storage to which its results are written. Null if there is none, or if the viewer may not see the storage.
    pub async fn target_storage(&self, ctx: &Context<'_>) -> Option<Result<CloudStorage>> {
        CloudStorage::linked(ctx, self.row.target_storage_id, self.access.viewer_access).await
    }

    /// Time of creation.
    pub async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// Time of the last change of its own fields.
    pub async fn updated_at(&self) -> DateTime {
        self.row.updated_at.into()
    }

    /// The viewer's present permissions on this task.
    pub async fn viewer_permissions(&self) -> Vec<Permission> {
        let actions: &[Action] = if self.row.project_id.is_some() { &TASK_IN_PROJECT_ACTIONS } else { &TASK_ACTIONS };
        self.access.permissions(actions)
    }
}

impl SyncFields for Task {}

connection!(
    Task,
    TaskConnection: "A page of a list of tasks.",
    TaskEdge: "One entry of a list of tasks."
);

impl TaskConnection {
    /// Loads a page of the tasks of a workspace to which the viewer has access `viewer_access`.
    pub async fn of_workspace(
        ctx: &Context<'_>,
        (workspace, viewer_access): (WorkspaceId, AccessContext),
        (search, statuses, assignee): (Option<String>, Option<Vec<TaskStatus>>, Option<ID>),
        args: PageArgs,
    ) -> Result<Self> {
        // An invalid ID becomes the nil UUID, which matches no assignee.
        let assignee = assignee.map(|id| UserId::parse(&id).unwrap_or_else(|| Uuid::nil().into()));
        let filter = Filter { search: connection::search(search.as_deref())?, assignee, ..status_filter(statuses) };
        ResourceList::of_workspace::<Task>(ctx, workspace, viewer_access, filter)?.page(ctx, args).await.map(Self)
    }

    /// Loads a page of the tasks of a project that the viewer may see. `access` is the viewer's access to the
    /// project.
    pub async fn of_project(
        ctx: &Context<'_>,
        project: ProjectId,
        access: ResourceAccess,
        args: PageArgs,
    ) -> Result<Self> {
        let container = (ParentKind::Project, project.into());
        ResourceList::of_container::<Task>(ctx, container, access.viewer_access, access.relations)?
            .page(ctx, args)
            .await
            .map(Self)
    }

    /// Loads a page of the tasks that are assigned to the viewer.
    pub async fn assigned(
        ctx: &Context<'_>,
        viewer: &users::User,
        statuses: Option<Vec<TaskStatus>>,
        args: PageArgs,
    ) -> Result<Self> {
        ResourceList::assigned::<Task>(viewer.id, viewer.is_admin, status_filter(statuses))
            .page(ctx, args)
            .await
            .map(Self)
    }
}

/// Returns a filter by status; `None` does not filter.
fn status_filter(statuses: Option<Vec<TaskStatus>>) -> Filter {
    let statuses = statuses.map(|statuses| statuses.into_iter().map(Into::into).collect());
    Filter { statuses, ..Filter::default() }
}
