//! Table of jobs: parts of a task. One user at a time works on a job.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::projects::ProjectPeople;
use super::schema::{jobs, projects, tasks};
use super::tasks::TaskPeople;
use super::{Connection, Write};
use crate::domain::clock::Instant;
use crate::domain::job::{JobStage, JobState};
use crate::domain::resource::Participants;
use crate::domain::{JobId, OrganizationId, ProjectId, Result, TaskId, UserId, WorkspaceId};
use crate::store::bulk_insert::BATCH;

/// Job.
#[derive(Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(Pg))]
pub struct Job {
    /// ID of the job.
    pub id: JobId,
    /// Workspace of the job.
    pub workspace_id: Uuid,
    /// Organization of the job; `None` in a personal workspace.
    pub organization_id: Option<OrganizationId>,
    /// Task of the job.
    pub task_id: TaskId,
    /// User who works on the job; `None` if it is not assigned.
    pub assignee_id: Option<UserId>,
    /// Stage of the work.
    pub stage: JobStage,
    /// State within the stage.
    pub state: JobState,
    /// Time of creation.
    pub created_at: Instant,
    /// Time of the last change of its own fields.
    pub updated_at: Instant,
}

impl Job {
    /// Returns the workspace of the job.
    pub fn workspace(&self) -> WorkspaceId {
        WorkspaceId::of_row(self.workspace_id, self.organization_id)
    }

    /// Returns the users whom the row names: the assignee.
    pub fn people(&self) -> Participants {
        Participants { owner: None, assignee: self.assignee_id }
    }
}

/// Job with the users of its task and of the task's project, on which access to the job depends.
#[derive(Clone, Queryable)]
pub struct JobInTask {
    /// The job.
    pub job: Job,
    /// Owner and assignee of its task.
    pub task: TaskPeople,
    /// Owner and assignee of the task's project; `None` if the task is in no project.
    pub project: Option<ProjectPeople>,
}

impl JobInTask {
    /// Returns the users of the task and the project.
    pub fn containers(&self) -> Vec<Participants> {
        std::iter::once(self.task.into()).chain(self.project.map(Participants::from)).collect()
    }
}

/// Returns the jobs with these IDs, in no order.
pub async fn find_many(mut connection: &Connection, ids: &[JobId]) -> Result<Vec<JobInTask>> {
    Ok(jobs::table
        .inner_join(tasks::table.on(jobs::task_id.eq(tasks::id)))
        .left_join(projects::table.on(tasks::project_id.eq(projects::id.nullable())))
        .filter(jobs::id.eq_any(ids))
        .select((Job::as_select(), TaskPeople::as_select(), Option::<ProjectPeople>::as_select()))
        .load(&mut connection)
        .await?)
}

/// Returns the job with an ID.
pub async fn find(connection: &mut Connection, id: JobId) -> Result<Option<Job>> {
    Ok(jobs::table.find(id).select(Job::as_select()).first(connection).await.optional()?)
}

/// Locks a job and returns its row as of the lock. The workspace and the task must be locked before.
pub async fn lock(tx: &mut Connection, id: JobId) -> Result<Option<Job>> {
    Ok(jobs::table.find(id).select(Job::as_select()).for_no_key_update().first(tx).await.optional()?)
}

/// Parents of a job, which must be locked before the job.
#[derive(Clone, Copy, Queryable)]
pub struct Place {
    workspace_id: Uuid,
    organization_id: Option<OrganizationId>,
    /// Task of the job.
    pub task_id: TaskId,
    /// Project of the task; `None` if the task is in no project.
    pub project_id: Option<ProjectId>,
}

impl Place {
    /// Returns the workspace of the job.
    pub fn workspace(&self) -> WorkspaceId {
        WorkspaceId::of_row(self.workspace_id, self.organization_id)
    }
}

/// Returns the current parents of a job, without a lock; `None` if there is no job with this ID.
pub async fn place(connection: &mut Connection, id: JobId) -> Result<Option<Place>> {
    Ok(jobs::table
        .inner_join(tasks::table.on(jobs::task_id.eq(tasks::id)))
        .filter(jobs::id.eq(id))
        .select((jobs::workspace_id, jobs::organization_id, jobs::task_id, tasks::project_id))
        .first(connection)
        .await
        .optional()?)
}

/// Inserts jobs. The workspace of their task must be locked.
pub async fn insert(tx: &mut Connection, new: &[Job]) -> Result<()> {
    for new in new.chunks(BATCH) {
        let rows: Vec<_> = new.iter().map(|job| (job.clone(), jobs::user_id.eq(job.workspace().user()))).collect();
        diesel::insert_into(jobs::table).values(rows).execute(tx).await?;
    }
    Ok(())
}

/// Updates the own fields of a job, which must be locked. The task of a job never changes.
pub fn update(job: &Job) -> Write {
    Write::of(diesel::update(jobs::table.find(job.id)).set((
        jobs::assignee_id.eq(job.assignee_id),
        jobs::stage.eq(job.stage),
        jobs::state.eq(job.state),
        jobs::updated_at.eq(job.updated_at),
    )))
}

/// Returns stage and state of each job of a task, from which the status of the task is derived. The task must be
/// locked.
pub async fn progress(tx: &mut Connection, task: TaskId) -> Result<Vec<(JobStage, JobState)>> {
    Ok(jobs::table.filter(jobs::task_id.eq(task)).select((jobs::stage, jobs::state)).load(tx).await?)
}

/// Returns the jobs of these tasks, oldest first. The tasks must be locked.
pub async fn of_tasks(tx: &mut Connection, tasks: &[TaskId]) -> Result<Vec<Job>> {
    Ok(jobs::table.filter(jobs::task_id.eq_any(tasks)).order_by(jobs::id).select(Job::as_select()).load(tx).await?)
}

/// Returns the jobs of an organization that are assigned to a user.
pub async fn assigned_to(connection: &mut Connection, organization: OrganizationId, user: UserId) -> Result<Vec<Job>> {
    Ok(jobs::table
        .filter(jobs::organization_id.eq(organization).and(jobs::assignee_id.eq(user)))
        .order_by(jobs::id)
        .select(Job::as_select())
        .load(connection)
        .await?)
}

/// Unassigns a user's jobs in an organization, which must be locked exclusively.
pub fn unassign(organization: OrganizationId, user: UserId, now: Instant) -> Write {
    Write::of(
        diesel::update(jobs::table.filter(jobs::organization_id.eq(organization).and(jobs::assignee_id.eq(user))))
            .set((jobs::assignee_id.eq(None::<UserId>), jobs::updated_at.eq(now))),
    )
}
