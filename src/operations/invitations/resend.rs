//! Sends a pending or expired invitation again, with a new token and a new expiry.

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::future::try_join;

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::event::EventType;
use crate::domain::invitation::InvitationStatus;
use crate::domain::secret::SecretToken;
use crate::domain::validation::parse_id;
use crate::domain::{Code, InvitationId, Refusal, Result};
use crate::events::record;
use crate::policy::Action;
use crate::store::invitations::{self, Invitation};
use crate::store::{Connection, mails, memberships, users};

use crate::operations::AppContext;
use crate::operations::access::organization::{LockedOrganization, WithAccess};
use crate::operations::idempotency::{Idempotency, Written};
use crate::operations::invitations::invite::{mail, require_mails_left};
use crate::operations::invitations::join::{enter_to_administer, event, require_pending};
use crate::operations::plans::quota;

/// Minimum time between two mails of an invitation.
pub const PAUSE: TimeDelta = TimeDelta::minutes(1);
/// Maximum number of resends per hour and user.
const AN_HOUR_PER_USER: i64 = 5;

/// The invitation to send again.
pub struct Input {
    /// The invitation's ID.
    pub invitation_id: String,
}

/// Sends an invitation again. An expired invitation becomes pending, unless the person is a member by now, or has
/// another pending invitation, or no seat is left.
pub async fn resend_invitation(
    env: &AppContext,
    actor: &Actor,
    input: Input,
    retry: &Idempotency,
) -> Result<Written<InvitationId, WithAccess<Invitation>>> {
    let id: InvitationId = parse_id("invitationId", &input.invitation_id)?;
    let now = env.clock.now();
    let resent = env
        .write(retry, async |tx| {
            let (locked, invitation) = enter_to_administer(tx, actor, id, Action::InvitationResend, now).await?;
            if invitation.status_at(now) != InvitationStatus::Expired {
                require_pending(&invitation, now)?;
            }
            // This invitation or a later one may be expired but not marked, and an unmarked row still blocks the unique
            // address.
            let overdue = require_free(tx, &invitation, now).await?;
            tx.queue(invitations::expire(&overdue));
            if invitation.status_at(now) == InvitationStatus::Expired {
                let plan = quota::plan(env, tx, locked.organization.id.into(), now).await?;
                quota::seats(env, tx, &locked.organization, &plan, now).await?.take(1)?;
            }
            require_pause(env, tx, &locked, &invitation, now).await?;

            let token = SecretToken::random();
            let renewed = invitation.renewed(locked.actor.id, now, now + env.rules.invitation_expiry);
            tx.queue(invitations::renew(&renewed, token.hash()));
            env.outbox.queue_many(tx, now, vec![mail(&locked, &renewed, &token, true)]).await?;
            let expired = overdue.iter().map(|invitation| event(invitation, EventType::InvitationExpired, None));
            let resent = event(&renewed, EventType::InvitationResent, Some(&locked.actor));
            record::record(tx, now, expired.chain([resent]).collect()).await?;
            Ok(Written::new(id, WithAccess { row: renewed, by: Arc::new(locked) }))
        })
        .await?;
    env.outbox.wake();
    Ok(resent)
}

/// Returns the unmarked expired invitations to the address. ALREADY_MEMBER if the person is a member, ALREADY_INVITED
/// if this invitation has expired and another one is pending.
async fn require_free(tx: &Connection, invitation: &Invitation, now: Instant) -> Result<Vec<Invitation>> {
    let (organization, email) = (invitation.organization_id, [invitation.email.clone()]);
    let members = memberships::emails_among(tx, organization, &email);
    let (members, unresolved) = try_join(members, invitations::unresolved(tx, organization, &email)).await?;
    if !members.is_empty() {
        return Err(Refusal::new(Code::AlreadyMember, "This person is a member by now.").into());
    }
    let is_overdue = |other: &Invitation| other.status_at(now) == InvitationStatus::Expired;
    let (overdue, pending): (Vec<_>, Vec<_>) = unresolved.into_iter().partition(is_overdue);
    if is_overdue(invitation) && !pending.is_empty() {
        let message = "Another invitation to this address is pending.";
        return Err(Refusal::new(Code::AlreadyInvited, message).into());
    }
    Ok(overdue)
}

async fn require_pause(
    env: &AppContext,
    tx: &mut Connection,
    locked: &LockedOrganization,
    invitation: &Invitation,
    now: Instant,
) -> Result<()> {
    if !env.rules.rate_limits {
        return Ok(());
    }
    let available_at = invitation.sent_requested_at + PAUSE;
    if available_at > now {
        return Err(Refusal::rate_limited("An invitation is sent at most once a minute.", available_at).into());
    }
    users::lock(tx, locked.actor.id).await?;
    let hour_ago = now - TimeDelta::hours(1);
    let (count, oldest) = mails::resends_by_sender_since(tx, locked.actor.id, hour_ago).await?;
    if count >= AN_HOUR_PER_USER {
        let retry_at = oldest.unwrap_or(now) + TimeDelta::hours(1);
        let message = format!("At most {AN_HOUR_PER_USER} invitations can be sent again in an hour.");
        return Err(Refusal::rate_limited(message, retry_at).into());
    }
    require_mails_left(env, tx, locked, 1, now).await
}
