//! Changes an organization's own fields.

use chrono::TimeDelta;

use crate::auth::Actor;
use crate::domain::error::FieldError;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::validation::{Patch, Validator};
use crate::domain::{Code, Email, OrganizationId, Refusal, Result, Slug, text};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::policy::{Action, Target};
use crate::store::organizations::{self, Organization};

use crate::operations::AppContext;
use crate::operations::access::organization::LockedOrganization;
use crate::operations::idempotency::Idempotency;
use crate::operations::organizations::create::refuse_taken;

/// How long an abandoned slug is reserved for its former organization.
const SLUG_HELD: TimeDelta = TimeDelta::days(30);

/// The changes of an organization.
pub struct Input {
    /// ID of the organization.
    pub organization_id: String,
    /// The version that the organization must have, else VERSION_CONFLICT.
    pub expected_version: Option<i32>,
    /// Short name; cannot be cleared.
    pub slug: Patch<String>,
    /// Full name.
    pub name: Patch<String>,
    /// Description.
    pub description: Patch<String>,
    /// Contact address.
    pub contact_email: Patch<String>,
    /// Contact telephone number.
    pub contact_phone: Patch<String>,
    /// Contact location.
    pub contact_location: Patch<String>,
}

/// Changes the organization, and increments its version if anything changed.
pub async fn update_organization(
    env: &AppContext,
    actor: &Actor,
    input: Input,
    retry: &Idempotency,
) -> Result<OrganizationId> {
    let mut check = Validator::default();
    let slug = match input.slug {
        Patch::Clear => Err(FieldError::new(Code::Required, "An organization needs a slug.")),
        slug => slug.try_map(|raw| Slug::parse(&raw).map(Some)),
    };
    let (Some(id), Some(slug), Some(name), Some(description), Some(email), Some(phone), Some(location)) = (
        check.id::<OrganizationId>("organizationId", &input.organization_id),
        check.field("slug", slug),
        check.field("name", input.name.try_map(|raw| text::optional(Some(&raw), 64))),
        check.field("description", input.description.try_map(|raw| text::optional_lines(Some(&raw), 4096))),
        check.field("contact.email", input.contact_email.try_map(|raw| Email::optional(Some(&raw)))),
        check.field("contact.phone", input.contact_phone.try_map(|raw| text::optional(Some(&raw), 32))),
        check.field("contact.location", input.contact_location.try_map(|raw| text::optional_lines(Some(&raw), 256))),
    ) else {
        return Err(check.refuse());
    };
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let locked = LockedOrganization::enter(tx, actor, id, "organization", now).await?;
        locked.require(Action::OrganizationUpdate, &Target::default(), "organization")?;
        let before = locked.organization;
        if input.expected_version.is_some_and(|version| version != before.version) {
            let message = format!("Somebody else has changed the organization: it is at version {}.", before.version);
            return Err(Refusal::new(Code::VersionConflict, message).at("expectedVersion").into());
        }
        let email = match email {
            Patch::Set(email) => Patch::Set(email.shown().to_owned()),
            Patch::Clear => Patch::Clear,
            Patch::Keep => Patch::Keep,
        };
        let mut after = before.clone();
        if let Patch::Set(slug) = slug {
            after.slug = slug.to_string();
        }
        after.name = name.apply(after.name);
        if let Some(name) = after.name.as_deref().filter(|_| after.name != before.name) {
            let mut check = Validator::default();
            check.field("name", text::without_link(name));
            check.finish()?;
        }
        after.description = description.apply(after.description);
        after.contact_email = email.apply(after.contact_email);
        after.contact_phone = phone.apply(after.contact_phone);
        after.contact_location = location.apply(after.contact_location);

        let changes = changes(&before, &after);
        if changes.is_empty() {
            return Ok(id);
        }
        if after.slug != before.slug {
            refuse_taken(organizations::taken_slugs(tx, &[&after.slug], Some(id), now).await?)?;
            organizations::change_held_slug(tx, id, (&before.slug, &after.slug), now + SLUG_HELD).await?;
        }
        organizations::update(tx, &after, now).await?;
        let event =
            NewEvent { changes, ..NewEvent::new(id, EventType::OrganizationUpdated, Some(locked.actor.id), id) };
        record::record(tx, now, vec![event]).await?;
        Ok(id)
    })
    .await
    .map_err(|error| error.not_found_at("organizationId"))
}

fn changes(before: &Organization, after: &Organization) -> Vec<FieldChange> {
    let optional = |field, of: fn(&Organization) -> &Option<String>| {
        FieldChange::between(field, of(before).as_deref(), of(after).as_deref())
    };
    [
        FieldChange::between("slug", Some(&before.slug), Some(&after.slug)),
        optional("name", |organization| &organization.name),
        optional("description", |organization| &organization.description),
        optional("contact.email", |organization| &organization.contact_email),
        optional("contact.phone", |organization| &organization.contact_phone),
        optional("contact.location", |organization| &organization.contact_location),
    ]
    .into_iter()
    .flatten()
    .collect()
}
