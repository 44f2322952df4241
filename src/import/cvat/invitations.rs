//! Invitations. CVAT creates an inactive membership with each, until the invitee accepts; it is imported as an
//! invitation without a membership. No mail is sent, so the invitations have no token: invitees with an account can
//! accept them by ID, and a resend creates a link and a new expiry. Invitations that have not expired in CVAT,
//! including those never sent, are pending for `EXPIRY` from the import.

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
    /// Whether it has expired in CVAT. `None` if it was never sent.
    expired: Option<bool>,
}

/// Creates the invitations, also for pending memberships without an invitation.
pub fn plan(
    export: &Export,
    context: ImportContext<'_>,
    organizations: &ImportedOrganizations,
    id_map: &mut IdMap,
    report: &mut Report,
) -> Vec<InvitationRow> {
    let mut rows = Vec::new();
    let mut pending = context.existing.invited.clone();
    let mut outcomes: HashMap<i64, Result<(), String>> = HashMap::new();
    let by_key: HashMap<&str, &Membership> = export
        .memberships
        .iter()
        .filter_map(|membership| Some((membership.invitation.as_deref()?, membership)))
        .collect();
    for invitation in &export.invitations {
        let membership = by_key.get(invitation.key.as_str()).copied();
        if membership.is_some_and(|membership| id_map.contains(Kind::Invitation, membership.id)) {
            report.invitations.known += 1;
            continue;
        }
        let imported = from_invitation(invitation, membership, context.users);
        let row = imported.row.clone();
        let outcome = match membership {
            Some(_) => invitation_row(imported, context, organizations, &mut pending, report),
            None => Err("no membership goes with it".to_owned()),
        };
        if let Err(reason) = &outcome {
            report.invitations.refuse(row, reason);
        }
        if let Some(membership) = membership {
            record(id_map, membership, &outcome, context.now);
            outcomes.insert(membership.id, outcome.as_ref().map(|_| ()).map_err(String::clone));
        }
        rows.extend(outcome);
    }
    for membership in export.memberships.iter().filter(|membership| membership.is_active == Some(false)) {
        if id_map.contains(Kind::Invitation, membership.id) || id_map.contains(Kind::Membership, membership.id) {
            report.memberships.known += 1;
            continue;
        }
        let row = format!("membership {}", membership.id);
        let outcome = outcomes.remove(&membership.id).unwrap_or_else(|| {
            let outcome = invitation_row(from_membership(membership), context, organizations, &mut pending, report);
            record(id_map, membership, &outcome, context.now);
            rows.push(outcome?);
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
    report.invitations.taken = rows.len();
    rows
}

fn record(id_map: &mut IdMap, membership: &Membership, outcome: &Result<InvitationRow, String>, now: Instant) {
    if let Ok(row) = outcome {
        id_map.record(Kind::Invitation, membership.id, row.id, None, now);
    }
}

fn from_invitation(
    invitation: &Invitation,
    membership: Option<&Membership>,
    users: &ImportedUsers,
) -> ImportedInvitation {
    let reference = |own: Option<Reference>, other: fn(&Membership) -> Option<Reference>| {
        own.or_else(|| other(membership?)).map(Reference::id)
    };
    let organization = reference(invitation.organization, |membership| membership.organization);
    let user = reference(invitation.user, |membership| membership.user);
    let shown = |cvat_id: Option<i64>| cvat_id.map_or_else(|| "?".to_owned(), |cvat_id| cvat_id.to_string());
    ImportedInvitation {
        // The report must not contain the secret key.
        row: format!("invitation of user {} to organization {}", shown(user), shown(organization)),
        organization,
        user,
        role: normalize::role(&invitation.role),
        inviter: users.id(invitation.owner),
        created_at: normalize::instant(invitation.created_date.as_deref()),
        expired: invitation.expired,
    }
}

fn from_membership(membership: &Membership) -> ImportedInvitation {
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

/// Creates the row. It is accepted if the invitee is a member, expired if it is in CVAT, otherwise pending. Fails with
/// the reason if it cannot be imported.
fn invitation_row(
    imported: ImportedInvitation,
    context: ImportContext<'_>,
    organizations: &ImportedOrganizations,
    pending: &mut HashSet<(OrganizationId, String)>,
    report: &mut Report,
) -> Result<InvitationRow, String> {
    let ImportContext { existing, users, now, .. } = context;
    let not_in_export = Err("its organization is not in the export");
    let organization = imported.organization.ok_or("it names no organization")?;
    let organization_id = organizations.ids.get(&organization).copied().unwrap_or(not_in_export)?;
    let user = imported.user.ok_or("it names no invitee")?;
    let email = users.addresses.get(&user).ok_or("its invitee has no usable address")?;
    let role = match imported.role {
        None => return Err("its role is none of worker, supervisor, maintainer".into()),
        Some(Role::Owner) => {
            report
                .invitations
                .change(&imported.row, "it offers MAINTAINER here: an invitation cannot offer the role OWNER");
            Role::Maintainer
        }
        Some(role) => role,
    };
    let joined_here = || Some(existing.members.get(&(organization_id, users.accounts.get(&user)?.0))?.1);
    let joined_at = organizations.members.get(&(organization, user)).copied().or_else(joined_here);
    if joined_at.is_none() && imported.expired != Some(true) {
        if !pending.insert((organization_id, email.to_string())) {
            return Err("another one to the same address is pending".into());
        }
        let sent = if imported.expired.is_none() { "it was never sent" } else { "its link leads to CVAT" };
        let days = EXPIRY.num_days();
        let change = format!("{sent}: it is pending for {days} days from now, without a mail, and waits for a resend");
        report.invitations.change(&imported.row, change);
    }
    let created_at = imported.created_at.unwrap_or_else(|| {
        report.invitations.change(&imported.row, "it has no date: it counts as made now");
        now
    });
    let (status, resolved_at, expires_at) = match joined_at {
        Some(at) => (InvitationStatus::Accepted, Some(at.max(created_at)), created_at + EXPIRY),
        None if imported.expired == Some(true) => {
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
        inviter_id: imported.inviter,
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
