//! Tasks, in a project or alone.

use async_graphql::{Context, ID, Object};
use uuid::Uuid;

use super::cloud_storage::CloudStorage;
use super::enums::{Permission, TaskStatus};
use super::job::{Job, JobConnection};
use super::project::Project;
use super::resource::{self, Grounds};
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

/// What can be done with a task that is in no project.
const ABOUT_TASK: [Action; 5] = [
    Action::ResourceView,
    Action::ResourceUpdate,
    Action::ResourceAssign,
    Action::ResourceDelete,
    Action::ResourceTransfer,
];
/// What can be done with one that is: it goes to another workspace with its project only.
const ABOUT_TASK_IN_PROJECT: [Action; 4] =
    [Action::ResourceView, Action::ResourceUpdate, Action::ResourceAssign, Action::ResourceDelete];

/// A task that the viewer sees, and on which grounds.
#[derive(Clone)]
pub struct Task {
    row: tasks::Task,
    grounds: Grounds,
}

impl Task {
    /// A task by its ID, if the viewer may see it.
    pub async fn open(ctx: &Context<'_>, id: TaskId) -> Result<Option<Self>> {
        let row = ctx.request().loader.load_one(id).await?;
        let workspace = Workspace::of_found(ctx, row.as_ref().map(|row| row.task.workspace())).await?;
        Ok(row.zip(workspace).and_then(|(row, workspace)| Self::seen(ctx, row, workspace.standing())))
    }

    /// The task, if the viewer, who stands to its workspace like that, may see it.
    pub fn seen(ctx: &Context<'_>, row: tasks::TaskInProject, standing: AccessContext) -> Option<Self> {
        let grounds = Grounds::of(ctx, standing, Action::ResourceView, row.task.people(), &row.containers())?;
        Some(Self { row: row.task, grounds })
    }
}

impl ResourceNode for Task {
    type Id = TaskId;
    const ACTION: Action = Action::ResourceView;

    fn seen(ctx: &Context<'_>, row: tasks::TaskInProject, standing: AccessContext) -> Option<Self> {
        Self::seen(ctx, row, standing)
    }
}

/// A task, in a project or alone. Its work is done in jobs.
#[Object]
impl Task {
    /// Globally unique, stable and opaque: a prefix for the type and a UUIDv7, such as `org_01jd…`.
    pub async fn id(&self) -> ID {
        id(self.row.id)
    }

    /// The project it is in. Null if it is in none, or if the viewer may not see the project.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        let project = self.row.project_id?;
        let row = ctx.request().loader.load_one(project).await;
        row.map(|row| Project::seen(ctx, row?, self.grounds.standing)).map_err(Into::into).transpose()
    }

    /// Where the task stands. Derived from its jobs.
    async fn status(&self) -> TaskStatus {
        self.row.status.into()
    }

    /// Its jobs that the viewer may open, oldest first.
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Pages forward: how many to return, 0 to 100. Not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Pages forward: the cursor after which to begin.")] after: Option<String>,
        #[graphql(desc = "Pages backward: how many to return, 0 to 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Pages backward: the cursor before which to end.")] before: Option<String>,
    ) -> Result<JobConnection> {
        JobConnection::of_task(ctx, self.row.id, self.grounds, PageArgs { first, after, last, before }).await
    }

    /// How many jobs it has in all, whether or not the viewer may open them.
    async fn job_count(&self, ctx: &Context<'_>) -> Result<i32> {
        resource_list::count_all::<Job>(ctx, ParentKind::Task, self.row.id.into()).await
    }

    /// Name, 1 to 256 characters.
    pub async fn name(&self) -> &str {
        &self.row.name
    }

    /// The workspace it belongs to.
    pub async fn workspace(&self, ctx: &Context<'_>) -> Result<Workspace> {
        Workspace::of(ctx, self.row.workspace()).await
    }

    /// Who made it, or moved it here; the workspace's owner after that person has left. Null once that account is gone.
    pub async fn owner(&self, ctx: &Context<'_>) -> Result<User> {
        resource::owner(ctx, self.row.owner_id).await
    }

    /// Who is responsible for the work. Null if nobody is.
    pub async fn assignee(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        resource::assignee(ctx, self.row.assignee_id).await
    }

    /// Where its data are read from. Null if nowhere, or if the viewer may not see the storage.
    pub async fn source_storage(&self, ctx: &Context<'_>) -> Option<Result<CloudStorage>> {
        CloudStorage::linked(ctx, self.row.source_storage_id, self.grounds.standing).await
    }

    /// Where its results are written to. Null if nowhere, or if the viewer may not see the storage.
    pub async fn target_storage(&self, ctx: &Context<'_>) -> Option<Result<CloudStorage>> {
        CloudStorage::linked(ctx, self.row.target_storage_id, self.grounds.standing).await
    }

    /// When it was created.
    pub async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// When its own fields last changed.
    pub async fn updated_at(&self) -> DateTime {
        self.row.updated_at.into()
    }

    /// What the viewer may do with this task now.
    pub async fn viewer_permissions(&self) -> Vec<Permission> {
        let about: &[Action] = if self.row.project_id.is_some() { &ABOUT_TASK_IN_PROJECT } else { &ABOUT_TASK };
        self.grounds.permissions(about)
    }
}

impl SyncFields for Task {}

connection!(
    Task,
    TaskConnection: "A page of a list of tasks.",
    TaskEdge: "One entry of a list of tasks."
);

impl TaskConnection {
    /// A page of the tasks of a workspace that the viewer stands to like that.
    pub async fn of_workspace(
        ctx: &Context<'_>,
        (workspace, standing): (WorkspaceId, AccessContext),
        (search, statuses, assignee): (Option<String>, Option<Vec<TaskStatus>>, Option<ID>),
        args: PageArgs,
    ) -> Result<Self> {
        // What is no ID of a user is that of nobody.
        let assignee = assignee.map(|id| UserId::parse(&id).unwrap_or_else(|| Uuid::nil().into()));
        let filter = Filter { search: connection::search(search.as_deref())?, assignee, ..standing_at(statuses) };
        ResourceList::of_workspace::<Task>(ctx, workspace, standing, filter)?.page(ctx, args).await.map(Self)
    }

    /// A page of the tasks of a project that the viewer sees on those grounds.
    pub async fn of_project(ctx: &Context<'_>, project: ProjectId, grounds: Grounds, args: PageArgs) -> Result<Self> {
        let container = (ParentKind::Project, project.into());
        ResourceList::of_container::<Task>(ctx, container, grounds.standing, grounds.ties)?
            .page(ctx, args)
            .await
            .map(Self)
    }

    /// A page of the tasks that are assigned to the viewer.
    pub async fn assigned(
        ctx: &Context<'_>,
        viewer: &users::User,
        statuses: Option<Vec<TaskStatus>>,
        args: PageArgs,
    ) -> Result<Self> {
        ResourceList::assigned::<Task>(viewer.id, viewer.is_admin, standing_at(statuses))
            .page(ctx, args)
            .await
            .map(Self)
    }
}

fn standing_at(statuses: Option<Vec<TaskStatus>>) -> Filter {
    let statuses = statuses.map(|statuses| statuses.into_iter().map(Into::into).collect());
    Filter { statuses, ..Filter::default() }
}
