//! Invites people by e-mail, with a result for each.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::future::{try_join, try_join3};
use serde::{Deserialize, Serialize};

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::error::FieldError;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::invitation::{DeliveryState, InvitationStatus};
use crate::domain::secret::SecretToken;
use crate::domain::validation::Validator;
use crate::domain::{Code, Email, InvitationId, OrganizationId, Refusal, Result, Role, ids, text};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::mail::queue::{NewMail, Template};
use crate::policy::{Action, Target};
use crate::store::invitations::{self, Invitation};
use crate::store::mails::{self, Sender};
use crate::store::{Connection, memberships, users};

use crate::operations::AppContext;
use crate::operations::access::organization::{LockedOrganization, WithAccess};
use crate::operations::idempotency::{Idempotency, Written};
use crate::operations::invitations::join::event;
use crate::operations::plans::quota;
use crate::operations::plans::quota::Quota;

/// Maximum number of people in one request.
const MAX_INVITEES: usize = 100;
/// Maximum number of invitation mails per day and user.
const A_DAY_PER_USER: i64 = 100;
/// Maximum number of invitation mails per day and organization.
const A_DAY_PER_ORGANIZATION: i64 = 500;

/// The people to invite to an organization.
pub struct Input {
    /// ID of the organization.
    pub organization_id: String,
    /// The people to invite: 1 to 100, each address once.
    pub invitees: Vec<Invitee>,
    /// The inviter's message for the mail.
    pub message: Option<String>,
    /// Whether the whole request is rejected if one person cannot be invited.
    pub reject_all: bool,
}

/// A person to invite.
pub struct Invitee {
    /// The address as the client wrote it.
    pub email: String,
    /// The role to offer.
    pub role: Role,
}

/// The result for one person.
#[derive(Serialize, Deserialize)]
pub struct Outcome {
    /// The new invitation; `None` if there is a refusal, or if the whole request was rejected.
    pub invitation: Option<Written<InvitationId, WithAccess<Invitation>>>,
    /// The reason why this person was not invited.
    pub refusal: Option<Refusal>,
}

/// Invites the people, and returns the result for each in the order of the input.
pub async fn invite_members(
    env: &AppContext,
    actor: &Actor,
    input: Input,
    retry: &Idempotency,
) -> Result<Vec<Outcome>> {
    let mut check = Validator::default();
    let number = match input.invitees.len() {
        0 => Err(FieldError::new(Code::OutOfRange, "Name at least one person.")),
        1..=MAX_INVITEES => Ok(()),
        _ => Err(FieldError::new(Code::TooLong, format!("Name at most {MAX_INVITEES} people."))),
    };
    let (Some(id), Some(()), Some(message)) = (
        check.id::<OrganizationId>("organizationId", &input.organization_id),
        check.field("invitees", number),
        check.field("message", text::optional_lines(input.message.as_deref(), 1000)),
    ) else {
        return Err(check.refuse());
    };
    let now = env.clock.now();
    let addresses: Vec<_> = input.invitees.iter().map(|invitee| Email::parse(&invitee.email)).collect();
    let emails: Vec<String> = addresses.iter().flatten().map(ToString::to_string).collect();
    let outcomes = env
        .write(retry, async |tx| {
            let entering = LockedOrganization::enter(tx, actor, id, "organization", now);
            let plan = quota::plan(env, tx, id.into(), now);
            let (locked, known, plan) = try_join3(entering, ExistingContacts::read(tx, id, &emails, now), plan).await?;
            let unverified = locked.actor.verified_email().is_none();
            locked.require(Action::InvitationCreate, &Target { unverified, ..Target::default() }, "organization")?;

            let mut verdicts = judge(&locked, &known, &input.invitees, &addresses);
            let seats = quota::seats(env, tx, &locked.organization, &plan, now).await?;
            // With REJECT_ALL a seat is not kept if one person is refused.
            seat(if input.reject_all { seats } else { seats.keeping_taken() }, &mut verdicts);
            let good = verdicts.iter().filter(|verdict| verdict.is_ok()).count();
            let write = good > 0 && !(input.reject_all && good < verdicts.len());
            let mut sent = Vec::new();
            if write {
                require_mails_left(env, tx, &locked, i64::try_from(good).unwrap_or(i64::MAX), now).await?;
                let people = verdicts.iter().flatten().cloned();
                sent = send(env, tx, &locked, known.overdue, people, message.as_deref(), now).await?;
            } else {
                retry.release(tx).await?;
            }
            let by = Arc::new(locked);
            let mut sent = sent.into_iter().map(|row| Written::new(row.id, WithAccess { row, by: by.clone() }));
            let outcome = |verdict| match verdict {
                Ok(_) => Outcome { invitation: sent.next(), refusal: None },
                Err(refusal) => Outcome { invitation: None, refusal: Some(refusal) },
            };
            Ok(verdicts.into_iter().map(outcome).collect())
        })
        .await
        .map_err(|error| error.not_found_at("organizationId"))?;
    env.outbox.wake();
    Ok(outcomes)
}

