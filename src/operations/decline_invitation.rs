//! Declines an invitation: by its ID for the one invited, or by the token from the mail, signed in or not.

use std::sync::Arc;

use crate::auth::Actor;
use crate::domain::event::EventType;
use crate::domain::invitation::InvitationStatus;
use crate::domain::{Error, InvitationId, Result};
use crate::events::log;
use crate::policy::Action;
use crate::store::invitations::{self, Invitation};
use crate::store::users::{self, User};

use super::Env;
use super::accept_invitation::{Input, Named, require_invitee, unknown_token};
use super::floor::{Floor, Witnessed};
use super::join_by_invitation::{enter_by_id, event, lock_by_token, require_pending};
use super::retries::{Retry, Written};

/// Declines it.
pub async fn decline_invitation(
    env: &Env,
    actor: Option<&Actor>,
    input: Input,
    retry: &Retry,
) -> Result<Written<InvitationId, Witnessed<Invitation>>> {
    let named = input.named()?;
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let (invitation, by) = match named {
            Named::Id(id) => {
                let actor = actor.ok_or(Error::Unauthenticated)?;
                let (floor, invitation) = enter_by_id(tx, actor, id, now).await?;
                require_invitee(&floor, &invitation, Action::InvitationDecline)?;
                let by = By::Invitee(Arc::new(floor.without(&invitation)));
                (invitation, by)
            }
            Named::Token(hash) => {
                let invitation = lock_by_token(tx, &hash).await?.ok_or_else(unknown_token)?;
                let holder = match actor {
                    Some(actor) => Some(users::find(tx, actor.user_id).await?.ok_or(Error::Unauthenticated)?),
                    None => None,
                };
                (invitation, By::Holder(holder))
            }
        };
        require_pending(&invitation, now)?;
        let declined = invitation.resolved(InvitationStatus::Declined, now);
        tx.queue(invitations::resolve(&declined));
        log::record(tx, now, vec![event(&declined, EventType::InvitationDeclined, by.user())]).await?;
        Ok(match by {
            By::Invitee(by) => Written::now(declined.id, Witnessed { row: declined, by }),
            By::Holder(_) => Written::unseen(declined.id),
        })
    })
    .await
}

/// Who declines.
enum By {
    /// The one invited, by its ID.
    Invitee(Arc<Floor>),
    /// Whoever holds its token, signed in or not.
    Holder(Option<User>),
}

impl By {
    fn user(&self) -> Option<&User> {
        match self {
            By::Invitee(floor) => Some(&floor.actor),
            By::Holder(user) => user.as_ref(),
        }
    }
}
