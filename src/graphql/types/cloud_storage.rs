//! Cloud storages: buckets and containers that projects and tasks read from and write to.

use async_graphql::{Context, Enum, ID, Object};

use super::permission::Permission;
use super::resource::{self, ResourceAccess};
use super::user::User;
use super::workspace::Workspace;
use crate::domain::{CloudStorageId, WorkspaceId};
use crate::graphql::Result;
use crate::graphql::connection::{PageArgs, connection};
use crate::graphql::context::ContextExt;
use crate::graphql::fast_list::SyncFields;
use crate::graphql::resource_list::{ResourceList, ResourceNode};
use crate::graphql::scalars::{DateTime, id};
use crate::policy::{AccessContext, Action};
use crate::store::cloud_storages;
use crate::store::resource_lists::Filter;

/// The actions on a cloud storage that `viewerPermissions` checks.
const CLOUD_STORAGE_ACTIONS: [Action; 2] = [Action::CloudStorageView, Action::CloudStorageManage];

/// A provider of cloud storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::cloud_storage::CloudProvider")]
pub enum CloudProvider {
    /// Amazon S3, or a service with the same API.
    #[graphql(name = "AWS_S3")]
    AwsS3,
    /// Azure Blob Storage.
    AzureBlob,
    /// Google Cloud Storage.
    GoogleCloudStorage,
}

/// A cloud storage that the viewer may see, with the viewer's access to it.
#[derive(Clone)]
pub struct CloudStorage {
    row: cloud_storages::CloudStorage,
    access: ResourceAccess,
}

impl CloudStorage {
    /// Loads a cloud storage by its ID; `None` unless the viewer may see it.
    pub async fn open(ctx: &Context<'_>, id: CloudStorageId) -> Result<Option<Self>> {
        let row = ctx.request().loader.load_one(id).await?;
        let workspace = Workspace::of_found(ctx, row.as_ref().map(|row| row.workspace())).await?;
        Ok(row.zip(workspace).and_then(|(row, workspace)| Self::if_visible(ctx, row, workspace.viewer_access())))
    }

    /// Loads the cloud storage that a resource of the same workspace links to; `None` unless the viewer, with access
    /// `viewer_access` to the workspace, may see it.
    pub async fn linked(
        ctx: &Context<'_>,
        id: Option<CloudStorageId>,
        viewer_access: AccessContext,
    ) -> Option<Result<Self>> {
        let row = ctx.request().loader.load_one(id?).await;
        row.map(|row| Self::if_visible(ctx, row?, viewer_access)).map_err(Into::into).transpose()
    }

    /// Wraps a row; `None` unless the viewer, with access `viewer_access` to its workspace, may see it.
    pub fn if_visible(
        ctx: &Context<'_>,
        row: cloud_storages::CloudStorage,
        viewer_access: AccessContext,
    ) -> Option<Self> {
        let access = ResourceAccess::of(ctx, viewer_access, Action::CloudStorageView, row.people(), &[])?;
        Some(Self { row, access })
    }
}

impl ResourceNode for CloudStorage {
    type Id = CloudStorageId;
    const ACTION: Action = Action::CloudStorageView;

    fn if_visible(ctx: &Context<'_>, row: cloud_storages::CloudStorage, viewer_access: AccessContext) -> Option<Self> {
        Self::if_visible(ctx, row, viewer_access)
    }
}

/// A bucket or container of a cloud provider that projects and tasks read from or write to. It never moves between
/// workspaces.
#[Object]
impl CloudStorage {
    /// Globally unique, stable and opaque ID: a prefix for the type and a UUIDv7, such as `org_01jd…`.
    pub async fn id(&self) -> ID {
        id(self.row.id)
    }

    /// The workspace to which it belongs.
    async fn workspace(&self, ctx: &Context<'_>) -> Result<Workspace> {
        Workspace::of(ctx, self.row.workspace()).await
    }

    /// Display name, 1 to 64 characters.
    async fn display_name(&self) -> &str {
        &self.row.display_name
    }

    /// Provider of the storage.
    async fn provider(&self) -> CloudProvider {
        self.row.provider.into()
    }

    /// Name of the bucket or container, at most 256 characters.
    async fn resource(&self) -> &str {
        &self.row.resource
    }

    /// Purpose of the storage, at most 4,096 characters. Null if none was given.
    async fn description(&self) -> Option<&str> {
        self.row.description.as_deref()
    }

    /// The user who connected it. After that user has left, the owner of the organization.
    async fn owner(&self, ctx: &Context<'_>) -> Result<User> {
        resource::owner(ctx, self.row.owner_id).await
    }

    /// Time of connection.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// The viewer's present permissions on this storage.
    async fn viewer_permissions(&self) -> Vec<Permission> {
        self.access.permissions(&CLOUD_STORAGE_ACTIONS)
    }
}

impl SyncFields for CloudStorage {}

connection!(
    CloudStorage,
    CloudStorageConnection: "A page of a list of cloud storages.",
    CloudStorageEdge: "One entry of a list of cloud storages."
);

impl CloudStorageConnection {
    /// Loads a page of the cloud storages of a workspace to which the viewer has access `viewer_access`.
    pub async fn of_workspace(
        ctx: &Context<'_>,
        (workspace, viewer_access): (WorkspaceId, AccessContext),
        args: PageArgs,
    ) -> Result<Self> {
        let listing = ResourceList::of_workspace::<CloudStorage>(ctx, workspace, viewer_access, Filter::default())?;
        listing.page(ctx, args).await.map(Self)
    }
}
