//! The rule of a single object as a filter of lists: asks [`decide`](super::decide()) once for each way in which somebody can
//! be tied to a resource, so that a list shows what could be opened one by one, and nothing else.

use crate::domain::resource::{Rows, Ties};

use super::{Action, Decision, Standing, Target, decide};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;

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
}
