//! Revokes a pending invitation.

use std::sync::Arc;

use crate::auth::Actor;
use crate::domain::event::EventType;
use crate::domain::invitation::InvitationStatus;
use crate::domain::validation::parse_id;
use crate::domain::{InvitationId, Result};
use crate::events::record;
use crate::policy::Action;
use crate::store::invitations::{self, Invitation};

use crate::operations::AppContext;
use crate::operations::access::organization::WithAccess;
use crate::operations::idempotency::{Idempotency, Written};
use crate::operations::invitations::join::{enter_to_administer, event, require_pending};

/// The invitation to revoke.
pub struct Input {
    /// The invitation's ID.
    pub invitation_id: String,
}

/// Revokes an invitation.
pub async fn revoke_invitation(
    env: &AppContext,
    actor: &Actor,
    input: Input,
    retry: &Idempotency,
) -> Result<Written<InvitationId, WithAccess<Invitation>>> {
    let id: InvitationId = parse_id("invitationId", &input.invitation_id)?;
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let (locked, invitation) = enter_to_administer(tx, actor, id, Action::InvitationRevoke, now).await?;
        require_pending(&invitation, now)?;
        let revoked = invitation.resolved(InvitationStatus::Revoked, now);
        tx.queue(invitations::resolve(&revoked));
        record::record(tx, now, vec![event(&revoked, EventType::InvitationRevoked, Some(&locked.actor))]).await?;
        let by = Arc::new(locked.without(&revoked));
        Ok(Written::new(id, WithAccess { row: revoked, by }))
    })
    .await
}
