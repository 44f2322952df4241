//! Declines an invitation: by its ID for the invitee, or by the token from the mail, signed in or not.

use std::sync::Arc;

use crate::auth::Actor;
use crate::domain::event::EventType;
use crate::domain::invitation::InvitationStatus;
use crate::domain::{InvitationId, Result};
use crate::events::record;
use crate::policy::Action;
use crate::store::invitations::{self, Invitation};

use crate::operations::AppContext;
use crate::operations::access::organization::WithAccess;
use crate::operations::idempotency::{Idempotency, Written};
use crate::operations::invitations::accept::Input;
use crate::operations::invitations::join::{Access, Entered, enter, event, require_pending};

/// Declines an invitation.
pub async fn decline_invitation(
    env: &AppContext,
    actor: Option<&Actor>,
    input: Input,
    retry: &Idempotency,
) -> Result<Written<InvitationId, WithAccess<Invitation>>> {
    let named = input.named()?;
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let entered = enter(tx, actor, &named, Action::InvitationDecline, now).await;
        let Entered { invitation, access, .. } = entered.map_err(|error| error.not_found_at(named.field()))?;
        require_pending(&invitation, now)?;
        let declined = invitation.resolved(InvitationStatus::Declined, now);
        tx.queue(invitations::resolve(&declined));
        record::record(tx, now, vec![event(&declined, EventType::InvitationDeclined, access.user())]).await?;
        Ok(match access {
            Access::Account(locked) => {
                let by = Arc::new(locked.without(&declined));
                Written::new(declined.id, WithAccess { row: declined, by })
            }
            Access::Nobody(_) => Written::replayed(declined.id),
        })
    })
    .await
}
