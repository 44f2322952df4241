//! Projects: sets of tasks that are managed together.

use async_graphql::{Context, ID, Object};

use super::cloud_storage::CloudStorage;
use super::permission::Permission;
use super::resource::{self, ResourceAccess};
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

/// The actions on a project that `viewerPermissions` checks.
const PROJECT_ACTIONS: [Action; 5] = [
    Action::ResourceView,
    Action::ResourceUpdate,
    Action::ResourceAssign,
    Action::ResourceDelete,
    Action::ResourceTransfer,
];

/// A project that the viewer may see, with the viewer's access to it.
#[derive(Clone)]
pub struct Project {
    row: projects::Project,
    access: ResourceAccess,
}

impl Project {
    /// Loads a project by its ID; `None` unless the viewer may see it.
    pub async fn open(ctx: &Context<'_>, id: ProjectId) -> Result<Option<Self>> {
        let row = ctx.request().loader.load_one(id).await?;
        let workspace = Workspace::of_found(ctx, row.as_ref().map(|row| row.workspace())).await?;
        Ok(row.zip(workspace).and_then(|(row, workspace)| Self::if_visible(ctx, row, workspace.viewer_access())))
    }

    /// Wraps a row; `None` unless the viewer, with access `viewer_access` to its workspace, may see it.
    pub fn if_visible(ctx: &Context<'_>, row: projects::Project, viewer_access: AccessContext) -> Option<Self> {
        let access = ResourceAccess::of(ctx, viewer_access, Action::ResourceView, row.people(), &[])?;
        Some(Self { row, access })
    }
}

impl ResourceNode for Project {
    type Id = ProjectId;
    const ACTION: Action = Action::ResourceView;

    fn if_visible(ctx: &Context<'_>, row: projects::Project, viewer_access: AccessContext) -> Option<Self> {
        Self::if_visible(ctx, row, viewer_access)
    }
}

/// A project: a set of tasks that are managed together.
#[Object]
impl Project {
    /// Globally unique, stable and opaque ID: a prefix for the type and a UUIDv7, such as `org_01jd…`.
    pub async fn id(&self) -> ID {
        id(self.row.id)
    }

    /// Description of the project, at most 4,096 characters. Null if none was given.
    async fn description(&self) -> Option<&str> {
        self.row.description.as_deref()
    }

    /// The project's tasks that the viewer may open, newest first.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Forward paging: number of entries, 0 to 100. Not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Forward paging: cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Backward paging: number of entries, 0 to 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Backward paging: cursor before which the page ends.")] before: Option<String>,
    ) -> Result<TaskConnection> {
        TaskConnection::of_project(ctx, self.row.id, self.access, PageArgs { first, after, last, before }).await
    }

    /// Total number of tasks, whether or not the viewer may open them.
    async fn task_count(&self, ctx: &Context<'_>) -> Result<i32> {
        resource_list::count_all::<Task>(ctx, ParentKind::Project, self.row.id.into()).await
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

    /// The viewer's present permissions on this project.
    pub async fn viewer_permissions(&self) -> Vec<Permission> {
        self.access.permissions(&PROJECT_ACTIONS)
    }
}

impl SyncFields for Project {}

connection!(
    Project,
    ProjectConnection: "A page of a list of projects.",
    ProjectEdge: "One entry of a list of projects."
);

impl ProjectConnection {
    /// Loads a page of the projects of a workspace to which the viewer has access `viewer_access`.
    pub async fn of_workspace(
        ctx: &Context<'_>,
        (workspace, viewer_access): (WorkspaceId, AccessContext),
        search: Option<String>,
        args: PageArgs,
    ) -> Result<Self> {
        let filter = Filter { search: connection::search(search.as_deref())?, ..Filter::default() };
        ResourceList::of_workspace::<Project>(ctx, workspace, viewer_access, filter)?.page(ctx, args).await.map(Self)
    }
}
