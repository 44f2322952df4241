//! Decides by the table of rules whether a caller may do an action to a target.
//!
//! The checks run in this order: authentication, visibility, permission, state of the target.

use crate::domain::organization::OrganizationStatus;
use crate::domain::resource::Relations;
use crate::domain::{Code, Error, Permission, Refusal, Role};

use super::Action;
use super::action::IN_PERSONAL_WORKSPACES;
use super::table::{Access, Condition, Exception, MinimumRole, RULES, Rule, rule};

/// Kind and state of the workspace that an action is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorkspaceState {
    /// An active organization.
    #[default]
    Organization,
    /// An organization that is pending deletion: read-only for its owner and site administrators, hidden from all
    /// others.
    PendingDeletion,
    /// A personal workspace. Only its user sees it, with the role of an owner.
    Personal,
}

impl From<OrganizationStatus> for WorkspaceState {
    fn from(status: OrganizationStatus) -> Self {
        match status {
            OrganizationStatus::Active => WorkspaceState::Organization,
            OrganizationStatus::PendingDeletion => WorkspaceState::PendingDeletion,
        }
    }
}

/// The caller's access to the workspace that an action is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessContext {
    /// Whether the caller is signed in.
    pub signed_in: bool,
    /// Whether the caller is a site administrator, who passes every rule that needs a role in an organization.
    pub is_admin: bool,
    /// The caller's role in the organization; `None` if the caller is not a member.
    pub role: Option<Role>,
    /// Whether the caller has a pending invitation to the organization.
    pub invited: bool,
    /// Kind and state of the workspace.
    pub place: WorkspaceState,
}

impl AccessContext {
    /// Returns the access of a signed-in caller to the caller's own or another user's personal workspace.
    pub fn personal(is_own: bool, is_admin: bool) -> Self {
        let role = is_own.then_some(Role::Owner);
        Self { signed_in: true, is_admin, role, invited: false, place: WorkspaceState::Personal }
    }

    /// Returns the caller's rank; a site administrator has the owner's rank in organizations. `None` if the workspace
    /// is hidden from the caller.
    pub fn rank(&self) -> Option<Role> {
        match self.place {
            WorkspaceState::Personal => self.role,
            WorkspaceState::Organization if self.is_admin => Some(Role::Owner),
            WorkspaceState::Organization => self.role,
            WorkspaceState::PendingDeletion if self.is_admin => Some(Role::Owner),
            WorkspaceState::PendingDeletion => self.role.filter(|role| *role == Role::Owner),
        }
    }

    /// Whether the caller is a member in person, and the workspace is visible to the caller.
    fn is_member(&self) -> bool {
        self.role.is_some() && self.rank().is_some()
    }

    /// Whether the caller has an invitation that gives access. Invitations to an organization that is pending deletion
    /// give none.
    fn is_invited(&self) -> bool {
        self.invited && self.place == WorkspaceState::Organization
    }

    fn sees(&self) -> bool {
        self.rank().is_some() || self.is_invited()
    }
}

/// The member that an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The member's role.
    pub role: Role,
    /// Whether the member is the caller.
    pub is_self: bool,
}

/// The facts about the object of an action that the rules depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The member that the action is about.
    pub member: Option<Member>,
    /// The role to be given; `None` if it is not known yet, in which case one assignable role is enough.
    pub new_role: Option<Role>,
    /// Whether the caller is the invitee.
    pub is_invitee: bool,
    /// Whether the person is the caller, or shares an organization with the caller.
    pub is_acquaintance: bool,
    /// Whether the caller has sent the token of the invitation.
    pub holds_token: bool,
    /// Whether the ownership is offered to the caller.
    pub is_offeree: bool,
    /// Whether the caller is the owner or former owner who made the offer of ownership.
    pub is_offerer: bool,
    /// Whether the caller's address is unverified, if that is known.
    pub unverified: bool,
    /// Whether the event concerns the caller.
    pub is_concerned: bool,
    /// The caller's relations to the resource.
    pub relations: Relations,
    /// Whether this server lets owners change plans.
    pub owners_manage_plans: bool,
}

