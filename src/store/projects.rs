//! Projects: sets of tasks that are managed together.

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

/// A project.
#[derive(Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = projects, check_for_backend(Pg))]
pub struct Project {
    /// Its ID.
    pub id: ProjectId,
    /// The workspace it belongs to.
    pub workspace_id: Uuid,
    /// The organization it belongs to.
    pub organization_id: Option<OrganizationId>,
    /// Who made it, or moved it here; the owner of the organization once that person has left.
    pub owner_id: UserId,
    /// Who is responsible for it.
    pub assignee_id: Option<UserId>,
    /// Name.
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// Storage that data are read from.
    pub source_storage_id: Option<CloudStorageId>,
    /// Storage that results are written to.
    pub target_storage_id: Option<CloudStorageId>,
    /// When it was created.
    pub created_at: Instant,
    /// When its own fields last changed.
    pub updated_at: Instant,
}

impl Project {
    /// The workspace it belongs to.
    pub fn workspace(&self) -> WorkspaceId {
        WorkspaceId::of_row(self.workspace_id, self.organization_id)
    }

    /// The people whom it names.
    pub fn people(&self) -> Participants {
        Participants { owner: Some(self.owner_id), assignee: self.assignee_id }
    }
}

/// The people whom a project names, for what is in it.
#[derive(Clone, Copy, Queryable, Selectable)]
#[diesel(table_name = projects, check_for_backend(Pg))]
pub struct ProjectPeople {
    /// Its owner.
    pub owner_id: UserId,
    /// Its assignee.
    pub assignee_id: Option<UserId>,
}

impl From<ProjectPeople> for Participants {
    fn from(people: ProjectPeople) -> Self {
        Self { owner: Some(people.owner_id), assignee: people.assignee_id }
    }
}

/// The projects with those IDs, in no order.
pub async fn find_many(mut connection: &Connection, ids: &[ProjectId]) -> Result<Vec<Project>> {
    Ok(projects::table.filter(projects::id.eq_any(ids)).select(Project::as_select()).load(&mut connection).await?)
}

/// The project with that ID.
pub async fn find(connection: &mut Connection, id: ProjectId) -> Result<Option<Project>> {
    Ok(projects::table.find(id).select(Project::as_select()).first(connection).await.optional()?)
}

/// Locks a project, and returns it as it is then. Its workspace must be held before.
pub async fn lock(tx: &mut Connection, id: ProjectId) -> Result<Option<Project>> {
    Ok(projects::table.find(id).select(Project::as_select()).for_no_key_update().first(tx).await.optional()?)
}

/// Holds a project as it is, together with others who do so. Its workspace must be held before.
pub async fn share(tx: &mut Connection, id: ProjectId) -> Result<Option<Project>> {
    Ok(projects::table.find(id).select(Project::as_select()).for_share().first(tx).await.optional()?)
}

/// Writes a new project. Its workspace must be held alone, for the sake of the limits.
pub fn insert(project: &Project) -> Write {
    let key = projects::name_key.eq(text_keys::stored(&project.name));
    let row = (project.clone(), key, projects::user_id.eq(project.workspace().user()));
    Write::of(diesel::insert_into(projects::table).values(row))
}

/// Writes the own fields of a project that is locked. It stays in its workspace.
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

/// The projects of an organization that name a user, as owner or assignee.
pub async fn naming(connection: &mut Connection, organization: OrganizationId, user: UserId) -> Result<Vec<Project>> {
    Ok(projects::table
        .filter(projects::organization_id.eq(organization))
        .filter(projects::owner_id.eq(user).or(projects::assignee_id.eq(user)))
        .order_by(projects::id)
        .select(Project::as_select())
        .load(connection)
        .await?)
}

/// Clears what is assigned to a user in an organization, and gives what they own in it to `heir`. The organization must be
/// held alone.
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

/// The projects that are linked to a cloud storage.
pub async fn linked_to(connection: &mut Connection, storage: CloudStorageId) -> Result<Vec<Project>> {
    Ok(projects::table
        .filter(projects::source_storage_id.eq(storage).or(projects::target_storage_id.eq(storage)))
        .order_by(projects::id)
        .select(Project::as_select())
        .load(connection)
        .await?)
}

/// Cuts the links of projects to a cloud storage, whose workspace must be held alone.
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
