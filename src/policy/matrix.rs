//! Renders the rules: the golden matrix (every action × access context × target), the README's table, `Query.roles`.

use std::fmt::Write;

use crate::domain::resource::Relations;
use crate::domain::{Permission, Role};

use super::action::IN_PERSONAL_WORKSPACES;
use super::table::{Condition, Exception, MinimumRole, RULES, Rule};
use super::{AccessContext, Action, Decision, Member, Target, WorkspaceState, decide};

/// Returns every kind of caller, by name.
pub fn access_contexts() -> Vec<(&'static str, AccessContext)> {
    let signed_in = AccessContext { signed_in: true, ..AccessContext::default() };
    let member = |role| AccessContext { role: Some(role), ..signed_in };
    let pending = |viewer_access| AccessContext { place: WorkspaceState::PendingDeletion, ..viewer_access };
    vec![
        ("nobody", AccessContext::default()),
        ("stranger", signed_in),
        ("invitee", AccessContext { invited: true, ..signed_in }),
        ("worker", member(Role::Worker)),
        ("supervisor", member(Role::Supervisor)),
        ("maintainer", member(Role::Maintainer)),
        ("owner", member(Role::Owner)),
        ("admin", AccessContext { is_admin: true, ..signed_in }),
        ("maintainer, to be deleted", pending(member(Role::Maintainer))),
        ("owner, to be deleted", pending(member(Role::Owner))),
        ("admin, to be deleted", pending(AccessContext { is_admin: true, ..signed_in })),
        ("personal: its user", AccessContext::personal(true, false)),
        ("personal: another", AccessContext::personal(false, false)),
        ("personal: admin", AccessContext::personal(false, true)),
    ]
}

/// A target that an action can have, with its name.
type NamedTarget = (String, Target);

/// Returns every target that an action can have.
fn targets(rule: &Rule) -> Vec<NamedTarget> {
    let about_member = rule.only.iter().any(|only| matches!(only, Condition::MemberBelow | Condition::MemberNotOwner))
        || rule.or.contains(&Exception::Oneself);
    let mut targets = vec![(String::new(), Target::default())];
    if about_member {
        targets =
            vary(targets, Role::ALL.into_iter().flat_map(|role| [(role, false), (role, true)]), |target, member| {
                let (role, is_self) = member;
                let name = format!(" {}{}", role.name(), if is_self { " (oneself)" } else { "" });
                (name, Target { member: Some(Member { role, is_self }), ..target })
            });
    }
    if rule.only.contains(&Condition::NewRoleBelow) {
        targets = vary(targets, Role::ALL.into_iter(), |target, role| {
            (format!(" → {}", role.name()), Target { new_role: Some(role), ..target })
        });
    }
    // The caller without a relation to the target, and with each relation that the rule names.
    let related = rule.or.iter().filter(|or| !matches!(or, Exception::Oneself | Exception::Administrator)).map(Some);
    targets = vary(targets, std::iter::once(None).chain(related), |target, or| match or {
        Some(or) => (format!(" as {}", words(*or)), relate(target, *or)),
        None => (String::new(), target),
    });
    if rule.only.contains(&Condition::EmailVerified) {
        targets = vary(targets, [false, true].into_iter(), |target, unverified| {
            (if unverified { " unverified" } else { "" }.to_owned(), Target { unverified, ..target })
        });
    }
    if rule.only.contains(&Condition::OwnersManagePlans) {
        targets = vary(targets, [false, true].into_iter(), |target, owners_manage_plans| {
            let name = if owners_manage_plans { " where owners do" } else { "" };
            (name.to_owned(), Target { owners_manage_plans, ..target })
        });
    }
    targets
}

/// Returns each target with each of the variants.
fn vary<V>(
    targets: Vec<NamedTarget>,
    variants: impl Iterator<Item = V> + Clone,
    change: impl Fn(Target, V) -> NamedTarget,
) -> Vec<NamedTarget> {
    let each = |(name, target): NamedTarget| {
        let varied: Vec<NamedTarget> = variants.clone().map(|variant| change(target, variant)).collect();
        varied.into_iter().map(move |(more, target)| (format!("{name}{more}"), target))
    };
    targets.into_iter().flat_map(each).collect()
}

/// Returns the target of a caller to whom an exception (the rule's `or` column) applies.
fn relate(target: Target, or: Exception) -> Target {
    let tied = |relations| Target { relations, ..target };
    match or {
        Exception::Invitee => Target { is_invitee: true, ..target },
        Exception::Acquaintance => Target { is_acquaintance: true, ..target },
        Exception::TokenHolder => Target { holds_token: true, ..target },
        Exception::Offeree => Target { is_offeree: true, ..target },
        Exception::Offerer => Target { is_offerer: true, ..target },
        Exception::ItsOwner => tied(Relations { owner: true, ..Relations::default() }),
        Exception::ItsAssignee => tied(Relations { assignee: true, ..Relations::default() }),
        Exception::Container => tied(Relations { container: true, ..Relations::default() }),
        Exception::Concerned => Target { is_concerned: true, ..target },
        // These depend on the caller, or on the member that the action is about.
        Exception::Administrator | Exception::Oneself => target,
    }
}

