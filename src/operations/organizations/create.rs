//! Creates an organization that the caller owns.

use futures_util::future::try_join;

use crate::auth::Actor;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::validation::Validator;
use crate::domain::{Code, Email, Error, MembershipId, OrganizationId, Refusal, Result, Role, Slug, ids, text};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::policy::{AccessContext, Action, Target, decide};
use crate::store::memberships::{self, Membership};
use crate::store::organizations::{self, NewOrganization};
use crate::store::users;

use crate::operations::AppContext;
use crate::operations::idempotency::Idempotency;
use crate::operations::plans::quota;

/// The new organization.
pub struct Input {
    /// Short name.
    pub slug: String,
    /// Full name.
    pub name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Contact address.
    pub contact_email: Option<String>,
    /// Contact telephone number.
    pub contact_phone: Option<String>,
    /// Contact location.
    pub contact_location: Option<String>,
}

/// Creates the organization. SLUG_TAKEN if another organization has the slug or had it in the last 30 days;
/// LIMIT_EXCEEDED if the actor owns as many organizations as the actor's plan allows.
pub async fn create_organization(
    env: &AppContext,
    actor: &Actor,
    input: Input,
    retry: &Idempotency,
) -> Result<OrganizationId> {
    let mut check = Validator::default();
    let name = text::optional(input.name.as_deref(), 64);
    let name = name.and_then(|name| name.as_deref().map_or(Ok(()), text::without_link).map(|()| name));
    let (Some(slug), Some(name), Some(description), Some(email), Some(phone), Some(location)) = (
        check.field("slug", Slug::parse(&input.slug)),
        check.field("name", name),
        check.field("description", text::optional_lines(input.description.as_deref(), 4096)),
        check.field("contact.email", Email::optional(input.contact_email.as_deref())),
        check.field("contact.phone", text::optional(input.contact_phone.as_deref(), 32)),
        check.field("contact.location", text::optional_lines(input.contact_location.as_deref(), 256)),
    ) else {
        return Err(check.refuse());
    };
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let (kept, owner) = try_join(users::keep(tx, actor.user_id), users::find_actor(tx, actor)).await?;
        let (kept, owner) = kept.zip(owner).ok_or(Error::Unauthenticated)?;
        let viewer_access = AccessContext { signed_in: true, is_admin: owner.is_admin, ..AccessContext::default() };
        decide(&viewer_access, Action::OrganizationCreate, &Target::default()).require("organization")?;
        refuse_taken(organizations::taken_slugs(tx, &[slug.as_str()], None, now).await?)?;
        quota::check_owned_organizations_quota(env, tx, owner.id, now).await?;

        let id = ids::new_id::<OrganizationId>(now);
        let new = NewOrganization {
            id,
            slug: slug.as_str(),
            name: name.as_deref(),
            description: description.as_deref(),
            contact_email: email.as_ref().map(Email::shown),
            contact_phone: phone.as_deref(),
            contact_location: location.as_deref(),
            owner_id: owner.id,
            created_at: now,
            updated_at: now,
        };
        organizations::insert(tx, &new).await?;
        let membership = Membership {
            id: ids::new_id::<MembershipId>(now),
            organization_id: id,
            user_id: owner.id,
            shown_name: kept.display_name().to_owned(),
            username: kept.username,
            role: Role::Owner,
            joined_at: now,
            last_active_on: Some(now.date_naive()),
            invited_by: None,
        };
        let created = NewEvent::new(id, EventType::OrganizationCreated, Some(owner.id), id);
        let joined = NewEvent {
            person: Some(owner.id),
            changes: FieldChange::between("role", None, Some(Role::Owner.name())).into_iter().collect(),
            ..NewEvent::new(id, EventType::MemberJoined, Some(owner.id), membership.id)
        };
        tx.queue(memberships::insert(membership));
        record::record(tx, now, vec![created, joined]).await?;
        Ok(id)
    })
    .await
}

/// SLUG_TAKEN unless `taken` is empty.
pub(crate) fn refuse_taken(taken: Vec<String>) -> Result<()> {
    if taken.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(Code::SlugTaken, "Another organization has this slug, or had it in the last 30 days.")
        .at("slug")
        .into())
}
