//! Mutations of offers of ownership.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::mutation::payload::{answer, payload};
use crate::graphql::types::organization::Organization;
use crate::graphql::types::ownership_offer::OwnershipOffer;
use crate::graphql::types::user_error::UserError;
use crate::operations::ownership_offers::{accept, cancel, decline, offer};

/// Changes of hands.
#[derive(Default)]
pub struct OwnershipMutations;

/// Changes of hands.
#[Object]
impl OwnershipMutations {
    /// Offers the ownership to a member. Nothing changes hands until they accept. Needs OFFER_OWNERSHIP.
    async fn offer_ownership(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: OfferOwnershipInput,
    ) -> Result<OfferOwnershipPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = offer::Input { membership_id: input.membership_id.0 };
            let offer = offer::offer_ownership(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let ownership_offer = OwnershipOffer::written(ctx, offer).await?;
            Ok(OfferOwnershipPayload { ownership_offer, ..Default::default() })
        })
        .await
    }

    /// Takes the ownership that was offered. The old owner becomes MAINTAINER. Only for the person offered.
    async fn accept_ownership(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: AcceptOwnershipInput,
    ) -> Result<AcceptOwnershipPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = accept::Input { ownership_offer_id: input.ownership_offer_id.0 };
            let accepted = accept::accept_ownership(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let organization = Organization::open(ctx, accepted.organization).await?;
            let ownership_offer = OwnershipOffer::written(ctx, accepted.offer).await?;
            Ok(AcceptOwnershipPayload { ownership_offer, organization, ..Default::default() })
        })
        .await
    }

    /// Refuses the ownership that was offered. Only for the person offered.
    async fn decline_ownership(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: DeclineOwnershipInput,
    ) -> Result<DeclineOwnershipPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = decline::Input { ownership_offer_id: input.ownership_offer_id.0 };
            let offer = decline::decline_ownership(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let ownership_offer = OwnershipOffer::written(ctx, offer).await?;
            Ok(DeclineOwnershipPayload { ownership_offer, ..Default::default() })
        })
        .await
    }

    /// Takes an offer of ownership back. Needs OFFER_OWNERSHIP.
    async fn cancel_ownership_offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: CancelOwnershipOfferInput,
    ) -> Result<CancelOwnershipOfferPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = cancel::Input { ownership_offer_id: input.ownership_offer_id.0 };
            let offer = cancel::cancel_ownership_offer(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let ownership_offer = OwnershipOffer::written(ctx, offer).await?;
            Ok(CancelOwnershipOfferPayload { ownership_offer, ..Default::default() })
        })
        .await
    }
}

/// What `offerOwnership` is to do.
#[derive(InputObject)]
pub struct OfferOwnershipInput {
    /// ID of the membership of the person offered.
    pub membership_id: ID,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `offerOwnership` did.
#[derive(Default, SimpleObject)]
pub struct OfferOwnershipPayload {
    /// The pending offer. Null on failure.
    pub ownership_offer: Option<OwnershipOffer>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(OfferOwnershipPayload);

/// What `acceptOwnership` is to do.
#[derive(InputObject)]
pub struct AcceptOwnershipInput {
    /// ID of the offer.
    pub ownership_offer_id: ID,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `acceptOwnership` did.
#[derive(Default, SimpleObject)]
pub struct AcceptOwnershipPayload {
    /// The accepted offer. Null on failure.
    pub ownership_offer: Option<OwnershipOffer>,
    /// The organization, with the viewer as its owner. Null on failure.
    pub organization: Option<Organization>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(AcceptOwnershipPayload);

/// What `declineOwnership` is to do.
#[derive(InputObject)]
pub struct DeclineOwnershipInput {
    /// ID of the offer.
    pub ownership_offer_id: ID,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `declineOwnership` did.
#[derive(Default, SimpleObject)]
pub struct DeclineOwnershipPayload {
    /// The declined offer. Null on failure.
    pub ownership_offer: Option<OwnershipOffer>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(DeclineOwnershipPayload);

/// What `cancelOwnershipOffer` is to do.
#[derive(InputObject)]
pub struct CancelOwnershipOfferInput {
    /// ID of the offer.
    pub ownership_offer_id: ID,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `cancelOwnershipOffer` did.
#[derive(Default, SimpleObject)]
pub struct CancelOwnershipOfferPayload {
    /// The cancelled offer. Null on failure.
    pub ownership_offer: Option<OwnershipOffer>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(CancelOwnershipOfferPayload);
