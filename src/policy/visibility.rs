//! The rule of a single object as a filter of lists: asks [`decide`](super::decide()) once for each relation that a
//! caller can have to a resource, so that a list has exactly the rows that the caller could open one by one.

use crate::domain::Role;
use crate::domain::resource::{Relations, RowScope};

use super::{AccessContext, Action, Decision, Target, WorkspaceState, decide};

/// Returns the resources of a workspace to which a caller with this access may do `action`.
pub fn visible(standing: &AccessContext, action: Action) -> RowScope {
    let allows = |ties| decide(standing, action, &Target { ties, ..Target::default() }) == Decision::Allow;
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

/// Returns the same for the resources inside of a container to which the caller has the relations `ties`.
pub fn visible_within(standing: &AccessContext, action: Action, ties: Relations) -> RowScope {
    let rows = visible(standing, action);
    let named = ties.owner || ties.assignee || ties.container;
    RowScope { all: rows.all || (named && rows.tied.container), ..rows }
}

/// Returns the roles with which a caller may do `action` to a resource to which the caller has the relations `ties`: in
/// active organizations, and in organizations that are pending deletion.
pub fn roles_that_see(is_admin: bool, action: Action, ties: Relations) -> (Vec<Role>, Vec<Role>) {
    let target = Target { ties, ..Target::default() };
    let allows = |role, place| {
        let standing = AccessContext { signed_in: true, is_admin, role: Some(role), invited: false, place };
        decide(&standing, action, &target) == Decision::Allow
    };
    let roles = |place| Role::ALL.into_iter().filter(|role| allows(*role, place)).collect();
    (roles(WorkspaceState::Organization), roles(WorkspaceState::PendingDeletion))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_see_what_they_are_tied_to_and_maintainers_everything() {
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
    fn whoever_is_named_by_what_contains_it_sees_everything_inside() {
        let worker = AccessContext { signed_in: true, role: Some(Role::Worker), ..AccessContext::default() };
        for ties in [
            Relations { owner: true, ..Relations::default() },
            Relations { assignee: true, ..Relations::default() },
            Relations { container: true, ..Relations::default() },
        ] {
            assert!(visible_within(&worker, Action::ResourceView, ties).all, "{ties:?}");
        }
        assert!(!visible_within(&worker, Action::ResourceView, Relations::default()).all);
    }

    #[test]
    fn what_is_about_to_be_deleted_is_there_for_its_owner_and_administrators() {
        let assigned = Relations { assignee: true, ..Relations::default() };
        let (active, pending) = roles_that_see(false, Action::ResourceView, assigned);
        assert_eq!((active, pending), (Role::ALL.to_vec(), vec![Role::Owner]));
        assert_eq!(roles_that_see(true, Action::ResourceView, assigned).1, Role::ALL);
    }
}
