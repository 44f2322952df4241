//! Cloud storages: buckets and containers that projects and tasks read from and write to.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::cloud_storages;
use super::{Connection, Write};
use crate::domain::clock::Instant;
use crate::domain::cloud_storage::CloudProvider;
use crate::domain::resource::Participants;
use crate::domain::{CloudStorageId, OrganizationId, Result, UserId, WorkspaceId};

/// A cloud storage.
#[derive(Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = cloud_storages, check_for_backend(Pg))]
pub struct CloudStorage {
    /// Its ID.
    pub id: CloudStorageId,
    /// The workspace it belongs to.
    pub workspace_id: Uuid,
    /// The organization it belongs to.
    pub organization_id: Option<OrganizationId>,
    /// Who connected it, or the owner of the organization once that person has left.
    pub owner_id: UserId,
    /// Name shown to people.
    pub display_name: String,
    /// Whose cloud it is.
    pub provider: CloudProvider,
    /// Name of the bucket or container.
    pub resource: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it was connected.
    pub created_at: Instant,
}

impl CloudStorage {
    /// The workspace it belongs to.
    pub fn workspace(&self) -> WorkspaceId {
        WorkspaceId::of_row(self.workspace_id, self.organization_id)
    }

    /// The people whom it names.
    pub fn people(&self) -> Participants {
        Participants { owner: Some(self.owner_id), assignee: None }
    }
}

/// The cloud storages with those IDs, in no order.
pub async fn find_many(mut connection: &Connection, ids: &[CloudStorageId]) -> Result<Vec<CloudStorage>> {
    Ok(cloud_storages::table
        .filter(cloud_storages::id.eq_any(ids))
        .select(CloudStorage::as_select())
        .load(&mut connection)
        .await?)
}

/// The cloud storage with that ID.
pub async fn find(connection: &mut Connection, id: CloudStorageId) -> Result<Option<CloudStorage>> {
    Ok(cloud_storages::table.find(id).select(CloudStorage::as_select()).first(connection).await.optional()?)
}

/// Locks a cloud storage, and returns it as it is then. Its workspace must be held before.
pub async fn lock(tx: &mut Connection, id: CloudStorageId) -> Result<Option<CloudStorage>> {
    let found = cloud_storages::table.find(id).select(CloudStorage::as_select());
    Ok(found.for_no_key_update().first(tx).await.optional()?)
}

/// Writes a new cloud storage. Its workspace must be held alone, for the sake of the limits.
pub fn insert(storage: &CloudStorage) -> Write {
    let row = (storage.clone(), cloud_storages::user_id.eq(storage.workspace().user()));
    Write::of(diesel::insert_into(cloud_storages::table).values(row))
}

/// Writes the fields of a cloud storage that can change. It must be locked.
pub fn update(storage: &CloudStorage) -> Write {
    Write::of(diesel::update(cloud_storages::table.find(storage.id)).set((
        cloud_storages::owner_id.eq(storage.owner_id),
        cloud_storages::display_name.eq(storage.display_name.clone()),
        cloud_storages::description.eq(storage.description.clone()),
    )))
}

/// Deletes a cloud storage. What was linked to it has to be unlinked before.
pub fn delete(id: CloudStorageId) -> Write {
    Write::of(diesel::delete(cloud_storages::table.find(id)))
}

/// The cloud storages of an organization that a user owns.
pub async fn owned_by(
    connection: &mut Connection,
    organization: OrganizationId,
    user: UserId,
) -> Result<Vec<CloudStorage>> {
    Ok(cloud_storages::table
        .filter(cloud_storages::organization_id.eq(organization).and(cloud_storages::owner_id.eq(user)))
        .order_by(cloud_storages::id)
        .select(CloudStorage::as_select())
        .load(connection)
        .await?)
}

/// Gives what a user owns in an organization to `heir`. The organization must be held alone.
pub fn hand_over(organization: OrganizationId, (user, heir): (UserId, UserId)) -> Write {
    let owned = cloud_storages::organization_id.eq(organization).and(cloud_storages::owner_id.eq(user));
    Write::of(diesel::update(cloud_storages::table.filter(owned)).set(cloud_storages::owner_id.eq(heir)))
}
