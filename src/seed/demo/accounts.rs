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
use crate::seed::demo::resources::ResourceBuilder;
use crate::seed::demo::{DemoInvitation, DemoOrganization, INVITATIONS, ORGANIZATIONS, PEOPLE};
use crate::store::bulk_insert::{Dataset, InvitationRow, MembershipRow, OrganizationRow, UserRow};
use crate::store::plans::PlanRow;

/// An event and its time.
type TimedEvent = (Instant, NewEvent);

/// Returns the demo data as of `now`, and its events in order. Invitations expire `expiry` after they were sent.
pub fn dataset(now: Instant, expiry: TimeDelta, password_hash: &str) -> (Dataset, Vec<TimedEvent>) {
    let mut dataset = Dataset::default();
    let mut events = Vec::new();
    let oldest = ORGANIZATIONS.iter().map(|organization| organization.age).max().unwrap_or(0);
    let users: HashMap<&'static str, UserId> = (0..)
        .zip(PEOPLE)
        .map(|(number, person)| {
            let created_at = now - TimeDelta::days(oldest + 1) + TimeDelta::minutes(number);
            let id = ids::new_id(now);
            dataset.users.push(UserRow {
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
    for organization in ORGANIZATIONS {
        add_organization(organization, now, expiry, &users, &mut dataset, &mut events);
    }
    ResourceBuilder { now, users: &users, dataset: &mut dataset, events: &mut events }.build();
    events.sort_by_key(|(at, _)| *at);
    (dataset, events)
}

/// Adds an organization, its members (each invited by the owner), and its invitations that were not accepted.
fn add_organization(
    organization: &DemoOrganization,
    now: Instant,
    expiry: TimeDelta,
    users: &HashMap<&str, UserId>,
    dataset: &mut Dataset,
    events: &mut Vec<TimedEvent>,
) {
    let created_at = now - TimeDelta::days(organization.age);
    let id: OrganizationId = ids::new_id(now);
    let members: Vec<_> = PEOPLE
        .iter()
        .filter_map(|person| {
            let (_, role) = person.roles.iter().find(|(slug, _)| *slug == organization.slug)?;
            Some((person, *role, *users.get(person.username)?))
        })
        .collect();
    let Some(&(_, _, owner)) = members.iter().find(|(_, role, _)| *role == Role::Owner) else { return };
    dataset.organizations.push(OrganizationRow {
        id,
        slug: organization.slug.to_owned(),
        name: Some(organization.name.to_owned()),
        description: Some(organization.description.to_owned()),
        contact_email: Some(organization.email.to_owned()),
        contact_phone: organization.phone.map(str::to_owned),
        contact_location: Some(organization.location.to_owned()),
        owner_id: owner,
        member_count: i32::try_from(members.len()).unwrap_or(i32::MAX),
        created_at,
        updated_at: created_at,
    });
    events.push((created_at, NewEvent::new(id, EventType::OrganizationCreated, Some(owner), id)));
    let team = paid_plan(PlanTier::Team, organization.paid, organization.seats, created_at);
    let solo = paid_plan(PlanTier::Solo, BillingInterval::Month, None, created_at);
    for (workspace, plan) in [(WorkspaceId::Organization(id), team), (WorkspaceId::Personal(owner), solo)] {
        dataset.plans.push(PlanRow::new(workspace, &plan));
        let change = changed(workspace, &Plan::FREE, &Plan(Some(plan)), Some(owner));
        events.extend(change.map(|event| (created_at, event)));
    }

    for (number, (person, role, user)) in (0..).zip(members) {
        let invited = role != Role::Owner;
        let joined_at = if invited { created_at + TimeDelta::hours(20 * (number + 1)) } else { created_at };
        let membership: MembershipId = ids::new_id(now);
        dataset.memberships.push(MembershipRow {
            id: membership,
            organization_id: id,
            user_id: user,
            username: person.username.to_owned(),
            role,
            joined_at,
            invited_by: invited.then_some(owner),
        });
        if invited {
            let invitation = invitation(id, person.email, role, owner, joined_at - TimeDelta::hours(3), expiry);
            let invitation =
                InvitationRow { status: InvitationStatus::Accepted, resolved_at: Some(joined_at), ..invitation };
            add_invitation_events(&invitation, Some(user), events);
            events.push((joined_at, joined(id, membership, user)));
            dataset.invitations.push(invitation);
        }
    }
    for invitation in INVITATIONS.iter().filter(|invitation| invitation.slug == organization.slug) {
        let inviter = users.get(invitation.inviter).copied().unwrap_or(owner);
        let row = unaccepted(invitation, id, inviter, now, expiry);
        let invitee = PEOPLE.iter().find(|person| person.verified && person.email == invitation.email);
        add_invitation_events(&row, invitee.and_then(|person| users.get(person.username)).copied(), events);
        dataset.invitations.push(row);
    }
}

fn paid_plan(tier: PlanTier, interval: BillingInterval, seats: Option<i32>, anchor: Instant) -> PaidPlan {
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
    demo: &DemoInvitation,
    id: OrganizationId,
    inviter: UserId,
    now: Instant,
    expiry: TimeDelta,
) -> InvitationRow {
    let pending = demo.status == InvitationStatus::Pending;
    let created_at = if pending { now - expiry / 4 } else { now - expiry * 2 };
    let row = invitation(id, demo.email, demo.role, inviter, created_at, expiry);
    let resolved_at = match demo.status {
        InvitationStatus::Pending => None,
        InvitationStatus::Expired => Some(row.expires_at),
        _ => Some(created_at + expiry / 2),
    };
    InvitationRow { message: demo.message.map(str::to_owned), status: demo.status, resolved_at, ..row }
}

/// Adds the events of an invitation.
fn add_invitation_events(row: &InvitationRow, invitee: Option<UserId>, events: &mut Vec<TimedEvent>) {
    let event = |kind, actor| NewEvent {
        person: invitee,
        email: Some(row.email.clone()),
        ..NewEvent::new(row.organization_id, kind, actor, row.id)
    };
    events.push((row.created_at, event(EventType::InvitationCreated, row.inviter_id)));
    let Some(at) = row.resolved_at else { return };
    events.push((
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

    use super::super::{PROJECTS, STORAGES};
    use super::*;
    use crate::domain::{Clock, Email, Slug, Username, WorkspaceId};

    fn demo() -> (Instant, Dataset, Vec<TimedEvent>) {
        let now = Clock::default().now();
        let (dataset, events) = dataset(now, TimeDelta::days(7), "hash");
        (now, dataset, events)
    }

    #[test]
    fn names_addresses_and_slugs_are_valid_and_refer_to_existing_rows() {
        for person in PEOPLE {
            assert_eq!(Username::parse(person.username).map(|name| name.to_string()), Ok(person.username.to_owned()));
            assert!(
                Email::parse(person.email).is_ok() && person.email.ends_with("@example.org"),
                "{}",
                person.username
            );
            for (slug, _) in person.roles {
                assert!(ORGANIZATIONS.iter().any(|organization| organization.slug == *slug), "{slug}");
            }
        }
        for organization in ORGANIZATIONS {
            assert!(
                Slug::parse(organization.slug).is_ok() && Email::parse(organization.email).is_ok(),
                "{}",
                organization.slug
            );
        }
        for invitation in INVITATIONS {
            let inviter =
                PEOPLE.iter().find(|person| person.username == invitation.inviter).expect("the inviter is there");
            let (_, role) = inviter.roles.iter().find(|(slug, _)| *slug == invitation.slug).expect("and a member");
            assert!(*role >= Role::Maintainer && invitation.role < *role, "{} may invite", invitation.inviter);
        }
    }

    #[test]
    fn organizations_have_one_owner_and_the_right_member_count() {
        let (_, dataset, _) = demo();
        assert_eq!(dataset.organizations.len(), ORGANIZATIONS.len());
        for organization in &dataset.organizations {
            let members: Vec<_> =
                dataset.memberships.iter().filter(|row| row.organization_id == organization.id).collect();
            let owners: Vec<_> = members.iter().filter(|row| row.role == Role::Owner).map(|row| row.user_id).collect();
            assert_eq!(owners, [organization.owner_id]);
            assert_eq!(members.len(), usize::try_from(organization.member_count).expect("a count"));
            assert_eq!(members.iter().map(|row| row.user_id).collect::<HashSet<_>>().len(), members.len());
        }
    }

    #[test]
    fn projects_refer_to_members_of_their_workspace_and_fit_a_free_plan() {
        let (_, dataset, _) = demo();
        assert_eq!(dataset.cloud_storages.len(), STORAGES.len(), "every storage is created");
        assert_eq!(dataset.projects.len(), PROJECTS.iter().filter(|project| project.project.is_some()).count());
        assert_eq!(dataset.tasks.len(), PROJECTS.iter().map(|project| project.tasks.len()).sum::<usize>());
        let belongs = |workspace: WorkspaceId, user: UserId| match workspace {
            WorkspaceId::Organization(id) => {
                dataset.memberships.iter().any(|row| row.organization_id == id && row.user_id == user)
            }
            WorkspaceId::Personal(own) => own == user,
        };
        let named: Vec<_> = (dataset.projects.iter().map(|row| (row.workspace(), row.people())))
            .chain(dataset.tasks.iter().map(|row| (row.workspace(), row.people())))
            .chain(dataset.jobs.iter().map(|row| (row.workspace(), row.people())))
            .chain(dataset.cloud_storages.iter().map(|row| (row.workspace(), row.people())))
            .collect();
        for (workspace, people) in &named {
            for user in [people.owner, people.assignee].into_iter().flatten() {
                assert!(belongs(*workspace, user), "{user} in {workspace}");
            }
        }
        let assigned = named.iter().filter(|(_, people)| people.assignee.is_some()).count();
        let expected = PROJECTS.iter().map(|project| {
            let assigned_jobs = project.tasks.iter().flat_map(|task| task.jobs).filter(|job| job.0.is_some()).count();
            let assigned_tasks = project.tasks.iter().filter(|task| task.assignee.is_some()).count();
            assigned_jobs + assigned_tasks + usize::from(project.project.is_some_and(|plan| plan.assignee.is_some()))
        });
        assert_eq!(assigned, expected.sum::<usize>(), "every assignee exists");
        for workspace in named.iter().map(|(workspace, _)| *workspace).collect::<HashSet<_>>() {
            let tasks = dataset.tasks.iter().filter(|row| row.workspace() == workspace);
            assert!(dataset.projects.iter().filter(|row| row.workspace() == workspace).count() < 3);
            assert!(tasks.count() < 10);
        }
        for project in &dataset.projects {
            assert!(dataset.tasks.iter().filter(|row| row.project_id == Some(project.id)).count() < 5);
            for storage in [project.source_storage_id, project.target_storage_id].into_iter().flatten() {
                let storage = dataset.cloud_storages.iter().find(|row| row.id == storage).expect("the storage");
                assert_eq!(storage.workspace(), project.workspace());
            }
        }
    }

    #[test]
    fn organizations_have_free_seats_and_their_owners_have_solo() {
        let (now, dataset, _) = demo();
        let of = |workspace: WorkspaceId| {
            let row = dataset.plans.iter().find(|row| row.workspace() == workspace).expect("a plan");
            Plan(Some(row.terms())).at(now)
        };
        let unlimited = dataset.organizations.iter().filter(|organization| {
            let plan = of(organization.id.into());
            let taken = dataset.invitations.iter().filter(|row| row.organization_id == organization.id);
            let taken = taken.filter(|row| row.status == InvitationStatus::Pending).count() as i32;
            assert!(
                plan.seats().is_none_or(|seats| seats > organization.member_count + taken),
                "{}",
                organization.slug
            );
            assert_eq!(of(WorkspaceId::Personal(organization.owner_id)).tier(), PlanTier::Solo);
            plan.seats().is_none()
        });
        assert_eq!(unlimited.count(), 1);
    }

    #[test]
    fn events_are_sorted_and_past_and_invitation_statuses_match_their_expiry() {
        let (now, dataset, events) = demo();
        assert!(events.is_sorted_by_key(|(at, _)| *at) && events.iter().all(|(at, _)| *at < now));
        assert!(dataset.memberships.iter().all(|row| row.joined_at < now));
        for row in &dataset.invitations {
            assert_eq!(row.status.at(row.expires_at, now), row.status);
            assert_eq!(row.status == InvitationStatus::Pending, row.resolved_at.is_none());
        }
    }
}
