//! Accepts an invitation: by its ID, for an account whose proven address is the one invited, or by the token from the mail,
//! which proves the address by itself.

use std::sync::Arc;

use futures_util::future::try_join;
use serde::{Deserialize, Serialize};

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::error::Problem;
use crate::domain::input::Check;
use crate::domain::{Code, Email, Error, InvitationId, MembershipId, Refusal, Result, secret};
use crate::policy::{Action, Target};
use crate::store::Connection;
use crate::store::invitations::Invitation;
use crate::store::memberships::{self, Membership};
use crate::store::users::{self, Profile, User};

use super::Env;
use super::floor::{Floor, Witnessed};
use super::join_by_invitation::{enter_by_id, invitee_sees, join, lock_by_token, require_pending, require_stranger};
use super::retries::{Retry, Written};

/// Which invitation. Exactly one of the two.
pub struct Input {
    /// Its ID.
    pub invitation_id: Option<String>,
    /// The token from the mail.
    pub token: Option<String>,
}

/// How the caller names an invitation.
pub(super) enum Named {
    /// By its ID.
    Id(InvitationId),
    /// By the hash of its token.
    Token(Vec<u8>),
}

impl Input {
    pub(super) fn named(self) -> Result<Named> {
        let mut check = Check::default();
        match (self.invitation_id, self.token) {
            (Some(id), None) => {
                let id = check.id("invitationId", &id);
                id.map(Named::Id).ok_or_else(|| check.refuse())
            }
            (None, Some(token)) => Ok(Named::Token(secret::hash(&token))),
            _ => {
                check.note("invitationId", Problem::new(Code::Required, "Give either the ID or the token."));
                Err(check.refuse())
            }
        }
    }
}

/// What came of it.
#[derive(Serialize, Deserialize)]
pub struct Accepted {
    /// The accepted invitation.
    pub invitation: Written<InvitationId, Witnessed<Invitation>>,
    /// The actor's new membership.
    pub membership: Written<MembershipId, Witnessed<Membership>>,
}

/// Accepts it: the actor becomes a member.
pub async fn accept_invitation(env: &Env, actor: &Actor, input: Input, retry: &Retry) -> Result<Accepted> {
    let named = input.named()?;
    let now = env.clock.now();
    match named {
        Named::Id(id) => env.write(retry, async |tx| accept_by_id(tx, actor, id, now).await).await,
        Named::Token(hash) => env.write(retry, async |tx| accept_by_token(tx, actor, &hash, now).await).await,
    }
}

async fn accept_by_id(tx: &mut Connection, actor: &Actor, id: InvitationId, now: Instant) -> Result<Accepted> {
    let entered = try_join(enter_by_id(tx, actor, id, now), users::keep(tx, actor.user_id)).await?;
    let ((floor, invitation), kept) = entered;
    require_invitee(&floor, &invitation, Action::InvitationAccept)?;
    require_pending(&invitation, now)?;
    require_stranger(floor.membership.as_ref())?;
    let Profile { username, display_name, .. } = kept.ok_or(Error::Unauthenticated)?;
    let actor = User { username, display_name, ..floor.actor.clone() };
    let (membership, accepted) = join(tx, now, &invitation, &actor).await?;
    let by = Arc::new(floor.joined(membership.clone()));
    Ok(Accepted {
        invitation: Written::now(accepted.id, Witnessed { row: accepted, by: by.clone() }),
        membership: Written::now(membership.id, Witnessed { row: membership, by }),
    })
}

async fn accept_by_token(tx: &mut Connection, actor: &Actor, hash: &[u8], now: Instant) -> Result<Accepted> {
    let invitation = lock_by_token(tx, hash).await?.ok_or_else(unknown_token)?;
    let user = prove_by_token(tx, actor, &invitation, now).await?;
    require_pending(&invitation, now)?;
    require_stranger(memberships::of(tx, invitation.organization_id, user.id).await?.as_ref())?;
    let (membership, accepted) = join(tx, now, &invitation, &user).await?;
    Ok(Accepted { invitation: Written::unseen(accepted.id), membership: Written::unseen(membership.id) })
}

/// The refusal of a token that opens nothing.
pub(super) fn unknown_token() -> Refusal {
    Refusal::not_found("invitation").at("token")
}

/// Goes on only if the actor is the one invited: their proven address is the invitation's.
pub(super) fn require_invitee(floor: &Floor, invitation: &Invitation, action: Action) -> Result<()> {
    let not_found = || Refusal::not_found("invitation").at("invitationId");
    if !invitee_sees(floor.organization.status) && !floor.sees() {
        return Err(not_found().into());
    }
    let is_invitee = floor.is_invitee(invitation);
    if !is_invitee && floor.actor.email.as_deref() == Some(invitation.email.as_str()) {
        return Err(Refusal::new(Code::EmailNotVerified, "Verify the e-mail address of your account first.").into());
    }
    if !is_invitee && floor.require(Action::InvitationView, &Target::default(), "invitation").is_err() {
        return Err(not_found().into());
    }
    floor.require(action, &Target { is_invitee, ..Target::default() }, "invitation")
}

/// The token went to the address invited, so whoever has it and claims that address has proven it.
async fn prove_by_token(tx: &mut Connection, actor: &Actor, invitation: &Invitation, now: Instant) -> Result<User> {
    let email = Email::parse(&invitation.email).map_err(|problem| problem.at(Vec::new()))?;
    // The address before the account, as whoever proves an address locks them; then neither can change any more.
    users::lock_address(tx, &email).await?;
    let user = users::lock(tx, actor.user_id).await?.ok_or(Error::Unauthenticated)?.user;
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
