//! Mutations of memberships.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::mutation::payload::{answer, payload};
use crate::graphql::scalars::id;
use crate::graphql::types::enums::Role;
use crate::graphql::types::membership::Membership;
use crate::graphql::types::organization::Organization;
use crate::graphql::types::user_error::UserError;
use crate::operations::memberships::{change_role, leave, remove};

/// Changes of memberships.
#[derive(Default)]
pub struct MemberMutations;

/// Changes of memberships.
#[Object]
impl MemberMutations {
    /// Gives a member another role. Needs CHANGE_MEMBER_ROLE; both roles must be below the viewer's own.
    async fn change_member_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: ChangeMemberRoleInput,
    ) -> Result<ChangeMemberRolePayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = change_role::Input { membership_id: input.membership_id.0, role: input.role.into() };
            let changed = change_role::change_member_role(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let membership = Membership::written(ctx, changed).await?;
            Ok(ChangeMemberRolePayload { membership, ..Default::default() })
        })
        .await
    }

    /// Removes a member, whose access ends at once. Needs REMOVE_MEMBER.
    async fn remove_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: RemoveMemberInput,
    ) -> Result<RemoveMemberPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = remove::Input { membership_id: input.membership_id.0 };
            let removed = remove::remove_member(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let organization = Organization::open(ctx, removed.organization).await?;
            Ok(RemoveMemberPayload {
                removed_membership_id: Some(id(removed.membership)),
                organization,
                ..Default::default()
            })
        })
        .await
    }

    /// Ends the viewer's own membership. Needs LEAVE_ORGANIZATION, which the owner lacks.
    async fn leave_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: LeaveOrganizationInput,
    ) -> Result<LeaveOrganizationPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = leave::Input { organization_id: input.organization_id.0 };
            let left = leave::leave_organization(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            Ok(LeaveOrganizationPayload { left_membership_id: Some(id(left)), ..Default::default() })
        })
        .await
    }
}

/// What `changeMemberRole` is to do.
#[derive(InputObject)]
pub struct ChangeMemberRoleInput {
    /// ID of the membership.
    pub membership_id: ID,
    /// The new role; one of `Membership.viewerAssignableRoles`. The present one changes nothing.
    pub role: Role,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `changeMemberRole` did.
#[derive(Default, SimpleObject)]
pub struct ChangeMemberRolePayload {
    /// The membership with its new role. Null on failure.
    pub membership: Option<Membership>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(ChangeMemberRolePayload);

/// What `removeMember` is to do.
#[derive(InputObject)]
pub struct RemoveMemberInput {
    /// ID of the membership.
    pub membership_id: ID,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `removeMember` did.
#[derive(Default, SimpleObject)]
pub struct RemoveMemberPayload {
    /// ID of the membership that is gone. Null on failure.
    pub removed_membership_id: Option<ID>,
    /// The organization, with one member less. Null on failure.
    pub organization: Option<Organization>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(RemoveMemberPayload);

/// What `leaveOrganization` is to do.
#[derive(InputObject)]
pub struct LeaveOrganizationInput {
    /// ID of the organization.
    pub organization_id: ID,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe: once this has succeeded, for 24 hours the same key with the same input changes nothing more and
    /// gets the same objects as answer; with another input it is IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `leaveOrganization` did.
#[derive(Default, SimpleObject)]
pub struct LeaveOrganizationPayload {
    /// ID of the viewer's membership that is gone. Null on failure.
    pub left_membership_id: Option<ID>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(LeaveOrganizationPayload);
