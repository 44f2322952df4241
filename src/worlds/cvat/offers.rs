//! Invitations. CVAT makes a membership with each, inactive until the invitee accepts: here that is an invitation and no
//! membership. No mail was ever sent from here, so they have no token: invitees with an account accept them there while
//! they last, and a resend gives them a link and a new expiry.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;

use super::files::Export;
use super::people::People;
use super::places::Places;
use super::report::Report;
use super::rows::{Invitation, Membership, Reference};
use super::values;
use crate::domain::clock::Instant;
use crate::domain::invitation::{DeliveryState, InvitationStatus};
use crate::domain::{Role, UserId, ids};
use crate::store::bulk::InvitationRow;

/// How long they last from when they were made.
const EXPIRY: TimeDelta = TimeDelta::days(7);
/// What becomes of their mails.
const NOT_SENT: &str = "Imported from CVAT: no mail was sent from here. Resend the invitation.";

/// What an invitation offers, and what is known of it.
struct Offer {
    row: String,
    organization: Option<i64>,
    user: Option<i64>,
    role: Option<Role>,
    inviter: Option<UserId>,
    created_at: Option<Instant>,
    ended: bool,
}

/// Makes the invitations, also of pending memberships that come without one.
pub fn plan(
    export: &Export,
    people: &People,
    places: &Places,
    now: Instant,
    report: &mut Report,
) -> Vec<InvitationRow> {
    let mut made = Vec::new();
    let mut pending = HashSet::new();
    let mut outcomes: HashMap<i64, Result<(), String>> = HashMap::new();
    let by_key: HashMap<&str, &Membership> = export
        .memberships
        .iter()
        .filter_map(|membership| Some((membership.invitation.as_deref()?, membership)))
        .collect();
    for invitation in &export.invitations {
        let membership = by_key.get(invitation.key.as_str()).copied();
        let offer = of_invitation(invitation, membership, people);
        let row = offer.row.clone();
        let outcome = match membership {
            Some(_) => settle(offer, people, places, &mut pending, now, report),
            None => Err("no membership goes with it".to_owned()),
        };
        if let Err(reason) = &outcome {
            report.invitations.refuse(row, reason);
        }
        if let Some(membership) = membership {
            outcomes.insert(membership.id, outcome.as_ref().map(|_| ()).map_err(String::clone));
        }
        made.extend(outcome);
    }
    for membership in export.memberships.iter().filter(|membership| membership.is_active == Some(false)) {
        let row = format!("membership {}", membership.id);
        let outcome = outcomes.remove(&membership.id).unwrap_or_else(|| {
            made.push(settle(of_membership(membership), people, places, &mut pending, now, report)?);
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

fn of_invitation(invitation: &Invitation, membership: Option<&Membership>, people: &People) -> Offer {
    let reference = |own: Option<Reference>, other: fn(&Membership) -> Option<Reference>| {
        own.or_else(|| other(membership?)).map(Reference::id)
    };
    let organization = reference(invitation.organization, |membership| membership.organization);
    let user = reference(invitation.user, |membership| membership.user);
    let known = |number: Option<i64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    Offer {
        // Its key is a secret.
        row: format!("invitation of user {} to organization {}", known(user), known(organization)),
        organization,
        user,
        role: values::role(&invitation.role),
        inviter: people.id(invitation.owner),
        created_at: values::instant(invitation.created_date.as_deref()),
        ended: invitation.expired == Some(true),
    }
}

fn of_membership(membership: &Membership) -> Offer {
    Offer {
        row: format!("membership {}", membership.id),
        organization: membership.organization.map(Reference::id),
        user: membership.user.map(Reference::id),
        role: values::role(&membership.role),
        inviter: None,
        created_at: values::instant(membership.joined_date.as_deref()),
        ended: false,
    }
}

/// What an offer is here: accepted if the invitee is a member, else pending until it runs out. Or why it cannot come over.
fn settle(
    offer: Offer,
    people: &People,
    places: &Places,
    pending: &mut HashSet<(i64, String)>,
    now: Instant,
    report: &mut Report,
) -> Result<InvitationRow, String> {
    let Some((organization, organization_id)) =
        offer.organization.and_then(|number| Some((number, *places.ids.get(&number)?)))
    else {
        return Err("its organization did not come over".into());
    };
    let Some((user, email)) = offer.user.and_then(|number| Some((number, people.addresses.get(&number)?.to_string())))
    else {
        return Err("its invitee has no usable address".into());
    };
    let role = match offer.role {
        None => return Err("its role is none of worker, supervisor, maintainer".into()),
        Some(Role::Owner) => {
            report.invitations.change(&offer.row, "it offers MAINTAINER here: nobody is invited to own");
            Role::Maintainer
        }
        Some(role) => role,
    };
    let created_at = offer.created_at.unwrap_or_else(|| {
        report.invitations.change(&offer.row, "it has no date: it counts as made now");
        now
    });
    let expires_at = if offer.ended { (created_at + EXPIRY).min(now) } else { created_at + EXPIRY };
    let joined_at = places.members.get(&(organization, user)).copied();
    let (status, resolved_at) = match joined_at {
        Some(joined_at) => (InvitationStatus::Accepted, Some(joined_at.max(created_at))),
        None => match InvitationStatus::Pending.at(expires_at, now) {
            InvitationStatus::Pending => (InvitationStatus::Pending, None),
            ended => (ended, Some(expires_at)),
        },
    };
    if status == InvitationStatus::Pending && !pending.insert((organization, email.clone())) {
        return Err("another one to the same address is pending".into());
    }
    let accepted = status == InvitationStatus::Accepted;
    Ok(InvitationRow {
        id: ids::mint(now),
        organization_id,
        email,
        role,
        status,
        inviter_id: offer.inviter,
        message: None,
        created_at,
        expires_at,
        resolved_at,
        sent_requested_at: created_at,
        delivery: if accepted { DeliveryState::Sent } else { DeliveryState::Failed },
        send_count: 0,
        last_sent_at: None,
        failure: (!accepted).then(|| NOT_SENT.to_owned()),
    })
}
