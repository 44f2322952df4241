//! Restores an organization during its grace period.

use crate::auth::Actor;
use crate::domain::clock::{self, Instant};
use crate::domain::event::{EventType, FieldChange};
use crate::domain::validation::Validator;
use crate::domain::{Code, InternalError, MembershipId, OrganizationId, Refusal, Result, UserId, ids};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::policy::{Action, Target};
use crate::store::memberships::{self, Membership};
use crate::store::organizations::{self, Organization};
use crate::store::{Connection, users};

use crate::operations::AppContext;
use crate::operations::access::organization::LockedOrganization;
use crate::operations::idempotency::Idempotency;
use crate::operations::memberships::reassign_resources::hand_over;
use crate::operations::plans::quota::check_owned_organizations_quota;

/// The organization to restore.
pub struct Input {
    /// ID of the organization.
    pub organization_id: String,
    /// ID of the new owner, only if the owner's account was deleted.
    pub new_owner_id: Option<String>,
}

/// Restores the organization as it was, with members, roles, and invitations with their former expiry. LIMIT_EXCEEDED
/// unless the owner's plan allows one more organization, even if the actor is an administrator. If the owner's account
/// was deleted, the new owner replaces it. After the grace period the organization is NOT_FOUND, even if the purge job
/// has not deleted it yet.
pub async fn restore_organization(
    env: &AppContext,
    actor: &Actor,
    input: Input,
    retry: &Idempotency,
) -> Result<OrganizationId> {
    let mut check = Validator::default();
    let id: Option<OrganizationId> = check.id("organizationId", &input.organization_id);
    let heir: Option<Option<UserId>> = match &input.new_owner_id {
        Some(heir) => check.id("newOwnerId", heir).map(Some),
        None => Some(None),
    };
    let (Some(id), Some(heir)) = (id, heir) else { return Err(check.refuse()) };
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let locked = LockedOrganization::enter(tx, actor, id, "organization", now).await?;
        locked.require(Action::OrganizationRestore, &Target::default(), "organization")?;
        let scheduled = locked.organization.deletion_scheduled_for;
        if scheduled.is_some_and(|at| at <= now) {
            return Err(Refusal::not_found("organization").into());
        }
        let owner = users::find(tx, locked.organization.owner_id).await?;
        match (owner, heir) {
            (Some(owner), None) => check_owned_organizations_quota(env, tx, owner.id, now).await?,
            (Some(_), Some(_)) => return Err(has_owner().into()),
            (None, None) => return Err(needs_owner().into()),
            (None, Some(heir)) => {
                check_owned_organizations_quota(env, tx, heir, now).await?;
                replace_owner(tx, &locked, heir, now).await?;
            }
        }
        tx.queue(organizations::schedule_deletion(id, None));
        let before = scheduled.map(clock::text);
        let event = NewEvent {
            changes: FieldChange::between("deletionScheduledFor", before.as_deref(), None).into_iter().collect(),
            ..NewEvent::new(id, EventType::OrganizationRestored, Some(locked.actor.id), id)
        };
        record::record(tx, now, vec![event]).await?;
        Ok(id)
    })
    .await
    .map_err(|error| error.not_found_at("organizationId"))
}

/// Makes `heir` the owner of an organization whose owner's account was deleted. The organization's row must be locked.
async fn replace_owner(tx: &mut Connection, locked: &LockedOrganization, heir: UserId, now: Instant) -> Result<()> {
    let no_user = || Refusal::not_found("user").at("newOwnerId");
    let kept = users::keep(tx, heir).await?.ok_or_else(no_user)?;
    let (id, by) = (locked.organization.id, Some(locked.actor.id));
    let former = memberships::of(tx, id, locked.organization.owner_id).await?;
    let former = former.ok_or_else(|| InternalError::new("an organization without its owner"))?;
    let organization = Organization { owner_id: heir, ..locked.organization.clone() };
    hand_over(tx, &organization, former.user_id, locked.actor.id, now).await?;
    let membership = Membership {
        id: ids::new_id::<MembershipId>(now),
        user_id: heir,
        shown_name: kept.display_name().to_owned(),
        username: kept.username,
        joined_at: now,
        last_active_on: None,
        invited_by: None,
        ..former.clone()
    };
    let (from, to) = (former.user_id.to_string(), heir.to_string());
    let role = membership.role.name();
    let events = vec![
        NewEvent { person: Some(former.user_id), ..NewEvent::new(id, EventType::MemberRemoved, by, former.id) },
        NewEvent {
            person: Some(heir),
            changes: FieldChange::between("role", None, Some(role)).into_iter().collect(),
            ..NewEvent::new(id, EventType::MemberJoined, by, membership.id)
        },
        NewEvent {
            changes: FieldChange::between("owner", Some(&from), Some(&to)).into_iter().collect(),
            ..NewEvent::new(id, EventType::OwnershipTransferred, by, id)
        },
    ];
    tx.queue(memberships::delete(&former));
    tx.queue(memberships::insert(membership));
    tx.queue(organizations::set_owner(id, heir));
    record::record(tx, now, events).await
}

fn has_owner() -> Refusal {
    let message = "The organization has its owner: only where that account was deleted a new one is named.";
    Refusal::new(Code::OwnerCannotBeChanged, message).at("newOwnerId")
}

fn needs_owner() -> Refusal {
    Refusal::new(Code::Required, "The owner's account was deleted. Name the new owner.").at("newOwnerId")
}
