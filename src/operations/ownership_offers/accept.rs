//! Accepts an offered ownership: both roles change in one transaction, and the former owner becomes a maintainer.

use serde::{Deserialize, Serialize};

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::ownership_offer::{FORMER_OWNER, OwnershipOfferStatus};
use crate::domain::validation::parse_id;
use crate::domain::{InternalError, OrganizationId, OwnershipOfferId, Refusal, Result, UserId};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::policy::Action;
use crate::store::memberships::{self, Membership};
use crate::store::ownership_offers::OwnershipOffer;
use crate::store::{Connection, organizations};

use crate::operations::AppContext;
use crate::operations::idempotency::{Idempotency, Written};
use crate::operations::ownership_offers::shared::{enter_by_offer, require_pending, resolve};
use crate::operations::plans::quota;

/// The offer to accept.
pub struct Input {
    /// The offer's ID.
    pub ownership_offer_id: String,
}

/// The result of an acceptance.
#[derive(Serialize, Deserialize)]
pub struct Accepted {
    /// The accepted offer.
    pub offer: Written<OwnershipOfferId, OwnershipOffer>,
    /// The organization, which the actor now owns.
    pub organization: OrganizationId,
}

/// Accepts the offer: the actor becomes the owner. LIMIT_EXCEEDED if the actor's own plan does not allow one more
/// organization.
pub async fn accept_ownership(env: &AppContext, actor: &Actor, input: Input, retry: &Idempotency) -> Result<Accepted> {
    let id: OwnershipOfferId = parse_id("ownershipOfferId", &input.ownership_offer_id)?;
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let (locked, offer) = enter_by_offer(tx, actor, id, Action::OwnershipAccept, now).await?;
        require_pending(&offer, now)?;
        let heir = locked.membership.ok_or_else(|| Refusal::not_found("offer"))?;
        let owner = memberships::of(tx, locked.organization.id, locked.organization.owner_id)
            .await?
            .ok_or_else(|| InternalError::new("an organization without its owner"))?;
        quota::check_owned_organizations_quota(env, tx, heir.user_id, now).await?;
        let accepted = resolve(tx, &offer, OwnershipOfferStatus::Accepted, Some(heir.user_id), now).await?;
        hand_over(tx, &owner, &heir, now).await?;
        Ok(Accepted { offer: Written::new(id, accepted), organization: locked.organization.id })
    })
    .await
}

/// Makes `heir` the owner in place of `owner`. The organization's row must be locked.
async fn hand_over(tx: &mut Connection, owner: &Membership, heir: &Membership, now: Instant) -> Result<()> {
    // The order matters: a database constraint forbids two owners even within a transaction.
    let former = Membership { role: FORMER_OWNER, ..owner.clone() };
    let present = Membership { role: owner.role, ..heir.clone() };
    tx.queue(memberships::update_role(&former));
    tx.queue(memberships::update_role(&present));
    tx.queue(organizations::set_owner(heir.organization_id, heir.user_id));
    let (from, to) = (owner.user_id.to_string(), heir.user_id.to_string());
    let transferred = NewEvent {
        changes: FieldChange::between("owner", Some(&from), Some(&to)).into_iter().collect(),
        ..NewEvent::new(heir.organization_id, EventType::OwnershipTransferred, Some(heir.user_id), heir.organization_id)
    };
    let changed = |before: &Membership, after: &Membership, actor: UserId| NewEvent {
        person: Some(after.user_id),
        changes: FieldChange::between("role", Some(before.role.name()), Some(after.role.name())).into_iter().collect(),
        ..NewEvent::new(after.organization_id, EventType::MemberRoleChanged, Some(actor), after.id)
    };
    let roles = [changed(owner, &former, heir.user_id), changed(heir, &present, heir.user_id)];
    record::record(tx, now, std::iter::once(transferred).chain(roles).collect()).await
}
