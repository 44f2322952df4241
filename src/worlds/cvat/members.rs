//! Active memberships: each person once in each organization, and one owner.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::files::Export;
use super::people::People;
use super::report::Tally;
use super::rows;
use super::values;
use crate::domain::clock::Instant;
use crate::domain::{OrganizationId, Role, UserId, ids};
use crate::store::bulk::MembershipRow;

/// An active membership of somebody who came over.
pub struct Member {
    /// CVAT's number of the membership. None: it has none there.
    pub number: Option<i64>,
    /// CVAT's number of the organization.
    pub organization: i64,
    /// CVAT's number of the user.
    pub user: i64,
    /// The role there.
    pub role: Role,
    joined_at: Option<Instant>,
    invited_by: Option<UserId>,
}

impl Member {
    /// How the report names it.
    pub fn name(&self) -> String {
        self.number
            .map_or_else(|| format!("owner of organization {}", self.organization), |n| format!("membership {n}"))
    }
}

/// Where members join.
pub struct Home {
    /// Its ID here.
    pub id: OrganizationId,
    /// CVAT's number of it.
    pub number: i64,
    /// CVAT's number of its owner.
    pub owner: i64,
    /// When it was created.
    pub created_at: Instant,
}

/// Reads the active memberships, the mightiest and then the oldest first.
pub fn read(export: &Export, people: &People, tally: &mut Tally) -> Vec<Member> {
    let inviters: HashMap<&str, UserId> = export
        .invitations
        .iter()
        .filter_map(|invitation| Some((invitation.key.as_str(), people.id(invitation.owner)?)))
        .collect();
    let mut members = Vec::new();
    for membership in export.memberships.iter().filter(|membership| membership.is_active != Some(false)) {
        let row = format!("membership {}", membership.id);
        let user = membership.user.map(rows::Reference::id).filter(|user| people.accounts.contains_key(user));
        match (membership.organization, user, values::role(&membership.role)) {
            (Some(organization), Some(user), Some(role)) => members.push(Member {
                number: Some(membership.id),
                organization: organization.id(),
                user,
                role,
                joined_at: values::instant(membership.joined_date.as_deref()),
                invited_by: membership.invitation.as_deref().and_then(|key| inviters.get(key)).copied(),
            }),
            (None, _, _) => tally.refuse(row, "it names no organization"),
            (_, None, _) => tally.refuse(row, "its user did not come over"),
            (_, _, None) => tally.refuse(row, "its role is none of worker, supervisor, maintainer, owner"),
        }
    }
    members.sort_by_key(|member| (Reverse(member.role), member.joined_at, member.number));
    members
}

/// Makes the memberships of one organization, by CVAT's numbers of the users. Its owner is among them in any case.
pub fn join(
    mut members: Vec<Member>,
    home: &Home,
    people: &People,
    now: Instant,
    tally: &mut Tally,
) -> Vec<(i64, MembershipRow)> {
    if !members.iter().any(|member| member.user == home.owner) {
        let owner = Member {
            number: None,
            organization: home.number,
            user: home.owner,
            role: Role::Owner,
            joined_at: Some(home.created_at),
            invited_by: None,
        };
        tally.change(owner.name(), "they had no active membership: one was made");
        members.insert(0, owner);
    }
    let mut seen = HashSet::new();
    let mut made = Vec::new();
    for member in members {
        let Some((user_id, username)) = people.accounts.get(&member.user) else { continue };
        if !seen.insert(member.user) {
            tally.refuse(member.name(), format!("user {} has another membership there", member.user));
            continue;
        }
        let role = match member.role {
            _ if member.user == home.owner => Role::Owner,
            Role::Owner => Role::Maintainer,
            role => role,
        };
        if role != member.role {
            tally.change(member.name(), format!("its role is {} here: every organization has one owner", role.name()));
        }
        let joined_at = member.joined_at.unwrap_or_else(|| {
            tally.change(member.name(), "it has no date: it counts as old as the organization");
            home.created_at
        });
        made.push((
            member.user,
            MembershipRow {
                id: ids::mint(now),
                organization_id: home.id,
                user_id: *user_id,
                username: username.clone(),
                role,
                joined_at,
                invited_by: member.invited_by,
            },
        ));
    }
    made
}