/// The existing members and invitations that conflict with the requested addresses.
struct ExistingContacts {
    /// Addresses of members.
    members: Vec<String>,
    /// Addresses with a pending invitation.
    invited: Vec<String>,
    /// Expired invitations that are not marked as expired yet.
    overdue: Vec<Invitation>,
}

impl ExistingContacts {
    async fn read(tx: &Connection, organization: OrganizationId, emails: &[String], now: Instant) -> Result<Self> {
        let members = memberships::emails_among(tx, organization, emails);
        let (members, unresolved) = try_join(members, invitations::unresolved(tx, organization, emails)).await?;
        let is_overdue = |invitation: &Invitation| invitation.status_at(now) == InvitationStatus::Expired;
        let (overdue, pending): (Vec<_>, Vec<_>) = unresolved.into_iter().partition(is_overdue);
        Ok(Self { members, invited: pending.into_iter().map(|invitation| invitation.email).collect(), overdue })
    }
}

/// Whether a person can be invited: the checked address and the role, or the refusal.
type Verdict = std::result::Result<(Email, Role), Refusal>;

/// Takes a seat for each person who can be invited, in the order of the input, and refuses the others once no seat is
/// left.
fn seat(mut seats: Quota, verdicts: &mut [Verdict]) {
    for (place, verdict) in verdicts.iter_mut().enumerate() {
        if verdict.is_ok()
            && let Err(refusal) = seats.take(1)
        {
            let path = ["input", "invitees", &place.to_string()].map(str::to_owned).to_vec();
            *verdict = Err(Refusal { path, ..refusal });
        }
    }
}

/// Checks for each person, in the order of the input, whether address and role allow an invitation.
fn judge(
    locked: &LockedOrganization,
    known: &ExistingContacts,
    invitees: &[Invitee],
    addresses: &[std::result::Result<Email, FieldError>],
) -> Vec<Verdict> {
    let mut named = HashSet::new();
    invitees
        .iter()
        .zip(addresses)
        .enumerate()
        .map(|(place, (invitee, address))| {
            let at = |field: &str| ["input", "invitees", &place.to_string(), field].map(str::to_owned).to_vec();
            let email = address.clone().map_err(|problem| problem.at(at("email")))?;
            let target = Target { new_role: Some(invitee.role), ..Target::default() };
            if locked.require(Action::InvitationCreate, &target, "organization").is_err() {
                let problem = FieldError::new(Code::RoleNotAssignable, "You can only invite to roles below your own.");
                return Err(problem.at(at("role")));
            }
            let problem = if !named.insert(email.clone()) {
                FieldError::new(Code::DuplicateInRequest, "This address is named twice.")
            } else if known.members.iter().any(|member| member == email.as_str()) {
                FieldError::new(Code::AlreadyMember, "This person is a member already.")
            } else if known.invited.iter().any(|invited| invited == email.as_str()) {
                FieldError::new(Code::AlreadyInvited, "A pending invitation to this address exists already.")
            } else {
                return Ok((email, invitee.role));
            };
            Err(problem.at(at("email")))
        })
        .collect()
}

