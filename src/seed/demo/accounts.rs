//! Creates rows and events from the lists of users and organizations. All events are in the past, at fixed distances
//! from now.

use std::collections::HashMap;

use chrono::TimeDelta;

use crate::domain::clock::Instant;
use crate::domain::event::EventType;
use crate::domain::invitation::{DeliveryState, InvitationStatus};
use crate::domain::plan::{BillingInterval, PaidPlan, Plan, PlanTier};
use crate::domain::{InvitationId, MembershipId, OrganizationId, Role, UserId, WorkspaceId, ids};
use crate::events::record::NewEvent;
use crate::operations::plans::paid_plan::changed;
use crate::seed::demo::resources::Filling;
use crate::seed::demo::{DemoInvitation, DemoOrganization, OFFERS, PEOPLE, PLACES};
use crate::store::bulk_insert::{Dataset, InvitationRow, MembershipRow, OrganizationRow, UserRow};
use crate::store::plans::PlanRow;

/// An event with its time.
type DemoEvents = (Instant, NewEvent);

/// Returns the demo data as of `now`, and its events in order. Invitations expire `expiry` after they were sent.
pub fn world(now: Instant, expiry: TimeDelta, password_hash: &str) -> (Dataset, Vec<DemoEvents>) {
    let mut made = Dataset::default();
    let mut happened = Vec::new();
    let oldest = PLACES.iter().map(|place| place.age).max().unwrap_or(0);
    let users: HashMap<&'static str, UserId> = (0..)
        .zip(PEOPLE)
        .map(|(number, person)| {
            let created_at = now - TimeDelta::days(oldest + 1) + TimeDelta::minutes(number);
            let id = ids::new_id(now);
            made.users.push(UserRow {
                id,
                username: person.username.to_owned(),
                display_name: Some(person.display_name.to_owned()),
                email: Some(person.email.to_owned()),
                email_written: None,
                email_verified_at: person.verified.then_some(created_at),
                password_hash: Some(password_hash.to_owned()),
                is_admin: person.admin,
                created_at,
            });
            (person.username, id)
        })
        .collect();
    for place in PLACES {
        populate(place, now, expiry, &users, &mut made, &mut happened);
    }
    Filling { now, users: &users, made: &mut made, happened: &mut happened }.fill();
    happened.sort_by_key(|(at, _)| *at);
    (made, happened)
}

/// Adds an organization, its members (each invited by the owner), and its invitations that were not accepted.
fn populate(
    place: &DemoOrganization,
    now: Instant,
    expiry: TimeDelta,
    users: &HashMap<&str, UserId>,
    made: &mut Dataset,
    happened: &mut Vec<DemoEvents>,
) {
    let created_at = now - TimeDelta::days(place.age);
    let id: OrganizationId = ids::new_id(now);
    let members: Vec<_> = PEOPLE
        .iter()
        .filter_map(|person| {
            let (_, role) = person.roles.iter().find(|(slug, _)| *slug == place.slug)?;
            Some((person, *role, *users.get(person.username)?))
        })
        .collect();
    let Some(&(_, _, owner)) = members.iter().find(|(_, role, _)| *role == Role::Owner) else { return };
    made.organizations.push(OrganizationRow {
        id,
        slug: place.slug.to_owned(),
        name: Some(place.name.to_owned()),
        description: Some(place.description.to_owned()),
        contact_email: Some(place.email.to_owned()),
        contact_phone: place.phone.map(str::to_owned),
        contact_location: Some(place.location.to_owned()),
        owner_id: owner,
        member_count: i32::try_from(members.len()).unwrap_or(i32::MAX),
        created_at,
        updated_at: created_at,
    });
    happened.push((created_at, NewEvent::new(id, EventType::OrganizationCreated, Some(owner), id)));
    let team = terms(PlanTier::Team, place.paid, place.seats, created_at);
    let solo = terms(PlanTier::Solo, BillingInterval::Month, None, created_at);
    for (workspace, terms) in [(WorkspaceId::Organization(id), team), (WorkspaceId::Personal(owner), solo)] {
        made.plans.push(PlanRow::new(workspace, &terms));
        let paid = changed(workspace, &Plan::FREE, &Plan(Some(terms)), Some(owner));
        happened.extend(paid.map(|event| (created_at, event)));
    }

    for (number, (person, role, user)) in (0..).zip(members) {
        let invited = role != Role::Owner;
        let joined_at = if invited { created_at + TimeDelta::hours(20 * (number + 1)) } else { created_at };
        let membership: MembershipId = ids::new_id(now);
        made.memberships.push(MembershipRow {
            id: membership,
            organization_id: id,
            user_id: user,
            username: person.username.to_owned(),
            role,
            joined_at,
            invited_by: invited.then_some(owner),
        });
        if invited {
            let offer = invitation(id, person.email, role, owner, joined_at - TimeDelta::hours(3), expiry);
            let offer = InvitationRow { status: InvitationStatus::Accepted, resolved_at: Some(joined_at), ..offer };
            tell(&offer, Some(user), happened);
            happened.push((joined_at, joined(id, membership, user)));
            made.invitations.push(offer);
        }
    }
    for offer in OFFERS.iter().filter(|offer| offer.slug == place.slug) {
        let inviter = users.get(offer.inviter).copied().unwrap_or(owner);
        let row = unaccepted(offer, id, inviter, now, expiry);
        let invitee = PEOPLE.iter().find(|person| person.verified && person.email == offer.email);
        tell(&row, invitee.and_then(|person| users.get(person.username)).copied(), happened);
        made.invitations.push(row);
    }
}

