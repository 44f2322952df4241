//! Mutations of cloud storages.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::mutation::organizations::patch;
use crate::graphql::mutation::payload::{payload, run_mutation};
use crate::graphql::types::cloud_storage::{CloudProvider, CloudStorage};
use crate::graphql::types::user_error::UserError;
use crate::operations::cloud_storages::{create, update};

/// The mutations of cloud storages.
#[derive(Default)]
pub struct StorageMutations;

/// The mutations of cloud storages.
#[Object]
impl StorageMutations {
    /// Connects a cloud storage. The viewer becomes its owner. Needs MANAGE_CLOUD_STORAGES.
    async fn create_cloud_storage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: CreateCloudStorageInput,
    ) -> Result<CreateCloudStoragePayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = create::Input {
                workspace_id: input.workspace_id.0,
                display_name: input.display_name,
                provider: input.provider.into(),
                resource: input.resource,
                description: input.description,
            };
            let actor = ctx.request().actor()?;
            let created = create::create_cloud_storage(ctx.env(), actor, input, &retry).await?;
            let cloud_storage = CloudStorage::open(ctx, created).await?;
            Ok(CreateCloudStoragePayload { cloud_storage, ..Default::default() })
        })
        .await
    }

    /// Changes the name or the description of a cloud storage. Needs MANAGE_CLOUD_STORAGES.
    async fn update_cloud_storage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: UpdateCloudStorageInput,
    ) -> Result<UpdateCloudStoragePayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = update::Input {
                cloud_storage_id: input.cloud_storage_id.0,
                display_name: patch(input.display_name),
                description: patch(input.description),
            };
            let actor = ctx.request().actor()?;
            let updated = update::update_cloud_storage(ctx.env(), actor, input, &retry).await?;
            let cloud_storage = CloudStorage::open(ctx, updated).await?;
            Ok(UpdateCloudStoragePayload { cloud_storage, ..Default::default() })
        })
        .await
    }
}

/// Input of `createCloudStorage`.
#[derive(InputObject)]
pub struct CreateCloudStorageInput {
    /// ID of the workspace in which to create it.
    pub workspace_id: ID,
    /// Display name, 1 to 64 characters.
    pub display_name: String,
    /// Provider of the storage.
    pub provider: CloudProvider,
    /// Name of the bucket or container, 1 to 256 characters.
    pub resource: String,
    /// Purpose of the storage, at most 4,096 characters.
    pub description: Option<String>,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `createCloudStorage`.
#[derive(Default, SimpleObject)]
pub struct CreateCloudStoragePayload {
    /// The new cloud storage. Null on failure.
    pub cloud_storage: Option<CloudStorage>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(CreateCloudStoragePayload);

/// Input of `updateCloudStorage`.
#[derive(InputObject)]
pub struct UpdateCloudStorageInput {
    /// ID of the cloud storage.
    pub cloud_storage_id: ID,
    /// New name, 1 to 64 characters. Cannot be cleared.
    pub display_name: MaybeUndefined<String>,
    /// New description, at most 4,096 characters. Null clears it.
    pub description: MaybeUndefined<String>,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `updateCloudStorage`.
#[derive(Default, SimpleObject)]
pub struct UpdateCloudStoragePayload {
    /// The changed cloud storage. Null on failure.
    pub cloud_storage: Option<CloudStorage>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(UpdateCloudStoragePayload);
