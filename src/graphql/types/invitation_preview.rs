//! The preview of an invitation for the holder of its token.

use async_graphql::{Context, SimpleObject};

use super::invitation::{InvitationStatus, OrganizationSummary, invitee_of};
use super::role::Role;
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::loaders::organizations::OrganizationName;
use crate::graphql::loaders::users::VerifiedEmail;
use crate::graphql::scalars::DateTime;
use crate::policy::{AccessContext, Action, Decision, Target, decide};
use crate::store::invitations;

/// The fields of an invitation that the holder of its token may see before signing in.
#[derive(SimpleObject)]
pub struct InvitationPreview {
    /// `displayName` of the organization.
    organization_name: String,
    /// `slug` of the organization.
    organization_slug: String,
    /// `displayName` of the inviter. Null if that account no longer exists.
    inviter_name: Option<String>,
    /// The offered role.
    role: Role,
    /// Present status of the invitation.
    status: InvitationStatus,
    /// Time at which it expires or expired.
    expires_at: DateTime,
    /// The invited address.
    email: String,
    /// Whether an account with this verified address exists. If so, the invitee should sign in instead of signing up.
    /// For a signed-in viewer it is true only if `Invitation.invitee` is not null.
    account_exists: bool,
}

impl InvitationPreview {
    /// Loads the preview of an invitation for a caller who holds its token; `None` if the organization is deleted or
    /// pending deletion.
    pub async fn load(ctx: &Context<'_>, row: invitations::Invitation) -> Result<Option<Self>> {
        let loader = &ctx.request().loader;
        let Some(organization) = loader.load_one(OrganizationName(row.organization_id)).await? else { return Ok(None) };
        let viewer_access = AccessContext { place: organization.status.into(), ..AccessContext::default() };
        let holder = Target { holds_token: true, ..Target::default() };
        if decide(&viewer_access, Action::InvitationPreview, &holder) != Decision::Allow {
            return Ok(None);
        }
        let organization = OrganizationSummary::from(organization);
        let inviter = match row.inviter_id {
            Some(inviter) => loader.load_one(inviter).await?,
            None => None,
        };
        // A signed-in viewer learns no more from this field than from `Invitation.invitee`.
        let account_exists = match ctx.request().viewer_id() {
            Some(_) => invitee_of(ctx, &row).await?.is_some(),
            None => loader.load_one(VerifiedEmail(row.email.clone())).await?.is_some(),
        };
        Ok(Some(Self {
            organization_name: organization.display_name,
            organization_slug: organization.slug,
            inviter_name: inviter.map(|inviter| inviter.display_name().to_owned()),
            role: row.role.into(),
            status: row.status_at(ctx.request().now).into(),
            expires_at: row.expires_at.into(),
            email: row.shown_email().to_owned(),
            account_exists,
        }))
    }
}
