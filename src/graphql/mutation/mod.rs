//! What can be changed: one resolver a mutation, which calls one operation and shows what came of it.

pub mod accounts;
pub mod invitations;
pub mod members;
pub mod organizations;
pub mod ownership;
mod payload;
pub mod plans;
mod retry;
pub mod transfers;
pub mod workspaces;

use async_graphql::MergedObject;

use self::accounts::AccountMutations;
use self::invitations::InvitationMutations;
use self::members::MemberMutations;
use self::organizations::OrganizationMutations;
use self::ownership::OwnershipMutations;
use self::plans::PlanMutations;
use self::transfers::TransferMutations;
use self::workspaces::WorkspaceMutations;

/// What can be changed. Every mutation takes one `input` and gives one payload. A mutation happens as a whole or not at all,
/// `inviteMembers` with SKIP excepted.
#[derive(Default, MergedObject)]
pub struct Mutation(
    AccountMutations,
    WorkspaceMutations,
    OrganizationMutations,
    OwnershipMutations,
    MemberMutations,
    InvitationMutations,
    PlanMutations,
    TransferMutations,
);
