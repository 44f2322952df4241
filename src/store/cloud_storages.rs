//! Table of cloud storages: buckets and containers from which projects and tasks read and to which they write.

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

/// Cloud storage.
#[derive(Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = cloud_storages, check_for_backend(Pg))]
pub struct CloudStorage {
    /// ID of the cloud storage.
    pub id: CloudStorageId,
    /// Workspace of the cloud storage.
    pub workspace_id: Uuid,
    /// Organization of the cloud storage; `None` in a personal workspace.
    pub organization_id: Option<OrganizationId>,
    /// User who connected it, or the owner of the organization after that user has left.
    pub owner_id: UserId,
    /// Name shown to users.
    pub display_name: String,
    /// Cloud provider.
    pub provider: CloudProvider,
    /// Name of the bucket or container.
    pub resource: String,
    /// Description of its purpose.
    pub description: Option<String>,
    /// Time at which it was connected.
    pub created_at: Instant,
}

impl CloudStorage {
    /// Returns the workspace of the cloud storage.
    pub fn workspace(&self) -> WorkspaceId {
        WorkspaceId::of_row(self.workspace_id, self.organization_id)
    }

    /// Returns the users whom the row names: the owner.
    pub fn people(&self) -> Participants {
        Participants { owner: Some(self.owner_id), assignee: None }
    }
}

/// Returns the cloud storages with these IDs, in no order.
pub async fn find_many(mut connection: &Connection, ids: &[CloudStorageId]) -> Result<Vec<CloudStorage>> {
    Ok(cloud_storages::table
        .filter(cloud_storages::id.eq_any(ids))
        .select(CloudStorage::as_select())
        .load(&mut connection)
        .await?)
}

/// Returns the cloud storage with an ID.
pub async fn find(connection: &mut Connection, id: CloudStorageId) -> Result<Option<CloudStorage>> {
    Ok(cloud_storages::table.find(id).select(CloudStorage::as_select()).first(connection).await.optional()?)
}

/// Locks a cloud storage and returns its row as of the lock. The workspace must be locked before.
pub async fn lock(tx: &mut Connection, id: CloudStorageId) -> Result<Option<CloudStorage>> {
    let found = cloud_storages::table.find(id).select(CloudStorage::as_select());
    Ok(found.for_no_key_update().first(tx).await.optional()?)
}

/// Inserts a cloud storage. The workspace must be locked exclusively, because of the limits.
pub fn insert(storage: &CloudStorage) -> Write {
    let row = (storage.clone(), cloud_storages::user_id.eq(storage.workspace().user()));
    Write::of(diesel::insert_into(cloud_storages::table).values(row))
}

/// Updates the changeable fields of a cloud storage, which must be locked.
pub fn update(storage: &CloudStorage) -> Write {
    Write::of(diesel::update(cloud_storages::table.find(storage.id)).set((
        cloud_storages::owner_id.eq(storage.owner_id),
        cloud_storages::display_name.eq(storage.display_name.clone()),
        cloud_storages::description.eq(storage.description.clone()),
    )))
}

/// Deletes a cloud storage. Links to it must be removed before.
pub fn delete(id: CloudStorageId) -> Write {
    Write::of(diesel::delete(cloud_storages::table.find(id)))
}

/// Returns the cloud storages of an organization that a user owns.
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

/// Transfers a user's cloud storages in an organization to `heir`. The organization must be locked exclusively.
pub fn hand_over(organization: OrganizationId, (user, heir): (UserId, UserId)) -> Write {
    let owned = cloud_storages::organization_id.eq(organization).and(cloud_storages::owner_id.eq(user));
    Write::of(diesel::update(cloud_storages::table.filter(owned)).set(cloud_storages::owner_id.eq(heir)))
}
