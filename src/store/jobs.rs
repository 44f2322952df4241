//! Jobs: parts of a task that one person works on at a time.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Connection;
use super::projects::ProjectPeople;
use super::schema::{jobs, projects, tasks};
use super::tasks::TaskPeople;
use crate::domain::clock::Instant;
use crate::domain::resource::{JobStage, JobState, People};
use crate::domain::{JobId, OrganizationId, Result, TaskId, UserId, WorkspaceId};

/// A job.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(Pg))]
pub struct Job {
    /// Its ID.
    pub id: JobId,
    /// The workspace it belongs to.
    pub workspace_id: Uuid,
    /// The organization it belongs to.
    pub organization_id: Option<OrganizationId>,
    /// The task it is part of.
    pub task_id: TaskId,
    /// Who works on it.
    pub assignee_id: Option<UserId>,
    /// Which round of the work it is in.
    pub stage: JobStage,
    /// How far the present round is.
    pub state: JobState,
    /// When it was created.
    pub created_at: Instant,
    /// When its own fields last changed.
    pub updated_at: Instant,
}

impl Job {
    /// The workspace it belongs to.
    pub fn workspace(&self) -> WorkspaceId {
        WorkspaceId::of_row(self.workspace_id, self.organization_id)
    }

    /// The people whom it names.
    pub fn people(&self) -> People {
        People { owner: None, assignee: self.assignee_id }
    }
}

/// A job, and the people of the task and the project that it is in: what decides who may open it.
#[derive(Clone, Queryable)]
pub struct JobInTask {
    /// The job.
    pub job: Job,
    /// The people of its task.
    pub task: TaskPeople,
    /// The people of that task's project.
    pub project: Option<ProjectPeople>,
}

impl JobInTask {
    /// The people of what contains it.
    pub fn containers(&self) -> Vec<People> {
        std::iter::once(self.task.into()).chain(self.project.map(People::from)).collect()
    }
}

/// The jobs with those IDs, in no order.
pub async fn find_many(connection: &mut Connection, ids: &[JobId]) -> Result<Vec<JobInTask>> {
    Ok(jobs::table
        .inner_join(tasks::table.on(jobs::task_id.eq(tasks::id)))
        .left_join(projects::table.on(tasks::project_id.eq(projects::id.nullable())))
        .filter(jobs::id.eq_any(ids))
        .select((Job::as_select(), TaskPeople::as_select(), Option::<ProjectPeople>::as_select()))
        .load(connection)
        .await?)
}

/// The job with that ID.
pub async fn find(connection: &mut Connection, id: JobId) -> Result<Option<Job>> {
    Ok(jobs::table.find(id).select(Job::as_select()).first(connection).await.optional()?)
}

/// Locks a job, and returns it as it is then. Its workspace and its task must be held before.
pub async fn lock(tx: &mut Connection, id: JobId) -> Result<Option<Job>> {
    Ok(jobs::table.find(id).select(Job::as_select()).for_no_key_update().first(tx).await.optional()?)
}
