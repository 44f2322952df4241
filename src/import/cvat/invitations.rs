//! Invitations. CVAT creates an inactive membership with each, until the invitee accepts; here, that becomes an
//! invitation without a membership. No mail is sent, so the invitations have no token: invitees with an account accept
//! them there before they expire, and sending again creates a link and a new expiry. Invitations that are not expired
//! in CVAT, including those never sent, are pending for the usual time from the import on.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;

use crate::domain::clock::Instant;
use crate::domain::invitation::{DeliveryState, InvitationStatus};
use crate::domain::{OrganizationId, Role, UserId, ids};
use crate::import::cvat::ImportContext;
use crate::import::cvat::export::Export;
use crate::import::cvat::id_map::{IdMap, Kind};
use crate::import::cvat::model::{Invitation, Membership, Reference};
use crate::import::cvat::normalize;
use crate::import::cvat::organizations::ImportedOrganizations;
use crate::import::cvat::report::Report;
use crate::import::cvat::users::ImportedUsers;
use crate::operations::invitations::resend::PAUSE;
use crate::store::bulk_insert::InvitationRow;

/// Time until an imported invitation expires.
const EXPIRY: TimeDelta = TimeDelta::days(7);
/// Error text of the mails that were not sent.
const NOT_SENT: &str = "Imported from CVAT: no mail was sent from here. Resend the invitation.";

/// An invitation of the export, or a pending membership without one.
struct ImportedInvitation {
    row: String,
    organization: Option<i64>,
    user: Option<i64>,
    role: Option<Role>,
    inviter: Option<UserId>,
    created_at: Option<Instant>,
    /// Whether it has expired in CVAT. `None`: it was never sent.
    expired: Option<bool>,
}

/// Creates the invitations, also for pending memberships without an invitation.
pub fn plan(
    export: &Export,
    ground: ImportContext<'_>,
    places: &ImportedOrganizations,
    ledger: &mut IdMap,
    report: &mut Report,
) -> Vec<InvitationRow> {
    let mut made = Vec::new();
    let mut pending = ground.here.invited.clone();
    let mut outcomes: HashMap<i64, Result<(), String>> = HashMap::new();
    let by_key: HashMap<&str, &Membership> = export
        .memberships
        .iter()
        .filter_map(|membership| Some((membership.invitation.as_deref()?, membership)))
        .collect();
    for invitation in &export.invitations {
        let membership = by_key.get(invitation.key.as_str()).copied();
        if membership.is_some_and(|membership| ledger.knows(Kind::Invitation, membership.id)) {
            report.invitations.known += 1;
            continue;
        }
        let offer = of_invitation(invitation, membership, ground.people);
        let row = offer.row.clone();
        let outcome = match membership {
            Some(_) => settle(offer, ground, places, &mut pending, report),
            None => Err("no membership goes with it".to_owned()),
        };
        if let Err(reason) = &outcome {
            report.invitations.refuse(row, reason);
        }
        if let Some(membership) = membership {
            enter(ledger, membership, &outcome, ground.now);
            outcomes.insert(membership.id, outcome.as_ref().map(|_| ()).map_err(String::clone));
        }
        made.extend(outcome);
    }
    for membership in export.memberships.iter().filter(|membership| membership.is_active == Some(false)) {
        if ledger.knows(Kind::Invitation, membership.id) || ledger.knows(Kind::Membership, membership.id) {
            report.memberships.known += 1;
            continue;
        }
        let row = format!("membership {}", membership.id);
        let outcome = outcomes.remove(&membership.id).unwrap_or_else(|| {
            let outcome = settle(of_membership(membership), ground, places, &mut pending, report);
            enter(ledger, membership, &outcome, ground.now);
            made.push(outcome?);
            report.invitations.change(&row, "it was pending without an invitation: one was made");
            Ok(())
        });
        match outcome {
            Ok(()) => report.memberships.change(row, "it was not accepted: there is an invitation instead"),
            Err(reason) => {
                report.memberships.refuse(row, format!("it was not accepted, and cannot be invited: {reason}"))
            }
        }
    }
    report.invitations.taken = made.len();
    made
}

fn enter(ledger: &mut IdMap, membership: &Membership, outcome: &Result<InvitationRow, String>, now: Instant) {
    if let Ok(row) = outcome {
        ledger.enter(Kind::Invitation, membership.id, row.id, None, now);
    }
}

