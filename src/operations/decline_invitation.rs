//! Declines an invitation: by its ID for the one invited, or by the token from the mail, signed in or not.

use crate::auth::Actor;
use crate::domain::event::EventType;
use crate::domain::invitation::InvitationStatus;
use crate::domain::{Error, InvitationId, Result};
use crate::events::log;
use crate::policy::Action;
use crate::store::invitations::{self, Invitation};
use crate::store::users;

use super::Env;
use super::accept_invitation::{Input, Named, require_invitee, unknown_token};
use super::join_by_invitation::{event, lock_by_id, lock_by_token, require_pending};
use super::retries::{Retry, Written};

/// Declines it.
pub async fn decline_invitation(
    env: &Env,
    actor: Option<&Actor>,
    input: Input,
    retry: &Retry,
) -> Result<Written<InvitationId, Invitation>> {
    let named = input.named()?;
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let (invitation, user) = match named {
            Named::Id(id) => {
                let actor = actor.ok_or(Error::Unauthenticated)?;
                let invitation = lock_by_id(tx, id).await?;
                let (invitation, user) = require_invitee(tx, actor, invitation, Action::InvitationDecline, now).await?;
                (invitation, Some(user))
            }
            Named::Token(hash) => {
                let invitation = lock_by_token(tx, &hash).await?.ok_or_else(unknown_token)?;
                let user = match actor {
                    Some(actor) => Some(users::find(tx, actor.user_id).await?.ok_or(Error::Unauthenticated)?),
                    None => None,
                };
                (invitation, user)
            }
        };
        require_pending(&invitation, now)?;
        let declined = invitations::resolve(tx, invitation.id, InvitationStatus::Declined, now).await?;
        log::record(tx, now, vec![event(&declined, EventType::InvitationDeclined, user.as_ref())]).await?;
        Ok(Written::now(declined.id, declined))
    })
    .await
}
