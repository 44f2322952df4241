//! Tasks, in a project or alone.

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

/// A task.
#[derive(Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(Pg))]
pub struct Task {
    /// Its ID.
    pub id: TaskId,
    /// The workspace it belongs to.
    pub workspace_id: Uuid,
    /// The organization it belongs to.
    pub organization_id: Option<OrganizationId>,
    /// The project it is in.
    pub project_id: Option<ProjectId>,
    /// Who made it, or moved it here; the owner of the organization once that person has left.
    pub owner_id: UserId,
    /// Who is responsible for it.
    pub assignee_id: Option<UserId>,
    /// Name.
    pub name: String,
    /// Where it stands: derived from its jobs.
    pub status: TaskStatus,
    /// Storage that data are read from.
    pub source_storage_id: Option<CloudStorageId>,
    /// Storage that results are written to.
    pub target_storage_id: Option<CloudStorageId>,
    /// When it was created.
    pub created_at: Instant,
    /// When its own fields last changed.
    pub updated_at: Instant,
}

impl Task {
    /// The workspace it belongs to.
    pub fn workspace(&self) -> WorkspaceId {
        WorkspaceId::of_row(self.workspace_id, self.organization_id)
    }

    /// The people whom it names.
    pub fn people(&self) -> Participants {
        Participants { owner: Some(self.owner_id), assignee: self.assignee_id }
    }
}

/// The people whom a task names, for what is in it.
#[derive(Clone, Copy, Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(Pg))]
pub struct TaskPeople {
    /// Its owner.
    pub owner_id: UserId,
    /// Its assignee.
    pub assignee_id: Option<UserId>,
}

impl From<TaskPeople> for Participants {
    fn from(people: TaskPeople) -> Self {
        Self { owner: Some(people.owner_id), assignee: people.assignee_id }
    }
}

/// A task, and the people of the project that it is in: what decides who may open it.
#[derive(Clone, Queryable)]
pub struct TaskInProject {
    /// The task.
    pub task: Task,
    /// The people of its project.
    pub project: Option<ProjectPeople>,
}

impl TaskInProject {
    /// The people of what contains it.
    pub fn containers(&self) -> Vec<Participants> {
        self.project.into_iter().map(Participants::from).collect()
    }
}

/// The tasks with those IDs, in no order.
pub async fn find_many(mut connection: &Connection, ids: &[TaskId]) -> Result<Vec<TaskInProject>> {
    Ok(tasks::table
        .left_join(projects::table.on(tasks::project_id.eq(projects::id.nullable())))
        .filter(tasks::id.eq_any(ids))
        .select((Task::as_select(), Option::<ProjectPeople>::as_select()))
        .load(&mut connection)
        .await?)
}

/// The task with that ID.
pub async fn find(connection: &mut Connection, id: TaskId) -> Result<Option<Task>> {
    Ok(tasks::table.find(id).select(Task::as_select()).first(connection).await.optional()?)
}

/// Locks a task, and returns it as it is then. Its workspace and its project must be held before.
pub async fn lock(tx: &mut Connection, id: TaskId) -> Result<Option<Task>> {
    Ok(tasks::table.find(id).select(Task::as_select()).for_no_key_update().first(tx).await.optional()?)
}

/// Writes a new task. Its workspace must be held alone, for the sake of the limits.
pub fn insert(task: &Task) -> Write {
    let key = tasks::name_key.eq(text_keys::stored(&task.name));
    let row = (task.clone(), key, tasks::user_id.eq(task.workspace().user()));
    Write::of(diesel::insert_into(tasks::table).values(row))
}

/// Writes the own fields of a task that is locked. It stays in its workspace.
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

/// Locks the tasks of a project, which must be locked before, and returns them, the oldest first.
pub async fn lock_of(tx: &mut Connection, project: ProjectId) -> Result<Vec<Task>> {
    Ok(tasks::table
        .filter(tasks::project_id.eq(project))
        .order_by(tasks::id)
        .select(Task::as_select())
        .for_no_key_update()
        .load(tx)
        .await?)
}

/// The tasks of an organization that name a user, as owner or assignee.
pub async fn naming(connection: &mut Connection, organization: OrganizationId, user: UserId) -> Result<Vec<Task>> {
    Ok(tasks::table
        .filter(tasks::organization_id.eq(organization))
        .filter(tasks::owner_id.eq(user).or(tasks::assignee_id.eq(user)))
        .order_by(tasks::id)
        .select(Task::as_select())
        .load(connection)
        .await?)
}

/// Clears what is assigned to a user in an organization, and gives what they own in it to `heir`. The organization must be
/// held alone.
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

/// The tasks that are linked to a cloud storage.
pub async fn linked_to(connection: &mut Connection, storage: CloudStorageId) -> Result<Vec<Task>> {
    Ok(tasks::table
        .filter(tasks::source_storage_id.eq(storage).or(tasks::target_storage_id.eq(storage)))
        .order_by(tasks::id)
        .select(Task::as_select())
        .load(connection)
        .await?)
}

/// Cuts the links of tasks to a cloud storage, whose workspace must be held alone.
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