/// The result of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The caller may do it.
    Allow,
    /// The target is hidden: the caller gets NOT_FOUND.
    Hidden,
    /// The caller must sign in first.
    Unauthenticated,
    /// The caller lacks the permission. The role is the lowest that would have it here; `None` if no role would.
    Forbidden(Permission, Option<Role>),
    /// The caller has the permission, but the state of the target or of the caller does not allow the action.
    Refused(Code),
}

/// Decides whether a caller with this access may do `action` to `target`.
pub fn decide(viewer_access: &AccessContext, action: Action, target: &Target) -> Decision {
    let rule = rule(action);
    let decision = match permitted(viewer_access, rule, target) {
        // This code replaces refusals about the target: the caller cannot fix those before the organization is
        // restored.
        Decision::Allow | Decision::Refused(_)
            if rule.effect == Access::Write && viewer_access.place == WorkspaceState::PendingDeletion =>
        {
            Decision::Refused(Code::OrganizationPendingDeletion)
        }
        decision => decision,
    };
    tracing::trace!(?action, ?decision, "policy decision");
    decision
}

fn permitted(viewer_access: &AccessContext, rule: &Rule, target: &Target) -> Decision {
    let invisible = || if viewer_access.signed_in { Decision::Hidden } else { Decision::Unauthenticated };
    if viewer_access.place == WorkspaceState::Personal && !IN_PERSONAL_WORKSPACES.contains(&rule.action) {
        return invisible();
    }
    if rule.or.iter().any(|or| related(viewer_access, *or, rule.action, target)) || rule.least == MinimumRole::Anyone {
        return Decision::Allow;
    }
    if rule.least == MinimumRole::SignedIn {
        return if viewer_access.signed_in { Decision::Allow } else { Decision::Unauthenticated };
    }
    let Some(permission) = rule.permission.filter(|_| viewer_access.sees()) else { return invisible() };
    let (enough, least) = match rule.least {
        MinimumRole::Role(least) => (viewer_access.rank() >= Some(least), Some(least)),
        MinimumRole::Member => (viewer_access.is_member(), Some(Role::Worker)),
        MinimumRole::Anyone | MinimumRole::SignedIn | MinimumRole::Nobody => (false, None),
    };
    if !enough {
        // A required role is not named if no role gives the permission.
        let given = target.owners_manage_plans || !rule.only.contains(&Condition::OwnersManagePlans);
        return Decision::Forbidden(permission, least.filter(|_| given));
    }
    rule.only.iter().find_map(|only| violation(viewer_access, *only, target, permission)).unwrap_or(Decision::Allow)
}

/// Whether an exception of a rule (its `or` column) applies to the caller. Most exceptions for members need a current
/// membership.
fn related(viewer_access: &AccessContext, or: Exception, action: Action, target: &Target) -> bool {
    match or {
        Exception::Oneself => viewer_access.is_member() && target.member.is_some_and(|member| member.is_self),
        Exception::Invitee => {
            viewer_access.place == WorkspaceState::Organization
                && (target.is_invitee || (action == Action::OrganizationViewSummary && viewer_access.invited))
        }
        Exception::Acquaintance => viewer_access.signed_in && target.is_acquaintance,
        Exception::TokenHolder => viewer_access.place == WorkspaceState::Organization && target.holds_token,
        Exception::Offeree => viewer_access.is_member() && target.is_offeree,
        Exception::Offerer => viewer_access.is_member() && target.is_offerer,
        Exception::ItsOwner => viewer_access.is_member() && target.relations.owner,
        Exception::ItsAssignee => viewer_access.is_member() && target.relations.assignee,
        Exception::Container => viewer_access.is_member() && target.relations.container,
        // Applies whatever the state of the caller's membership and of the organization.
        Exception::Concerned => viewer_access.signed_in && target.is_concerned,
        Exception::Administrator => viewer_access.is_admin,
    }
}

