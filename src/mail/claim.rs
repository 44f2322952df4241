//! Claims due mails, and finds those that need not be sent any more.

use std::collections::HashMap;

use super::backoff::ATTEMPTS;
use crate::domain::clock::Instant;
use crate::domain::invitation::InvitationStatus;
use crate::domain::{InvitationId, Result};
use crate::mail::delivery_error::DeliveryError;
use crate::mail::record_outcome::Outcome;
use crate::store::Connection;
use crate::store::invitations::deliveries;
use crate::store::mails::{self, Claimed};

/// Claims up to `limit` due mails whose links the keys with these fingerprints can decrypt. A mail that is not to be sent has an outcome already.
pub async fn claim(
    tx: &mut Connection,
    now: Instant,
    limit: usize,
    fingerprints: &[String],
) -> Result<Vec<(Claimed, Option<Outcome>)>> {
    let claimed = mails::claim_due(tx, now, i64::try_from(limit).unwrap_or(i64::MAX), fingerprints).await?;
    let ids: Vec<InvitationId> = claimed.iter().filter_map(|mail| mail.invitation_id).collect();
    let (mut invitations, mut newest) = (HashMap::new(), Vec::new());
    if !ids.is_empty() {
        let found = deliveries::find_many(tx, &ids).await?;
        invitations.extend(found.into_iter().map(|delivery| (delivery.id, delivery)));
        newest = mails::newest_of_invitations(tx, &ids).await?;
    }
    let obsolete = |mail: &Claimed| {
        let invitation = invitations.get(&mail.invitation_id?)?;
        if !newest.contains(&mail.id) {
            return Some("Not sent: a newer mail with this invitation replaced it.");
        }
        match invitation.status.at(invitation.expires_at, now) {
            InvitationStatus::Pending => None,
            InvitationStatus::Expired => Some("Not sent: the invitation had expired."),
            _ => Some("Not sent: the invitation was no longer pending."),
        }
    };
    let outcome = |mail: &Claimed| match obsolete(mail) {
        Some(reason) => Some(Outcome::Dropped(reason)),
        // No attempt was recorded as finished: this mail may be what crashes the process.
        None => (mail.attempts > ATTEMPTS).then(|| Outcome::NotSent(DeliveryError::permanent(CRASHED))),
    };
    Ok(claimed
        .into_iter()
        .map(|mail| {
            let outcome = outcome(&mail);
            (mail, outcome)
        })
        .collect())
}

const CRASHED: &str = "The server stopped each time while it was sending this mail.";
