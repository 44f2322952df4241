//! Jobs: parts of a task that one person works on at a time.

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

/// A job.
#[derive(Clone, Insertable, Queryable, Selectable)]
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
    pub fn people(&self) -> Participants {
        Participants { owner: None, assignee: self.assignee_id }
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
    pub fn containers(&self) -> Vec<Participants> {
        std::iter::once(self.task.into()).chain(self.project.map(Participants::from)).collect()
    }
}

/// The jobs with those IDs, in no order.
pub async fn find_many(mut connection: &Connection, ids: &[JobId]) -> Result<Vec<JobInTask>> {
    Ok(jobs::table
        .inner_join(tasks::table.on(jobs::task_id.eq(tasks::id)))
        .left_join(projects::table.on(tasks::project_id.eq(projects::id.nullable())))
        .filter(jobs::id.eq_any(ids))
        .select((Job::as_select(), TaskPeople::as_select(), Option::<ProjectPeople>::as_select()))
        .load(&mut connection)
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

/// Where a job is: what has to be held before it.
#[derive(Clone, Copy, Queryable)]
pub struct Place {
    workspace_id: Uuid,
    organization_id: Option<OrganizationId>,
    /// Its task.
    pub task_id: TaskId,
    /// The project of the task.
    pub project_id: Option<ProjectId>,
}

impl Place {
    /// The workspace.
    pub fn workspace(&self) -> WorkspaceId {
        WorkspaceId::of_row(self.workspace_id, self.organization_id)
    }
}

/// Where the job with that ID is just now.
pub async fn place(connection: &mut Connection, id: JobId) -> Result<Option<Place>> {
    Ok(jobs::table
        .inner_join(tasks::table.on(jobs::task_id.eq(tasks::id)))
        .filter(jobs::id.eq(id))
        .select((jobs::workspace_id, jobs::organization_id, jobs::task_id, tasks::project_id))
        .first(connection)
        .await
        .optional()?)
}

/// Writes new jobs. The workspace of their task must be held.
pub async fn insert(tx: &mut Connection, new: &[Job]) -> Result<()> {
    for new in new.chunks(BATCH) {
        let rows: Vec<_> = new.iter().map(|job| (job.clone(), jobs::user_id.eq(job.workspace().user()))).collect();
        diesel::insert_into(jobs::table).values(rows).execute(tx).await?;
    }
    Ok(())
}

/// Writes the own fields of a job that is locked. It stays in its task.
pub fn update(job: &Job) -> Write {
    Write::of(diesel::update(jobs::table.find(job.id)).set((
        jobs::assignee_id.eq(job.assignee_id),
        jobs::stage.eq(job.stage),
        jobs::state.eq(job.state),
        jobs::updated_at.eq(job.updated_at),
    )))
}

/// Stage and state of the jobs of a task, which is locked: what its status is derived from.
pub async fn progress(tx: &mut Connection, task: TaskId) -> Result<Vec<(JobStage, JobState)>> {
    Ok(jobs::table.filter(jobs::task_id.eq(task)).select((jobs::stage, jobs::state)).load(tx).await?)
}

/// The jobs of those tasks, the oldest first. The tasks must be locked.
pub async fn of_tasks(tx: &mut Connection, tasks: &[TaskId]) -> Result<Vec<Job>> {
    Ok(jobs::table.filter(jobs::task_id.eq_any(tasks)).order_by(jobs::id).select(Job::as_select()).load(tx).await?)
}

/// The jobs of an organization that are assigned to a user.
pub async fn assigned_to(connection: &mut Connection, organization: OrganizationId, user: UserId) -> Result<Vec<Job>> {
    Ok(jobs::table
        .filter(jobs::organization_id.eq(organization).and(jobs::assignee_id.eq(user)))
        .order_by(jobs::id)
        .select(Job::as_select())
        .load(connection)
        .await?)
}

/// Clears what is assigned to a user in an organization, which must be held alone.
pub fn unassign(organization: OrganizationId, user: UserId, now: Instant) -> Write {
    Write::of(
        diesel::update(jobs::table.filter(jobs::organization_id.eq(organization).and(jobs::assignee_id.eq(user))))
            .set((jobs::assignee_id.eq(None::<UserId>), jobs::updated_at.eq(now))),
    )
}
