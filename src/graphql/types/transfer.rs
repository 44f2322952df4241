//! What a transfer would do, before anybody confirms it.

use async_graphql::{Context, Object};

use super::cloud_storage::CloudStorage;
use super::resource::Resource;
use super::user::User;
use super::user_error::UserError;
use super::workspace::Workspace;
use crate::domain::{Error, InternalError};
use crate::graphql::Result;
use crate::operations::transfers::plan::{Item, Match, PlannedTransfer};

/// What a transfer would do, resource by resource, before anybody confirms it.
pub struct TransferPlan(pub PlannedTransfer);

/// What a transfer would do, resource by resource, before anybody confirms it.
#[Object]
impl TransferPlan {
    /// Where the resources would go.
    async fn destination(&self, ctx: &Context<'_>) -> Result<Workspace> {
        let destination = Workspace::open(ctx, self.0.destination).await?;
        Ok(destination
            .ok_or_else(|| Error::from(InternalError::passing("the destination of a visible plan is not there")))?)
    }

    /// At most 100: one for each resource asked for, in the same order.
    async fn items(&self) -> Vec<TransferItem<'_>> {
        self.0.items.iter().map(TransferItem).collect()
    }

    /// True if every item can move: no item has problems.
    async fn possible(&self) -> bool {
        self.0.items.iter().all(|item| item.problems.is_empty())
    }
}

/// What a transfer would do to one resource.
pub struct TransferItem<'a>(&'a Item);

/// What a transfer would do to one resource.
#[Object]
impl TransferItem<'_> {
    /// The project or task that would move.
    async fn resource(&self, ctx: &Context<'_>) -> Result<Resource> {
        let resource = Resource::open(ctx, self.0.resource).await?;
        Ok(resource.ok_or_else(|| Error::from(InternalError::passing("a resource of a visible plan is not there")))?)
    }

    /// How many tasks would move: those of a project, or 1 for a task.
    async fn task_count(&self) -> i32 {
        i32::try_from(self.0.task_count).unwrap_or(i32::MAX)
    }

    /// How many jobs would move.
    async fn job_count(&self) -> i32 {
        i32::try_from(self.0.job_count).unwrap_or(i32::MAX)
    }

    /// People who would lose an assignment, each once. At most one for each member of the workspace that it leaves.
    async fn unassigned(&self, ctx: &Context<'_>) -> Result<Vec<User>> {
        let people = self.0.unassigned.iter().map(|id| User::named(ctx, *id));
        Ok(futures_util::future::try_join_all(people).await?.into_iter().flatten().collect())
    }

    /// What would happen to its links to cloud storages, those of its tasks included. At most one for each storage of the
    /// workspace that it leaves.
    async fn storages(&self) -> Vec<StorageMatch<'_>> {
        self.0.storages.iter().map(StorageMatch).collect()
    }

    /// Why it cannot move. Empty if it can. `path` points into the arguments of `Query.transferPlan`.
    async fn problems(&self) -> Vec<UserError> {
        self.0.problems.iter().cloned().map(Into::into).collect()
    }
}

/// What would become of the links to one cloud storage.
pub struct StorageMatch<'a>(&'a Match);

/// What would become of the links to one cloud storage.
#[Object]
impl StorageMatch<'_> {
    /// The storage linked now. Null, without an error, if the viewer may not see it.
    async fn current(&self, ctx: &Context<'_>) -> Option<Result<CloudStorage>> {
        CloudStorage::open(ctx, self.0.current).await.transpose()
    }

    /// The storage that would be linked instead. Null if the links would be cut, or if there is no one match.
    async fn replacement(&self, ctx: &Context<'_>) -> Option<Result<CloudStorage>> {
        CloudStorage::open(ctx, self.0.replacement?).await.transpose()
    }
}
