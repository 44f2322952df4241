//! Mutations of invitations.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use futures_util::future::try_join_all;

use super::payload::{payload, run_mutation};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::types::invitation::{Invitation, InviteErrorPolicy};
use crate::graphql::types::membership::Membership;
use crate::graphql::types::role::Role;
use crate::graphql::types::user_error::UserError;
use crate::operations::invitations::{accept, decline, invite, resend, revoke};

/// The mutations of invitations.
#[derive(Default)]
pub struct InvitationMutations;

/// The mutations of invitations.
#[Object]
impl InvitationMutations {
    /// Invites up to 100 people by e-mail, with a result for each. Needs INVITE_MEMBER. EMAIL_NOT_VERIFIED unless the
    /// viewer's own address is verified. RATE_LIMITED beyond 100 mails a day for each viewer and 500 for each
    /// organization.
    async fn invite_members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: InviteMembersInput,
    ) -> Result<InviteMembersPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let reject_all = input.on_error == InviteErrorPolicy::RejectAll;
            let emails: Vec<_> = input.invitees.iter().map(|invitee| invitee.email.clone()).collect();
            let invitees = input.invitees.into_iter();
            let input = invite::Input {
                organization_id: input.organization_id.0,
                invitees: invitees
                    .map(|invitee| invite::Invitee { email: invitee.email, role: invitee.role.into() })
                    .collect(),
                message: input.message,
                reject_all,
            };
            let outcomes = invite::invite_members(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let refusals = outcomes.iter().filter(|_| reject_all).filter_map(|outcome| outcome.refusal.clone());
            let user_errors = refusals.map(UserError::from).collect();
            let results = emails.into_iter().zip(outcomes);
            let results = results.map(|(email, outcome)| InviteMemberResult::show(ctx, email, outcome));
            let results = Some(try_join_all(results).await?);
            Ok(InviteMembersPayload { results, user_errors, ..Default::default() })
        })
        .await
    }

    /// Sends a pending or expired invitation again, with a new token and a new expiry. Needs RESEND_INVITATION. At most
    /// once a minute for each invitation, and 5 times an hour for each viewer. Seats, membership and other pending
    /// invitations are checked again.
    async fn resend_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: ResendInvitationInput,
    ) -> Result<ResendInvitationPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = resend::Input { invitation_id: input.invitation_id.0 };
            let resent = resend::resend_invitation(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let invitation = Invitation::written(ctx, resent).await?;
            Ok(ResendInvitationPayload { invitation, ..Default::default() })
        })
        .await
    }

    /// Revokes a pending invitation. Needs REVOKE_INVITATION.
    async fn revoke_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: RevokeInvitationInput,
    ) -> Result<RevokeInvitationPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = revoke::Input { invitation_id: input.invitation_id.0 };
            let revoked = revoke::revoke_invitation(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let invitation = Invitation::written(ctx, revoked).await?;
            Ok(RevokeInvitationPayload { invitation, ..Default::default() })
        })
        .await
    }

    /// Accepts an invitation: the viewer becomes a member. Only for the invitee.
    async fn accept_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: AcceptInvitationInput,
    ) -> Result<AcceptInvitationPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = accept::Input { invitation_id: input.invitation_id.map(|id| id.0), token: input.token };
            let accepted = accept::accept_invitation(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let invitation = Invitation::written(ctx, accepted.invitation).await?;
            let membership = Membership::written(ctx, accepted.membership).await?;
            Ok(AcceptInvitationPayload { invitation, membership, ..Default::default() })
        })
        .await
    }

    /// Declines an invitation. Only for the invitee. With a token, no sign-in is needed.
    async fn decline_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: DeclineInvitationInput,
    ) -> Result<DeclineInvitationPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = accept::Input { invitation_id: input.invitation_id.map(|id| id.0), token: input.token };
            let actor = ctx.request().signed_in();
            let declined = decline::decline_invitation(ctx.env(), actor, input, &retry).await?;
            let invitation = match actor {
                Some(_) => Invitation::written(ctx, declined).await?,
                None => None,
            };
            Ok(DeclineInvitationPayload { invitation, ..Default::default() })
        })
        .await
    }
}