fn violation(
    viewer_access: &AccessContext,
    only: Condition,
    target: &Target,
    permission: Permission,
) -> Option<Decision> {
    let rank = viewer_access.rank()?;
    match only {
        Condition::NotSelf => {
            target.member.is_some_and(|m| m.is_self).then_some(Decision::Refused(Code::CannotChangeSelf))
        }
        Condition::MemberBelow => match target.member?.role {
            Role::Owner => Some(Decision::Refused(Code::OwnerCannotBeChanged)),
            role => (role >= rank).then(|| Decision::Forbidden(permission, least_above(role))),
        },
        Condition::MemberNotOwner => {
            (target.member?.role == Role::Owner).then_some(Decision::Refused(Code::OwnerCannotBeChanged))
        }
        Condition::NewRoleBelow => (target.new_role? >= rank).then_some(Decision::Refused(Code::RoleNotAssignable)),
        Condition::NotOwner => {
            (viewer_access.role == Some(Role::Owner)).then_some(Decision::Refused(Code::OwnerCannotLeave))
        }
        Condition::EmailVerified => target.unverified.then_some(Decision::Refused(Code::EmailNotVerified)),
        Condition::PendingDeletion => (viewer_access.place != WorkspaceState::PendingDeletion)
            .then_some(Decision::Refused(Code::NotPendingDeletion)),
        Condition::OwnersManagePlans => (!target.owners_manage_plans).then_some(Decision::Forbidden(permission, None)),
    }
}

fn least_above(role: Role) -> Option<Role> {
    Role::ALL.into_iter().find(|above| *above > role)
}

/// Returns the permissions that the caller has on a target, for the actions in `about`.
pub fn permissions(viewer_access: &AccessContext, target: &Target, about: &[Action]) -> Vec<Permission> {
    let mut permissions: Vec<_> = RULES
        .iter()
        .filter(|rule| about.contains(&rule.action) && decide(viewer_access, rule.action, target) == Decision::Allow)
        .filter_map(|rule| rule.permission)
        .collect();
    permissions.sort_unstable();
    permissions.dedup();
    permissions
}

/// Returns the roles that the caller can give by `action`, to the target's member if there is one.
pub fn assignable_roles(viewer_access: &AccessContext, action: Action, target: &Target) -> Vec<Role> {
    let allowed =
        |role: &Role| decide(viewer_access, action, &Target { new_role: Some(*role), ..*target }) == Decision::Allow;
    Role::ALL.into_iter().filter(allowed).collect()
}

impl Decision {
    /// Returns `Ok` if the action is allowed, and the error with the reason if not. `what` names the object, for
    /// example "organization".
    pub fn require(self, what: &str) -> Result<(), Error> {
        match self {
            Decision::Allow => Ok(()),
            Decision::Unauthenticated => Err(Error::Unauthenticated),
            Decision::Hidden => Err(Refusal::not_found(what).into()),
            Decision::Forbidden(permission, role) => Err(forbidden(permission, role).into()),
            Decision::Refused(code) => Err(Refusal::new(code, sentence(code)).into()),
        }
    }
}

/// Returns FORBIDDEN with the permission and the lowest role that has it.
pub fn forbidden(permission: Permission, required_role: Option<Role>) -> Refusal {
    let message = match required_role {
        Some(role) => {
            format!("This needs the permission {}: ask somebody who is at least {}.", permission.name(), role.name())
        }
        None => format!("This needs the permission {}, which no role gives.", permission.name()),
    };
    Refusal { permission: Some(permission), required_role, ..Refusal::new(Code::Forbidden, message) }
}

/// Returns the refusal for a caller who may not do `action`, whether or not the workspace is visible to the caller.
pub fn denied(action: Action) -> Refusal {
    let rule = rule(action);
    let least = match rule.least {
        MinimumRole::Role(least) => Some(least),
        MinimumRole::Member => Some(Role::Worker),
        MinimumRole::Anyone | MinimumRole::SignedIn | MinimumRole::Nobody => None,
    };
    rule.permission.map_or_else(|| Refusal::not_found("object"), |permission| forbidden(permission, least))
}

fn sentence(code: Code) -> &'static str {
    match code {
        Code::CannotChangeSelf => "Nobody changes or removes their own membership. To go, leave the organization.",
        Code::OwnerCannotBeChanged => {
            "The owner's role cannot be changed, nor the owner removed. Offer the ownership to another member."
        }
        Code::RoleNotAssignable => "You can only give roles below your own.",
        Code::OwnerCannotLeave => "The owner must hand over the organization, or delete it, before leaving.",
        Code::EmailNotVerified => "Verify the e-mail address of your account first.",
        Code::OrganizationPendingDeletion => {
            "The organization is about to be deleted, and nothing in it can be changed. Restore it first."
        }
        Code::NotPendingDeletion => "The organization is not about to be deleted: there is nothing to restore.",
        _ => "This is not possible.",
    }
}
