//! Organizations and their members. Each gets exactly one owner: the owner in the export, else a member with that role,
//! else the maintainer with the longest membership. An organization without any of them is refused. Known organizations
//! are left as they are, except for new members.

use std::collections::HashMap;

use crate::domain::clock::Instant;
use crate::domain::organization::OrganizationStatus;
use crate::domain::{InvitationId, OrganizationId, Role, UserId, ids};
use crate::import::cvat::ImportContext;
use crate::import::cvat::existing::{ExistingRows, Taken};
use crate::import::cvat::export::Export;
use crate::import::cvat::id_map::{IdMap, Kind};
use crate::import::cvat::members;
use crate::import::cvat::members::{Member, TargetOrganization};
use crate::import::cvat::model;
use crate::import::cvat::model::Reference;
use crate::import::cvat::normalize;
use crate::import::cvat::normalize::Names;
use crate::import::cvat::report::{Counts, Report};
use crate::import::cvat::users::ImportedUsers;
use crate::store::bulk_insert::{MembershipRow, OrganizationRow};

/// The organizations of an export.
#[derive(Default)]
pub struct ImportedOrganizations {
    /// IDs of the organizations here, or why there is none, by the ID in CVAT.
    pub ids: HashMap<i64, Result<OrganizationId, &'static str>>,
    /// Time of joining of all members, by the IDs of organization and user in CVAT.
    pub members: HashMap<(i64, i64), Instant>,
    /// Rows of new organizations.
    pub organizations: Vec<OrganizationRow>,
    /// Rows of new memberships.
    pub memberships: Vec<MembershipRow>,
    /// Known organizations that get new members, with their number.
    pub added_members: Vec<(OrganizationId, i32)>,
    /// Known invitations that are accepted by these memberships, with the time.
    pub accepted: Vec<(InvitationId, Instant)>,
}

/// Creates organizations and memberships. Pending memberships are imported as invitations.
pub fn plan(
    export: &Export,
    context: ImportContext<'_>,
    id_map: &mut IdMap,
    report: &mut Report,
) -> ImportedOrganizations {
    let mut imported = ImportedOrganizations::default();
    let read = members::read(export, id_map, context, &mut report.memberships);
    let mut members = read.new;
    imported.members.extend(read.known.into_iter().map(|(pair, joined_at)| (pair, joined_at.unwrap_or(context.now))));
    for organization in &export.organizations {
        let members = members.remove(&organization.id).unwrap_or_default();
        let outcome = match id_map.id(Kind::Organization, organization.id) {
            Some(id) => {
                report.organizations.known += 1;
                known(organization, id, context.existing).map(|target| (target, None))
            }
            None => new(organization, &members, context, id_map, &mut report.organizations)
                .map(|(target, row)| (target, Some(row))),
        };
        let (target, row) = match outcome {
            Ok(outcome) => outcome,
            Err(reason) => {
                refuse_all(members, reason, &mut report.memberships);
                imported.ids.insert(organization.id, Err(reason));
                continue;
            }
        };
        let joined = members::join(members, &target, context, id_map, &mut report.memberships);
        let added = i32::try_from(joined.rows.len()).unwrap_or(i32::MAX);
        match row {
            Some(row) => imported.organizations.push(OrganizationRow { member_count: added, ..row }),
            None if added > 0 => imported.added_members.push((target.id, added)),
            None => {}
        }
        imported.ids.insert(organization.id, Ok(target.id));
        for (user, membership) in joined.rows {
            imported.members.insert((organization.id, user), membership.joined_at);
            imported.memberships.push(membership);
        }
        imported.accepted.extend(joined.accepted);
    }
    let mut without_organization: Vec<Member> = members.into_values().flatten().collect();
    without_organization.sort_by_key(|member| member.cvat_id);
    refuse_all(without_organization, "its organization is not in the export", &mut report.memberships);
    report.organizations.taken = imported.organizations.len();
    report.memberships.taken = imported.memberships.len();
    imported
}

fn refuse_all(members: Vec<Member>, reason: &str, counts: &mut Counts) {
    for member in members {
        counts.refuse(member.name(), reason);
    }
}

/// Returns a known organization, or why members cannot join it.
fn known(
    organization: &model::Organization,
    id: OrganizationId,
    existing: &ExistingRows,
) -> Result<TargetOrganization, &'static str> {
    match existing.organizations.get(&id) {
        None => Err("its organization was deleted here"),
        Some((OrganizationStatus::PendingDeletion, _)) => Err("its organization is being deleted here"),
        Some((OrganizationStatus::Active, created_at)) => {
            Ok(TargetOrganization { id, cvat_id: organization.id, owner: None, created_at: *created_at })
        }
    }
}

