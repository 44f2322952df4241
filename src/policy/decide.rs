//! Reads the table: may somebody with this standing do that to this target?
//!
//! Answers in the order of the house: who is nobody, what is not visible, what is not permitted, what is wrong about the
//! target.

use crate::domain::organization::OrganizationStatus;
use crate::domain::resource::Relations;
use crate::domain::{Code, Error, Permission, Refusal, Role};

use super::Action;
use super::action::IN_PERSONAL_WORKSPACES;
use super::table::{Access, Condition, Exception, MinimumRole, RULES, Rule, rule};

/// What kind of workspace it is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorkspaceState {
    /// An organization in use.
    #[default]
    Organization,
    /// An organization that is about to be deleted: read-only for its owner, gone for everybody else.
    PendingDeletion,
    /// A personal workspace: there for its user alone, who stands to it as an owner.
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

/// Who asks, as seen from the workspace that it is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessContext {
    /// Whether somebody is signed in at all.
    pub signed_in: bool,
    /// Whether they are a site administrator: passes every rule that asks for a role.
    pub is_admin: bool,
    /// Their role in the organization. None: not a member.
    pub role: Option<Role>,
    /// Whether they hold a pending invitation to the organization.
    pub invited: bool,
    /// What kind of workspace it is.
    pub place: WorkspaceState,
}

impl AccessContext {
    /// How `user` stands to a personal workspace, which is their own or not.
    pub fn personal(is_own: bool, is_admin: bool) -> Self {
        let role = is_own.then_some(Role::Owner);
        Self { signed_in: true, is_admin, role, invited: false, place: WorkspaceState::Personal }
    }

    /// Their rank: in an organization, an administrator's is the owner's. None: the workspace is not there for them.
    pub fn rank(&self) -> Option<Role> {
        match self.place {
            WorkspaceState::Personal => self.role,
            WorkspaceState::Organization if self.is_admin => Some(Role::Owner),
            WorkspaceState::Organization => self.role,
            WorkspaceState::PendingDeletion if self.is_admin => Some(Role::Owner),
            WorkspaceState::PendingDeletion => self.role.filter(|role| *role == Role::Owner),
        }
    }

    /// Whether they are a member in person, of a workspace that is there for them.
    fn is_member(&self) -> bool {
        self.role.is_some() && self.rank().is_some()
    }

    /// Whether they hold an invitation that counts: those to an organization that is about to be deleted rest.
    fn is_invited(&self) -> bool {
        self.invited && self.place == WorkspaceState::Organization
    }

    fn sees(&self) -> bool {
        self.rank().is_some() || self.is_invited()
    }
}

/// The member that something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The member's role.
    pub role: Role,
    /// Whether it is the one who asks.
    pub is_self: bool,
}

/// What something is about, as far as the rules look at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The member it is about.
    pub member: Option<Member>,
    /// The role to be given. None: it is not yet known, and any that could be given will do.
    pub new_role: Option<Role>,
    /// Whether whoever asks is the person invited.
    pub is_invitee: bool,
    /// Whether the person is the caller, or shares an organization with them.
    pub is_acquaintance: bool,
    /// Whether the caller has shown the token of the invitation.
    pub holds_token: bool,
    /// Whether whoever asks is the person to whom the ownership is offered.
    pub is_offeree: bool,
    /// Whether whoever asks is the owner, or was, who made the offer of ownership.
    pub is_offerer: bool,
    /// Whether the address of whoever asks is unproven, where that is known.
    pub unverified: bool,
    /// Whether whoever asks is the person whom the event concerns.
    pub is_concerned: bool,
    /// How whoever asks is tied to the resource.
    pub ties: Relations,
    /// Whether this server leaves plans to owners.
    pub owners_manage_plans: bool,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow,
    /// As if it were not there.
    Hidden,
    /// Sign in first.
    Unauthenticated,
    /// The permission is lacking, and the least role that would have it here, if any.
    Forbidden(Permission, Option<Role>),
    /// The permission is there, but this target, or this person, is not right.
    Refused(Code),
}

/// May somebody with this standing do that to this target?
pub fn decide(standing: &AccessContext, action: Action, target: &Target) -> Decision {
    let rule = rule(action);
    let decision = match permitted(standing, rule, target) {
        // Before what is wrong about the target: nothing can be done about that either.
        Decision::Allow | Decision::Refused(_)
            if rule.effect == Access::Write && standing.place == WorkspaceState::PendingDeletion =>
        {
            Decision::Refused(Code::OrganizationPendingDeletion)
        }
        decision => decision,
    };
    tracing::trace!(?action, ?decision, "policy decision");
    decision
}