fn of_invitation(
    invitation: &Invitation,
    membership: Option<&Membership>,
    people: &ImportedUsers,
) -> ImportedInvitation {
    let reference = |own: Option<Reference>, other: fn(&Membership) -> Option<Reference>| {
        own.or_else(|| other(membership?)).map(Reference::id)
    };
    let organization = reference(invitation.organization, |membership| membership.organization);
    let user = reference(invitation.user, |membership| membership.user);
    let known = |number: Option<i64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    ImportedInvitation {
        // Its key is secret.
        row: format!("invitation of user {} to organization {}", known(user), known(organization)),
        organization,
        user,
        role: normalize::role(&invitation.role),
        inviter: people.id(invitation.owner),
        created_at: normalize::instant(invitation.created_date.as_deref()),
        expired: invitation.expired,
    }
}

fn of_membership(membership: &Membership) -> ImportedInvitation {
    ImportedInvitation {
        row: format!("membership {}", membership.id),
        organization: membership.organization.map(Reference::id),
        user: membership.user.map(Reference::id),
        role: normalize::role(&membership.role),
        inviter: None,
        created_at: normalize::instant(membership.joined_date.as_deref()),
        expired: None,
    }
}

/// Decides the status: accepted if the invitee is a member, otherwise pending, unless it has expired in CVAT. Fails
/// with the reason if it cannot be imported.
fn settle(
    offer: ImportedInvitation,
    ground: ImportContext<'_>,
    places: &ImportedOrganizations,
    pending: &mut HashSet<(OrganizationId, String)>,
    report: &mut Report,
) -> Result<InvitationRow, String> {
    let ImportContext { here, people, now, .. } = ground;
    let not_there = Err("its organization is not in the export");
    let organization = offer.organization.ok_or("it names no organization")?;
    let organization_id = places.ids.get(&organization).copied().unwrap_or(not_there)?;
    let user = offer.user.ok_or("it names no invitee")?;
    let email = people.addresses.get(&user).ok_or("its invitee has no usable address")?;
    let role = match offer.role {
        None => return Err("its role is none of worker, supervisor, maintainer".into()),
        Some(Role::Owner) => {
            report.invitations.change(&offer.row, "it offers MAINTAINER here: nobody is invited to own");
            Role::Maintainer
        }
        Some(role) => role,
    };
    let joined_here = || Some(here.members.get(&(organization_id, people.accounts.get(&user)?.0))?.1);
    let joined_at = places.members.get(&(organization, user)).copied().or_else(joined_here);
    if joined_at.is_none() && offer.expired != Some(true) {
        if !pending.insert((organization_id, email.to_string())) {
            return Err("another one to the same address is pending".into());
        }
        let sent = if offer.expired.is_none() { "it was never sent" } else { "its link leads to CVAT" };
        let days = EXPIRY.num_days();
        let waits = format!("{sent}: it is pending for {days} days from now, without a mail, and waits for a resend");
        report.invitations.change(&offer.row, waits);
    }
    let created_at = offer.created_at.unwrap_or_else(|| {
        report.invitations.change(&offer.row, "it has no date: it counts as made now");
        now
    });
    let (status, resolved_at, expires_at) = match joined_at {
        Some(at) => (InvitationStatus::Accepted, Some(at.max(created_at)), created_at + EXPIRY),
        None if offer.expired == Some(true) => {
            let ended = (created_at + EXPIRY).min(now);
            (InvitationStatus::Expired, Some(ended), ended)
        }
        None => (InvitationStatus::Pending, None, now + EXPIRY),
    };
    let accepted = status == InvitationStatus::Accepted;
    Ok(InvitationRow {
        id: ids::new_id(now),
        organization_id,
        email: email.to_string(),
        email_written: email.written().map(str::to_owned),
        role,
        status,
        inviter_id: offer.inviter,
        message: None,
        created_at,
        expires_at,
        resolved_at,
        // No mail was sent, so the first one need not wait.
        sent_requested_at: created_at.min(now - PAUSE),
        delivery: if accepted { DeliveryState::Sent } else { DeliveryState::Failed },
        send_count: 0,
        last_sent_at: None,
        failure: (!accepted).then(|| NOT_SENT.to_owned()),
    })
}
