//! The interface `Node`: whatever can be found again by its ID.

use async_graphql::{Context, ID, Interface};

use super::invitation::Invitation;
use super::membership::Membership;
use super::organization::Organization;
use super::ownership_offer::OwnershipOffer;
use super::user::User;
use crate::domain::ids::TypedId;
use crate::domain::{InvitationId, MembershipId, OrganizationId, OwnershipOfferId, UserId};
use crate::graphql::Result;

/// An object that `Query.node` can find again.
#[derive(Interface)]
#[graphql(field(
    name = "id",
    ty = "ID",
    desc = "Globally unique, stable and opaque: a prefix for the type and a UUIDv7, such as `org_01jd…`."
))]
pub enum Node {
    /// An account.
    User(User),
    /// An organization.
    Organization(Organization),
    /// A membership.
    Membership(Membership),
    /// An invitation.
    Invitation(Invitation),
    /// An offer of ownership.
    OwnershipOffer(OwnershipOffer),
}

/// The object with that ID, if the viewer can see it. Whatever is not an ID of ours is not there.
pub async fn open(ctx: &Context<'_>, id: &str) -> Result<Option<Node>> {
    Ok(if let Some(id) = UserId::parse(id) {
        User::open(ctx, id).await?.map(Node::User)
    } else if let Some(id) = OrganizationId::parse(id) {
        Organization::open(ctx, id).await?.map(Node::Organization)
    } else if let Some(id) = MembershipId::parse(id) {
        Membership::open(ctx, id).await?.map(Node::Membership)
    } else if let Some(id) = InvitationId::parse(id) {
        Invitation::open(ctx, id).await?.map(Node::Invitation)
    } else if let Some(id) = OwnershipOfferId::parse(id) {
        OwnershipOffer::open(ctx, id).await?.map(Node::OwnershipOffer)
    } else {
        None
    })
}