/// Creates a new organization; its members are counted later.
fn new(
    organization: &model::Organization,
    members: &[Member],
    context: ImportContext<'_>,
    id_map: &mut IdMap,
    counts: &mut Counts,
) -> Result<(TargetOrganization, OrganizationRow), &'static str> {
    let name = format!("organization {}", organization.id);
    let decided = slug(organization, context.names, &context.existing.taken)
        .and_then(|slug| Ok((slug, owner(organization, members, context.users)?)));
    let (slug, (owner, owner_id)) = match decided {
        Ok(decided) => decided,
        Err(reason) => {
            counts.refuse(name, reason);
            return Err("its organization did not come over");
        }
    };
    let row = row(organization, slug, owner_id, context.now, counts);
    if organization.owner.map(Reference::id) != Some(owner) {
        counts.change(name, format!("its owner is missing: user {owner}, who has the most rights, owns it here"));
    }
    let made_at = normalize::instant(organization.created_date.as_deref());
    id_map.record(Kind::Organization, organization.id, row.id, made_at, context.now);
    Ok((
        TargetOrganization { id: row.id, cvat_id: organization.id, owner: Some(owner), created_at: row.created_at },
        row,
    ))
}

fn slug(organization: &model::Organization, names: &Names, taken: &Taken) -> Result<String, String> {
    match names.slugs.get(&organization.id) {
        None => Err("no slug could be made for it".into()),
        Some(slug) if taken.slugs.contains(slug) => {
            Err(format!("the slug {slug} is taken here; organizations are never merged"))
        }
        Some(slug) => Ok(slug.clone()),
    }
}

/// Returns the owner's ID in CVAT and ID here. `members` are ordered by role (highest first), then by age (oldest
/// first).
fn owner(
    organization: &model::Organization,
    members: &[Member],
    users: &ImportedUsers,
) -> Result<(i64, UserId), String> {
    let owner = organization.owner.map(Reference::id);
    let candidates = members.iter().filter(|member| member.role >= Role::Maintainer).map(|member| member.user);
    owner
        .into_iter()
        .chain(candidates)
        .find_map(|user| users.accounts.get(&user).map(|(id, _)| (user, *id)))
        .ok_or_else(|| match owner {
            Some(_) => "its owner did not come over, and it has no maintainer to take their place".into(),
            None => "it has no owner, and no maintainer to take their place".into(),
        })
}

/// Creates the row of the organization; its members are counted later.
fn row(
    organization: &model::Organization,
    slug: String,
    owner_id: UserId,
    now: Instant,
    counts: &mut Counts,
) -> OrganizationRow {
    let mut change = |reason: String| counts.change(format!("organization {}", organization.id), reason);
    if slug != organization.slug.trim() {
        change(format!("its slug is {slug} here"));
    }
    let contact = |key: &str| organization.contact.as_ref()?.get(key)?.as_str();
    let (name, name_cut) = normalize::line(organization.name.as_deref(), 64);
    let (description, description_cut) = normalize::lines(organization.description.as_deref(), 4096);
    let (contact_phone, phone_cut) = normalize::line(contact("phoneNumber").or_else(|| contact("phone")), 32);
    let (contact_location, location_cut) = normalize::lines(contact("location"), 256);
    let (contact_email, email_dropped) = normalize::email(contact("email"));
    let cuts = [("name", name_cut), ("description", description_cut), ("phone", phone_cut), ("location", location_cut)];
    for (field, _) in cuts.into_iter().filter(|(_, cut)| *cut) {
        change(format!("its {field} was cut, or lost characters that cannot be shown"));
    }
    if email_dropped {
        change("its contact is no e-mail address: it was left out".into());
    }
    let created_at = normalize::instant(organization.created_date.as_deref()).unwrap_or_else(|| {
        change("it has no date: it counts as made now".into());
        now
    });
    OrganizationRow {
        id: ids::new_id(now),
        slug,
        name,
        description,
        contact_email: contact_email.map(|email| email.shown().to_owned()),
        contact_phone,
        contact_location,
        owner_id,
        member_count: 0,
        created_at,
        updated_at: normalize::instant(organization.updated_date.as_deref()).unwrap_or(created_at).max(created_at),
    }
}
