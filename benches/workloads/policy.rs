//! Decisions of the policy, for all rules.

use std::hint::black_box;

use guildhall::domain::Role;
use guildhall::policy::table::RULES;
use guildhall::policy::{AccessContext, Decision, Member, Target, decide};

use super::{Outcome, Work};

/// Decides every action, by a member of each role, on a worker.
pub fn decisions() -> Outcome<Work> {
    let member = Some(Member { role: Role::Worker, is_self: false });
    let target = Target { member, ..Target::default() };
    let allowed = move || {
        let mut allowed = 0;
        for role in Role::ALL {
            let access = AccessContext { signed_in: true, role: Some(role), ..AccessContext::default() };
            for rule in RULES {
                let decision = decide(black_box(&access), rule.action, black_box(&target));
                allowed += u32::from(decision == Decision::Allow);
            }
        }
        allowed
    };
    if allowed() == 0 {
        return Err("no action is allowed".into());
    }
    Ok(Box::new(move || {
        black_box(allowed());
    }))
}
