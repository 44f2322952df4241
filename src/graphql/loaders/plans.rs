//! Plans of workspaces, and the usage that counts toward their limits.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use uuid::Uuid;

use super::{DbLoader, Loaded, fault};
use crate::domain::plan::Plan;
use crate::domain::{InternalError, OrganizationId, WorkspaceId};
use crate::store::plans;
use crate::store::usage::{self, Usage};

/// Key of a workspace's plan. Absent: the plan is FREE.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PlanOf(pub WorkspaceId);

impl Loader<PlanOf> for DbLoader {
    type Value = Plan;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[PlanOf]) -> Loaded<PlanOf, Plan> {
        let ids: Vec<Uuid> = asked.iter().map(|asked| asked.0.uuid()).collect();
        let found = plans::find_many(&mut *self.connection().await?, &ids, self.now).await.map_err(fault)?;
        Ok(found.into_iter().map(|(workspace, plan)| (PlanOf(workspace), plan)).collect())
    }
}

/// Key of the usage that counts toward the limits of a workspace.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UsageOf(pub WorkspaceId);

impl Loader<UsageOf> for DbLoader {
    type Value = Usage;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[UsageOf]) -> Loaded<UsageOf, Usage> {
        let ids: Vec<Uuid> = asked.iter().map(|asked| asked.0.uuid()).collect();
        let found = usage::of_many(&mut *self.connection().await?, &ids, self.now).await.map_err(fault)?;
        let found: HashMap<Uuid, Usage> = found.into_iter().map(|usage| (usage.workspace_id, usage)).collect();
        Ok(asked.iter().filter_map(|key| Some((key.clone(), *found.get(&key.0.uuid())?))).collect())
    }
}

/// Key of the number of seats that pending invitations to an organization hold. Absent: no seats.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ReservedSeats(pub OrganizationId);

impl Loader<ReservedSeats> for DbLoader {
    type Value = i64;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[ReservedSeats]) -> Loaded<ReservedSeats, i64> {
        let ids: Vec<OrganizationId> = asked.iter().map(|asked| asked.0).collect();
        let connection = &mut *self.connection().await?;
        let found = usage::pending_invitations_of(connection, &ids, self.now).await.map_err(fault)?;
        Ok(found.into_iter().map(|(id, count)| (ReservedSeats(id), count)).collect())
    }
}
