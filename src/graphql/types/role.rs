//! Roles, and the permissions of each role.

use async_graphql::{Context, Enum, Object};

use super::permission::Permission;
use crate::domain;
use crate::graphql::context::ContextExt;
use crate::policy::{AccessContext, Action, Member, Target, assignable_roles, matrix};

/// A member's role in an organization, from least to most powerful. See `Query.roles` for the permissions of each role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::Role")]
pub enum Role {
    /// Works on assigned resources.
    Worker,
    /// In addition, creates and assigns projects and tasks.
    Supervisor,
    /// Administers everything except deletion, billing, the owner and other maintainers.
    Maintainer,
    /// Has every permission. Every organization has exactly one owner at any time.
    Owner,
}

/// The permissions of one role, so that clients need not hard-code them.
pub struct RoleDefinition(pub Role);

impl RoleDefinition {
    fn viewer_access(&self) -> AccessContext {
        AccessContext { signed_in: true, role: Some(self.0.into()), ..AccessContext::default() }
    }
}

/// The permissions of one role, so that clients need not hard-code them.
#[Object]
impl RoleDefinition {
    /// The role.
    async fn role(&self) -> Role {
        self.0
    }

    /// Description of the role, as a sentence for people.
    async fn description(&self) -> &str {
        domain::Role::from(self.0).description()
    }

    /// Permissions that a member with this role has without further conditions.
    async fn permissions(&self, ctx: &Context<'_>) -> Vec<Permission> {
        let owners_manage_plans = ctx.env().rules.owners_manage_plans;
        matrix::permissions_of(self.0.into(), owners_manage_plans).into_iter().map(Into::into).collect()
    }

    /// Additional permissions of a member with this role on resources that they own or are assigned to.
    async fn conditional_permissions(&self) -> Vec<Permission> {
        matrix::conditional_permissions_of(self.0.into()).into_iter().map(Into::into).collect()
    }

    /// Roles that a member with this role can give to an invitee or a member.
    async fn assignable_roles(&self) -> Vec<Role> {
        let roles = assignable_roles(&self.viewer_access(), Action::InvitationCreate, &Target::default());
        roles.into_iter().map(Into::into).collect()
    }

    /// Roles of the members that a member with this role can change or remove.
    async fn manageable_roles(&self) -> Vec<Role> {
        let viewer_access = self.viewer_access();
        let manageable = |role: &domain::Role| {
            let target = Target { member: Some(Member { role: *role, is_self: false }), ..Target::default() };
            crate::policy::decide(&viewer_access, Action::MemberRemove, &target) == crate::policy::Decision::Allow
        };
        domain::Role::ALL.into_iter().filter(manageable).map(Into::into).collect()
    }
}
