//! The queue of mails.

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

/// A mail, as it is queued.
#[derive(Insertable)]
#[diesel(table_name = mails, treat_none_as_default_value = false)]
pub struct NewRow {
    /// Its ID.
    pub id: MailId,
    /// Name of its template.
    pub template: &'static str,
    /// Address it goes to.
    pub recipient: String,
    /// What the template is filled with, but for the link.
    pub variables: Value,
    /// The link with its token, encrypted.
    pub sealed_link: Option<Vec<u8>>,
    /// The invitation it carries.
    pub invitation_id: Option<InvitationId>,
    /// The organization on whose behalf it is sent.
    pub organization_id: Option<OrganizationId>,
    /// The user on whose behalf it is sent: who invites, or the account that it is about.
    pub sender_id: Option<UserId>,
    /// Whether an invitation is sent again.
    pub is_resend: bool,
    /// When it is tried first.
    pub next_attempt_at: Instant,
    /// When it was asked for.
    pub created_at: Instant,
}

/// A mail that a worker has taken on. It has no `Debug`: addresses stay out of logs.
#[derive(Queryable, Selectable)]
#[diesel(table_name = mails, check_for_backend(diesel::pg::Pg))]
pub struct Claimed {
    /// Its ID.
    pub id: MailId,
    /// Name of its template.
    pub template: String,
    /// Address it goes to.
    pub recipient: String,
    /// What the template is filled with, but for the link.
    pub variables: Value,
    /// The link with its token, encrypted.
    pub sealed_link: Option<Vec<u8>>,
    /// The invitation it carries.
    pub invitation_id: Option<InvitationId>,
    /// How many times it was tried, this one included: tells this claim from a later one.
    pub attempts: i32,
    /// When it was asked for.
    pub created_at: Instant,
}

/// Queues mails.
pub fn insert_many(rows: Vec<NewRow>) -> Write {
    if rows.is_empty() { Write::default() } else { Write::of(diesel::insert_into(mails::table).values(rows)) }
}

/// Seconds for which a mail that was taken on is one worker's alone, unless it renews the claim.
const CLAIM: f64 = 15.0;

/// Takes on at most `limit` mails that are due and that no other worker has taken on. Needs a transaction.
///
/// Mails of organizations that are about to be deleted wait: they go on when it is restored and go with it if not.
pub async fn claim_due(tx: &mut Connection, now: Instant, limit: i64) -> Result<Vec<Claimed>> {
    let there_to_stay = exists(
        organizations::table
            .filter(organizations::id.nullable().eq(mails::organization_id))
            .filter(organizations::status.eq(OrganizationStatus::Active)),
    );
    // By the database's clock: those of two machines differ.
    let now_there = sql::<Nullable<Timestamptz>>("now()");
    let due: Vec<MailId> = mails::table
        .filter(mails::state.eq(DeliveryState::Queued))
        .filter(mails::next_attempt_at.le(now))
        .filter(mails::claimed_until.is_null().or(mails::claimed_until.lt(now_there)))
        .filter(mails::organization_id.is_null().or(there_to_stay))
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
    let until = sql::<Nullable<Timestamptz>>("now() + make_interval(secs => ").bind::<Double, _>(CLAIM).sql(")");
    Ok(diesel::update(mails::table.filter(mails::id.eq_any(due)))
        .set((mails::attempts.eq(mails::attempts + 1), mails::claimed_until.eq(until)))
        .returning(Claimed::as_returning())
        .get_results(tx)
        .await?)
}

/// Renews the claims of a worker that lives, each given by the mail and its `attempts`. What another has taken on since is
/// left to it.
pub async fn renew_claims(connection: &mut Connection, claims: &[(MailId, i32)]) -> Result<()> {
    const RENEW: &str = "UPDATE mails SET claimed_until = now() + make_interval(secs => $3)
        FROM unnest($1, $2) AS claims (id, attempts)
        WHERE mails.id = claims.id AND mails.attempts = claims.attempts AND mails.claimed_until IS NOT NULL";
    let (ids, attempts): (Vec<MailId>, Vec<i32>) = claims.iter().copied().unzip();
    diesel::sql_query(RENEW)
        .bind::<Array<sql_types::Uuid>, _>(ids)
        .bind::<Array<Integer>, _>(attempts)
        .bind::<Double, _>(CLAIM)
        .execute(connection)
        .await?;
    Ok(())
}

