//! Takes a pending invitation back.

use std::sync::Arc;

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::event::EventType;
use crate::domain::input::only_id;
use crate::domain::invitation::InvitationStatus;
use crate::domain::{InvitationId, Refusal, Result};
use crate::events::log;
use crate::policy::{Action, Target};
use crate::store::Connection;
use crate::store::invitations::{self, Invitation};

use super::Env;
use super::floor::{Floor, Witnessed};
use super::join_by_invitation::{enter_by_id, event, invitee_sees, require_pending};
use super::retries::{Retry, Written};

/// Which invitation.
pub struct Input {
    /// Its ID.
    pub invitation_id: String,
}

/// Revokes it.
pub async fn revoke_invitation(
    env: &Env,
    actor: &Actor,
    input: Input,
    retry: &Retry,
) -> Result<Written<InvitationId, Witnessed<Invitation>>> {
    let id: InvitationId = only_id("invitationId", &input.invitation_id)?;
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let (floor, invitation) = enter_by_invitation(tx, actor, id, Action::InvitationRevoke, now).await?;
        require_pending(&invitation, now)?;
        let revoked = invitation.resolved(InvitationStatus::Revoked, now);
        tx.queue(invitations::resolve(&revoked));
        log::record(tx, now, vec![event(&revoked, EventType::InvitationRevoked, Some(&floor.actor))]).await?;
        let by = Arc::new(floor.without(&revoked));
        Ok(Written::now(id, Witnessed { row: revoked, by }))
    })
    .await
}

/// Enters the organization of an invitation to administer it; who may not even see it is told that it is not there.
pub(super) async fn enter_by_invitation(
    tx: &Connection,
    actor: &Actor,
    id: InvitationId,
    action: Action,
    now: Instant,
) -> Result<(Floor, Invitation)> {
    let (floor, invitation) = enter_by_id(tx, actor, id, now).await?;
    let is_invitee = floor.is_invitee(&invitation);
    let holds_it = is_invitee && invitee_sees(floor.organization.status);
    if !holds_it && !floor.sees() {
        return Err(Refusal::not_found("invitation").at("invitationId").into());
    }
    floor.require(action, &Target { is_invitee, ..Target::default() }, "invitation")?;
    Ok((floor, invitation))
}