fn terms(tier: PlanTier, interval: BillingInterval, seats: Option<i32>, anchor: Instant) -> PaidPlan {
    PaidPlan { tier, interval, seats, anchor, cancels_at: None }
}

fn joined(organization: OrganizationId, membership: MembershipId, user: UserId) -> NewEvent {
    NewEvent { person: Some(user), ..NewEvent::new(organization, EventType::MemberJoined, Some(user), membership) }
}

fn invitation(
    organization_id: OrganizationId,
    email: &str,
    role: Role,
    inviter: UserId,
    created_at: Instant,
    expiry: TimeDelta,
) -> InvitationRow {
    InvitationRow {
        id: ids::new_id::<InvitationId>(created_at),
        organization_id,
        email: email.to_owned(),
        email_written: None,
        role,
        status: InvitationStatus::Pending,
        inviter_id: Some(inviter),
        message: None,
        created_at,
        expires_at: created_at + expiry,
        resolved_at: None,
        sent_requested_at: created_at,
        delivery: DeliveryState::Sent,
        send_count: 1,
        last_sent_at: Some(created_at),
        failure: None,
    }
}

/// Returns an invitation that is pending, or has ended without acceptance.
fn unaccepted(
    offer: &DemoInvitation,
    id: OrganizationId,
    inviter: UserId,
    now: Instant,
    expiry: TimeDelta,
) -> InvitationRow {
    let pending = offer.status == InvitationStatus::Pending;
    let created_at = if pending { now - expiry / 4 } else { now - expiry * 2 };
    let row = invitation(id, offer.email, offer.role, inviter, created_at, expiry);
    let resolved_at = match offer.status {
        InvitationStatus::Pending => None,
        InvitationStatus::Expired => Some(row.expires_at),
        _ => Some(created_at + expiry / 2),
    };
    InvitationRow { message: offer.message.map(str::to_owned), status: offer.status, resolved_at, ..row }
}

