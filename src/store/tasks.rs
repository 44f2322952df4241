//! Table of tasks, with or without a project.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::projects::ProjectPeople;
use super::schema::{projects, tasks};
use super::{Connection, Write};
use crate::domain::clock::Instant;
use crate::domain::resource::Participants;
use crate::domain::task::TaskStatus;
use crate::domain::text_keys;
use crate::domain::{CloudStorageId, OrganizationId, ProjectId, Result, TaskId, UserId, WorkspaceId};

/// Task.
#[derive(Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(Pg))]
pub struct Task {
    /// ID of the task.
    pub id: TaskId,
    /// Workspace of the task.
    pub workspace_id: Uuid,
    /// Organization of the task; `None` in a personal workspace.
    pub organization_id: Option<OrganizationId>,
    /// Project of the task; `None` if it is in no project.
    pub project_id: Option<ProjectId>,
    /// User who created it or moved it here, or the owner of the organization after that user has left.
    pub owner_id: UserId,
    /// Assignee; `None` if it is not assigned.
    pub assignee_id: Option<UserId>,
    /// Name of the task.
    pub name: String,
    /// Status, derived from the jobs of the task.
    pub status: TaskStatus,
    /// Cloud storage that data is read from.
    pub source_storage_id: Option<CloudStorageId>,
    /// Cloud storage that results are written to.
    pub target_storage_id: Option<CloudStorageId>,
    /// Time of creation.
    pub created_at: Instant,
    /// Time of the last change of its own fields.
    pub updated_at: Instant,
}

impl Task {
    /// Returns the workspace of the task.
    pub fn workspace(&self) -> WorkspaceId {
        WorkspaceId::of_row(self.workspace_id, self.organization_id)
    }

    /// Returns the users whom the row names: owner and assignee.
    pub fn people(&self) -> Participants {
        Participants { owner: Some(self.owner_id), assignee: self.assignee_id }
    }
}

/// Owner and assignee of a task, on which access to its jobs depends.
#[derive(Clone, Copy, Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(Pg))]
pub struct TaskPeople {
    /// Owner of the task.
    pub owner_id: UserId,
    /// Assignee of the task; `None` if it is not assigned.
    pub assignee_id: Option<UserId>,
}

impl From<TaskPeople> for Participants {
    fn from(people: TaskPeople) -> Self {
        Self { owner: Some(people.owner_id), assignee: people.assignee_id }
    }
}

/// Task with the users of its project, on which access to the task depends.
#[derive(Clone, Queryable)]
pub struct TaskInProject {
    /// The task.
    pub task: Task,
    /// Owner and assignee of its project; `None` if it is in no project.
    pub project: Option<ProjectPeople>,
}

impl TaskInProject {
    /// Returns the users of the project.
    pub fn containers(&self) -> Vec<Participants> {
        self.project.into_iter().map(Participants::from).collect()
    }
}

/// Returns the tasks with these IDs, in no order.
pub async fn find_many(mut connection: &Connection, ids: &[TaskId]) -> Result<Vec<TaskInProject>> {
    Ok(tasks::table
        .left_join(projects::table.on(tasks::project_id.eq(projects::id.nullable())))
        .filter(tasks::id.eq_any(ids))
        .select((Task::as_select(), Option::<ProjectPeople>::as_select()))
        .load(&mut connection)
        .await?)
}

/// Returns the task with an ID.
pub async fn find(connection: &mut Connection, id: TaskId) -> Result<Option<Task>> {
    Ok(tasks::table.find(id).select(Task::as_select()).first(connection).await.optional()?)
}

/// Locks a task and returns its row as of the lock. The workspace and the project must be locked before.
pub async fn lock(tx: &mut Connection, id: TaskId) -> Result<Option<Task>> {
    Ok(tasks::table.find(id).select(Task::as_select()).for_no_key_update().first(tx).await.optional()?)
}

/// Inserts a task. The workspace must be locked exclusively, because of the limits.
pub fn insert(task: &Task) -> Write {
    let key = tasks::name_key.eq(text_keys::stored(&task.name));
    let row = (task.clone(), key, tasks::user_id.eq(task.workspace().user()));
    Write::of(diesel::insert_into(tasks::table).values(row))
}

/// Updates the own fields of a task, which must be locked. The workspace is not changed.
pub fn update(task: &Task) -> Write {
    Write::of(diesel::update(tasks::table.find(task.id)).set((
        tasks::project_id.eq(task.project_id),
        tasks::owner_id.eq(task.owner_id),
        tasks::assignee_id.eq(task.assignee_id),
        tasks::name.eq(task.name.clone()),
        tasks::name_key.eq(text_keys::stored(&task.name)),
        tasks::status.eq(task.status),
        tasks::source_storage_id.eq(task.source_storage_id),
        tasks::target_storage_id.eq(task.target_storage_id),
        tasks::updated_at.eq(task.updated_at),
    )))
}

/// Deletes a task with its jobs.
pub fn delete(id: TaskId) -> Write {
    Write::of(diesel::delete(tasks::table.find(id)))
}

/// Locks the tasks of a project and returns them, oldest first. The project must be locked before.
pub async fn lock_of(tx: &mut Connection, project: ProjectId) -> Result<Vec<Task>> {
    Ok(tasks::table
        .filter(tasks::project_id.eq(project))
        .order_by(tasks::id)
        .select(Task::as_select())
        .for_no_key_update()
        .load(tx)
        .await?)
}

/// Returns the tasks of an organization whose owner or assignee is a user.
pub async fn naming(connection: &mut Connection, organization: OrganizationId, user: UserId) -> Result<Vec<Task>> {
    Ok(tasks::table
        .filter(tasks::organization_id.eq(organization))
        .filter(tasks::owner_id.eq(user).or(tasks::assignee_id.eq(user)))
        .order_by(tasks::id)
        .select(Task::as_select())
        .load(connection)
        .await?)
}

/// Unassigns a user's tasks in an organization, and transfers the tasks that the user owns to `heir`. The organization
/// must be locked exclusively.
pub fn hand_over(organization: OrganizationId, (user, heir): (UserId, UserId), now: Instant) -> Write {
    let within = tasks::organization_id.eq(organization);
    Write::of(
        diesel::update(tasks::table.filter(within.and(tasks::assignee_id.eq(user))))
            .set((tasks::assignee_id.eq(None::<UserId>), tasks::updated_at.eq(now))),
    )
    .and(Write::of(
        diesel::update(tasks::table.filter(within.and(tasks::owner_id.eq(user))))
            .set((tasks::owner_id.eq(heir), tasks::updated_at.eq(now))),
    ))
}

/// Returns the tasks that are linked to a cloud storage.
pub async fn linked_to(connection: &mut Connection, storage: CloudStorageId) -> Result<Vec<Task>> {
    Ok(tasks::table
        .filter(tasks::source_storage_id.eq(storage).or(tasks::target_storage_id.eq(storage)))
        .order_by(tasks::id)
        .select(Task::as_select())
        .load(connection)
        .await?)
}

/// Removes the links of tasks to a cloud storage, whose workspace must be locked exclusively.
pub fn unlink(storage: CloudStorageId, now: Instant) -> Write {
    let none = None::<CloudStorageId>;
    Write::of(
        diesel::update(tasks::table.filter(tasks::source_storage_id.eq(storage)))
            .set((tasks::source_storage_id.eq(none), tasks::updated_at.eq(now))),
    )
    .and(Write::of(
        diesel::update(tasks::table.filter(tasks::target_storage_id.eq(storage)))
            .set((tasks::target_storage_id.eq(none), tasks::updated_at.eq(now))),
    ))
}
