//! Tasks, in a project or alone.

use async_graphql::{Context, ID, Object};

use super::cloud_storage::CloudStorage;
use super::enums::{Permission, TaskStatus};
use super::project::Project;
use super::resource::{self, Grounds};
use super::user::User;
use super::workspace::Workspace;
use crate::domain::TaskId;
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::scalars::{DateTime, id};
use crate::policy::{Action, Standing};
use crate::store::tasks;

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
        let Some(row) = ctx.request().loader.load_one(id).await? else { return Ok(None) };
        let workspace = Workspace::open(ctx, row.task.workspace()).await?;
        Ok(workspace.and_then(|workspace| Self::seen(ctx, row, workspace.standing())))
    }

    /// The task, if the viewer, who stands to its workspace like that, may see it.
    pub fn seen(ctx: &Context<'_>, row: tasks::TaskInProject, standing: Standing) -> Option<Self> {
        let grounds = Grounds::of(ctx, standing, Action::ResourceView, row.task.people(), &row.containers())?;
        Some(Self { row: row.task, grounds })
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
