//! Active memberships: at most one per user and organization, and one owner per organization.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use crate::domain::clock::Instant;
use crate::domain::invitation::InvitationStatus;
use crate::domain::{InvitationId, MembershipId, OrganizationId, Role, UserId, ids};
use crate::import::cvat::ImportContext;
use crate::import::cvat::export::Export;
use crate::import::cvat::id_map::{IdMap, Kind};
use crate::import::cvat::model;
use crate::import::cvat::model::Membership;
use crate::import::cvat::normalize;
use crate::import::cvat::report::Counts;
use crate::import::cvat::users::ImportedUsers;
use crate::store::bulk_insert::MembershipRow;

/// A new active membership of a user who exists here.
pub struct Member {
    /// ID of the membership in CVAT. `None` if it does not exist there.
    pub cvat_id: Option<i64>,
    /// ID of the organization in CVAT.
    pub organization: i64,
    /// ID of the user in CVAT.
    pub user: i64,
    /// Role in CVAT.
    pub role: Role,
    joined_at: Option<Instant>,
    invited_by: Option<UserId>,
    /// The invitation that was imported while pending, and accepted in CVAT later.
    pending_invitation: Option<InvitationId>,
}

impl Member {
    /// Returns the name of the row in the report.
    pub fn name(&self) -> String {
        self.cvat_id
            .map_or_else(|| format!("owner of organization {}", self.organization), |n| format!("membership {n}"))
    }
}

/// An organization that members join.
pub struct TargetOrganization {
    /// ID of the organization here.
    pub id: OrganizationId,
    /// ID of the organization in CVAT.
    pub cvat_id: i64,
    /// ID of the owner in CVAT if the organization is new. `None` for a known organization, which has an owner.
    pub owner: Option<i64>,
    /// Time of its creation.
    pub created_at: Instant,
}

/// The active memberships of an export.
#[derive(Default)]
pub struct Members {
    /// New memberships, by the organization's ID in CVAT; ordered by role (highest first), then by age (oldest first).
    pub new: HashMap<i64, Vec<Member>>,
    /// Time of joining of known memberships, by the IDs of organization and user in CVAT.
    pub known: HashMap<(i64, i64), Option<Instant>>,
}

/// Reads the active memberships.
pub fn read(export: &Export, id_map: &IdMap, context: ImportContext<'_>, counts: &mut Counts) -> Members {
    let ImportContext { existing, users, .. } = context;
    let inviters: HashMap<&str, UserId> = export
        .invitations
        .iter()
        .filter_map(|invitation| Some((invitation.key.as_str(), users.id(invitation.owner)?)))
        .collect();
    let mut members = Members::default();
    let (known, new): (Vec<&Membership>, Vec<&Membership>) = export
        .memberships
        .iter()
        .filter(|membership| membership.is_active != Some(false))
        .partition(|membership| id_map.contains(Kind::Membership, membership.id));
    counts.known += known.len();
    for membership in known {
        let (Some(organization), Some(user)) = (membership.organization, membership.user) else { continue };
        members.known.insert((organization.id(), user.id()), normalize::instant(membership.joined_date.as_deref()));
    }
    for membership in new {
        let member = match member(membership, users, &inviters, id_map) {
            Ok(member) => member,
            Err(reason) => {
                counts.refuse(format!("membership {}", membership.id), reason);
                continue;
            }
        };
        let status =
            member.pending_invitation.and_then(|id| existing.invitations.get(&id)).map(|invitation| invitation.status);
        match status {
            _ if members.known.contains_key(&(member.organization, member.user)) => {
                counts.refuse(member.name(), repeated(member.user));
            }
            // Accepted here as well. A later departure from the organization here is respected.
            Some(InvitationStatus::Accepted) => counts.known += 1,
            Some(InvitationStatus::Declined) => counts.refuse(member.name(), "its invitation was declined here"),
            Some(InvitationStatus::Revoked) => counts.refuse(member.name(), "its invitation was revoked here"),
            _ => members.new.entry(member.organization).or_default().push(member),
        }
    }
    for members in members.new.values_mut() {
        members.sort_by_key(|member| (Reverse(member.role), member.joined_at, member.cvat_id));
    }
    members
}

