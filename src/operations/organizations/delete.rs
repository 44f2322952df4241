//! Deletes an organization. During a grace period it can be restored, and it is read-only for its owner and hidden from
//! other members.

use crate::auth::Actor;
use crate::domain::clock::{self, Instant};
use crate::domain::event::{EventType, FieldChange};
use crate::domain::ownership_offer::OwnershipOfferStatus;
use crate::domain::validation::parse_id;
use crate::domain::{Code, OrganizationId, Refusal, Result, Slug, UserId};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::policy::{Action, Target};
use crate::store::organizations::{self, Organization};
use crate::store::{Connection, users};

use crate::operations::AppContext;
use crate::operations::access::organization::LockedOrganization;
use crate::operations::idempotency::Idempotency;
use crate::operations::ownership_offers::shared::{pending, resolve};

/// The organization to delete.
pub struct Input {
    /// ID of the organization.
    pub organization_id: String,
    /// The organization's slug, typed as a confirmation.
    pub confirm_slug: String,
}

/// Schedules the deletion, or deletes at once if the grace period is zero. Cancels an offer of ownership. Other users
/// who had selected the organization are back in their personal workspaces, even after a restoration.
pub async fn delete_organization(
    env: &AppContext,
    actor: &Actor,
    input: Input,
    retry: &Idempotency,
) -> Result<OrganizationId> {
    let id: OrganizationId = parse_id("organizationId", &input.organization_id)?;
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let locked = LockedOrganization::enter(tx, actor, id, "organization", now).await?;
        locked.require(Action::OrganizationDelete, &Target::default(), "organization")?;
        if Slug::lowercase(&input.confirm_slug) != locked.organization.slug {
            let message = "This is not the slug of the organization.";
            return Err(Refusal::new(Code::ConfirmationMismatch, message).at("confirmSlug").into());
        }
        schedule_deletion(env, tx, &locked.organization, locked.actor.id, now).await?;
        Ok(id)
    })
    .await
    .map_err(|error| error.not_found_at("organizationId"))
}

/// Starts the grace period of an organization, or deletes it if the grace period is zero. The organization's row must
/// be locked.
pub(crate) async fn schedule_deletion(
    env: &AppContext,
    tx: &mut Connection,
    organization: &Organization,
    actor: UserId,
    now: Instant,
) -> Result<()> {
    let (id, grace) = (organization.id, env.rules.deletion_grace);
    if let Some(offer) = pending(tx, id, now).await? {
        resolve(tx, &offer, OwnershipOfferStatus::Cancelled, Some(actor), now).await?;
    }
    if grace.is_zero() {
        return delete_for_good(tx, organization, Some(actor), now).await;
    }
    tx.queue(organizations::schedule_deletion(id, Some(now + grace)));
    users::forget_selection(tx, id, organization.owner_id).await?;
    let at = clock::text(now + grace);
    let event = NewEvent {
        changes: FieldChange::between("deletionScheduledFor", None, Some(&at)).into_iter().collect(),
        ..NewEvent::new(id, EventType::OrganizationDeletionScheduled, Some(actor), id)
    };
    record::record(tx, now, vec![event]).await
}

/// Permanently deletes an organization with everything that belongs to it. The event remains, and is the only record of
/// its names. The organization's row must be locked.
pub(crate) async fn delete_for_good(
    tx: &mut Connection,
    organization: &Organization,
    actor: Option<UserId>,
    now: Instant,
) -> Result<()> {
    let names = [
        FieldChange::between("slug", Some(&organization.slug), None),
        FieldChange::between("name", organization.name.as_deref(), None),
    ];
    let deleted = NewEvent {
        person: Some(organization.owner_id),
        changes: names.into_iter().flatten().collect(),
        ..NewEvent::new(organization.id, EventType::OrganizationDeleted, actor, organization.id)
    };
    record::record(tx, now, vec![deleted]).await?;
    organizations::delete(tx, organization.id).await
}
