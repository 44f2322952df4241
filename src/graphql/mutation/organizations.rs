//! Mutations of organizations.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::payload::{answer, payload};
use crate::domain::validation::Patch;
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::types::organization::Organization;
use crate::graphql::types::user_error::UserError;
use crate::operations::organizations::{create, delete, restore, update};

/// Changes of organizations.
#[derive(Default)]
pub struct OrganizationMutations;

/// Changes of organizations.
#[Object]
impl OrganizationMutations {
    /// Creates an organization. The viewer becomes its owner.
    async fn create_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: CreateOrganizationInput,
    ) -> Result<CreateOrganizationPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let contact = input.contact.unwrap_or_default();
            let input = create::Input {
                slug: input.slug,
                name: input.name,
                description: input.description,
                contact_email: contact.email.take(),
                contact_phone: contact.phone.take(),
                contact_location: contact.location.take(),
            };
            let created = create::create_organization(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let organization = Organization::open(ctx, created).await?;
            Ok(CreateOrganizationPayload { organization, ..Default::default() })
        })
        .await
    }

    /// Changes the organization's own fields. Needs UPDATE_ORGANIZATION.
    async fn update_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: UpdateOrganizationInput,
    ) -> Result<UpdateOrganizationPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let contact = ContactPatch::from(input.contact);
            let input = update::Input {
                organization_id: input.organization_id.0,
                expected_version: input.expected_version,
                slug: patch(input.slug),
                name: patch(input.name),
                description: patch(input.description),
                contact_email: contact.email,
                contact_phone: contact.phone,
                contact_location: contact.location,
            };
            let updated = update::update_organization(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let organization = Organization::open(ctx, updated).await?;
            Ok(UpdateOrganizationPayload { organization, ..Default::default() })
        })
        .await
    }

    /// Deletes an organization after a time of grace, in which it can be restored. Needs DELETE_ORGANIZATION.
    async fn delete_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: DeleteOrganizationInput,
    ) -> Result<DeleteOrganizationPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = delete::Input { organization_id: input.organization_id.0, confirm_slug: input.confirm_slug };
            let deleted = delete::delete_organization(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let organization = Organization::open(ctx, deleted).await?;
            Ok(DeleteOrganizationPayload { organization, ..Default::default() })
        })
        .await
    }

    /// Takes a deletion back during the time of grace, within the viewer's OWNED_ORGANIZATIONS. Needs
    /// RESTORE_ORGANIZATION.
    async fn restore_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: RestoreOrganizationInput,
    ) -> Result<RestoreOrganizationPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = restore::Input {
                organization_id: input.organization_id.0,
                new_owner_id: input.new_owner_id.map(|id| id.0),
            };
            let restored = restore::restore_organization(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let organization = Organization::open(ctx, restored).await?;
            Ok(RestoreOrganizationPayload { organization, ..Default::default() })
        })
        .await
    }
}

/// How to reach an organization.
#[derive(Default, InputObject)]
pub struct OrganizationContactInput {
    /// E-mail address, at most 254 characters.
    pub email: MaybeUndefined<String>,
    /// Telephone number as people write it, at most 32 characters.
    pub phone: MaybeUndefined<String>,
    /// Postal address or place, at most 256 characters.
    pub location: MaybeUndefined<String>,
}

/// What `createOrganization` is to do.
#[derive(InputObject)]
pub struct CreateOrganizationInput {
    /// Short name: 1 to 16 of `a-z`, `0-9`, `-`, beginning and ending with a letter or digit. Capitals are taken as
    /// small letters.
    pub slug: String,
    /// Full name, at most 64 characters.
    pub name: Option<String>,
    /// What the organization is for, at most 4,096 characters.
    pub description: Option<String>,
    /// How to reach it.
    pub contact: Option<OrganizationContactInput>,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `createOrganization` did.
#[derive(Default, SimpleObject)]
pub struct CreateOrganizationPayload {
    /// The new organization. Null on failure.
    pub organization: Option<Organization>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(CreateOrganizationPayload);

/// What `updateOrganization` is to do.
#[derive(InputObject)]
pub struct UpdateOrganizationInput {
    /// ID of the organization.
    pub organization_id: ID,
    /// Refuse with VERSION_CONFLICT unless this is its present `version`. Absent or null: change it whatever its
    /// version.
    pub expected_version: Option<i32>,
    /// New short name, in the form described at `CreateOrganizationInput.slug`. Cannot be cleared.
    pub slug: MaybeUndefined<String>,
    /// New full name, at most 64 characters. Null clears it.
    pub name: MaybeUndefined<String>,
    /// New description, at most 4,096 characters. Null clears it.
    pub description: MaybeUndefined<String>,
    /// New contact. Its absent fields stay as they are, its null ones are cleared. Null clears all of them.
    pub contact: MaybeUndefined<OrganizationContactInput>,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `updateOrganization` did.
#[derive(Default, SimpleObject)]
pub struct UpdateOrganizationPayload {
    /// The organization as it is now. Null on failure.
    pub organization: Option<Organization>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(UpdateOrganizationPayload);

/// What `deleteOrganization` is to do.
#[derive(InputObject)]
pub struct DeleteOrganizationInput {
    /// ID of the organization.
    pub organization_id: ID,
    /// The slug of the organization, typed by a person. CONFIRMATION_MISMATCH if it is another.
    pub confirm_slug: String,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `deleteOrganization` did.
#[derive(Default, SimpleObject)]
pub struct DeleteOrganizationPayload {
    /// The organization, pending deletion. Null on failure, and where the time of grace is 0 days, since it is gone.
    pub organization: Option<Organization>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(DeleteOrganizationPayload);

/// What `restoreOrganization` is to do.
#[derive(InputObject)]
pub struct RestoreOrganizationInput {
    /// ID of the organization.
    pub organization_id: ID,
    /// ID of the user who is to own it, within their OWNED_ORGANIZATIONS. Needed where the owner's account was deleted:
    /// REQUIRED then if it is absent; OWNER_CANNOT_BE_CHANGED in any other case.
    pub new_owner_id: Option<ID>,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `restoreOrganization` did.
#[derive(Default, SimpleObject)]
pub struct RestoreOrganizationPayload {
    /// The organization, active again. Null on failure.
    pub organization: Option<Organization>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(RestoreOrganizationPayload);

/// What an update does to a field: absent keeps it, null clears it.
pub(super) fn patch<T>(value: MaybeUndefined<T>) -> Patch<T> {
    match value {
        MaybeUndefined::Undefined => Patch::Keep,
        MaybeUndefined::Null => Patch::Clear,
        MaybeUndefined::Value(value) => Patch::Set(value),
    }
}

/// What an update does to the contact: null clears all of it.
struct ContactPatch {
    email: Patch<String>,
    phone: Patch<String>,
    location: Patch<String>,
}

impl From<MaybeUndefined<OrganizationContactInput>> for ContactPatch {
    fn from(contact: MaybeUndefined<OrganizationContactInput>) -> Self {
        match contact {
            MaybeUndefined::Undefined => Self { email: Patch::Keep, phone: Patch::Keep, location: Patch::Keep },
            MaybeUndefined::Null => Self { email: Patch::Clear, phone: Patch::Clear, location: Patch::Clear },
            MaybeUndefined::Value(contact) => {
                Self { email: patch(contact.email), phone: patch(contact.phone), location: patch(contact.location) }
            }
        }
    }
}
