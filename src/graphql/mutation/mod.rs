//! The mutations. Each resolver calls one operation and returns its result as a payload.

pub mod accounts;
pub mod cloud_storages;
mod idempotency;
mod input;
pub mod invitations;
pub mod memberships;
pub mod organizations;
pub mod ownership_offers;
mod payload;
pub mod plans;
pub mod projects;
pub mod resources;
pub mod sessions;
pub mod tasks;
pub mod transfers;
pub mod workspaces;

use async_graphql::MergedObject;

use self::accounts::AccountMutations;
use self::invitations::InvitationMutations;
use self::organizations::OrganizationMutations;
use self::plans::PlanMutations;
use self::projects::ProjectMutations;
use self::resources::ResourceMutations;
use self::sessions::SessionMutations;
use self::tasks::TaskMutations;
use self::transfers::TransferMutations;
use self::workspaces::WorkspaceMutations;
use crate::graphql::mutation::cloud_storages::StorageMutations;
use crate::graphql::mutation::memberships::MemberMutations;
use crate::graphql::mutation::ownership_offers::OwnershipMutations;

/// All mutations. Every mutation takes one `input` and returns one payload. A mutation is atomic, except
/// `inviteMembers` with SKIP.
#[derive(Default, MergedObject)]
pub struct Mutation(
    SessionMutations,
    AccountMutations,
    WorkspaceMutations,
    OrganizationMutations,
    OwnershipMutations,
    MemberMutations,
    InvitationMutations,
    ProjectMutations,
    ResourceMutations,
    TaskMutations,
    StorageMutations,
    PlanMutations,
    TransferMutations,
);
