//! The rules: one line for each action, read by [`decide`](super::decide()), the README, `Query.roles` and the matrix.

use crate::domain::{Permission, Role};

use super::Action;

/// What somebody must be at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinimumRole {
    /// Nothing: nobody has to be signed in.
    Anyone,
    /// Signed in.
    SignedIn,
    /// A member with that role or a higher one; or a site administrator.
    Role(Role),
    /// A member, in person: site administrators have to be one, too.
    Member,
    /// No role is enough: only those named under "or".
    Nobody,
}

/// What must hold besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is not about oneself.
    NotSelf,
    /// The member it is about is below one's own rank.
    MemberBelow,
    /// The member it is about is not the owner.
    MemberNotOwner,
    /// The role to be given is below one's own rank.
    NewRoleBelow,
    /// One is not the owner.
    NotOwner,
    /// One's own address is proven.
    EmailVerified,
    /// The organization is about to be deleted.
    PendingDeletion,
    /// This server leaves plans to owners.
    OwnersManagePlans,
}

/// What it does to the workspace. Those that are about to be deleted are read-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Read,
    /// It changes what is there.
    Write,
    /// It ends or begins the state of being read-only itself.
    Restore,
}

/// Who may as well, whatever their role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exception {
    /// The member it is about.
    Oneself,
    /// Who holds the invitation it is about; for an organization, a pending one to it.
    Invitee,
    /// The holder of the token of the invitation, with an account or without.
    TokenHolder,
    /// The person themselves, and who shares an organization with them.
    Acquaintance,
    /// The member to whom the ownership is offered.
    Offeree,
    /// The member who made the offer of ownership.
    Offerer,
    /// The owner of the resource, while a member.
    ItsOwner,
    /// The assignee of the resource, while a member.
    ItsAssignee,
    /// Owner or assignee of what contains the resource, while a member.
    Container,
    /// The person whom an event concerns.
    Concerned,
    /// A site administrator, even in personal workspaces.
    Administrator,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What is to be done.
    pub action: Action,
    /// What clients call it. None for what needs no permission.
    pub permission: Option<Permission>,
    /// Who may.
    pub least: MinimumRole,
    /// Under which conditions.
    pub only: &'static [Condition],
    /// Who may as well.
    pub or: &'static [Exception],
    /// What it does to the workspace.
    pub effect: Access,
    /// The action in words, for people.
    pub words: &'static str,
}

macro_rules! rules {
    ($($action:ident | $permission:ident | $least:expr, | [$($only:ident),*] | [$($or:ident),*] | $effect:ident | $words:literal;)+) => {
        /// The rules.
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
    OrganizationGlimpse | ViewOrganization    | WORKER,     | []                                   | [Invitee]                          | Read   | "read the name of an organization";
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

/// The line of an action.
pub fn rule(action: Action) -> &'static Rule {
    // Written in the order of the enum; a test holds it to that.
    &RULES[action as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_its_line() {
        for (index, rule) in RULES.iter().enumerate() {
            assert_eq!(rule.action as usize, index, "{:?}", rule.action);
        }
        assert_eq!(RULES.len(), Action::PlanManage as usize + 1);
    }
}