/// Describes an exception in words.
fn words(or: Exception) -> &'static str {
    match or {
        Exception::Oneself => "oneself",
        Exception::Invitee => "the invitee",
        Exception::Acquaintance => "the person, and who shares an organization with them",
        Exception::TokenHolder => "who has its token from the mail",
        Exception::Offeree => "the person offered",
        Exception::Offerer => "who made the offer",
        Exception::ItsOwner => "its owner",
        Exception::ItsAssignee => "its assignee",
        Exception::Container => "owner or assignee of what contains it",
        Exception::Concerned => "the person whom it concerns",
        Exception::Administrator => "a site administrator, in personal workspaces too",
    }
}

/// Returns the golden matrix: for each action and target, a line with the decision for every kind of caller.
pub fn golden() -> String {
    let mut text =
        String::from("# Who may do what: made from src/policy/table.rs by `UPDATE=1 cargo test golden_matrix`.\n");
    for rule in RULES {
        for (name, target) in targets(rule) {
            let _ = writeln!(text, "\n{:?}{name}", rule.action);
            for (who, viewer_access) in access_contexts() {
                // A member who is the caller has the caller's role: other pairs do not occur.
                if target.member.is_some_and(|m| m.is_self && viewer_access.role != Some(m.role)) {
                    continue;
                }
                // Actions that are only about organizations are left out for personal workspaces.
                if viewer_access.place == WorkspaceState::Personal && !IN_PERSONAL_WORKSPACES.contains(&rule.action) {
                    continue;
                }
                let verdict = match decide(&viewer_access, rule.action, &target) {
                    Decision::Allow => "allow".to_owned(),
                    Decision::Hidden => "hidden".to_owned(),
                    Decision::Unauthenticated => "unauthenticated".to_owned(),
                    Decision::Forbidden(_, role) => {
                        format!("forbidden, needs {}", role.map_or("to be that person", Role::name))
                    }
                    Decision::Refused(code) => code.name().to_owned(),
                };
                let _ = writeln!(text, "  {who:<25} {verdict}");
            }
        }
    }
    text
}

/// Returns the README's table, in Markdown.
pub fn markdown() -> String {
    let mut text =
        String::from("| action | permission | at least | and only | or, whatever the role |\n|---|---|---|---|---|\n");
    for rule in RULES {
        let least = match rule.least {
            MinimumRole::Anyone => "anyone",
            MinimumRole::SignedIn => "anyone signed in",
            MinimumRole::Role(role) => role.name(),
            MinimumRole::Member => "WORKER (a member in person)",
            MinimumRole::Nobody => "–",
        };
        let only = rule.only.iter().map(|only| match only {
            Condition::NotSelf => "never oneself",
            Condition::MemberBelow => "member below one's own rank",
            Condition::MemberNotOwner => "not to the owner",
            Condition::NewRoleBelow => "role to be given below one's own rank",
            Condition::NotOwner => "not the owner",
            Condition::EmailVerified => "own address verified",
            Condition::PendingDeletion => "while it is about to be deleted",
            Condition::OwnersManagePlans => "where `PLAN_CHANGES` is `self`",
        });
        let or = rule.or.iter().map(|or| words(*or));
        let permission = rule.permission.map(|p| format!("`{}`", p.name())).unwrap_or_default();
        let (only, or) = (only.collect::<Vec<_>>().join("; "), or.collect::<Vec<_>>().join("; "));
        let _ = writeln!(text, "| {} | {permission} | {least} | {only} | {or} |", rule.words);
    }
    text
}

/// Returns the permissions that a member with `role` has without further conditions, in an active organization or, for
/// restoring, in an organization that is pending deletion.
pub fn permissions_of(role: Role, owners_manage_plans: bool) -> Vec<Permission> {
    allowed(role, &Target { owners_manage_plans, ..Target::default() })
}

/// Returns the additional permissions of a member with `role` on resources to which the member has a relation, as
/// owner, assignee or participant of a container.
pub fn conditional_permissions_of(role: Role) -> Vec<Permission> {
    let always = allowed(role, &Target::default());
    let relations = Relations { owner: true, assignee: true, container: true };
    allowed(role, &Target { relations, ..Target::default() })
        .into_iter()
        .filter(|tied| !always.contains(tied))
        .collect()
}

fn allowed(role: Role, target: &Target) -> Vec<Permission> {
    let actions: Vec<Action> = RULES.iter().map(|rule| rule.action).collect();
    let mut allowed: Vec<Permission> = [WorkspaceState::Organization, WorkspaceState::PendingDeletion]
        .into_iter()
        .map(|place| AccessContext { signed_in: true, role: Some(role), place, ..AccessContext::default() })
        .flat_map(|viewer_access| super::permissions(&viewer_access, target, &actions))
        .collect();
    allowed.sort_unstable();
    allowed.dedup();
    allowed
}
