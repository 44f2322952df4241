//! Jobs: parts of a task, each assigned to one user at a time.

use async_graphql::{Context, Enum, ID, Object};

use super::permission::Permission;
use super::resource::{self, ResourceAccess};
use super::task::Task;
use super::user::User;
use super::workspace::Workspace;
use crate::domain::{JobId, TaskId};
use crate::graphql::Result;
use crate::graphql::connection::{PageArgs, connection};
use crate::graphql::context::ContextExt;
use crate::graphql::fast_list::SyncFields;
use crate::graphql::resource_list::{ResourceList, ResourceNode};
use crate::graphql::scalars::{DateTime, id};
use crate::policy::{AccessContext, Action};
use crate::store::resource_lists::{Filter, ParentKind};
use crate::store::{jobs, users};

/// The actions on a job that `viewerPermissions` checks.
const JOB_ACTIONS: [Action; 3] = [Action::ResourceView, Action::ResourceAssign, Action::JobStateUpdate];

/// Stage of the work on a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::job::JobStage")]
pub enum JobStage {
    /// The job is being annotated.
    Annotation,
    /// The work is being checked.
    Validation,
    /// The work is being accepted.
    Acceptance,
}

/// State of a job within its stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::job::JobState")]
pub enum JobState {
    /// Not started.
    New,
    /// In progress.
    InProgress,
    /// Completed.
    Completed,
    /// Rejected: the work must be done again.
    Rejected,
}

/// A job that the viewer may see, with the viewer's access to it.
#[derive(Clone)]
pub struct Job {
    row: jobs::Job,
    access: ResourceAccess,
}

impl Job {
    /// Loads a job by its ID; `None` unless the viewer may see it.
    pub async fn open(ctx: &Context<'_>, id: JobId) -> Result<Option<Self>> {
        let row = ctx.request().loader.load_one(id).await?;
        let workspace = Workspace::of_found(ctx, row.as_ref().map(|row| row.job.workspace())).await?;
        Ok(row.zip(workspace).and_then(|(row, workspace)| Self::if_visible(ctx, row, workspace.viewer_access())))
    }

    /// Wraps a row; `None` unless the viewer, with access `viewer_access` to its workspace, may see it.
    pub fn if_visible(ctx: &Context<'_>, row: jobs::JobInTask, viewer_access: AccessContext) -> Option<Self> {
        let access = ResourceAccess::of(ctx, viewer_access, Action::ResourceView, row.job.people(), &row.containers())?;
        Some(Self { row: row.job, access })
    }
}

impl ResourceNode for Job {
    type Id = JobId;
    const ACTION: Action = Action::ResourceView;

    fn if_visible(ctx: &Context<'_>, row: jobs::JobInTask, viewer_access: AccessContext) -> Option<Self> {
        Self::if_visible(ctx, row, viewer_access)
    }
}

/// A part of a task. One user works on it at a time.
#[Object]
impl Job {
    /// Globally unique, stable and opaque ID: a prefix for the type and a UUIDv7, such as `org_01jd…`.
    pub async fn id(&self) -> ID {
        id(self.row.id)
    }

    /// The task that the job is part of. Null if the viewer may not see the task.
    async fn task(&self, ctx: &Context<'_>) -> Option<Result<Task>> {
        let row = ctx.request().loader.load_one(self.row.task_id).await;
        row.map(|row| Task::if_visible(ctx, row?, self.access.viewer_access)).map_err(Into::into).transpose()
    }

    /// The user who works on it. Null if it is not assigned.
    async fn assignee(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        resource::assignee(ctx, self.row.assignee_id).await
    }

    /// Stage of the work.
    async fn stage(&self) -> JobStage {
        self.row.stage.into()
    }

    /// State of the job within its stage.
    async fn state(&self) -> JobState {
        self.row.state.into()
    }

    /// Time of creation.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// Time of the last change of its own fields.
    async fn updated_at(&self) -> DateTime {
        self.row.updated_at.into()
    }

    /// The viewer's present permissions on this job.
    async fn viewer_permissions(&self) -> Vec<Permission> {
        self.access.permissions(&JOB_ACTIONS)
    }
}

impl SyncFields for Job {}

connection!(
    Job,
    JobConnection: "A page of a list of jobs.",
    JobEdge: "One entry of a list of jobs."
);

impl JobConnection {
    /// Loads a page of the jobs of a task that the viewer may see, oldest first. `access` is the viewer's
    /// access to the task.
    pub async fn of_task(ctx: &Context<'_>, task: TaskId, access: ResourceAccess, args: PageArgs) -> Result<Self> {
        let container = (ParentKind::Task, task.into());
        let listing = ResourceList::of_container::<Job>(ctx, container, access.viewer_access, access.relations)?;
        listing.oldest_first().page(ctx, args).await.map(Self)
    }

    /// Loads a page of the jobs that are assigned to the viewer.
    pub async fn assigned(
        ctx: &Context<'_>,
        viewer: &users::User,
        states: Option<Vec<JobState>>,
        args: PageArgs,
    ) -> Result<Self> {
        let states = states.map(|states| states.into_iter().map(Into::into).collect());
        let filter = Filter { states, ..Filter::default() };
        ResourceList::assigned::<Job>(viewer.id, viewer.is_admin, filter).page(ctx, args).await.map(Self)
    }
}
