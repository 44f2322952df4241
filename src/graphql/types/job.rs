//! Jobs: parts of a task that one person works on at a time.

use async_graphql::{Context, ID, Object};

use super::enums::{JobStage, JobState, Permission};
use super::resource::{self, Grounds};
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
const ABOUT_JOB: [Action; 3] = [Action::ResourceView, Action::ResourceAssign, Action::JobStateUpdate];

/// A job that the viewer may see, with the grounds for it.
#[derive(Clone)]
pub struct Job {
    row: jobs::Job,
    grounds: Grounds,
}

impl Job {
    /// Loads a job by its ID; `None` unless the viewer may see it.
    pub async fn open(ctx: &Context<'_>, id: JobId) -> Result<Option<Self>> {
        let row = ctx.request().loader.load_one(id).await?;
        let workspace = Workspace::of_found(ctx, row.as_ref().map(|row| row.job.workspace())).await?;
        Ok(row.zip(workspace).and_then(|(row, workspace)| Self::seen(ctx, row, workspace.standing())))
    }

    /// Wraps a row; `None` unless the viewer, with access `standing` to its workspace, may see it.
    pub fn seen(ctx: &Context<'_>, row: jobs::JobInTask, standing: AccessContext) -> Option<Self> {
        let grounds = Grounds::of(ctx, standing, Action::ResourceView, row.job.people(), &row.containers())?;
        Some(Self { row: row.job, grounds })
    }
}

impl ResourceNode for Job {
    type Id = JobId;
    const ACTION: Action = Action::ResourceView;

    fn seen(ctx: &Context<'_>, row: jobs::JobInTask, standing: AccessContext) -> Option<Self> {
        Self::seen(ctx, row, standing)
    }
}

/// A part of a task that one person works on at a time.
#[Object]
impl Job {
    /// Globally unique, stable and opaque ID: a prefix for the type and a UUIDv7, such as `org_01jd…`.
    pub async fn id(&self) -> ID {
        id(self.row.id)
    }

    /// The task that the job is part of. Null if the viewer may not see the task.
    async fn task(&self, ctx: &Context<'_>) -> Option<Result<Task>> {
        let row = ctx.request().loader.load_one(self.row.task_id).await;
        row.map(|row| Task::seen(ctx, row?, self.grounds.standing)).map_err(Into::into).transpose()
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
        self.grounds.permissions(&ABOUT_JOB)
    }
}

impl SyncFields for Job {}

connection!(
    Job,
    JobConnection: "A page of a list of jobs.",
    JobEdge: "One entry of a list of jobs."
);

impl JobConnection {
    /// Loads a page of the jobs of a task that the viewer may see on `grounds`, oldest first.
    pub async fn of_task(ctx: &Context<'_>, task: TaskId, grounds: Grounds, args: PageArgs) -> Result<Self> {
        let container = (ParentKind::Task, task.into());
        let listing = ResourceList::of_container::<Job>(ctx, container, grounds.standing, grounds.ties)?;
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
