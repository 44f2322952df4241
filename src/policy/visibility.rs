//! The rule of a single object as a filter of lists: asks [`decide`](super::decide()) once for each way in which somebody can
//! be tied to a resource, so that a list shows what could be opened one by one, and nothing else.

use crate::domain::Role;
use crate::domain::resource::{Rows, Ties};

use super::{Action, Decision, Place, Standing, Target, decide};

/// The resources of a workspace to which somebody with this standing may do `action`.
pub fn visible(standing: &Standing, action: Action) -> Rows {
    let allows = |ties| decide(standing, action, &Target { ties, ..Target::default() }) == Decision::Allow;
    let none = Ties::default();
    Rows {
        all: allows(none),
        tied: Ties {
            owner: allows(Ties { owner: true, ..none }),
            assignee: allows(Ties { assignee: true, ..none }),
            container: allows(Ties { container: true, ..none }),
        },
    }
}

/// The same, of those inside of something that they are tied to by `ties`.
pub fn visible_in(standing: &Standing, action: Action, ties: Ties) -> Rows {
    let rows = visible(standing, action);
    let named = ties.owner || ties.assignee || ties.container;
    Rows { all: rows.all || (named && rows.tied.container), ..rows }
}

/// The roles with which somebody may do `action` to what they are tied to by `ties`: in organizations in use, and in those
/// that are about to be deleted.
pub fn roles_that_see(is_admin: bool, action: Action, ties: Ties) -> (Vec<Role>, Vec<Role>) {
    let target = Target { ties, ..Target::default() };
    let allows = |role, place| {
        let standing = Standing { signed_in: true, is_admin, role: Some(role), invited: false, place };
        decide(&standing, action, &target) == Decision::Allow
    };
    let roles = |place| Role::ALL.into_iter().filter(|role| allows(*role, place)).collect();
    (roles(Place::Organization), roles(Place::PendingDeletion))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_see_what_they_are_tied_to_and_maintainers_everything() {
        let member = |role| Standing { signed_in: true, role: Some(role), ..Standing::default() };
        let tied = Ties { owner: true, assignee: true, container: true };
        assert_eq!(visible(&member(Role::Worker), Action::ResourceView), Rows { all: false, tied });
        assert!(visible(&member(Role::Maintainer), Action::ResourceView).all);
        let stranger = Standing { signed_in: true, ..Standing::default() };
        assert_eq!(visible(&stranger, Action::ResourceView), Rows::default());
        assert!(visible(&Standing::personal(true, false), Action::ResourceView).all);
        assert_eq!(visible(&Standing::personal(false, true), Action::ResourceView), Rows::default());
    }
    #[test]
    fn whoever_is_named_by_what_contains_it_sees_everything_inside() {
        let worker = Standing { signed_in: true, role: Some(Role::Worker), ..Standing::default() };
        for ties in [
            Ties { owner: true, ..Ties::default() },
            Ties { assignee: true, ..Ties::default() },
            Ties { container: true, ..Ties::default() },
        ] {
            assert!(visible_in(&worker, Action::ResourceView, ties).all, "{ties:?}");
        }
        assert!(!visible_in(&worker, Action::ResourceView, Ties::default()).all);
    }

    #[test]
    fn what_is_about_to_be_deleted_is_there_for_its_owner_and_administrators() {
        let assigned = Ties { assignee: true, ..Ties::default() };
        let (active, pending) = roles_that_see(false, Action::ResourceView, assigned);
        assert_eq!((active, pending), (Role::ALL.to_vec(), vec![Role::Owner]));
        assert_eq!(roles_that_see(true, Action::ResourceView, assigned).1, Role::ALL);
    }
}
