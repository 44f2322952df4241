//! Accepts an invitation: by its ID, for an account whose verified address is the invited one, or by the token from the
//! mail, which proves the address by itself.

use std::sync::Arc;

use futures_util::future::try_join;
use serde::{Deserialize, Serialize};

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::error::FieldError;
use crate::domain::validation::Validator;
use crate::domain::{Code, Error, InvitationId, MembershipId, Refusal, Result, secret};
use crate::policy::Action;
use crate::store::Connection;
use crate::store::invitations::Invitation;
use crate::store::memberships::Membership;
use crate::store::users::{self, Profile, User};

use crate::operations::AppContext;
use crate::operations::access::organization::WithAccess;
use crate::operations::idempotency::{Idempotency, Written};
use crate::operations::invitations::join::{
    Access, Entered, InvitationRef, enter, join, require_non_member, require_pending,
};

/// The invitation to accept. Exactly one of the two fields must be set.
pub struct Input {
    /// The invitation's ID.
    pub invitation_id: Option<String>,
    /// The token from the mail.
    pub token: Option<String>,
}

impl Input {
    pub(crate) fn named(self) -> Result<InvitationRef> {
        let mut check = Validator::default();
        match (self.invitation_id, self.token) {
            (Some(id), None) => {
                let id = check.id("invitationId", &id);
                id.map(InvitationRef::Id).ok_or_else(|| check.refuse())
            }
            (None, Some(token)) => Ok(InvitationRef::Token(secret::hash(&token))),
            _ => {
                check.note("invitationId", FieldError::new(Code::Required, "Give either the ID or the token."));
                Err(check.refuse())
            }
        }
    }
}

/// The result of an acceptance.
#[derive(Serialize, Deserialize)]
pub struct Accepted {
    /// The accepted invitation.
    pub invitation: Written<InvitationId, WithAccess<Invitation>>,
    /// The actor's new membership.
    pub membership: Written<MembershipId, WithAccess<Membership>>,
}

/// Accepts an invitation: the actor becomes a member.
pub async fn accept_invitation(env: &AppContext, actor: &Actor, input: Input, retry: &Idempotency) -> Result<Accepted> {
    let named = input.named()?;
    let now = env.clock.now();
    env.write(retry, async |tx| accept(env, tx, actor, &named, now).await).await
}

async fn accept(
    env: &AppContext,
    tx: &mut Connection,
    actor: &Actor,
    named: &InvitationRef,
    now: Instant,
) -> Result<Accepted> {
    let entering = enter(tx, Some(actor), named, Action::InvitationAccept, now);
    let entered = match named {
        InvitationRef::Id(_) => try_join(entering, users::keep(tx, actor.user_id)).await,
        InvitationRef::Token(_) => entering.await.map(|entered| (entered, None)),
    };
    let (entered, kept) = entered.map_err(|error| error.not_found_at(named.field()))?;
    let Entered { invitation, access: Access::Account(mut locked), .. } = entered else {
        return Err(Error::Unauthenticated);
    };
    let user = match named {
        InvitationRef::Id(_) => {
            let Profile { username, display_name, .. } = kept.ok_or(Error::Unauthenticated)?;
            User { username, display_name, ..locked.actor.clone() }
        }
        InvitationRef::Token(_) => prove_by_token(tx, actor, &invitation, now).await?,
    };
    require_pending(&invitation, now)?;
    require_non_member(locked.membership.as_ref())?;
    locked.actor = user;
    let (membership, accepted) = join(env, tx, now, (&locked.organization, &invitation), &locked.actor).await?;
    let by = Arc::new(locked.joined(membership.clone()));
    Ok(Accepted {
        invitation: Written::new(accepted.id, WithAccess { row: accepted, by: by.clone() }),
        membership: Written::new(membership.id, WithAccess { row: membership, by }),
    })
}

/// Verifies the actor's address by the token: the token was sent to the invited address, so an actor who has the token
/// and claims this address has proven it.
async fn prove_by_token(tx: &mut Connection, actor: &Actor, invitation: &Invitation, now: Instant) -> Result<User> {
    let email = invitation.address();
    // The lock order is address, then account, as in every proof of an address. After both locks neither can change.
    users::lock_address(tx, &email).await?;
    let user = users::lock_actor(tx, actor).await?.ok_or(Error::Unauthenticated)?.user;
    if user.email.as_deref() != Some(email.as_str()) {
        let message = "The invitation was sent to another address than that of your account.";
        return Err(Refusal::new(Code::InvitationForAnother, message).into());
    }
    require_pending(invitation, now)?;
    match user.email_verified_at {
        Some(_) => Ok(user),
        None => users::prove_email(tx, user.id, &email, now).await,
    }
}
