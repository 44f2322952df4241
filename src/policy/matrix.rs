//! Renders the rules: the golden matrix (every action × standing × target), the README's table, `Query.roles`.

use std::fmt::Write;

use crate::domain::{Permission, Role};

use super::table::{Least, Only, Or, RULES, Rule};
use super::{Action, Decision, Member, Standing, Target, decide};

/// Everybody who can ask, by name.
pub fn standings() -> Vec<(&'static str, Standing)> {
    let signed_in = Standing { signed_in: true, ..Standing::default() };
    let member = |role| Standing { role: Some(role), ..signed_in };
    vec![
        ("nobody", Standing::default()),
        ("stranger", signed_in),
        ("invitee", Standing { invited: true, ..signed_in }),
        ("worker", member(Role::Worker)),
        ("supervisor", member(Role::Supervisor)),
        ("maintainer", member(Role::Maintainer)),
        ("owner", member(Role::Owner)),
        ("admin", Standing { is_admin: true, ..signed_in }),
    ]
}

/// Every target that an action can have, by name.
fn targets(rule: &Rule) -> Vec<(String, Target)> {
    let roles = |asked: bool| if asked { Role::ALL.map(Some).to_vec() } else { vec![None] };
    let about_member = rule.only.contains(&Only::MemberBelow)
        || rule.only.contains(&Only::MemberNotOwner)
        || rule.or.contains(&Or::Oneself);
    // Whoever asks: with no relation to the target, and with each that counts.
    let mut relations = vec![("", Target::default())];
    for or in rule.or {
        relations.extend(match or {
            Or::Oneself => None,
            Or::Invitee => Some((" as the invitee", Target { is_invitee: true, ..Target::default() })),
            Or::Offeree => Some((" as the person offered", Target { is_offeree: true, ..Target::default() })),
            Or::Offerer => Some((" as who made the offer", Target { is_offerer: true, ..Target::default() })),
        });
    }
    let mut targets = Vec::new();
    for member_role in roles(about_member) {
        for is_self in if about_member { vec![false, true] } else { vec![false] } {
            for new_role in roles(rule.only.contains(&Only::NewRoleBelow)) {
                for (relation, related) in &relations {
                    for unverified in
                        if rule.only.contains(&Only::EmailVerified) { vec![false, true] } else { vec![false] }
                    {
                        let member = member_role.map(|role| Member { role, is_self });
                        let mut name = String::new();
                        if let Some(Member { role, is_self }) = member {
                            let _ = write!(name, " {}{}", role.name(), if is_self { " (oneself)" } else { "" });
                        }
                        if let Some(role) = new_role {
                            let _ = write!(name, " → {}", role.name());
                        }
                        name += relation;
                        name += if unverified { " unverified" } else { "" };
                        targets.push((name, Target { member, new_role, unverified, ..*related }));
                    }
                }
            }
        }
    }
    targets
}

/// The golden matrix: a line for each action and target, with what everybody gets.
pub fn golden() -> String {
    let mut text =
        String::from("# Who may do what: made from src/policy/table.rs by `UPDATE=1 cargo test golden_matrix`.\n");
    for rule in RULES {
        for (name, target) in targets(rule) {
            let _ = writeln!(text, "\n{:?}{name}", rule.action);
            for (who, standing) in standings() {
                // Oneself is a member with the role that one has: other pairs do not occur.
                if target.member.is_some_and(|m| m.is_self && standing.role != Some(m.role)) {
                    continue;
                }
                let verdict = match decide(&standing, rule.action, &target) {
                    Decision::Allow => "allow".to_owned(),
                    Decision::Hidden => "hidden".to_owned(),
                    Decision::Unauthenticated => "unauthenticated".to_owned(),
                    Decision::Forbidden(_, role) => {
                        format!("forbidden, needs {}", role.map_or("to be that person", Role::name))
                    }
                    Decision::Refused(code) => code.name().to_owned(),
                };
                let _ = writeln!(text, "  {who:<10} {verdict}");
            }
        }
    }
    text
}

/// The table of the README, in Markdown.
pub fn markdown() -> String {
    let mut text =
        String::from("| action | permission | at least | and only | or, whatever the role |\n|---|---|---|---|---|\n");
    for rule in RULES {
        let least = match rule.least {
            Least::Anyone => "anyone",
            Least::SignedIn => "anyone signed in",
            Least::Role(role) => role.name(),
            Least::Member => "WORKER (a member in person)",
            Least::Nobody => "–",
        };
        let only = rule.only.iter().map(|only| match only {
            Only::NotSelf => "never oneself",
            Only::MemberBelow => "member below one's own rank",
            Only::MemberNotOwner => "not to the owner",
            Only::NewRoleBelow => "role to be given below one's own rank",
            Only::NotOwner => "not the owner",
            Only::EmailVerified => "own address verified",
        });
        let or = rule.or.iter().map(|or| match or {
            Or::Oneself => "oneself",
            Or::Invitee => "the invitee",
            Or::Offeree => "the person offered",
            Or::Offerer => "who made the offer",
        });
        let permission = rule.permission.map(|p| format!("`{}`", p.name())).unwrap_or_default();
        let (only, or) = (only.collect::<Vec<_>>().join("; "), or.collect::<Vec<_>>().join("; "));
        let _ = writeln!(text, "| {} | {permission} | {least} | {only} | {or} |", rule.words);
    }
    text
}

/// What a member with `role` may do without further condition.
pub fn permissions_of(role: Role) -> Vec<Permission> {
    let standing = Standing { signed_in: true, role: Some(role), ..Standing::default() };
    let actions: Vec<Action> = RULES.iter().map(|rule| rule.action).collect();
    super::permissions(&standing, &Target::default(), &actions)
}
