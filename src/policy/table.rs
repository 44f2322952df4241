//! The rules: one row for each action, read by [`decide`](super::decide()), the README, `Query.roles` and the matrix.

use crate::domain::{Permission, Role};

use super::Action;

/// The lowest role that may do an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinimumRole {
    /// Every caller, signed in or not.
    Anyone,
    /// Every signed-in caller.
    SignedIn,
    /// A member with this or a higher role, or a site administrator.
    Role(Role),
    /// A member in person: site administrators must be members, too.
    Member,
    /// No role is enough: only the exceptions may.
    Nobody,
}

/// A condition that must hold besides the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The member is not the caller.
    NotSelf,
    /// The member's role is below the caller's rank.
    MemberBelow,
    /// The member is not the owner.
    MemberNotOwner,
    /// The role to be given is below the caller's rank.
    NewRoleBelow,
    /// The caller is not the owner.
    NotOwner,
    /// The caller's address is verified.
    EmailVerified,
    /// The organization is pending deletion.
    PendingDeletion,
    /// This server lets owners change plans.
    OwnersManagePlans,
}

/// The effect of an action on the workspace. Workspaces that are pending deletion are read-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The action changes nothing.
    Read,
    /// The action changes the workspace or its content.
    Write,
    /// The action ends the read-only state; it is allowed in that state.
    Restore,
}

/// A caller who may do the action whatever the caller's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exception {
    /// The member that the action is about.
    Oneself,
    /// The invitee; for an organization, a caller with a pending invitation to it.
    Invitee,
    /// The holder of the token of the invitation, with an account or without.
    TokenHolder,
    /// The person, and every user who shares an organization with the person.
    Acquaintance,
    /// The member to whom the ownership is offered.
    Offeree,
    /// The member who made the offer of ownership.
    Offerer,
    /// The owner of the resource, while a member.
    ItsOwner,
    /// The assignee of the resource, while a member.
    ItsAssignee,
    /// Owner or assignee of a container of the resource, while a member.
    Container,
    /// The person whom an event concerns.
    Concerned,
    /// A site administrator, even in personal workspaces.
    Administrator,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The action that the rule guards.
    pub action: Action,
    /// The permission in the schema; `None` if the action needs no permission.
    pub permission: Option<Permission>,
    /// The lowest role that may do the action.
    pub least: MinimumRole,
    /// The conditions that must hold besides.
    pub only: &'static [Condition],
    /// The callers who may do the action whatever their role.
    pub or: &'static [Exception],
    /// The effect on the workspace.
    pub effect: Access,
    /// The action in words, for documentation.
    pub words: &'static str,
}

macro_rules! rules {
    ($($action:ident | $permission:ident | $least:expr, | [$($only:ident),*] | [$($or:ident),*] | $effect:ident | $words:literal;)+) => {
        /// The rules, in the order of [`Action`].
        pub const RULES: &[Rule] = &[$(Rule {
            action: Action::$action,
            permission: rules!(@permission $permission),
            least: $least,
            only: &[$(Condition::$only),*],
            or: &[$(Exception::$or),*],
            effect: Access::$effect,
            words: $words,
        }),+];
    };
    (@permission None) => { None };
    (@permission $permission:ident) => { Some(Permission::$permission) };
}

use MinimumRole::{Anyone, Member, Nobody, SignedIn};
const WORKER: MinimumRole = MinimumRole::Role(Role::Worker);
const SUPERVISOR: MinimumRole = MinimumRole::Role(Role::Supervisor);
const MAINTAINER: MinimumRole = MinimumRole::Role(Role::Maintainer);
const OWNER: MinimumRole = MinimumRole::Role(Role::Owner);

