//! Mutations of offers of ownership.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::mutation::payload::{payload, run_mutation};
use crate::graphql::types::organization::Organization;
use crate::graphql::types::ownership_offer::OwnershipOffer;
use crate::graphql::types::user_error::UserError;
use crate::operations::ownership_offers::{accept, cancel, decline, offer};

/// The mutations of offers of ownership.
#[derive(Default)]
pub struct OwnershipMutations;

/// The mutations of offers of ownership.
#[Object]
impl OwnershipMutations {
    /// Offers the ownership to a member. The owner stays the same until the member accepts. Needs OFFER_OWNERSHIP.
    async fn offer_ownership(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: OfferOwnershipInput,
    ) -> Result<OfferOwnershipPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = offer::Input { membership_id: input.membership_id.0 };
            let offer = offer::offer_ownership(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let ownership_offer = OwnershipOffer::written(ctx, offer).await?;
            Ok(OfferOwnershipPayload { ownership_offer, ..Default::default() })
        })
        .await
    }

    /// Accepts an offer of ownership. The old owner becomes MAINTAINER. Only for the member to whom the offer was made.
    async fn accept_ownership(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: AcceptOwnershipInput,
    ) -> Result<AcceptOwnershipPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = accept::Input { ownership_offer_id: input.ownership_offer_id.0 };
            let accepted = accept::accept_ownership(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let organization = Organization::open(ctx, accepted.organization).await?;
            let ownership_offer = OwnershipOffer::written(ctx, accepted.offer).await?;
            Ok(AcceptOwnershipPayload { ownership_offer, organization, ..Default::default() })
        })
        .await
    }

    /// Declines an offer of ownership. Only for the member to whom the offer was made.
    async fn decline_ownership(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: DeclineOwnershipInput,
    ) -> Result<DeclineOwnershipPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = decline::Input { ownership_offer_id: input.ownership_offer_id.0 };
            let offer = decline::decline_ownership(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let ownership_offer = OwnershipOffer::written(ctx, offer).await?;
            Ok(DeclineOwnershipPayload { ownership_offer, ..Default::default() })
        })
        .await
    }

    /// Cancels an offer of ownership. Needs OFFER_OWNERSHIP.
    async fn cancel_ownership_offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: CancelOwnershipOfferInput,
    ) -> Result<CancelOwnershipOfferPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = cancel::Input { ownership_offer_id: input.ownership_offer_id.0 };
            let offer = cancel::cancel_ownership_offer(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let ownership_offer = OwnershipOffer::written(ctx, offer).await?;
            Ok(CancelOwnershipOfferPayload { ownership_offer, ..Default::default() })
        })
        .await
    }
}

/// Input of `offerOwnership`.
#[derive(InputObject)]
pub struct OfferOwnershipInput {
    /// ID of the membership of the member to whom the offer is made.
    pub membership_id: ID,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `offerOwnership`.
#[derive(Default, SimpleObject)]
pub struct OfferOwnershipPayload {
    /// The pending offer. Null on failure.
    pub ownership_offer: Option<OwnershipOffer>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(OfferOwnershipPayload);

/// Input of `acceptOwnership`.
#[derive(InputObject)]
pub struct AcceptOwnershipInput {
    /// ID of the offer.
    pub ownership_offer_id: ID,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `acceptOwnership`.
#[derive(Default, SimpleObject)]
pub struct AcceptOwnershipPayload {
    /// The accepted offer. Null on failure.
    pub ownership_offer: Option<OwnershipOffer>,
    /// The organization, with the viewer as its owner. Null on failure.
    pub organization: Option<Organization>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(AcceptOwnershipPayload);

/// Input of `declineOwnership`.
#[derive(InputObject)]
pub struct DeclineOwnershipInput {
    /// ID of the offer.
    pub ownership_offer_id: ID,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `declineOwnership`.
#[derive(Default, SimpleObject)]
pub struct DeclineOwnershipPayload {
    /// The declined offer. Null on failure.
    pub ownership_offer: Option<OwnershipOffer>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(DeclineOwnershipPayload);

/// Input of `cancelOwnershipOffer`.
#[derive(InputObject)]
pub struct CancelOwnershipOfferInput {
    /// ID of the offer.
    pub ownership_offer_id: ID,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `cancelOwnershipOffer`.
#[derive(Default, SimpleObject)]
pub struct CancelOwnershipOfferPayload {
    /// The cancelled offer. Null on failure.
    pub ownership_offer: Option<OwnershipOffer>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(CancelOwnershipOfferPayload);
