//! Table of projects: groups of tasks.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::projects;
use super::{Connection, Write};
use crate::domain::clock::Instant;
use crate::domain::resource::Participants;
use crate::domain::text_keys;
use crate::domain::{CloudStorageId, OrganizationId, ProjectId, Result, UserId, WorkspaceId};

/// Project.
#[derive(Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = projects, check_for_backend(Pg))]
pub struct Project {
    /// ID of the project.
    pub id: ProjectId,
    /// Workspace of the project.
    pub workspace_id: Uuid,
    /// Organization of the project; `None` in a personal workspace.
    pub organization_id: Option<OrganizationId>,
    /// User who created it or moved it here, or the owner of the organization after that user has left.
    pub owner_id: UserId,
    /// Assignee; `None` if it is not assigned.
    pub assignee_id: Option<UserId>,
    /// Name of the project.
    pub name: String,
    /// Description.
    pub description: Option<String>,
    /// Cloud storage that data is read from.
    pub source_storage_id: Option<CloudStorageId>,
    /// Cloud storage that results are written to.
    pub target_storage_id: Option<CloudStorageId>,
    /// Time of creation.
    pub created_at: Instant,
    /// Time of the last change of its own fields.
    pub updated_at: Instant,
}

impl Project {
    /// Returns the workspace of the project.
    pub fn workspace(&self) -> WorkspaceId {
        WorkspaceId::of_row(self.workspace_id, self.organization_id)
    }

    /// Returns the users whom the row names: owner and assignee.
    pub fn people(&self) -> Participants {
        Participants { owner: Some(self.owner_id), assignee: self.assignee_id }
    }
}

/// Owner and assignee of a project, on which access to its tasks and jobs depends.
#[derive(Clone, Copy, Queryable, Selectable)]
#[diesel(table_name = projects, check_for_backend(Pg))]
pub struct ProjectPeople {
    /// Owner of the project.
    pub owner_id: UserId,
    /// Assignee of the project; `None` if it is not assigned.
    pub assignee_id: Option<UserId>,
}

impl From<ProjectPeople> for Participants {
    fn from(people: ProjectPeople) -> Self {
        Self { owner: Some(people.owner_id), assignee: people.assignee_id }
    }
}

/// Returns the projects with these IDs, in no order.
pub async fn find_many(mut connection: &Connection, ids: &[ProjectId]) -> Result<Vec<Project>> {
    Ok(projects::table.filter(projects::id.eq_any(ids)).select(Project::as_select()).load(&mut connection).await?)
}

/// Returns the project with an ID.
pub async fn find(connection: &mut Connection, id: ProjectId) -> Result<Option<Project>> {
    Ok(projects::table.find(id).select(Project::as_select()).first(connection).await.optional()?)
}

/// Locks a project and returns its row as of the lock. The workspace must be locked before.
pub async fn lock(tx: &mut Connection, id: ProjectId) -> Result<Option<Project>> {
    Ok(projects::table.find(id).select(Project::as_select()).for_no_key_update().first(tx).await.optional()?)
}

/// Locks a project in share mode and returns its row as of the lock. The workspace must be locked before.
pub async fn share(tx: &mut Connection, id: ProjectId) -> Result<Option<Project>> {
    Ok(projects::table.find(id).select(Project::as_select()).for_share().first(tx).await.optional()?)
}

/// Inserts a project. The workspace must be locked exclusively, because of the limits.
pub fn insert(project: &Project) -> Write {
    let key = projects::name_key.eq(text_keys::stored(&project.name));
    let row = (project.clone(), key, projects::user_id.eq(project.workspace().user()));
    Write::of(diesel::insert_into(projects::table).values(row))
}

/// Updates the own fields of a project, which must be locked. The workspace is not changed.
pub fn update(project: &Project) -> Write {
    Write::of(diesel::update(projects::table.find(project.id)).set((
        projects::owner_id.eq(project.owner_id),
        projects::assignee_id.eq(project.assignee_id),
        projects::name.eq(project.name.clone()),
        projects::name_key.eq(text_keys::stored(&project.name)),
        projects::description.eq(project.description.clone()),
        projects::source_storage_id.eq(project.source_storage_id),
        projects::target_storage_id.eq(project.target_storage_id),
        projects::updated_at.eq(project.updated_at),
    )))
}

/// Deletes a project with its tasks and their jobs.
pub fn delete(id: ProjectId) -> Write {
    Write::of(diesel::delete(projects::table.find(id)))
}

/// Returns the projects of an organization whose owner or assignee is a user.
pub async fn naming(connection: &mut Connection, organization: OrganizationId, user: UserId) -> Result<Vec<Project>> {
    Ok(projects::table
        .filter(projects::organization_id.eq(organization))
        .filter(projects::owner_id.eq(user).or(projects::assignee_id.eq(user)))
        .order_by(projects::id)
        .select(Project::as_select())
        .load(connection)
        .await?)
}

/// Unassigns a user's projects in an organization, and transfers the projects that the user owns to `heir`. The
/// organization must be locked exclusively.
pub fn hand_over(organization: OrganizationId, (user, heir): (UserId, UserId), now: Instant) -> Write {
    let within = projects::organization_id.eq(organization);
    Write::of(
        diesel::update(projects::table.filter(within.and(projects::assignee_id.eq(user))))
            .set((projects::assignee_id.eq(None::<UserId>), projects::updated_at.eq(now))),
    )
    .and(Write::of(
        diesel::update(projects::table.filter(within.and(projects::owner_id.eq(user))))
            .set((projects::owner_id.eq(heir), projects::updated_at.eq(now))),
    ))
}

/// Returns the projects that are linked to a cloud storage.
pub async fn linked_to(connection: &mut Connection, storage: CloudStorageId) -> Result<Vec<Project>> {
    Ok(projects::table
        .filter(projects::source_storage_id.eq(storage).or(projects::target_storage_id.eq(storage)))
        .order_by(projects::id)
        .select(Project::as_select())
        .load(connection)
        .await?)
}

/// Removes the links of projects to a cloud storage, whose workspace must be locked exclusively.
pub fn unlink(storage: CloudStorageId, now: Instant) -> Write {
    let none = None::<CloudStorageId>;
    Write::of(
        diesel::update(projects::table.filter(projects::source_storage_id.eq(storage)))
            .set((projects::source_storage_id.eq(none), projects::updated_at.eq(now))),
    )
    .and(Write::of(
        diesel::update(projects::table.filter(projects::target_storage_id.eq(storage)))
            .set((projects::target_storage_id.eq(none), projects::updated_at.eq(now))),
    ))
}
