//! Decides which events a caller sees, and which fields of them: a caller sees an event if the caller may see its
//! object. The caller's present access decides, for events of any age.

use crate::domain::event::EventType;
use crate::domain::resource::Relations;

use crate::policy::{AccessContext, Action, Decision, Target, decide};

/// Returns the action that a caller must be allowed to do to see events of a type.
pub fn required_action(kind: EventType) -> Action {
    use EventType::*;
    match kind {
        OrganizationCreated
        | OrganizationUpdated
        | OrganizationDeletionScheduled
        | OrganizationRestored
        | OrganizationDeleted
        | OwnershipTransferred => Action::OrganizationView,
        OwnershipOffered | OwnershipOfferResolved => Action::OwnershipOfferView,
        MemberJoined | MemberRoleChanged | MemberRemoved | MemberLeft => Action::MembersView,
        InvitationCreated | InvitationResent | InvitationAccepted | InvitationDeclined | InvitationRevoked
        | InvitationExpired => Action::InvitationView,
        InvitationDelivered | InvitationDeliveryFailed => Action::DeliveryView,
        ProjectCreated | ProjectUpdated | ProjectDeleted | TaskCreated | TaskUpdated | TaskDeleted | JobCreated
        | JobUpdated | JobDeleted | ResourceMovedOut | ResourceMovedIn => Action::ResourceView,
        CloudStorageCreated | CloudStorageUpdated | CloudStorageDeleted => Action::CloudStorageView,
        PlanChanged => Action::PlanView,
    }
}

/// Whether the person whom an event of this type concerns sees it even after the end of the membership or of the
/// organization.
fn is_own(kind: EventType) -> bool {
    use EventType::*;
    matches!(kind, MemberJoined | MemberRoleChanged | MemberRemoved | MemberLeft | OrganizationDeleted)
}

/// Whether a caller with this access sees an event of a type about a target.
pub fn sees(viewer_access: &AccessContext, kind: EventType, target: &Target) -> bool {
    let allows = |action| decide(viewer_access, action, target) == Decision::Allow;
    allows(required_action(kind)) || (is_own(kind) && allows(Action::OwnEventView))
}

/// Whether an event of this type shows its actor to every viewer of the event. A person who declines an invitation has
/// not joined, so other viewers must not learn which account has the invited address.
pub fn names_actor(kind: EventType) -> bool {
    kind != EventType::InvitationDeclined
}

/// Whether a caller with this access sees all events of a type, whatever they are about.
pub fn sees_without_target(viewer_access: &AccessContext, kind: EventType) -> bool {
    sees(viewer_access, kind, &Target::default())
}

/// Whether a caller with this access can see any event of a type, for some target.
pub fn sees_any(viewer_access: &AccessContext, kind: EventType) -> bool {
    let relations = Relations { owner: true, assignee: true, container: true };
    let (is_invitee, is_offeree, is_offerer, is_concerned) = (true, true, true, true);
    sees(
        viewer_access,
        kind,
        &Target { relations, is_invitee, is_offeree, is_offerer, is_concerned, ..Target::default() },
    )
}

/// The event types that a caller sees in a workspace, grouped by the target that an event must have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VisibleTypes {
    /// Types that are visible whatever the event is about.
    pub always: Vec<EventType>,
    /// Types that are visible for invitations to the caller.
    pub to_invitee: Vec<EventType>,
    /// Types that are visible for offers of ownership to the caller or by the caller.
    pub of_offers: Vec<EventType>,
    /// Types that are visible for resources to which the caller has a relation.
    pub of_resources: Vec<EventType>,
}

/// Returns the event types that a caller with this access sees in a workspace whose events the caller may read: the
/// rule of a single event as a filter of lists.
pub fn visible_types(viewer_access: &AccessContext) -> VisibleTypes {
    let none = Target::default();
    let relations = Relations { owner: true, assignee: true, container: true };
    let mut types = VisibleTypes::default();
    for kind in EventType::ALL.iter().copied() {
        let sees = |target: Target| sees(viewer_access, kind, &target);
        if sees(none) {
            types.always.push(kind);
        } else if sees(Target { is_invitee: true, ..none }) {
            types.to_invitee.push(kind);
        } else if sees(Target { is_offeree: true, ..none }) || sees(Target { is_offerer: true, ..none }) {
            types.of_offers.push(kind);
        } else if sees(Target { relations, ..none }) {
            types.of_resources.push(kind);
        }
    }
    types
}

/// Returns the action that a caller must be allowed to do to read a changed field of an event, besides seeing the
/// event; `None` if seeing the event is enough.
pub fn read_by(kind: EventType, field: &str) -> Option<Action> {
    let part = field.split('.').next().unwrap_or_default();
    match (required_action(kind), part) {
        (Action::InvitationView, "delivery" | "invitee") => Some(Action::DeliveryView),
        (Action::MembersView, "email" | "lastActiveAt") => Some(Action::MemberEmailView),
        (Action::PlanView, "billing") => Some(Action::BillingView),
        _ => None,
    }
}