/// Adds the events of an invitation.
fn tell(row: &InvitationRow, invitee: Option<UserId>, happened: &mut Vec<DemoEvents>) {
    let event = |kind, actor| NewEvent {
        person: invitee,
        email: Some(row.email.clone()),
        ..NewEvent::new(row.organization_id, kind, actor, row.id)
    };
    happened.push((row.created_at, event(EventType::InvitationCreated, row.inviter_id)));
    let Some(at) = row.resolved_at else { return };
    happened.push((
        at,
        match row.status {
            InvitationStatus::Accepted => event(EventType::InvitationAccepted, invitee),
            InvitationStatus::Declined => event(EventType::InvitationDeclined, invitee),
            InvitationStatus::Revoked => event(EventType::InvitationRevoked, row.inviter_id),
            InvitationStatus::Expired | InvitationStatus::Pending => event(EventType::InvitationExpired, None),
        },
    ));
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::{STORAGES, WORKS};
    use super::*;
    use crate::domain::{Clock, Email, Slug, Username, WorkspaceId};

    fn demo() -> (Instant, Dataset, Vec<DemoEvents>) {
        let now = Clock::default().now();
        let (world, happened) = world(now, TimeDelta::days(7), "hash");
        (now, world, happened)
    }

    #[test]
    fn every_name_address_and_slug_is_valid_and_nobody_is_named_who_is_not_there() {
        for person in PEOPLE {
            assert_eq!(Username::parse(person.username).map(|name| name.to_string()), Ok(person.username.to_owned()));
            assert!(
                Email::parse(person.email).is_ok() && person.email.ends_with("@example.org"),
                "{}",
                person.username
            );
            for (slug, _) in person.roles {
                assert!(PLACES.iter().any(|place| place.slug == *slug), "{slug}");
            }
        }
        for place in PLACES {
            assert!(Slug::parse(place.slug).is_ok() && Email::parse(place.email).is_ok(), "{}", place.slug);
        }
        for offer in OFFERS {
            let inviter = PEOPLE.iter().find(|person| person.username == offer.inviter).expect("the inviter is there");
            let (_, role) = inviter.roles.iter().find(|(slug, _)| *slug == offer.slug).expect("and a member");
            assert!(*role >= Role::Maintainer && offer.role < *role, "{} may invite", offer.inviter);
        }
    }

    #[test]
    fn each_organization_has_one_owner_people_of_every_role_and_the_right_count() {
        let (_, world, _) = demo();
        assert_eq!(world.organizations.len(), PLACES.len());
        for organization in &world.organizations {
            let members: Vec<_> =
                world.memberships.iter().filter(|row| row.organization_id == organization.id).collect();
            let owners: Vec<_> = members.iter().filter(|row| row.role == Role::Owner).map(|row| row.user_id).collect();
            assert_eq!(owners, [organization.owner_id]);
            assert_eq!(members.len(), usize::try_from(organization.member_count).expect("a count"));
            assert_eq!(members.iter().map(|row| row.user_id).collect::<HashSet<_>>().len(), members.len());
        }
    }

    #[test]
    fn every_work_names_people_of_its_workspace_and_fits_a_free_plan() {
        let (_, world, _) = demo();
        assert_eq!(world.cloud_storages.len(), STORAGES.len(), "every storage is made");
        assert_eq!(world.projects.len(), WORKS.iter().filter(|work| work.project.is_some()).count());
        assert_eq!(world.tasks.len(), WORKS.iter().map(|work| work.tasks.len()).sum::<usize>());
        let belongs = |workspace: WorkspaceId, user: UserId| match workspace {
            WorkspaceId::Organization(id) => {
                world.memberships.iter().any(|row| row.organization_id == id && row.user_id == user)
            }
            WorkspaceId::Personal(own) => own == user,
        };
        let named: Vec<_> = (world.projects.iter().map(|row| (row.workspace(), row.people())))
            .chain(world.tasks.iter().map(|row| (row.workspace(), row.people())))
            .chain(world.jobs.iter().map(|row| (row.workspace(), row.people())))
            .chain(world.cloud_storages.iter().map(|row| (row.workspace(), row.people())))
            .collect();
        for (workspace, people) in &named {
            for user in [people.owner, people.assignee].into_iter().flatten() {
                assert!(belongs(*workspace, user), "{user} in {workspace}");
            }
        }
        let assigned = named.iter().filter(|(_, people)| people.assignee.is_some()).count();
        let meant = WORKS.iter().map(|work| {
            let parts = work.tasks.iter().flat_map(|piece| piece.jobs).filter(|part| part.0.is_some()).count();
            let pieces = work.tasks.iter().filter(|piece| piece.assignee.is_some()).count();
            parts + pieces + usize::from(work.project.is_some_and(|plan| plan.assignee.is_some()))
        });
        assert_eq!(assigned, meant.sum::<usize>(), "nobody is named who is not there");
        for workspace in named.iter().map(|(workspace, _)| *workspace).collect::<HashSet<_>>() {
            let tasks = world.tasks.iter().filter(|row| row.workspace() == workspace);
            assert!(world.projects.iter().filter(|row| row.workspace() == workspace).count() < 3);
            assert!(tasks.count() < 10);
        }
        for project in &world.projects {
            assert!(world.tasks.iter().filter(|row| row.project_id == Some(project.id)).count() < 5);
            for storage in [project.source_storage_id, project.target_storage_id].into_iter().flatten() {
                let storage = world.cloud_storages.iter().find(|row| row.id == storage).expect("the storage");
                assert_eq!(storage.workspace(), project.workspace());
            }
        }
    }

    #[test]
    fn every_organization_has_room_and_its_owner_may_make_another() {
        let (now, world, _) = demo();
        let of = |workspace: WorkspaceId| {
            let row = world.plans.iter().find(|row| row.workspace() == workspace).expect("a plan");
            Plan(Some(row.terms())).at(now)
        };
        let elastic = world.organizations.iter().filter(|organization| {
            let plan = of(organization.id.into());
            let taken = world.invitations.iter().filter(|row| row.organization_id == organization.id);
            let taken = taken.filter(|row| row.status == InvitationStatus::Pending).count() as i32;
            assert!(
                plan.seats().is_none_or(|seats| seats > organization.member_count + taken),
                "{}",
                organization.slug
            );
            assert_eq!(of(WorkspaceId::Personal(organization.owner_id)).tier(), PlanTier::Solo);
            plan.seats().is_none()
        });
        assert_eq!(elastic.count(), 1);
    }

    #[test]
    fn all_of_it_has_happened_in_order_and_pending_invitations_last() {
        let (now, world, happened) = demo();
        assert!(happened.is_sorted_by_key(|(at, _)| *at) && happened.iter().all(|(at, _)| *at < now));
        assert!(world.memberships.iter().all(|row| row.joined_at < now));
        for row in &world.invitations {
            assert_eq!(row.status.at(row.expires_at, now), row.status);
            assert_eq!(row.status == InvitationStatus::Pending, row.resolved_at.is_none());
        }
    }
}