#[rustfmt::skip]
rules! {
    // action           | permission          | at least,   | and only                             | or                                 | effect  | in words
    PublicUse           | None                | Anyone,     | []                                   | []                                 | Read   | "ask for what is public";
    AccountUse          | None                | SignedIn,   | []                                   | []                                 | Read   | "look at or change one's own account";
    PersonView          | None                | Nobody,     | []                                   | [Acquaintance, Administrator]      | Read   | "see the account of a person";
    OrganizationCreate  | None                | SignedIn,   | []                                   | []                                 | Write  | "create an organization";
    OrganizationViewSummary | ViewOrganization    | WORKER,     | []                                   | [Invitee]                          | Read   | "read the name of an organization";
    OrganizationView    | ViewOrganization    | WORKER,     | []                                   | []                                 | Read   | "see an organization";
    OrganizationUpdate  | UpdateOrganization  | MAINTAINER, | []                                   | []                                 | Write  | "edit it (slug too)";
    OrganizationDelete  | DeleteOrganization  | OWNER,      | []                                   | []                                 | Write  | "delete it";
    OrganizationRestore | RestoreOrganization | OWNER,      | [PendingDeletion]                    | []                                 | Restore | "restore it";
    OwnershipOfferView  | OfferOwnership      | OWNER,      | []                                   | [Offeree, Offerer]                 | Read   | "see an offer of its ownership";
    OwnershipOffer      | OfferOwnership      | OWNER,      | [MemberNotOwner]                     | []                                 | Write  | "offer its ownership, take the offer back";
    OwnershipAccept     | AcceptOwnership     | Nobody,     | []                                   | [Offeree]                          | Write  | "accept the ownership offered";
    OwnershipDecline    | DeclineOwnership    | Nobody,     | []                                   | [Offeree]                          | Write  | "decline the ownership offered";
    MembersView         | ViewMembers         | WORKER,     | []                                   | []                                 | Read   | "see its members";
    MemberEmailView     | ViewMemberEmails    | MAINTAINER, | []                                   | [Oneself]                          | Read   | "see a member's e-mail and last activity";
    MemberRoleChange    | ChangeMemberRole    | MAINTAINER, | [NotSelf, MemberBelow, NewRoleBelow] | []                                 | Write  | "change a member's role";
    MemberRemove        | RemoveMember        | MAINTAINER, | [NotSelf, MemberBelow]               | []                                 | Write  | "remove a member";
    OrganizationLeave   | LeaveOrganization   | Member,     | [NotOwner]                           | []                                 | Write  | "leave";
    InvitationView      | ViewInvitations     | MAINTAINER, | []                                   | [Invitee]                          | Read   | "see invitations";
    InvitationCreate    | InviteMember        | MAINTAINER, | [EmailVerified, NewRoleBelow]        | []                                 | Write  | "invite";
    InvitationResend    | ResendInvitation    | MAINTAINER, | []                                   | []                                 | Write  | "send an invitation again";
    InvitationRevoke    | RevokeInvitation    | MAINTAINER, | []                                   | []                                 | Write  | "revoke an invitation";
    InvitationPreview   | ViewInvitations     | Nobody,     | []                                   | [TokenHolder]                      | Read   | "look at an invitation before signing in";
    InvitationAccept    | AcceptInvitation    | Nobody,     | []                                   | [Invitee, TokenHolder]             | Write  | "accept an invitation";
    InvitationDecline   | DeclineInvitation   | Nobody,     | []                                   | [Invitee, TokenHolder]             | Write  | "decline an invitation";
    WorkspaceSelect     | ViewOrganization    | Member,     | []                                   | []                                 | Read   | "make a workspace the selected one";
    AllResourcesView    | ViewAllResources    | MAINTAINER, | []                                   | []                                 | Read   | "see every project, task and job";
    ProjectCreate       | CreateProject       | SUPERVISOR, | []                                   | []                                 | Write  | "create a project";
    TaskCreate          | CreateTask          | SUPERVISOR, | []                                   | []                                 | Write  | "create a task, alone or in a project that one can see";
    ResourceView        | ViewResource        | MAINTAINER, | []                                   | [ItsOwner, ItsAssignee, Container] | Read   | "see a project, task or job";
    ResourceUpdate      | UpdateResource      | MAINTAINER, | []                                   | [ItsOwner, ItsAssignee, Container] | Write  | "edit a project or task";
    ResourceAssign      | AssignResource      | MAINTAINER, | []                                   | [ItsOwner, Container]              | Write  | "assign a project or task, set its storages; assign a job, set its stage";
    JobStateUpdate      | UpdateJobState      | MAINTAINER, | []                                   | [ItsAssignee, Container]           | Write  | "set a job's state";
    ResourceDelete      | DeleteResource      | MAINTAINER, | []                                   | [ItsOwner, Container]              | Write  | "delete a project or task, take a task out of its project";
    ResourceTransfer    | TransferResource    | MAINTAINER, | []                                   | [ItsOwner, Container]              | Write  | "transfer a project or task, where one may create it";
    CloudStorageView    | ViewCloudStorages   | SUPERVISOR, | []                                   | [ItsOwner]                         | Read   | "see cloud storages";
    CloudStorageCreate  | ManageCloudStorages | MAINTAINER, | []                                   | []                                 | Write  | "connect a cloud storage";
    CloudStorageManage  | ManageCloudStorages | MAINTAINER, | []                                   | [ItsOwner]                         | Write  | "edit, disconnect a cloud storage";
    EventsView          | ViewEvents          | WORKER,     | []                                   | []                                 | Read   | "read the log, as far as one sees what an event is about";
    OwnEventView        | ViewEvents          | Nobody,     | []                                   | [Concerned]                        | Read   | "be told of one's own membership, its end too, and of the end of one's own organization";
    DeliveryView        | ViewInvitations     | MAINTAINER, | []                                   | []                                 | Read   | "see what became of the mail of an invitation";
    PlanView            | ViewOrganization    | WORKER,     | []                                   | [Administrator]                    | Read   | "see the plan, seats, limits";
    BillingView         | ViewBilling         | MAINTAINER, | []                                   | [Administrator]                    | Read   | "see what the plan costs";
    PlanManage          | ManagePlan          | OWNER,      | [OwnersManagePlans]                  | [Administrator]                    | Write  | "change, cancel the plan";
}

/// Returns the rule of an action.
pub fn rule(action: Action) -> &'static Rule {
    // The rules are in the order of the enum; a test checks this.
    &RULES[action as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_in_the_order_of_actions() {
        for (index, rule) in RULES.iter().enumerate() {
            assert_eq!(rule.action as usize, index, "{:?}", rule.action);
        }
        assert_eq!(RULES.len(), Action::PlanManage as usize + 1);
    }
}