fn permitted(standing: &AccessContext, rule: &Rule, target: &Target) -> Decision {
    let invisible = || if standing.signed_in { Decision::Hidden } else { Decision::Unauthenticated };
    if standing.place == WorkspaceState::Personal && !IN_PERSONAL_WORKSPACES.contains(&rule.action) {
        return invisible();
    }
    if rule.or.iter().any(|or| related(standing, *or, rule.action, target)) || rule.least == MinimumRole::Anyone {
        return Decision::Allow;
    }
    if rule.least == MinimumRole::SignedIn {
        return if standing.signed_in { Decision::Allow } else { Decision::Unauthenticated };
    }
    let Some(permission) = rule.permission.filter(|_| standing.sees()) else { return invisible() };
    let (enough, least) = match rule.least {
        MinimumRole::Role(least) => (standing.rank() >= Some(least), Some(least)),
        MinimumRole::Member => (standing.is_member(), Some(Role::Worker)),
        MinimumRole::Anyone | MinimumRole::SignedIn | MinimumRole::Nobody => (false, None),
    };
    if !enough {
        // A higher role is of no use where none gives the permission.
        let given = target.owners_manage_plans || !rule.only.contains(&Condition::OwnersManagePlans);
        return Decision::Forbidden(permission, least.filter(|_| given));
    }
    rule.only.iter().find_map(|only| violation(standing, *only, target, permission)).unwrap_or(Decision::Allow)
}

/// Whether whoever asks is the one of whom the rule says "or". Members only while they are.
fn related(standing: &AccessContext, or: Exception, action: Action, target: &Target) -> bool {
    match or {
        Exception::Oneself => standing.is_member() && target.member.is_some_and(|member| member.is_self),
        Exception::Invitee => {
            standing.place == WorkspaceState::Organization
                && (target.is_invitee || (action == Action::OrganizationGlimpse && standing.invited))
        }
        Exception::Acquaintance => standing.signed_in && target.is_acquaintance,
        Exception::TokenHolder => standing.place == WorkspaceState::Organization && target.holds_token,
        Exception::Offeree => standing.is_member() && target.is_offeree,
        Exception::Offerer => standing.is_member() && target.is_offerer,
        Exception::ItsOwner => standing.is_member() && target.ties.owner,
        Exception::ItsAssignee => standing.is_member() && target.ties.assignee,
        Exception::Container => standing.is_member() && target.ties.container,
        // Whatever has become of their membership, and of the organization.
        Exception::Concerned => standing.signed_in && target.is_concerned,
        Exception::Administrator => standing.is_admin,
    }
}

fn violation(standing: &AccessContext, only: Condition, target: &Target, permission: Permission) -> Option<Decision> {
    let rank = standing.rank()?;
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
            (standing.role == Some(Role::Owner)).then_some(Decision::Refused(Code::OwnerCannotLeave))
        }
        Condition::EmailVerified => target.unverified.then_some(Decision::Refused(Code::EmailNotVerified)),
        Condition::PendingDeletion => {
            (standing.place != WorkspaceState::PendingDeletion).then_some(Decision::Refused(Code::NotPendingDeletion))
        }
        Condition::OwnersManagePlans => (!target.owners_manage_plans).then_some(Decision::Forbidden(permission, None)),
    }
}

fn least_above(role: Role) -> Option<Role> {
    Role::ALL.into_iter().find(|above| *above > role)
}

/// The permissions that somebody has on a target, of those that `about` such a target.
pub fn permissions(standing: &AccessContext, target: &Target, about: &[Action]) -> Vec<Permission> {
    let mut permissions: Vec<_> = RULES
        .iter()
        .filter(|rule| about.contains(&rule.action) && decide(standing, rule.action, target) == Decision::Allow)
        .filter_map(|rule| rule.permission)
        .collect();
    permissions.sort_unstable();
    permissions.dedup();
    permissions
}

/// The roles that somebody can give by `action`, to the target's member if there is one.
pub fn assignable_roles(standing: &AccessContext, action: Action, target: &Target) -> Vec<Role> {
    let allowed =
        |role: &Role| decide(standing, action, &Target { new_role: Some(*role), ..*target }) == Decision::Allow;
    Role::ALL.into_iter().filter(allowed).collect()
}

impl Decision {
    /// Goes on if allowed, else the error that says why not. `what` names the thing: "organization".
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

/// FORBIDDEN, with the permission and the least role that has it.
pub fn forbidden(permission: Permission, required_role: Option<Role>) -> Refusal {
    let message = match required_role {
        Some(role) => {
            format!("This needs the permission {}: ask somebody who is at least {}.", permission.name(), role.name())
        }
        None => format!("This needs the permission {}, which no role gives.", permission.name()),
    };
    Refusal { permission: Some(permission), required_role, ..Refusal::new(Code::Forbidden, message) }
}

/// What somebody is told who may not do that, whether or not the workspace is there for them.
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
