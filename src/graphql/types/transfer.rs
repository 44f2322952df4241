//! Plans of transfers: the effects that a transfer would have.

use async_graphql::{Context, Enum, Object};

use super::cloud_storage::CloudStorage;
use super::resource::Resource;
use super::user::User;
use super::user_error::UserError;
use super::workspace::Workspace;
use crate::domain::{Error, InternalError};
use crate::graphql::Result;
use crate::operations::transfers::plan::{Item, Match, PlannedTransfer};

/// Handling of links to cloud storages when resources move to another workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::cloud_storage::StorageHandling")]
pub enum StorageHandling {
    /// Remove the links.
    Detach,
    /// Replace each link by a link to the only storage of the destination that the viewer may see and that has the same
    /// provider and resource. The transfer is refused if there is none (STORAGE_MATCH_NOT_FOUND) or several
    /// (STORAGE_MATCH_AMBIGUOUS).
    AutoMatch,
}

/// The effects of a transfer on each resource, before it is confirmed.
pub struct TransferPlan(pub PlannedTransfer);

/// The effects of a transfer on each resource, before it is confirmed.
#[Object]
impl TransferPlan {
    /// The workspace to which the resources would move.
    async fn destination(&self, ctx: &Context<'_>) -> Result<Workspace> {
        let destination = Workspace::open(ctx, self.0.destination).await?;
        Ok(destination
            .ok_or_else(|| Error::from(InternalError::transient("destination of a transfer plan not found")))?)
    }

    /// At most 100 items: one for each requested resource, in the same order.
    async fn items(&self) -> Vec<TransferItem<'_>> {
        self.0.items.iter().map(TransferItem).collect()
    }

    /// True if every item can move: no item has problems.
    async fn possible(&self) -> bool {
        self.0.items.iter().all(|item| item.problems.is_empty())
    }
}

/// The effects of a transfer on one resource.
pub struct TransferItem<'a>(&'a Item);

/// The effects of a transfer on one resource.
#[Object]
impl TransferItem<'_> {
    /// The project or task that would move.
    async fn resource(&self, ctx: &Context<'_>) -> Result<Resource> {
        let resource = Resource::open(ctx, self.0.resource).await?;
        Ok(resource.ok_or_else(|| Error::from(InternalError::transient("resource of a transfer plan not found")))?)
    }

    /// Number of tasks that would move: those of a project, or 1 for a task.
    async fn task_count(&self) -> i32 {
        i32::try_from(self.0.task_count).unwrap_or(i32::MAX)
    }

    /// Number of jobs that would move.
    async fn job_count(&self) -> i32 {
        i32::try_from(self.0.job_count).unwrap_or(i32::MAX)
    }

    /// Users who would lose an assignment, each listed once. At most one entry for each member of the workspace that
    /// the resource leaves.
    async fn unassigned(&self, ctx: &Context<'_>) -> Result<Vec<User>> {
        let users = self.0.unassigned.iter().map(|id| User::named(ctx, *id));
        Ok(futures_util::future::try_join_all(users).await?.into_iter().flatten().collect())
    }

    /// The effects on its links to cloud storages, those of its tasks included. At most one entry for each storage of
    /// the workspace that the resource leaves.
    async fn storages(&self) -> Vec<StorageMatch<'_>> {
        self.0.storages.iter().map(StorageMatch).collect()
    }

    /// Reasons why the resource cannot move. Empty if it can move. `path` points into the arguments of
    /// `Query.transferPlan`.
    async fn problems(&self) -> Vec<UserError> {
        self.0.problems.iter().cloned().map(Into::into).collect()
    }
}

/// The effects of a transfer on the links to one cloud storage.
pub struct StorageMatch<'a>(&'a Match);

/// The effects of a transfer on the links to one cloud storage.
#[Object]
impl StorageMatch<'_> {
    /// The presently linked storage. Null, without an error, if the viewer may not see it.
    async fn current(&self, ctx: &Context<'_>) -> Option<Result<CloudStorage>> {
        CloudStorage::open(ctx, self.0.current).await.transpose()
    }

    /// The storage that would be linked instead. Null if the links would be removed, or if there is no single match.
    async fn replacement(&self, ctx: &Context<'_>) -> Option<Result<CloudStorage>> {
        CloudStorage::open(ctx, self.0.replacement?).await.transpose()
    }
}