fn member(
    membership: &Membership,
    users: &ImportedUsers,
    inviters: &HashMap<&str, UserId>,
    id_map: &IdMap,
) -> Result<Member, &'static str> {
    let user = membership.user.map(model::Reference::id).filter(|user| users.accounts.contains_key(user));
    Ok(Member {
        cvat_id: Some(membership.id),
        organization: membership.organization.ok_or("it names no organization")?.id(),
        user: user.ok_or("its user is not here")?,
        role: normalize::role(&membership.role).ok_or("its role is none of worker, supervisor, maintainer, owner")?,
        joined_at: normalize::instant(membership.joined_date.as_deref()),
        invited_by: membership.invitation.as_deref().and_then(|key| inviters.get(key)).copied(),
        pending_invitation: id_map.id(Kind::Invitation, membership.id),
    })
}

fn repeated(user: i64) -> String {
    format!("user {user} has another membership there")
}

/// New memberships of one organization.
#[derive(Default)]
pub struct Joined {
    /// The memberships, by the user's ID in CVAT.
    pub rows: Vec<(i64, MembershipRow)>,
    /// Known invitations that are accepted by these memberships, with the time.
    pub accepted: Vec<(InvitationId, Instant)>,
}

/// Creates the memberships of one organization. The owner of a new organization always gets one.
pub fn join(
    mut members: Vec<Member>,
    target: &TargetOrganization,
    context: ImportContext<'_>,
    id_map: &mut IdMap,
    counts: &mut Counts,
) -> Joined {
    let ImportContext { existing, users, now, .. } = context;
    if let Some(owner) = target.owner.filter(|owner| !members.iter().any(|member| member.user == *owner)) {
        let owner = Member {
            cvat_id: None,
            organization: target.cvat_id,
            user: owner,
            role: Role::Owner,
            joined_at: Some(target.created_at),
            invited_by: None,
            pending_invitation: None,
        };
        counts.change(owner.name(), "they had no active membership: one was made");
        members.insert(0, owner);
    }
    let mut joined_users = HashSet::new();
    let mut joined = Joined::default();
    for member in members {
        let Some((user_id, username)) = users.accounts.get(&member.user) else { continue };
        if !joined_users.insert(member.user) {
            counts.refuse(member.name(), repeated(member.user));
            continue;
        }
        if let Some((id, _)) = existing.members.get(&(target.id, *user_id)) {
            // The user joined here, or became the owner because no other was available.
            counts.known += 1;
            record(id_map, &member, *id, now);
            continue;
        }
        let role = match member.role {
            _ if target.owner == Some(member.user) => Role::Owner,
            Role::Owner => Role::Maintainer,
            role => role,
        };
        if role != member.role {
            counts.change(member.name(), format!("its role is {} here: every organization has one owner", role.name()));
        }
        let joined_at = member.joined_at.unwrap_or_else(|| {
            counts.change(member.name(), "it has no date: it counts as old as the organization");
            target.created_at
        });
        let id = ids::new_id(now);
        record(id_map, &member, id, now);
        if let Some(invitation) = member.pending_invitation {
            counts.change(member.name(), "it was accepted there since: so is its invitation here");
            joined.accepted.push((invitation, joined_at));
        }
        joined.rows.push((
            member.user,
            MembershipRow {
                id,
                organization_id: target.id,
                user_id: *user_id,
                username: username.clone(),
                role,
                joined_at,
                invited_by: member.invited_by,
            },
        ));
    }
    joined
}

fn record(id_map: &mut IdMap, member: &Member, id: MembershipId, now: Instant) {
    if let Some(cvat_id) = member.cvat_id {
        id_map.record(Kind::Membership, cvat_id, id, member.joined_at, now);
    }
}
