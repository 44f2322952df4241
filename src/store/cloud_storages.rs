//! Cloud storages: buckets and containers that projects and tasks read from and write to.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Connection;
use super::schema::cloud_storages;
use crate::domain::clock::Instant;
use crate::domain::resource::{CloudProvider, People};
use crate::domain::{CloudStorageId, OrganizationId, Result, UserId, WorkspaceId};

/// A cloud storage.
#[derive(Clone, Queryable, Selectable)]
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
    pub fn people(&self) -> People {
        People { owner: Some(self.owner_id), assignee: None }
    }
}

/// The cloud storages with those IDs, in no order.
pub async fn find_many(connection: &mut Connection, ids: &[CloudStorageId]) -> Result<Vec<CloudStorage>> {
    Ok(cloud_storages::table
        .filter(cloud_storages::id.eq_any(ids))
        .select(CloudStorage::as_select())
        .load(connection)
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