/// A person to invite.
#[derive(InputObject)]
pub struct InviteeInput {
    /// E-mail address, at most 254 characters.
    pub email: String,
    /// The offered role, one of `Organization.viewerAssignableRoles`.
    pub role: Role,
}

/// Input of `inviteMembers`.
#[derive(InputObject)]
pub struct InviteMembersInput {
    /// ID of the organization.
    pub organization_id: ID,
    /// The people: 1 to 100, each address once.
    pub invitees: Vec<InviteeInput>,
    /// The inviter's message for the mail: plain text, at most 1,000 characters.
    pub message: Option<String>,
    /// Whether the others are still invited if one person cannot be invited.
    #[graphql(default_with = "InviteErrorPolicy::Skip")]
    pub on_error: InviteErrorPolicy,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `inviteMembers`.
#[derive(Default, SimpleObject)]
pub struct InviteMembersPayload {
    /// At most 100 results: one for each person, in the order of `invitees`. Null if the whole request failed, for
    /// example with FORBIDDEN. With SKIP, the problems of one person are in that person's result only, and `userErrors`
    /// is empty. With REJECT_ALL, they are in `userErrors` as well, and no result has an invitation.
    pub results: Option<Vec<InviteMemberResult>>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(InviteMembersPayload);

/// Input of `resendInvitation`.
#[derive(InputObject)]
pub struct ResendInvitationInput {
    /// ID of the invitation, pending or expired.
    pub invitation_id: ID,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `resendInvitation`.
#[derive(Default, SimpleObject)]
pub struct ResendInvitationPayload {
    /// The invitation, pending, with its new expiry. Null on failure.
    pub invitation: Option<Invitation>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(ResendInvitationPayload);

/// Input of `revokeInvitation`.
#[derive(InputObject)]
pub struct RevokeInvitationInput {
    /// ID of the invitation.
    pub invitation_id: ID,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `revokeInvitation`.
#[derive(Default, SimpleObject)]
pub struct RevokeInvitationPayload {
    /// The revoked invitation. Null on failure.
    pub invitation: Option<Invitation>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(RevokeInvitationPayload);

/// Input of `acceptInvitation`.
#[derive(InputObject)]
pub struct AcceptInvitationInput {
    /// ID of the invitation. The viewer's address must be verified.
    pub invitation_id: Option<ID>,
    /// Token from the mail. It verifies the viewer's address if the invitation was sent to that address. Exactly one of
    /// `invitationId` and `token` must be given: REQUIRED otherwise.
    pub token: Option<String>,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `acceptInvitation`.
#[derive(Default, SimpleObject)]
pub struct AcceptInvitationPayload {
    /// The accepted invitation. Null on failure.
    pub invitation: Option<Invitation>,
    /// The viewer's new membership. Null on failure.
    pub membership: Option<Membership>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(AcceptInvitationPayload);

/// Input of `declineInvitation`.
#[derive(InputObject)]
pub struct DeclineInvitationInput {
    /// ID of the invitation. The viewer's address must be verified.
    pub invitation_id: Option<ID>,
    /// Token from the mail. Exactly one of `invitationId` and `token` must be given: REQUIRED otherwise.
    pub token: Option<String>,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `declineInvitation`.
#[derive(Default, SimpleObject)]
pub struct DeclineInvitationPayload {
    /// The declined invitation. Null on failure, and if the caller is not signed in.
    pub invitation: Option<Invitation>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(DeclineInvitationPayload);

/// The result for one person to invite.
#[derive(SimpleObject)]
pub struct InviteMemberResult {
    /// The address as given in the input.
    email: String,
    /// The new invitation. Null if the person was not invited.
    invitation: Option<Invitation>,
    /// Why the person was not invited, such as ALREADY_MEMBER or ALREADY_INVITED. Empty if there is an invitation.
    /// `path` points into the input of the request.
    user_errors: Vec<UserError>,
}

impl InviteMemberResult {
    async fn show(ctx: &Context<'_>, email: String, outcome: invite::Outcome) -> Result<Self> {
        let invitation = match outcome.invitation {
            Some(written) => Invitation::written(ctx, written).await?,
            None => None,
        };
        let user_errors = outcome.refusal.into_iter().map(UserError::from).collect();
        Ok(Self { email, invitation, user_errors })
    }
}
