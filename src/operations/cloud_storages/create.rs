//! Connects a cloud storage that the caller owns.

use crate::auth::Actor;
use crate::domain::cloud_storage::CloudProvider;
use crate::domain::event::EventType;
use crate::domain::limit::LimitKind;
use crate::domain::validation::Validator;
use crate::domain::{CloudStorageId, Result, ids, text};
use crate::events::record;
use crate::operations::AppContext;
use crate::operations::access::resources::lock_to_create;
use crate::operations::idempotency::Idempotency;
use crate::operations::plans::quota::check_quota;
use crate::operations::resources::events::of_storage;
use crate::policy::{Action, Target};
use crate::store::cloud_storages::{self, CloudStorage};

/// The cloud storage to connect.
pub struct Input {
    /// ID of the storage's workspace.
    pub workspace_id: String,
    /// Name shown to people.
    pub display_name: String,
    /// The cloud provider.
    pub provider: CloudProvider,
    /// Name of the bucket or container.
    pub resource: String,
    /// Description.
    pub description: Option<String>,
}

/// Connects the cloud storage.
pub async fn create_cloud_storage(
    env: &AppContext,
    actor: &Actor,
    input: Input,
    retry: &Idempotency,
) -> Result<CloudStorageId> {
    let mut check = Validator::default();
    let (Some(workspace), Some(display_name), Some(resource), Some(description)) = (
        check.workspace("workspaceId", &input.workspace_id),
        check.field("displayName", text::required(&input.display_name, 64)),
        check.field("resource", text::required(&input.resource, 256)),
        check.field("description", text::optional_lines(input.description.as_deref(), 4096)),
    ) else {
        return Err(check.refuse());
    };
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let locked = lock_to_create(tx, actor, workspace).await.map_err(|error| error.not_found_at("workspaceId"))?;
        locked.require(Action::CloudStorageCreate, &Target::default(), "workspace")?;
        check_quota(env, tx, workspace, LimitKind::CloudStorages, 1, now).await?;
        locked.lock_actor(tx).await?;

        let storage = CloudStorage {
            id: ids::new_id(now),
            workspace_id: workspace.uuid(),
            organization_id: workspace.organization(),
            owner_id: locked.actor.id,
            display_name,
            provider: input.provider,
            resource,
            description,
            created_at: now,
        };
        tx.queue(cloud_storages::insert(&storage));
        let event = of_storage(EventType::CloudStorageCreated, Some(locked.actor.id), &storage);
        record::record(tx, now, vec![event]).await?;
        Ok(storage.id)
    })
    .await
}