/// Whether a caller with this access may read a field of an event that the caller sees.
pub fn reads(viewer_access: &AccessContext, kind: EventType, field: &str, target: &Target) -> bool {
    read_by(kind, field).is_none_or(|action| decide(viewer_access, action, target) == Decision::Allow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;
    use crate::policy::{Member, WorkspaceState};

    fn member(role: Role) -> AccessContext {
        AccessContext { signed_in: true, role: Some(role), ..AccessContext::default() }
    }

    fn seen_by(viewer_access: &AccessContext, target: &Target) -> Vec<&'static str> {
        EventType::ALL.iter().filter(|kind| sees(viewer_access, **kind, target)).map(|kind| kind.name()).collect()
    }

    #[test]
    fn events_visible_to_workers_are_about_members_organization_and_plan() {
        let seen = seen_by(&member(Role::Worker), &Target::default());
        let about = ["ORGANIZATION_", "MEMBER_", "OWNERSHIP_TRANSFERRED", "PLAN_"];
        assert!(seen.iter().all(|name| about.iter().any(|about| name.starts_with(about))), "{seen:?}");
        assert_eq!(seen.len(), 11);
    }

    #[test]
    fn events_of_related_resources_are_visible_to_workers() {
        let tied = Target { relations: Relations { container: true, ..Relations::default() }, ..Target::default() };
        for kind in
            [EventType::TaskUpdated, EventType::JobCreated, EventType::ProjectDeleted, EventType::ResourceMovedOut]
        {
            assert!(sees(&member(Role::Worker), kind, &tied), "{kind:?}");
            assert!(!sees(&member(Role::Worker), kind, &Target::default()), "{kind:?}");
            assert!(sees_without_target(&member(Role::Maintainer), kind), "{kind:?}");
        }
        assert!(!sees(&member(Role::Worker), EventType::CloudStorageCreated, &tied));
        assert!(sees_without_target(&member(Role::Supervisor), EventType::CloudStorageCreated));
    }

    #[test]
    fn events_visible_to_maintainers_are_all_but_ownership_offers() {
        let hidden = |role| EventType::ALL.iter().filter(move |kind| !sees_without_target(&member(role), **kind));
        let names: Vec<_> = hidden(Role::Maintainer).map(|kind| kind.name()).collect();
        assert_eq!(names, ["OWNERSHIP_OFFERED", "OWNERSHIP_OFFER_RESOLVED"]);
        assert_eq!(hidden(Role::Owner).count(), 0);
        let offeree = Target { is_offeree: true, ..Target::default() };
        assert!(sees(&member(Role::Worker), EventType::OwnershipOffered, &offeree));
    }

    #[test]
    fn visible_types_match_the_visibility_of_single_events() {
        for role in Role::ALL {
            let viewer_access = member(role);
            let types = visible_types(&viewer_access);
            let none = Target::default();
            let tied = Target { relations: Relations { container: true, owner: true, assignee: true }, ..none };
            let offered = Target { is_offeree: true, ..none };
            let invited = Target { is_invitee: true, ..none };
            for (kinds, target) in [
                (&types.always, none),
                (&types.to_invitee, invited),
                (&types.of_offers, offered),
                (&types.of_resources, tied),
            ] {
                assert!(kinds.iter().all(|kind| sees(&viewer_access, *kind, &target)), "{role:?} {kinds:?}");
            }
            let all =
                Target { relations: tied.relations, is_offeree: true, is_offerer: true, is_invitee: true, ..none };
            let seen = EventType::ALL.iter().filter(|kind| sees(&viewer_access, **kind, &all)).count();
            let named = [types.always, types.to_invitee, types.of_offers, types.of_resources].concat();
            assert_eq!(named.len(), seen, "{role:?}");
        }
        let worker = visible_types(&member(Role::Worker));
        assert_eq!((worker.always.len(), worker.to_invitee.len(), worker.of_offers.len()), (11, 6, 2));
        assert_eq!(worker.of_resources.len(), 14, "those of cloud storages too: by their owner");
        let stranger = visible_types(&AccessContext { signed_in: true, ..AccessContext::default() });
        assert_eq!((stranger.always, stranger.of_resources), (Vec::new(), Vec::new()));
    }

    #[test]
    fn events_visible_to_invitees_exclude_mail_delivery() {
        let invitee = AccessContext { signed_in: true, invited: true, ..AccessContext::default() };
        let own = Target { is_invitee: true, ..Target::default() };
        let seen = seen_by(&invitee, &own);
        assert!(seen.iter().all(|name| name.starts_with("INVITATION_") && !name.contains("DELIVER")), "{seen:?}");
        assert_eq!(seen.len(), 6);
        assert!(!reads(&invitee, EventType::InvitationResent, "delivery.state", &own));
        assert!(reads(&invitee, EventType::InvitationResent, "expiresAt", &own));
        assert!(reads(&member(Role::Maintainer), EventType::InvitationResent, "delivery.state", &Target::default()));
    }

    #[test]
    fn events_visible_to_former_members_are_about_their_membership() {
        let own = Target { is_concerned: true, ..Target::default() };
        for place in [WorkspaceState::Organization, WorkspaceState::PendingDeletion] {
            let gone = AccessContext { signed_in: true, place, ..AccessContext::default() };
            let seen = seen_by(&gone, &own);
            let expected =
                ["ORGANIZATION_DELETED", "MEMBER_JOINED", "MEMBER_ROLE_CHANGED", "MEMBER_REMOVED", "MEMBER_LEFT"];
            assert_eq!(seen, expected);
            assert_eq!(seen_by(&gone, &Target::default()), [] as [&str; 0]);
        }
        assert_eq!(seen_by(&AccessContext::default(), &own), [] as [&str; 0], "nobody is signed in");
    }

    #[test]
    fn event_email_is_readable_only_with_member_emails() {
        let other = Target { member: Some(Member { role: Role::Worker, is_self: false }), ..Target::default() };
        let oneself = Target { member: Some(Member { role: Role::Worker, is_self: true }), ..Target::default() };
        let reads = |role, target| reads(&member(role), EventType::MemberJoined, "email", target);
        assert!(!reads(Role::Supervisor, &other) && reads(Role::Maintainer, &other) && reads(Role::Worker, &oneself));
    }
}
