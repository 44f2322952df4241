//! Changes name or description of a cloud storage. Where it points to never changes.

use crate::auth::Actor;
use crate::domain::validation::{Check, Patch};
use crate::domain::{CloudStorageId, Result, text};
use crate::events::record;
use crate::operations::Env;
use crate::operations::access::resources::HeldStorage;
use crate::operations::access::workspace::Hold;
use crate::operations::idempotency::Retry;
use crate::operations::resources::events::storage_updated;
use crate::policy::Action;
use crate::store::cloud_storages::{self, CloudStorage};

/// What to change.
pub struct Input {
    /// Which cloud storage.
    pub cloud_storage_id: String,
    /// Name shown to people; cannot be cleared.
    pub display_name: Patch<String>,
    /// What it is for.
    pub description: Patch<String>,
}

/// Changes it.
pub async fn update_cloud_storage(env: &Env, actor: &Actor, input: Input, retry: &Retry) -> Result<CloudStorageId> {
    let mut check = Check::default();
    let (Some(id), Some(display_name), Some(description)) = (
        check.id("cloudStorageId", &input.cloud_storage_id),
        check.change("displayName", input.display_name, |raw| text::required(&raw, 64)),
        check.field("description", input.description.try_map(|raw| text::optional_lines(Some(&raw), 4096))),
    ) else {
        return Err(check.refuse());
    };
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let held =
            HeldStorage::lock(tx, actor, id, Hold::Shared).await.map_err(|error| error.missing_at("cloudStorageId"))?;
        held.require(Action::CloudStorageManage)?;
        let before = held.storage;
        let after = CloudStorage {
            display_name: display_name.unwrap_or_else(|| before.display_name.clone()),
            description: description.apply(before.description.clone()),
            ..before.clone()
        };
        if let Some(event) = storage_updated(Some(held.ground.actor.id), &before, &after) {
            tx.queue(cloud_storages::update(&after));
            record::record(tx, now, vec![event]).await?;
        }
        Ok(id)
    })
    .await
}
