//! The rules: one line for each action, read by [`decide`](super::decide()), the README, `Query.roles` and the matrix.

use crate::domain::{Permission, Role};

use super::Action;

/// What somebody must be at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Least {
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
pub enum Only {
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
}

/// Who may as well, whatever their role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Or {
    /// The member it is about.
    Oneself,
    /// Who holds the invitation it is about; for an organization, a pending one to it.
    Invitee,
    /// The member to whom the ownership is offered.
    Offeree,
    /// The member who made the offer of ownership.
    Offerer,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What is to be done.
    pub action: Action,
    /// What clients call it. None for what needs no permission.
    pub permission: Option<Permission>,
    /// Who may.
    pub least: Least,
    /// Under which conditions.
    pub only: &'static [Only],
    /// Who may as well.
    pub or: &'static [Or],
    /// The action in words, for people.
    pub words: &'static str,
}

macro_rules! rules {
    ($($action:ident | $permission:ident | $least:expr, | [$($only:ident),*] | [$($or:ident),*] | $words:literal;)+) => {
        /// The rules.
        pub const RULES: &[Rule] = &[$(Rule {
            action: Action::$action,
            permission: rules!(@permission $permission),
            least: $least,
            only: &[$(Only::$only),*],
            or: &[$(Or::$or),*],
            words: $words,
        }),+];
    };
    (@permission None) => { None };
    (@permission $permission:ident) => { Some(Permission::$permission) };
}

use Least::{Anyone, Member, Nobody, SignedIn};
const WORKER: Least = Least::Role(Role::Worker);
const MAINTAINER: Least = Least::Role(Role::Maintainer);
const OWNER: Least = Least::Role(Role::Owner);

#[rustfmt::skip]
rules! {
    // action           | permission         | at least,   | and only                             | or                 | in words
    PublicUse           | None               | Anyone,     | []                                   | []                 | "ask for what is public";
    AccountUse          | None               | SignedIn,   | []                                   | []                 | "look at or change one's own account";
    OrganizationCreate  | None               | SignedIn,   | []                                   | []                 | "create an organization";
    OrganizationGlimpse | ViewOrganization   | WORKER,     | []                                   | [Invitee]          | "read the name of an organization";
    OrganizationView    | ViewOrganization   | WORKER,     | []                                   | []                 | "see an organization";
    OrganizationUpdate  | UpdateOrganization | MAINTAINER, | []                                   | []                 | "edit it (slug too)";
    OwnershipOfferView  | OfferOwnership     | OWNER,      | []                                   | [Offeree, Offerer] | "see an offer of its ownership";
    OwnershipOffer      | OfferOwnership     | OWNER,      | [MemberNotOwner]                     | []                 | "offer its ownership, take the offer back";
    OwnershipAccept     | AcceptOwnership    | Nobody,     | []                                   | [Offeree]          | "accept the ownership offered";
    OwnershipDecline    | DeclineOwnership   | Nobody,     | []                                   | [Offeree]          | "decline the ownership offered";
    MembersView         | ViewMembers        | WORKER,     | []                                   | []                 | "see its members";
    MemberEmailView     | ViewMemberEmails   | MAINTAINER, | []                                   | [Oneself]          | "see a member's e-mail and last activity";
    MemberRoleChange    | ChangeMemberRole   | MAINTAINER, | [NotSelf, MemberBelow, NewRoleBelow] | []                 | "change a member's role";
    MemberRemove        | RemoveMember       | MAINTAINER, | [NotSelf, MemberBelow]               | []                 | "remove a member";
    OrganizationLeave   | LeaveOrganization  | Member,     | [NotOwner]                           | []                 | "leave";
    InvitationView      | ViewInvitations    | MAINTAINER, | []                                   | [Invitee]          | "see invitations";
    InvitationCreate    | InviteMember       | MAINTAINER, | [EmailVerified, NewRoleBelow]        | []                 | "invite";
    InvitationResend    | ResendInvitation   | MAINTAINER, | []                                   | []                 | "send an invitation again";
    InvitationRevoke    | RevokeInvitation   | MAINTAINER, | []                                   | []                 | "revoke an invitation";
    InvitationAccept    | AcceptInvitation   | Nobody,     | []                                   | [Invitee]          | "accept an invitation";
    InvitationDecline   | DeclineInvitation  | Nobody,     | []                                   | [Invitee]          | "decline an invitation";
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
        assert_eq!(RULES.len(), Action::InvitationDecline as usize + 1);
    }
}
