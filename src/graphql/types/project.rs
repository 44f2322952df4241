//! Projects: sets of tasks that are managed together.

use async_graphql::{Context, ID, Object};

use super::cloud_storage::CloudStorage;
use super::enums::Permission;
use super::resource::{self, Grounds};
use super::task::{Task, TaskConnection};
use super::user::User;
use super::workspace::Workspace;
use crate::domain::{ProjectId, WorkspaceId};
use crate::graphql::Result;
use crate::graphql::connection;
use crate::graphql::connection::{PageArgs, connection};
use crate::graphql::context::ContextExt;
use crate::graphql::fast_list::SyncFields;
use crate::graphql::resource_list;
use crate::graphql::resource_list::{ResourceList, ResourceNode};
use crate::graphql::scalars::{DateTime, id};
use crate::policy::{AccessContext, Action};
use crate::store::projects;
use crate::store::resource_lists::{Filter, ParentKind};

/// What can be done with a project.
const ABOUT_PROJECT: [Action; 5] = [
    Action::ResourceView,
    Action::ResourceUpdate,
    Action::ResourceAssign,
    Action::ResourceDelete,
    Action::ResourceTransfer,
];

/// A project that the viewer sees, and on which grounds.
#[derive(Clone)]
pub struct Project {
    row: projects::Project,
    grounds: Grounds,
}

impl Project {
    /// A project by its ID, if the viewer may see it.
    pub async fn open(ctx: &Context<'_>, id: ProjectId) -> Result<Option<Self>> {
        let row = ctx.request().loader.load_one(id).await?;
        let workspace = Workspace::of_found(ctx, row.as_ref().map(|row| row.workspace())).await?;
        Ok(row.zip(workspace).and_then(|(row, workspace)| Self::seen(ctx, row, workspace.standing())))
    }

    /// The project, if the viewer, who stands to its workspace like that, may see it.
    pub fn seen(ctx: &Context<'_>, row: projects::Project, standing: AccessContext) -> Option<Self> {
        let grounds = Grounds::of(ctx, standing, Action::ResourceView, row.people(), &[])?;
        Some(Self { row, grounds })
    }
}

impl ResourceNode for Project {
    type Id = ProjectId;
    const ACTION: Action = Action::ResourceView;

    fn seen(ctx: &Context<'_>, row: projects::Project, standing: AccessContext) -> Option<Self> {
        Self::seen(ctx, row, standing)
    }
}

/// A project: a set of tasks that are managed together.
#[Object]
impl Project {
    /// Globally unique, stable and opaque: a prefix for the type and a UUIDv7, such as `org_01jd…`.
    pub async fn id(&self) -> ID {
        id(self.row.id)
    }

    /// What the project is about, at most 4,096 characters. Null if none was given.
    async fn description(&self) -> Option<&str> {
        self.row.description.as_deref()
    }

    /// Its tasks that the viewer may open, newest first.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Pages forward: how many to return, 0 to 100. Not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Pages forward: the cursor after which to begin.")] after: Option<String>,
        #[graphql(desc = "Pages backward: how many to return, 0 to 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Pages backward: the cursor before which to end.")] before: Option<String>,
    ) -> Result<TaskConnection> {
        TaskConnection::of_project(ctx, self.row.id, self.grounds, PageArgs { first, after, last, before }).await
    }

    /// How many tasks it has in all, whether or not the viewer may open them.
    async fn task_count(&self, ctx: &Context<'_>) -> Result<i32> {
        resource_list::count_all::<Task>(ctx, ParentKind::Project, self.row.id.into()).await
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

    /// What the viewer may do with this project now.
    pub async fn viewer_permissions(&self) -> Vec<Permission> {
        self.grounds.permissions(&ABOUT_PROJECT)
    }
}

impl SyncFields for Project {}

connection!(
    Project,
    ProjectConnection: "A page of a list of projects.",
    ProjectEdge: "One entry of a list of projects."
);

impl ProjectConnection {
    /// A page of the projects of a workspace that the viewer stands to like that.
    pub async fn of_workspace(
        ctx: &Context<'_>,
        (workspace, standing): (WorkspaceId, AccessContext),
        search: Option<String>,
        args: PageArgs,
    ) -> Result<Self> {
        let filter = Filter { search: connection::search(search.as_deref())?, ..Filter::default() };
        ResourceList::of_workspace::<Project>(ctx, workspace, standing, filter)?.page(ctx, args).await.map(Self)
    }
}
