//! Mutations of memberships.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::mutation::idempotency::retry;
use crate::graphql::mutation::payload::{payload, run_mutation};
use crate::graphql::scalars::id;
use crate::graphql::types::membership::Membership;
use crate::graphql::types::organization::Organization;
use crate::graphql::types::role::Role;
use crate::graphql::types::user_error::UserError;
use crate::operations::memberships::{change_role, leave, remove};

/// The mutations of memberships.
#[derive(Default)]
pub struct MemberMutations;

/// The mutations of memberships.
#[Object]
impl MemberMutations {
    /// Changes the role of a member. Needs CHANGE_MEMBER_ROLE. Both the old and the new role must be below the viewer's
    /// own.
    async fn change_member_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: ChangeMemberRoleInput,
    ) -> Result<ChangeMemberRolePayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = change_role::Input { membership_id: input.membership_id.0, role: input.role.into() };
            let changed = change_role::change_member_role(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            let membership = Membership::written(ctx, changed).await?;
            Ok(ChangeMemberRolePayload { membership, ..Default::default() })
        })
        .await
    }

    /// Removes a member. Their access ends immediately. Needs REMOVE_MEMBER.
    async fn remove_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: RemoveMemberInput,
    ) -> Result<RemoveMemberPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
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
        #[graphql(desc = "Arguments of the mutation.")] input: LeaveOrganizationInput,
    ) -> Result<LeaveOrganizationPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let retry = retry(ctx, input.idempotency_key.as_deref(), &input)?;
            let input = leave::Input { organization_id: input.organization_id.0 };
            let left = leave::leave_organization(ctx.env(), ctx.request().actor()?, input, &retry).await?;
            Ok(LeaveOrganizationPayload { left_membership_id: Some(id(left)), ..Default::default() })
        })
        .await
    }
}

/// Input of `changeMemberRole`.
#[derive(InputObject)]
pub struct ChangeMemberRoleInput {
    /// ID of the membership.
    pub membership_id: ID,
    /// The new role, one of `Membership.viewerAssignableRoles`. The present role changes nothing.
    pub role: Role,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `changeMemberRole`.
#[derive(Default, SimpleObject)]
pub struct ChangeMemberRolePayload {
    /// The membership with its new role. Null on failure.
    pub membership: Option<Membership>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(ChangeMemberRolePayload);

/// Input of `removeMember`.
#[derive(InputObject)]
pub struct RemoveMemberInput {
    /// ID of the membership.
    pub membership_id: ID,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `removeMember`.
#[derive(Default, SimpleObject)]
pub struct RemoveMemberPayload {
    /// ID of the removed membership. Null on failure.
    pub removed_membership_id: Option<ID>,
    /// The organization without the removed member. Null on failure.
    pub organization: Option<Organization>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(RemoveMemberPayload);

/// Input of `leaveOrganization`.
#[derive(InputObject)]
pub struct LeaveOrganizationInput {
    /// ID of the organization.
    pub organization_id: ID,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// Makes a retry safe. For 24 hours after a success, a request with the same key and the same input changes nothing
    /// and returns the same objects; with another input it fails with IDEMPOTENCY_KEY_REUSED. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// Payload of `leaveOrganization`.
#[derive(Default, SimpleObject)]
pub struct LeaveOrganizationPayload {
    /// ID of the viewer's ended membership. Null on failure.
    pub left_membership_id: Option<ID>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(LeaveOrganizationPayload);
