//! Offers of ownership: from the owner of an organization to one of its members.

use async_graphql::{Context, ID, Object};
use futures_util::future::try_join_all;
use uuid::Uuid;

use super::enums::{OwnershipOfferStatus, Permission};
use super::organization::Organization;
use super::user::User;
use crate::domain::{self, Error, InternalError, OrganizationId, OwnershipOfferId, UserId};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::guard::require;
use crate::graphql::loaders::ownership_offers::PendingOffer;
use crate::graphql::scalars::{DateTime, id};
use crate::operations::idempotency::Written;
use crate::operations::ownership_offers::shared::about;
use crate::policy::{AccessContext, Action, Decision, Target, decide, permissions};
use crate::store::ownership_offers;

/// The actions on a pending offer that `viewerPermissions` checks.
const ABOUT_PENDING: [Action; 3] = [Action::OwnershipOffer, Action::OwnershipAccept, Action::OwnershipDecline];

/// An offer that the viewer may see, with the grounds for it.
#[derive(Clone)]
pub struct OwnershipOffer {
    row: ownership_offers::OwnershipOffer,
    standing: AccessContext,
    target: Target,
}

impl OwnershipOffer {
    /// Loads an offer by its ID; `None` unless the viewer may see it.
    pub async fn open(ctx: &Context<'_>, id: OwnershipOfferId) -> Result<Option<Self>> {
        let row = ctx.request().loader.load_one(id).await?;
        Self::found(ctx, row).await
    }

    /// Returns an offer that a mutation wrote, now or before a retry; `None` unless the viewer may see it.
    pub async fn written(
        ctx: &Context<'_>,
        written: Written<OwnershipOfferId, ownership_offers::OwnershipOffer>,
    ) -> Result<Option<Self>> {
        match written.row {
            Some(row) => Self::seen(ctx, row).await,
            None => Self::open(ctx, written.id).await,
        }
    }

    /// Wraps a row; `None` unless the viewer may see it: a party to it who is still a member, the present owner, or an
    /// administrator.
    pub async fn seen(ctx: &Context<'_>, row: ownership_offers::OwnershipOffer) -> Result<Option<Self>> {
        Self::found(ctx, Some(row)).await
    }

    async fn found(ctx: &Context<'_>, row: Option<ownership_offers::OwnershipOffer>) -> Result<Option<Self>> {
        let Some(viewer) = ctx.request().viewer_id() else { return Ok(None) };
        let organization = row.as_ref().map_or_else(|| Uuid::nil().into(), |row| row.organization_id);
        let organization = Organization::open(ctx, organization).await?;
        let (Some(row), Some(organization)) = (row, organization) else { return Ok(None) };
        let (standing, target) = (organization.standing(), about(&row, viewer));
        let allowed = decide(&standing, Action::OwnershipOfferView, &target) == Decision::Allow;
        Ok(allowed.then_some(Self { row, standing, target }))
    }

    /// Loads the pending offer of an organization to which the viewer has access `standing`. FORBIDDEN for viewers whom
    /// no offer concerns, whether or not there is one.
    pub async fn pending_of(
        ctx: &Context<'_>,
        organization: OrganizationId,
        standing: AccessContext,
    ) -> Result<Option<Self>> {
        // A viewer who could not see any offer is refused without an SQL statement.
        let party = Target { is_offeree: true, is_offerer: true, ..Target::default() };
        require(&standing, Action::OwnershipOfferView, &party)?;
        let row = ctx.request().loader.load_one(PendingOffer(organization)).await?;
        let target = match (&row, ctx.request().viewer_id()) {
            (Some(row), Some(viewer)) => about(row, viewer),
            _ => Target::default(),
        };
        require(&standing, Action::OwnershipOfferView, &target)?;
        Ok(row.map(|row| Self { row, standing, target }))
    }

    /// Loads the pending offers to the viewer, newest first.
    pub async fn to_viewer(ctx: &Context<'_>, viewer: UserId) -> Result<Vec<Self>> {
        let mut connection = ctx.env().store.read().await?;
        let rows = ownership_offers::pending_to(&mut connection, viewer, ctx.request().now).await?;
        drop(connection);
        let seen = try_join_all(rows.into_iter().map(|row| Self::seen(ctx, row))).await?;
        Ok(seen.into_iter().flatten().collect())
    }

    async fn party(ctx: &Context<'_>, id: UserId) -> Result<User> {
        let user = User::named(ctx, id).await?;
        Ok(user.ok_or_else(|| Error::from(InternalError::passing("an offer of ownership without one of the two")))?)
    }
}

/// An offer of the ownership of an organization, from its owner to a member. Visible to the two of them. When it is
/// accepted, both roles change at once, and the old owner becomes MAINTAINER. It expires after 7 days, or is cancelled
/// when one of the two leaves.
#[Object]
impl OwnershipOffer {
    /// Globally unique, stable and opaque ID: a prefix for the type and a UUIDv7, such as `org_01jd…`.
    pub async fn id(&self) -> ID {
        id(self.row.id)
    }

    /// The organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        let organization = Organization::open(ctx, self.row.organization_id).await?;
        Ok(organization
            .ok_or_else(|| Error::from(InternalError::passing("a visible offer of an organization that is not")))?)
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

    /// The viewer's present permissions on this offer. OFFER_OWNERSHIP allows to cancel it.
    async fn viewer_permissions(&self, ctx: &Context<'_>) -> Vec<Permission> {
        use domain::ownership_offer::OwnershipOfferStatus;
        let about: &[Action] = match self.row.status_at(ctx.request().now) {
            OwnershipOfferStatus::Pending => &ABOUT_PENDING,
            _ => &[],
        };
        permissions(&self.standing, &self.target, about).into_iter().map(Into::into).collect()
    }
}
