//! Offers of ownership: from the owner of an organization to one of its members.

use async_graphql::{Context, Enum, ID, Object};
use futures_util::future::try_join_all;
use uuid::Uuid;

use super::organization::Organization;
use super::permission::Permission;
use super::user::User;
use crate::domain::{self, Error, InternalError, OrganizationId, OwnershipOfferId, UserId};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::guard::authorize;
use crate::graphql::loaders::ownership_offers::PendingOffer;
use crate::graphql::scalars::{DateTime, id};
use crate::operations::idempotency::Written;
use crate::operations::ownership_offers::shared::offer_target;
use crate::policy::{AccessContext, Action, Decision, Target, decide, permissions};
use crate::store::ownership_offers;

/// The actions on a pending offer that `viewerPermissions` checks.
const PENDING_OFFER_ACTIONS: [Action; 3] = [Action::OwnershipOffer, Action::OwnershipAccept, Action::OwnershipDecline];

/// Status of an offer of ownership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::ownership_offer::OwnershipOfferStatus")]
pub enum OwnershipOfferStatus {
    /// Not answered yet.
    Pending,
    /// Accepted: the ownership was transferred.
    Accepted,
    /// Declined by the member to whom it was made.
    Declined,
    /// Cancelled by the owner; or because one of the two parties left or was removed, or because the organization was
    /// deleted.
    Cancelled,
    /// Expired after 7 days without an answer.
    Expired,
}

/// An offer that the viewer may see, with the viewer's access to it.
#[derive(Clone)]
pub struct OwnershipOffer {
    row: ownership_offers::OwnershipOffer,
    /// The viewer's access to the organization.
    viewer_access: AccessContext,
    /// The viewer's relation to the offer.
    target: Target,
}

impl OwnershipOffer {
    /// Loads an offer by its ID; `None` unless the viewer may see it.
    pub async fn open(ctx: &Context<'_>, id: OwnershipOfferId) -> Result<Option<Self>> {
        let row = ctx.request().loader.load_one(id).await?;
        Self::from_row(ctx, row).await
    }

    /// Returns an offer that a mutation wrote, now or before a retry; `None` unless the viewer may see it.
    pub async fn written(
        ctx: &Context<'_>,
        written: Written<OwnershipOfferId, ownership_offers::OwnershipOffer>,
    ) -> Result<Option<Self>> {
        match written.row {
            Some(row) => Self::if_visible(ctx, row).await,
            None => Self::open(ctx, written.id).await,
        }
    }

    /// Wraps a row; `None` unless the viewer may see it. It is visible to its parties while they are members, to the
    /// present owner, and to site administrators.
    pub async fn if_visible(ctx: &Context<'_>, row: ownership_offers::OwnershipOffer) -> Result<Option<Self>> {
        Self::from_row(ctx, Some(row)).await
    }

    /// Wraps a row that was looked up by its ID. Sends the same statements if there is none, so that a hidden offer
    /// cannot be detected.
    async fn from_row(ctx: &Context<'_>, row: Option<ownership_offers::OwnershipOffer>) -> Result<Option<Self>> {
        let Some(viewer) = ctx.request().viewer_id() else { return Ok(None) };
        let organization = row.as_ref().map_or_else(|| Uuid::nil().into(), |row| row.organization_id);
        let organization = Organization::open(ctx, organization).await?;
        let (Some(row), Some(organization)) = (row, organization) else { return Ok(None) };
        let (viewer_access, target) = (organization.viewer_access(), offer_target(&row, viewer));
        let allowed = decide(&viewer_access, Action::OwnershipOfferView, &target) == Decision::Allow;
        Ok(allowed.then_some(Self { row, viewer_access, target }))
    }

    /// Loads the pending offer of an organization to which the viewer has access `viewer_access`; `None` if there is none.
    /// Fails with FORBIDDEN unless the viewer is the owner, a party to the pending offer, or a site administrator.
    pub async fn pending_of(
        ctx: &Context<'_>,
        organization: OrganizationId,
        viewer_access: AccessContext,
    ) -> Result<Option<Self>> {
        // A viewer who may not see any offer is refused without an SQL statement.
        let party = Target { is_offeree: true, is_offerer: true, ..Target::default() };
        authorize(&viewer_access, Action::OwnershipOfferView, &party)?;
        let row = ctx.request().loader.load_one(PendingOffer(organization)).await?;
        let target = match (&row, ctx.request().viewer_id()) {
            (Some(row), Some(viewer)) => offer_target(row, viewer),
            _ => Target::default(),
        };
        authorize(&viewer_access, Action::OwnershipOfferView, &target)?;
        Ok(row.map(|row| Self { row, viewer_access, target }))
    }

    /// Loads the pending offers to the viewer, newest first.
    pub async fn to_viewer(ctx: &Context<'_>, viewer: UserId) -> Result<Vec<Self>> {
        let mut connection = ctx.env().store.read().await?;
        let rows = ownership_offers::pending_to(&mut connection, viewer, ctx.request().now).await?;
        drop(connection);
        let offers = try_join_all(rows.into_iter().map(|row| Self::if_visible(ctx, row))).await?;
        Ok(offers.into_iter().flatten().collect())
    }

    async fn party(ctx: &Context<'_>, id: UserId) -> Result<User> {
        let user = User::named(ctx, id).await?;
        Ok(user.ok_or_else(|| {
            Error::from(InternalError::transient("account of a party to an ownership offer not found"))
        })?)
    }
}

/// An offer of the ownership of an organization, from its owner to a member. Both of them can see it. When it is
/// accepted, both roles change at once, and the old owner becomes MAINTAINER. It expires after 7 days, and is cancelled
/// if one of the two leaves.
#[Object]
impl OwnershipOffer {
    /// Globally unique, stable and opaque ID: a prefix for the type and a UUIDv7, such as `org_01jd…`.
    pub async fn id(&self) -> ID {
        id(self.row.id)
    }

    /// The organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        let organization = Organization::open(ctx, self.row.organization_id).await?;
        Ok(organization.ok_or_else(|| {
            Error::from(InternalError::transient("organization of a visible ownership offer not found"))
        })?)
    }

    /// The owner who made the offer.
    async fn from(&self, ctx: &Context<'_>) -> Result<User> {
        Self::party(ctx, self.row.from_id).await
    }

    /// The member to whom the offer is made.
    async fn to(&self, ctx: &Context<'_>) -> Result<User> {
        Self::party(ctx, self.row.to_id).await
    }

    /// Present status of the offer.
    async fn status(&self, ctx: &Context<'_>) -> OwnershipOfferStatus {
        self.row.status_at(ctx.request().now).into()
    }

    /// Time of creation.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// Time at which it expires or expired: 7 days after its creation.
    async fn expires_at(&self) -> DateTime {
        self.row.expires_at.into()
    }

    /// The viewer's present permissions on this offer. With OFFER_OWNERSHIP, the viewer can cancel it.
    async fn viewer_permissions(&self, ctx: &Context<'_>) -> Vec<Permission> {
        use domain::ownership_offer::OwnershipOfferStatus;
        let actions: &[Action] = match self.row.status_at(ctx.request().now) {
            OwnershipOfferStatus::Pending => &PENDING_OFFER_ACTIONS,
            _ => &[],
        };
        permissions(&self.viewer_access, &self.target, actions).into_iter().map(Into::into).collect()
    }
}