/// Writes the invitations with their mails and events, and marks expired invitations to the same addresses.
async fn send(
    env: &AppContext,
    tx: &mut Connection,
    locked: &LockedOrganization,
    mut overdue: Vec<Invitation>,
    people: impl Iterator<Item = (Email, Role)>,
    message: Option<&str>,
    now: Instant,
) -> Result<Vec<Invitation>> {
    let (sent, tokens): (Vec<_>, Vec<_>) = people
        .map(|(email, role)| {
            let invitation = Invitation {
                id: ids::new_id::<InvitationId>(now),
                organization_id: locked.organization.id,
                email: email.to_string(),
                email_written: email.written().map(str::to_owned),
                role,
                status: InvitationStatus::Pending,
                inviter_id: Some(locked.actor.id),
                message: message.map(str::to_owned),
                created_at: now,
                expires_at: now + env.rules.invitation_expiry,
                resolved_at: None,
                sent_requested_at: now,
                delivery: DeliveryState::Queued,
                send_count: 0,
                last_sent_at: None,
                failure: None,
            };
            (invitation, SecretToken::random())
        })
        .unzip();
    overdue.retain(|old| sent.iter().any(|new: &Invitation| new.email == old.email));
    tx.queue(invitations::expire(&overdue));
    let mut events: Vec<NewEvent> =
        overdue.iter().map(|invitation| event(invitation, EventType::InvitationExpired, None)).collect();

    tx.queue(invitations::insert(sent.iter().cloned().zip(tokens.iter().map(SecretToken::hash))));
    let mails = sent.iter().zip(&tokens).map(|(invitation, token)| mail(locked, invitation, token, false)).collect();
    env.outbox.queue_many(tx, now, mails).await?;
    events.extend(sent.iter().map(|invitation| NewEvent {
        changes: FieldChange::between("role", None, Some(invitation.role.name())).into_iter().collect(),
        ..event(invitation, EventType::InvitationCreated, Some(&locked.actor))
    }));
    record::record(tx, now, events).await?;
    Ok(sent)
}

/// Returns the mail of an invitation.
pub(crate) fn mail(
    locked: &LockedOrganization,
    invitation: &Invitation,
    token: &SecretToken,
    is_resend: bool,
) -> NewMail {
    NewMail {
        template: Template::Invitation,
        recipient: invitation.email.clone(),
        variables: serde_json::json!({
            "organization": locked.organization.display_name(),
            "inviter": locked.actor.display_name(),
            "role": invitation.role.name(),
            "message": invitation.message,
            "expires_at": invitation.expires_at,
        }),
        token: Some(token.expose().to_owned()),
        invitation: Some(invitation.id),
        organization: Some(invitation.organization_id),
        sender: Some(locked.actor.id),
        is_resend,
    }
}

/// RATE_LIMITED if `more` invitation mails exceed the daily limit of the sender or of the organization.
pub(crate) async fn require_mails_left(
    env: &AppContext,
    tx: &mut Connection,
    locked: &LockedOrganization,
    more: i64,
    now: Instant,
) -> Result<()> {
    if !env.rules.rate_limits {
        return Ok(());
    }
    // This lock lasts until the commit: concurrent requests of the same sender in other organizations wait, and then
    // count these mails.
    users::lock(tx, locked.actor.id).await?;
    let day = TimeDelta::days(1);
    for (sender, most) in [
        (Sender::User(locked.actor.id), A_DAY_PER_USER),
        (Sender::Organization(locked.organization.id), A_DAY_PER_ORGANIZATION),
    ] {
        let excess = mails::invitation_mails_since(tx, sender, now - day).await? + more - most;
        if excess > 0 {
            let makes_room = mails::invitation_mail_since(tx, sender, now - day, excess).await?;
            let message = format!(
                "Too many invitations: {A_DAY_PER_USER} a day for each user and {A_DAY_PER_ORGANIZATION} for each organization."
            );
            return Err(Refusal::rate_limited(message, makes_room.unwrap_or(now) + day).into());
        }
    }
    Ok(())
}
