//! Organizations and who is in them. Each gets exactly one owner: the one it names, or else a member with that role, or
//! else its longest-serving maintainer. Rather than make an owner of anybody else, it is refused.

use std::collections::HashMap;

use super::files::Export;
use super::members::{self, Home, Member};
use super::people::{People, Taken};
use super::report::{Report, Tally};
use super::rows::{self, Reference};
use super::values::{self, Names};
use crate::domain::clock::Instant;
use crate::domain::{OrganizationId, Role, UserId, ids};
use crate::store::bulk::{MembershipRow, OrganizationRow};

/// The organizations of an export.
#[derive(Default)]
pub struct Places {
    /// Those that came over, by CVAT's numbers.
    pub ids: HashMap<i64, OrganizationId>,
    /// Who is a member of what, and since when, by CVAT's numbers of organization and user.
    pub members: HashMap<(i64, i64), Instant>,
    /// Rows of organizations.
    pub organizations: Vec<OrganizationRow>,
    /// Rows of memberships.
    pub memberships: Vec<MembershipRow>,
}

/// Makes organizations and memberships. Pending memberships are left to the invitations.
pub fn plan(
    export: &Export,
    names: &Names,
    taken: &Taken,
    people: &People,
    now: Instant,
    report: &mut Report,
) -> Places {
    let mut by_organization: HashMap<i64, Vec<Member>> = HashMap::new();
    for member in members::read(export, people, &mut report.memberships) {
        by_organization.entry(member.organization).or_default().push(member);
    }
    let mut places = Places::default();
    for organization in &export.organizations {
        let members = by_organization.remove(&organization.id).unwrap_or_default();
        let decided =
            slug(organization, names, taken).and_then(|slug| Ok((slug, owner(organization, &members, people)?)));
        let (slug, (owner, owner_id)) = match decided {
            Ok(decided) => decided,
            Err(reason) => {
                report.organizations.refuse(format!("organization {}", organization.id), reason);
                leave_out(members, "its organization did not come over", &mut report.memberships);
                continue;
            }
        };
        let mut row = row(organization, slug, owner_id, now, &mut report.organizations);
        if organization.owner.map(Reference::id) != Some(owner) {
            let reason = format!("its owner is missing: user {owner} owns it here");
            report.organizations.change(format!("organization {}", organization.id), reason);
        }
        let home = Home { id: row.id, number: organization.id, owner, created_at: row.created_at };
        let joined = members::join(members, &home, people, now, &mut report.memberships);
        row.member_count = i32::try_from(joined.len()).unwrap_or(i32::MAX);
        places.ids.insert(organization.id, row.id);
        places.organizations.push(row);
        for (user, membership) in joined {
            places.members.insert((organization.id, user), membership.joined_at);
            places.memberships.push(membership);
        }
    }
    let mut homeless: Vec<Member> = by_organization.into_values().flatten().collect();
    homeless.sort_by_key(|member| member.number);
    leave_out(homeless, "its organization is not in the export", &mut report.memberships);
    report.organizations.taken = places.organizations.len();
    report.memberships.taken = places.memberships.len();
    places
}

fn leave_out(members: Vec<Member>, reason: &str, tally: &mut Tally) {
    for member in members {
        tally.refuse(member.name(), reason);
    }
}

fn slug(organization: &rows::Organization, names: &Names, taken: &Taken) -> Result<String, String> {
    match names.slugs.get(&organization.id) {
        None => Err("no slug could be made for it".into()),
        Some(slug) if taken.slugs.contains(slug) => {
            Err(format!("the slug {slug} is taken here; organizations are never merged"))
        }
        Some(slug) => Ok(slug.clone()),
    }
}

/// The owner: CVAT's number, and the ID here. `members` are the mightiest and then the oldest first.
fn owner(organization: &rows::Organization, members: &[Member], people: &People) -> Result<(i64, UserId), String> {
    let named = organization.owner.map(Reference::id);
    let next = members.iter().filter(|member| member.role >= Role::Maintainer).map(|member| member.user);
    named
        .into_iter()
        .chain(next)
        .find_map(|user| people.accounts.get(&user).map(|(id, _)| (user, *id)))
        .ok_or_else(|| "its owner did not come over, and it has no maintainer to take their place".into())
}

/// The organization itself; its members are yet to be counted.
fn row(
    organization: &rows::Organization,
    slug: String,
    owner_id: UserId,
    now: Instant,
    tally: &mut Tally,
) -> OrganizationRow {
    let mut change = |reason: String| tally.change(format!("organization {}", organization.id), reason);
    if slug != organization.slug.trim() {
        change(format!("its slug is {slug} here"));
    }
    let contact = |key: &str| organization.contact.as_ref()?.get(key)?.as_str();
    let (name, name_cut) = values::line(organization.name.as_deref(), 64);
    let (description, description_cut) = values::lines(organization.description.as_deref(), 4096);
    let (contact_phone, phone_cut) = values::line(contact("phoneNumber").or_else(|| contact("phone")), 32);
    let (contact_location, location_cut) = values::line(contact("location"), 256);
    let (contact_email, email_dropped) = values::email(contact("email"));
    let cuts = [("name", name_cut), ("description", description_cut), ("phone", phone_cut), ("location", location_cut)];
    for (field, _) in cuts.into_iter().filter(|(_, cut)| *cut) {
        change(format!("its {field} was cut, or lost characters that cannot be shown"));
    }
    if email_dropped {
        change("its contact is no e-mail address: it was left out".into());
    }
    let created_at = values::instant(organization.created_date.as_deref()).unwrap_or_else(|| {
        change("it has no date: it counts as made now".into());
        now
    });
    OrganizationRow {
        id: ids::mint(now),
        slug,
        name,
        description,
        contact_email: contact_email.map(|email| email.to_string()),
        contact_phone,
        contact_location,
        owner_id,
        member_count: 0,
        created_at,
        updated_at: values::instant(organization.updated_date.as_deref()).unwrap_or(created_at).max(created_at),
    }
}
