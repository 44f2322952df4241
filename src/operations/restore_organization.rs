//! Takes the deletion of an organization back, while its time of grace lasts.

use crate::auth::Actor;
use crate::domain::clock;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::input::only_id;
use crate::domain::{OrganizationId, Refusal, Result};
use crate::events::log::{self, Event};
use crate::policy::{Action, Target};
use crate::store::organizations;

use super::Env;
use super::floor::Floor;
use super::limits::require_owned_room;
use super::retries::Retry;

/// What to restore.
pub struct Input {
    /// The organization.
    pub organization_id: String,
}

/// Restores it as it was: members, roles, and invitations with the expiry that they had. It counts as owned again, so its
/// owner needs room for it, whoever asks. When the time of grace is over it is gone, whether or not the job has come to it.
pub async fn restore_organization(env: &Env, actor: &Actor, input: Input, retry: &Retry) -> Result<OrganizationId> {
    let id: OrganizationId = only_id("organizationId", &input.organization_id)?;
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let floor = Floor::enter(tx, actor, id, "organization", now).await?;
        floor.require(Action::OrganizationRestore, &Target::default(), "organization")?;
        let scheduled = floor.organization.deletion_scheduled_for;
        if scheduled.is_some_and(|at| at <= now) {
            return Err(Refusal::not_found("organization").into());
        }
        require_owned_room(env, tx, floor.organization.owner_id, now).await?;
        tx.queue(organizations::schedule_deletion(id, None));
        let before = scheduled.map(clock::text);
        let event = Event {
            changes: FieldChange::between("deletionScheduledFor", before.as_deref(), None).into_iter().collect(),
            ..Event::new(id, EventType::OrganizationRestored, Some(floor.actor.id), id)
        };
        log::record(tx, now, vec![event]).await?;
        Ok(id)
    })
    .await
    .map_err(|error| error.missing_at("organizationId"))
}