/// Marks a mail as handed over and erases its link. False: somebody else has settled it.
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

/// Has a mail tried again at `next`, unless it was settled or taken on again since the claim of that `attempt`.
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

/// Gives a mail up and erases its link. False: it was settled or taken on again since the claim of that `attempt`.
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

/// The mails that carry the last sendings of those invitations.
pub async fn newest_of_invitations(connection: &mut Connection, invitations: &[InvitationId]) -> Result<Vec<MailId>> {
    Ok(mails::table
        .filter(mails::invitation_id.eq_any(invitations))
        .distinct_on(mails::invitation_id)
        .order_by((mails::invitation_id, mails::created_at.desc(), mails::id.desc()))
        .select(mails::id)
        .load(connection)
        .await?)
}

/// On whose account an invitation is mailed.
#[derive(Clone, Copy, Debug)]
pub enum Sender {
    /// The user who invites.
    User(UserId),
    /// The organization.
    Organization(OrganizationId),
}

fn invitation_mails<'a>(sender: Sender, since: Instant) -> mails::BoxedQuery<'a, diesel::pg::Pg> {
    let sent = mails::table.filter(mails::created_at.gt(since).and(mails::invitation_id.is_not_null())).into_boxed();
    match sender {
        Sender::User(user) => sent.filter(mails::sender_id.eq(user)),
        Sender::Organization(organization) => sent.filter(mails::organization_id.eq(organization)),
    }
}

/// How many mails with invitations were caused after `since`, resends included.
pub async fn invitation_mails_since(connection: &mut Connection, sender: Sender, since: Instant) -> Result<i64> {
    Ok(invitation_mails(sender, since).count().get_result(connection).await?)
}

/// When the `number`th of them was, counted from the oldest.
pub async fn invitation_mail_since(
    connection: &mut Connection,
    sender: Sender,
    since: Instant,
    number: i64,
) -> Result<Option<Instant>> {
    let sent = invitation_mails(sender, since).select(mails::created_at).order_by(mails::created_at);
    Ok(sent.offset(number.max(1) - 1).first(connection).await.optional()?)
}

/// How many invitations a user has resent after `since`, and when the first of those was.
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

/// Drops what is queued for an account that is about to be deleted, and erases its addresses from the other rows. `address` is
/// the one that it has proven: invitations that were resolved are not mailed there any more.
pub async fn forget_account(tx: &mut Connection, user: UserId, address: Option<&str>) -> Result<()> {
    let about = mails::sender_id.eq(user).and(mails::invitation_id.is_null());
    diesel::delete(mails::table.filter(about).filter(mails::state.eq(DeliveryState::Queued))).execute(tx).await?;
    let erased = (mails::recipient.eq(""), mails::failure.eq(None::<String>));
    let nameless = mails::variables.eq(Value::Object(serde_json::Map::new()));
    diesel::update(mails::table.filter(about)).set((erased.clone(), nameless)).execute(tx).await?;
    let Some(address) = address else { return Ok(()) };
    let is_pending = exists(
        invitations::table
            .filter(invitations::id.nullable().eq(mails::invitation_id))
            .filter(invitations::status.eq(InvitationStatus::Pending)),
    );
    let there = mails::recipient.eq(address);
    let unwanted = mails::table.filter(there).filter(mails::state.eq(DeliveryState::Queued)).filter(not(is_pending));
    diesel::delete(unwanted).execute(tx).await?;
    let settled = mails::table.filter(there).filter(mails::state.ne(DeliveryState::Queued));
    diesel::update(settled).set(erased).execute(tx).await?;
    Ok(())
}

/// Deletes at most `limit` mails that were asked for before `before` and are settled, oldest first; tells how many.
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

/// Below every ID minted at or after an instant: the primary key then serves as an index over time.
fn first_id_of(at: Instant) -> MailId {
    let milliseconds = u128::try_from(at.timestamp_millis()).unwrap_or(0);
    Uuid::from_u128(milliseconds << 80).into()
}
