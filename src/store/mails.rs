//! Table of queued mails.

use std::collections::HashMap;

use diesel::dsl::{count_star, exists, min, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{self, Array, Double, Integer, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::schema::{invitations, mails, organizations};
use super::{Connection, Write};
use crate::domain::clock::Instant;
use crate::domain::invitation::{DeliveryState, InvitationStatus};
use crate::domain::organization::OrganizationStatus;
use crate::domain::{InvitationId, MailId, OrganizationId, Result, UserId};

/// Mail to queue.
#[derive(Insertable)]
#[diesel(table_name = mails, treat_none_as_default_value = false)]
pub struct NewRow {
    /// ID of the mail.
    pub id: MailId,
    /// Name of the template.
    pub template: &'static str,
    /// Address of the recipient.
    pub recipient: String,
    /// Variables of the template, without the link.
    pub variables: Value,
    /// Encrypted link with its token; `None` if the mail has no link.
    pub sealed_link: Option<Vec<u8>>,
    /// Fingerprint of the key that encrypted the link.
    pub key_fingerprint: Option<String>,
    /// Invitation that the mail delivers; `None` for other mails.
    pub invitation_id: Option<InvitationId>,
    /// Organization on whose behalf the mail is sent.
    pub organization_id: Option<OrganizationId>,
    /// User on whose behalf the mail is sent: the inviter, or the account that the mail is about.
    pub sender_id: Option<UserId>,
    /// Whether the mail is a resend of an invitation.
    pub is_resend: bool,
    /// Time of the first attempt.
    pub next_attempt_at: Instant,
    /// Time at which the mail was queued.
    pub created_at: Instant,
}

/// Mail that a worker has claimed. It has no `Debug`, so that addresses do not get into logs.
#[derive(Queryable, Selectable)]
#[diesel(table_name = mails, check_for_backend(diesel::pg::Pg))]
pub struct Claimed {
    /// ID of the mail.
    pub id: MailId,
    /// Name of the template.
    pub template: String,
    /// Address of the recipient.
    pub recipient: String,
    /// Variables of the template, without the link.
    pub variables: Value,
    /// Encrypted link with its token; `None` if the mail has no link.
    pub sealed_link: Option<Vec<u8>>,
    /// Invitation that the mail delivers; `None` for other mails.
    pub invitation_id: Option<InvitationId>,
    /// Number of attempts, including this one. It distinguishes this claim from a later one.
    pub attempts: i32,
    /// Time at which the mail was queued.
    pub created_at: Instant,
}

/// Returns the write that queues mails.
pub fn insert_many(rows: Vec<NewRow>) -> Write {
    if rows.is_empty() { Write::default() } else { Write::of(diesel::insert_into(mails::table).values(rows)) }
}

/// Duration of a claim in seconds. Workers renew their claims.
const CLAIM_SECONDS: f64 = 15.0;

/// Claims at most `limit` mails that are due, not claimed by another worker, and encrypted with one of these keys. Needs
/// a transaction.
///
/// Mails of organizations that are pending deletion wait. They are sent after the organization is restored, and deleted
/// with it.
pub async fn claim_due(tx: &mut Connection, now: Instant, limit: i64, fingerprints: &[String]) -> Result<Vec<Claimed>> {
    let is_active = exists(
        organizations::table
            .filter(organizations::id.nullable().eq(mails::organization_id))
            .filter(organizations::status.eq(OrganizationStatus::Active)),
    );
    // The clock of the database, because the clocks of two servers differ.
    let database_now = sql::<Nullable<Timestamptz>>("now()");
    let due: Vec<MailId> = mails::table
        .filter(mails::state.eq(DeliveryState::Queued))
        .filter(mails::next_attempt_at.le(now))
        .filter(mails::claimed_until.is_null().or(mails::claimed_until.lt(database_now)))
        .filter(mails::organization_id.is_null().or(is_active))
        .filter(mails::key_fingerprint.is_null().or(mails::key_fingerprint.eq_any(fingerprints)))
        .order_by((mails::next_attempt_at, mails::id))
        .limit(limit)
        .select(mails::id)
        .for_update()
        .skip_locked()
        .load(tx)
        .await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let until =
        sql::<Nullable<Timestamptz>>("now() + make_interval(secs => ").bind::<Double, _>(CLAIM_SECONDS).sql(")");
    Ok(diesel::update(mails::table.filter(mails::id.eq_any(due)))
        .set((mails::attempts.eq(mails::attempts + 1), mails::claimed_until.eq(until)))
        .returning(Claimed::as_returning())
        .get_results(tx)
        .await?)
}

/// Returns the number of queued mails by the key that encrypted their links.
pub async fn queued_by_key(connection: &mut Connection) -> Result<HashMap<String, i64>> {
    let counts: Vec<(Option<String>, i64)> = mails::table
        .filter(mails::state.eq(DeliveryState::Queued))
        .filter(mails::key_fingerprint.is_not_null())
        .group_by(mails::key_fingerprint)
        .select((mails::key_fingerprint, count_star()))
        .load(connection)
        .await?;
    Ok(counts.into_iter().filter_map(|(key, count)| Some((key?, count))).collect())
}

/// Marks the queued mails of a lost key as failed.
pub async fn give_up_of_key(connection: &mut Connection, fingerprint: &str) -> Result<()> {
    let lost =
        mails::table.filter(mails::state.eq(DeliveryState::Queued)).filter(mails::key_fingerprint.eq(fingerprint));
    diesel::update(lost)
        .set((
            mails::state.eq(DeliveryState::Failed),
            mails::failure.eq("The key that encrypted the link was lost."),
            mails::sealed_link.eq(None::<Vec<u8>>),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// Renews claims of a worker, each given by the ID of the mail and its `attempts`. A mail that another worker has
/// claimed since then is left alone.
pub async fn renew_claims(connection: &mut Connection, claims: &[(MailId, i32)]) -> Result<()> {
    const RENEW: &str = "UPDATE mails SET claimed_until = now() + make_interval(secs => $3)
        FROM unnest($1, $2) AS claims (id, attempts)
        WHERE mails.id = claims.id AND mails.attempts = claims.attempts AND mails.claimed_until IS NOT NULL";
    let (ids, attempts): (Vec<MailId>, Vec<i32>) = claims.iter().copied().unzip();
    diesel::sql_query(RENEW)
        .bind::<Array<sql_types::Uuid>, _>(ids)
        .bind::<Array<Integer>, _>(attempts)
        .bind::<Double, _>(CLAIM_SECONDS)
        .execute(connection)
        .await?;
    Ok(())
}

/// Marks a mail as sent and erases its link. Returns false if the mail was already marked as sent or failed.
pub async fn mark_sent(connection: &mut Connection, id: MailId, now: Instant) -> Result<bool> {
    let open = mails::table.find(id).filter(mails::state.eq(DeliveryState::Queued));
    let marked = diesel::update(open)
        .set((
            mails::state.eq(DeliveryState::Sent),
            mails::sent_at.eq(now),
            mails::failure.eq(None::<String>),
            mails::sealed_link.eq(None::<Vec<u8>>),
            mails::claimed_until.eq(None::<Instant>),
        ))
        .execute(connection)
        .await?;
    Ok(marked == 1)
}

/// Schedules the next attempt at `next`, unless the mail was sent, marked as failed, or claimed again since the claim
/// of that `attempt`.
pub async fn mark_retry(
    connection: &mut Connection,
    id: MailId,
    attempt: i32,
    next: Instant,
    failure: &str,
) -> Result<()> {
    let claimed =
        mails::table.find(id).filter(mails::state.eq(DeliveryState::Queued)).filter(mails::attempts.eq(attempt));
    diesel::update(claimed)
        .set((mails::next_attempt_at.eq(next), mails::failure.eq(failure), mails::claimed_until.eq(None::<Instant>)))
        .execute(connection)
        .await?;
    Ok(())
}

/// Marks a mail as failed and erases its link. Returns false if it was sent, marked as failed, or claimed again since
/// the claim of that `attempt`.
pub async fn mark_failed(connection: &mut Connection, id: MailId, attempt: i32, failure: &str) -> Result<bool> {
    let claimed =
        mails::table.find(id).filter(mails::state.eq(DeliveryState::Queued)).filter(mails::attempts.eq(attempt));
    let marked = diesel::update(claimed)
        .set((
            mails::state.eq(DeliveryState::Failed),
            mails::failure.eq(failure),
            mails::sealed_link.eq(None::<Vec<u8>>),
            mails::claimed_until.eq(None::<Instant>),
        ))
        .execute(connection)
        .await?;
    Ok(marked == 1)
}

/// Returns the ID of the newest mail of each of these invitations.
pub async fn newest_of_invitations(connection: &mut Connection, invitations: &[InvitationId]) -> Result<Vec<MailId>> {
    Ok(mails::table
        .filter(mails::invitation_id.eq_any(invitations))
        .distinct_on(mails::invitation_id)
        .order_by((mails::invitation_id, mails::created_at.desc(), mails::id.desc()))
        .select(mails::id)
        .load(connection)
        .await?)
}

/// Subject of a limit on mails with invitations.
#[derive(Clone, Copy, Debug)]
pub enum Sender {
    /// Inviter.
    User(UserId),
    /// Organization of the invitations.
    Organization(OrganizationId),
}

fn invitation_mails<'a>(sender: Sender, since: Instant) -> mails::BoxedQuery<'a, diesel::pg::Pg> {
    let sent = mails::table.filter(mails::created_at.gt(since).and(mails::invitation_id.is_not_null())).into_boxed();
    match sender {
        Sender::User(user) => sent.filter(mails::sender_id.eq(user)),
        Sender::Organization(organization) => sent.filter(mails::organization_id.eq(organization)),
    }
}

/// Returns the number of mails with invitations that were queued after `since`, including resends.
pub async fn invitation_mails_since(connection: &mut Connection, sender: Sender, since: Instant) -> Result<i64> {
    Ok(invitation_mails(sender, since).count().get_result(connection).await?)
}

/// Returns the time at which the `number`th of these mails was queued, counted from 1 and from the oldest. `None` if
/// there are fewer.
pub async fn invitation_mail_since(
    connection: &mut Connection,
    sender: Sender,
    since: Instant,
    number: i64,
) -> Result<Option<Instant>> {
    let sent = invitation_mails(sender, since).select(mails::created_at).order_by(mails::created_at);
    Ok(sent.offset(number.max(1) - 1).first(connection).await.optional()?)
}

/// Returns how many invitations a user has resent after `since`, and the time of the first of these resends.
pub async fn resends_by_sender_since(
    connection: &mut Connection,
    sender: UserId,
    since: Instant,
) -> Result<(i64, Option<Instant>)> {
    Ok(mails::table
        .filter(mails::sender_id.eq(sender))
        .filter(mails::created_at.gt(since))
        .filter(mails::is_resend)
        .select((count_star(), min(mails::created_at)))
        .first(connection)
        .await?)
}

/// Deletes the queued mails about an account that is about to be deleted, and erases its addresses from its other
/// mails. `address` is the proven address of the account: queued mails to it are deleted unless their invitation is
/// pending.
pub async fn forget_account(tx: &mut Connection, user: UserId, address: Option<&str>) -> Result<()> {
    let about = mails::sender_id.eq(user).and(mails::invitation_id.is_null());
    diesel::delete(mails::table.filter(about).filter(mails::state.eq(DeliveryState::Queued))).execute(tx).await?;
    let without_address = (mails::recipient.eq(""), mails::failure.eq(None::<String>));
    let without_variables = mails::variables.eq(Value::Object(serde_json::Map::new()));
    diesel::update(mails::table.filter(about)).set((without_address.clone(), without_variables)).execute(tx).await?;
    let Some(address) = address else { return Ok(()) };
    let is_pending = exists(
        invitations::table
            .filter(invitations::id.nullable().eq(mails::invitation_id))
            .filter(invitations::status.eq(InvitationStatus::Pending)),
    );
    let to_address = mails::recipient.eq(address);
    let unwanted =
        mails::table.filter(to_address).filter(mails::state.eq(DeliveryState::Queued)).filter(not(is_pending));
    diesel::delete(unwanted).execute(tx).await?;
    let settled = mails::table.filter(to_address).filter(mails::state.ne(DeliveryState::Queued));
    diesel::update(settled).set(without_address).execute(tx).await?;
    Ok(())
}

/// Deletes at most `limit` mails that were queued before `before` and were sent or have failed, oldest first. Returns
/// how many were deleted.
pub async fn delete_settled_before(connection: &mut Connection, before: Instant, limit: i64) -> Result<usize> {
    let overdue: Vec<MailId> = mails::table
        .filter(mails::id.lt(first_id_of(before)))
        .filter(mails::created_at.lt(before))
        .filter(mails::state.ne(DeliveryState::Queued))
        .order_by(mails::id)
        .limit(limit)
        .select(mails::id)
        .for_update()
        .skip_locked()
        .load(connection)
        .await?;
    if overdue.is_empty() {
        return Ok(0);
    }
    Ok(diesel::delete(mails::table.filter(mails::id.eq_any(overdue))).execute(connection).await?)
}

/// Returns an ID below all IDs created at or after `at`, so that the primary key serves as an index by time.
fn first_id_of(at: Instant) -> MailId {
    let milliseconds = u128::try_from(at.timestamp_millis()).unwrap_or(0);
    Uuid::from_u128(milliseconds << 80).into()
}
