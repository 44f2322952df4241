//! Changes the name or description of a cloud storage. Provider and resource never change.

use crate::auth::Actor;
use crate::domain::validation::{Patch, Validator};
use crate::domain::{CloudStorageId, Result, text};
use crate::events::record;
use crate::operations::AppContext;
use crate::operations::access::resources::LockedStorage;
use crate::operations::access::workspace::LockMode;
use crate::operations::idempotency::Idempotency;
use crate::operations::resources::events::storage_updated;
use crate::policy::Action;
use crate::store::cloud_storages::{self, CloudStorage};

/// The changes of a cloud storage.
pub struct Input {
    /// ID of the cloud storage.
    pub cloud_storage_id: String,
    /// Name shown to people; cannot be cleared.
    pub display_name: Patch<String>,
    /// Description.
    pub description: Patch<String>,
}

/// Changes the cloud storage.
pub async fn update_cloud_storage(
    env: &AppContext,
    actor: &Actor,
    input: Input,
    retry: &Idempotency,
) -> Result<CloudStorageId> {
    let mut check = Validator::default();
    let (Some(id), Some(display_name), Some(description)) = (
        check.id("cloudStorageId", &input.cloud_storage_id),
        check.change("displayName", input.display_name, |raw| text::required(&raw, 64)),
        check.field("description", input.description.try_map(|raw| text::optional_lines(Some(&raw), 4096))),
    ) else {
        return Err(check.refuse());
    };
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let held = LockedStorage::lock(tx, actor, id, LockMode::Shared)
            .await
            .map_err(|error| error.not_found_at("cloudStorageId"))?;
        held.require(Action::CloudStorageManage)?;
        let before = held.storage;
        let after = CloudStorage {
            display_name: display_name.unwrap_or_else(|| before.display_name.clone()),
            description: description.apply(before.description.clone()),
            ..before.clone()
        };
        if let Some(event) = storage_updated(Some(held.locked.actor.id), &before, &after) {
            tx.queue(cloud_storages::update(&after));
            record::record(tx, now, vec![event]).await?;
        }
        Ok(id)
    })
    .await
}
