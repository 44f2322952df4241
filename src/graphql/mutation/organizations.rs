//! Mutations of organizations.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::payload::{payload, run_mutation};
use crate::domain::validation::Patch;
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::types::organization::Organization;
use crate::graphql::types::user_error::UserError;
use crate::operations::organizations::{create, delete, restore, update};

/// The mutations of organizations.
#[derive(Default)]
pub struct OrganizationMutations;

/// The mutations of organizations.
#[Object]
impl OrganizationMutations {
    /// Creates an organization. The viewer becomes its owner.
    async fn create_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: CreateOrganizationInput,
    ) -> Result<CreateOrganizationPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
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
        #[graphql(desc = "Arguments of the mutation.")] input: UpdateOrganizationInput,
    ) -> Result<UpdateOrganizationPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
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

    /// Schedules an organization for deletion after a grace period, during which it can be restored. Needs
    /// DELETE_ORGANIZATION.
    async fn delete_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: DeleteOrganizationInput,
    ) -> Result<DeleteOrganizationPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = delete::Input { organization_id: input.organization_id.0, confirm_slug: input.confirm_slug };
            let deleted = delete::delete_organization(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let organization = Organization::open(ctx, deleted).await?;
            Ok(DeleteOrganizationPayload { organization, ..Default::default() })
        })
        .await
    }

    /// Cancels the deletion of an organization during the grace period, within the owner's OWNED_ORGANIZATIONS limit.
    /// Needs RESTORE_ORGANIZATION.
    async fn restore_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: RestoreOrganizationInput,
    ) -> Result<RestoreOrganizationPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
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

/// Contact details of an organization.
#[derive(Default, InputObject)]
pub struct OrganizationContactInput {
    /// E-mail address, at most 254 characters.
    pub email: MaybeUndefined<String>,
    /// Telephone number in free form, at most 32 characters.
    pub phone: MaybeUndefined<String>,
    /// Postal address or location, at most 256 characters.
    pub location: MaybeUndefined<String>,
}

/// Input of `createOrganization`.
#[derive(InputObject)]
pub struct CreateOrganizationInput {
    /// Short name: 1 to 16 of `a-z`, `0-9`, `-`, beginning and ending with a letter or digit. Upper-case letters are
    /// converted to lower case.
    pub slug: String,
    /// Full name, at most 64 characters.
    pub name: Option<String>,
    /// Purpose of the organization, at most 4,096 characters.
    pub description: Option<String>,
    /// Contact details.
    pub contact: Option<OrganizationContactInput>,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `createOrganization`.
#[derive(Default, SimpleObject)]
pub struct CreateOrganizationPayload {
    /// The new organization. Null on failure.
    pub organization: Option<Organization>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(CreateOrganizationPayload);

/// Input of `updateOrganization`.
#[derive(InputObject)]
pub struct UpdateOrganizationInput {
    /// ID of the organization.
    pub organization_id: ID,
    /// The `version` that the change is based on. VERSION_CONFLICT if it is not the present one. Absent or null: no
    /// check.
    pub expected_version: Option<i32>,
    /// New short name, in the format of `CreateOrganizationInput.slug`. Cannot be cleared.
    pub slug: MaybeUndefined<String>,
    /// New full name, at most 64 characters. Null clears it.
    pub name: MaybeUndefined<String>,
    /// New description, at most 4,096 characters. Null clears it.
    pub description: MaybeUndefined<String>,
    /// New contact details. Absent fields stay as they are, and null fields are cleared. Null clears all of them.
    pub contact: MaybeUndefined<OrganizationContactInput>,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `updateOrganization`.
#[derive(Default, SimpleObject)]
pub struct UpdateOrganizationPayload {
    /// The changed organization. Null on failure.
    pub organization: Option<Organization>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(UpdateOrganizationPayload);

/// Input of `deleteOrganization`.
#[derive(InputObject)]
pub struct DeleteOrganizationInput {
    /// ID of the organization.
    pub organization_id: ID,
    /// The slug of the organization, typed as confirmation. CONFIRMATION_MISMATCH if it differs.
    pub confirm_slug: String,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `deleteOrganization`.
#[derive(Default, SimpleObject)]
pub struct DeleteOrganizationPayload {
    /// The organization, pending deletion. Null on failure, and if the grace period is 0 days, because it is then
    /// already deleted.
    pub organization: Option<Organization>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(DeleteOrganizationPayload);

/// Input of `restoreOrganization`.
#[derive(InputObject)]
pub struct RestoreOrganizationInput {
    /// ID of the organization.
    pub organization_id: ID,
    /// ID of the user who becomes the owner, within that user's OWNED_ORGANIZATIONS limit. Needed if the owner's
    /// account was deleted: REQUIRED then if it is absent. OWNER_CANNOT_BE_CHANGED in any other case.
    pub new_owner_id: Option<ID>,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `restoreOrganization`.
#[derive(Default, SimpleObject)]
pub struct RestoreOrganizationPayload {
    /// The organization, active again. Null on failure.
    pub organization: Option<Organization>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(RestoreOrganizationPayload);

/// Converts an input field to a change: an absent value keeps the field, null clears it.
pub(super) fn patch<T>(value: MaybeUndefined<T>) -> Patch<T> {
    match value {
        MaybeUndefined::Undefined => Patch::Keep,
        MaybeUndefined::Null => Patch::Clear,
        MaybeUndefined::Value(value) => Patch::Set(value),
    }
}

/// The changes of the contact details. A null contact clears all of them.
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
