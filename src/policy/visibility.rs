//! The rule of a single object as a filter of lists: asks [`decide`](super::decide()) once for each relation that a
//! caller can have to a resource, so that a list has exactly the rows that the caller could open one by one.

use crate::domain::Role;
use crate::domain::resource::{Relations, RowScope};

use super::{AccessContext, Action, Decision, Target, WorkspaceState, decide};

/// Returns the resources of a workspace to which a caller with this access may do `action`.
pub fn visible(viewer_access: &AccessContext, action: Action) -> RowScope {
    let allows =
        |relations| decide(viewer_access, action, &Target { relations, ..Target::default() }) == Decision::Allow;
    let none = Relations::default();
    RowScope {
        all: allows(none),
        tied: Relations {
            owner: allows(Relations { owner: true, ..none }),
            assignee: allows(Relations { assignee: true, ..none }),
            container: allows(Relations { container: true, ..none }),
        },
    }
}

/// Returns the same for the resources inside of a container to which the caller has these relations.
pub fn visible_within(viewer_access: &AccessContext, action: Action, relations: Relations) -> RowScope {
    let rows = visible(viewer_access, action);
    let named = relations.owner || relations.assignee || relations.container;
    RowScope { all: rows.all || (named && rows.tied.container), ..rows }
}

/// Returns the roles with which a caller may do `action` to a resource to which the caller has these relations: in
/// active organizations, and in organizations that are pending deletion.
pub fn roles_that_see(is_admin: bool, action: Action, relations: Relations) -> (Vec<Role>, Vec<Role>) {
    let target = Target { relations, ..Target::default() };
    let allows = |role, place| {
        let viewer_access = AccessContext { signed_in: true, is_admin, role: Some(role), invited: false, place };
        decide(&viewer_access, action, &target) == Decision::Allow
    };
    let roles = |place| Role::ALL.into_iter().filter(|role| allows(*role, place)).collect();
    (roles(WorkspaceState::Organization), roles(WorkspaceState::PendingDeletion))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_shows_related_resources_to_workers_and_all_to_maintainers() {
        let member = |role| AccessContext { signed_in: true, role: Some(role), ..AccessContext::default() };
        let tied = Relations { owner: true, assignee: true, container: true };
        assert_eq!(visible(&member(Role::Worker), Action::ResourceView), RowScope { all: false, tied });
        assert!(visible(&member(Role::Maintainer), Action::ResourceView).all);
        let stranger = AccessContext { signed_in: true, ..AccessContext::default() };
        assert_eq!(visible(&stranger, Action::ResourceView), RowScope::default());
        assert!(visible(&AccessContext::personal(true, false), Action::ResourceView).all);
        assert_eq!(visible(&AccessContext::personal(false, true), Action::ResourceView), RowScope::default());
    }

    #[test]
    fn visible_within_shows_everything_to_participants_of_the_container() {
        let worker = AccessContext { signed_in: true, role: Some(Role::Worker), ..AccessContext::default() };
        for relations in [
            Relations { owner: true, ..Relations::default() },
            Relations { assignee: true, ..Relations::default() },
            Relations { container: true, ..Relations::default() },
        ] {
            assert!(visible_within(&worker, Action::ResourceView, relations).all, "{relations:?}");
        }
        assert!(!visible_within(&worker, Action::ResourceView, Relations::default()).all);
    }

    #[test]
    fn roles_that_see_pending_deletion_are_owner_and_administrators() {
        let assigned = Relations { assignee: true, ..Relations::default() };
        let (active, pending) = roles_that_see(false, Action::ResourceView, assigned);
        assert_eq!((active, pending), (Role::ALL.to_vec(), vec![Role::Owner]));
        assert_eq!(roles_that_see(true, Action::ResourceView, assigned).1, Role::ALL);
    }
}
