//! The log of events: appended by the transactions that change things, read in the order of their places.
//!
//! Transactions commit in another order than they begin, so the log is read below the oldest one that may still write: what
//! was read once never gets anything in between. The exception says so: [`news`].
//!
//! A place is made by the database when the row is inserted: that must be a statement of its own, after whatever the change
//! had to wait for, so that what happened later stands later.

pub mod list;

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::{event_log, events};
use super::{Connection, Write};
use crate::domain::clock::Instant;
use crate::domain::event::{EventPosition, EventType, FieldChange};
use crate::domain::{EventId, InternalError, Result, UserId};
use crate::store::bulk_insert::BATCH;

diesel::define_sql_function! {
    /// Place of the oldest transaction that may still write.
    fn event_horizon() -> BigInt;
}

diesel::define_sql_function! {
    /// Whether those who begin to write now would write before what is in the log.
    fn event_log_is_behind() -> Bool;
}

diesel::define_sql_function! {
    /// Makes them write after it; tells whether there was something to do.
    fn settle_event_base() -> Bool;
}

/// A row of the log, as it is written.
#[derive(Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub struct NewRow {
    /// Organization or personal workspace where it happened.
    pub workspace_id: Uuid,
    /// What happened.
    pub kind: &'static str,
    /// When it happened.
    pub at: Instant,
    /// Who did it.
    pub actor_id: Option<UserId>,
    /// Typed ID of what it happened to.
    pub subject_id: String,
    /// The user whom it concerns personally.
    pub person_id: Option<UserId>,
    /// The address whom it concerns.
    pub email: Option<String>,
    /// Users who could see the resource that it is about by owning it or being assigned.
    pub tied_ids: Vec<UserId>,
    /// Fields before and after.
    pub changes: serde_json::Value,
}

/// Appends rows to the log.
pub fn append(mut rows: Vec<NewRow>) -> Write {
    let mut write = Write::of_events();
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(BATCH));
        write = write.and(Write::of(diesel::insert_into(events::table).values(rows)));
        rows = rest;
    }
    write
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events, check_for_backend(Pg))]
struct Row {
    transaction_id: i64,
    sequence: i64,
    workspace_id: Uuid,
    kind: String,
    at: Instant,
    actor_id: Option<UserId>,
    subject_id: String,
    person_id: Option<UserId>,
    email: Option<String>,
    changes: serde_json::Value,
    tied_ids: Vec<UserId>,
}

/// An entry of the log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where in the log it stands.
    pub place: EventPosition,
    /// Its ID.
    pub id: EventId,
    /// Organization or personal workspace where it happened.
    pub workspace_id: Uuid,
    /// What happened. None: something that a newer version has written, which is passed over.
    pub kind: Option<EventType>,
    /// When it happened.
    pub at: Instant,
    /// Who did it.
    pub actor_id: Option<UserId>,
    /// Typed ID of what it happened to.
    pub subject_id: String,
    /// The user whom it concerns personally.
    pub person_id: Option<UserId>,
    /// The address whom it concerns.
    pub email: Option<String>,
    /// Fields before and after.
    pub changes: Vec<FieldChange>,
    /// Users who could see the resource that it is about by owning it or being assigned.
    pub tied_ids: Vec<UserId>,
}

impl TryFrom<Row> for Entry {
    type Error = InternalError;

    fn try_from(row: Row) -> std::result::Result<Self, InternalError> {
        let place = EventPosition { transaction: row.transaction_id, sequence: row.sequence };
        Ok(Self {
            place,
            id: EventId::of(row.at, place),
            workspace_id: row.workspace_id,
            kind: EventType::from_name(&row.kind),
            at: row.at,
            actor_id: row.actor_id,
            subject_id: row.subject_id,
            person_id: row.person_id,
            email: row.email,
            changes: serde_json::from_value(row.changes).map_err(InternalError::new)?,
            tied_ids: row.tied_ids,
        })
    }
}

fn entries(rows: Vec<Row>) -> Result<Vec<Entry>> {
    Ok(rows.into_iter().map(Entry::try_from).collect::<std::result::Result<_, _>>()?)
}

/// How far the log goes.
#[derive(Clone, Copy, Debug)]
pub struct LogBounds {
    /// Nothing at this place or before it is there any more.
    pub pruned: EventPosition,
    /// What lies before this will never change.
    pub horizon: EventPosition,
}

/// How far the log goes now.
pub async fn extent(connection: &mut Connection) -> Result<LogBounds> {
    let columns = (event_log::pruned_transaction, event_log::pruned_sequence, event_horizon());
    let (transaction, sequence, horizon): (i64, i64, i64) =
        event_log::table.select(columns).get_result(connection).await?;
    Ok(LogBounds {
        pruned: EventPosition { transaction, sequence },
        horizon: EventPosition::before_transaction(horizon),
    })
}

/// Where the place of an entry stands to another: compared as one, so that an index begins and ends at the right entry.
macro_rules! place {
    ($how:literal, $place:expr) => {{
        let place: EventPosition = $place;
        sql::<Bool>(concat!("(events.transaction_id, events.sequence) ", $how, " ("))
            .bind::<BigInt, _>(place.transaction)
            .sql(", ")
            .bind::<BigInt, _>(place.sequence)
            .sql(")")
    }};
}

/// The places of what is committed after a place, whether or not it can be read yet.
pub async fn committed_after(connection: &mut Connection, place: EventPosition) -> Result<Vec<EventPosition>> {
    let rows: Vec<(i64, i64)> = events::table
        .filter(place!(">", place))
        .select((events::transaction_id, events::sequence))
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(|(transaction, sequence)| EventPosition { transaction, sequence }).collect())
}

/// What was written after a place, in order: at most `limit` entries of all workspaces, and whether there are more to come
/// soon: some that are committed, behind a transaction that may still write before them.
pub async fn news(connection: &mut Connection, after: EventPosition, limit: i64) -> Result<(Vec<Entry>, bool)> {
    let settled = events::transaction_id.lt(sql::<BigInt>("(SELECT event_horizon())"));
    let rows: Vec<(Row, bool)> = events::table
        .filter(place!(">", after))
        .order_by((events::transaction_id, events::sequence))
        .limit(limit)
        .select((Row::as_select(), settled))
        .load(connection)
        .await?;
    let read = rows.len() as i64;
    let settled: Vec<Row> = rows.into_iter().map_while(|(row, settled)| settled.then_some(row)).collect();
    let more = (settled.len() as i64) < read || read == limit;
    Ok((entries(settled)?, more))
}

/// Which entries of a workspace's log.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those of these types.
    pub kinds: Option<Vec<EventType>>,
    /// Only those by this user.
    pub actor: Option<UserId>,
}

/// Where to read the log, and how much of it.
#[derive(Clone, Copy, Debug)]
pub struct EventRange {
    /// Only what comes after this.
    pub after: Option<EventPosition>,
    /// Only what comes before this.
    pub before: Option<EventPosition>,
    /// From the end, towards the beginning.
    pub backward: bool,
    /// At most so many.
    pub limit: i64,
}

/// How many entries a workspace's log has.
pub async fn count_of_workspace(connection: &mut Connection, workspace: Uuid, filter: &Filter) -> Result<i64> {
    let mut query = events::table
        .filter(events::workspace_id.eq(workspace).and(events::transaction_id.lt(event_horizon())))
        .into_boxed();
    if let Some(kinds) = &filter.kinds {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        query = query.filter(events::kind.eq_any(names));
    }
    if let Some(actor) = filter.actor {
        query = query.filter(events::actor_id.eq(actor));
    }
    Ok(query.count().get_result(connection).await?)
}

/// What concerns a user, or the address that is theirs, after one place and up to another, in order.
pub async fn of_person(
    connection: &mut Connection,
    user: UserId,
    email: Option<&str>,
    (after, to): (EventPosition, EventPosition),
    limit: i64,
) -> Result<Vec<Entry>> {
    // One statement for each of the two indexes: with "or" between them, neither would give the order.
    let read = |rows: Vec<Row>| entries(rows);
    macro_rules! stretch {
        ($concerning:expr) => {{
            let settled = events::transaction_id.lt(event_horizon());
            events::table
                .filter($concerning.and(settled).and(place!(">", after)).and(place!("<=", to)))
                .order_by((events::transaction_id, events::sequence))
                .limit(limit)
                .select(Row::as_select())
                .load(connection)
                .await?
        }};
    }
    let mut found = read(stretch!(events::person_id.eq(user)))?;
    if let Some(email) = email {
        found.extend(read(stretch!(events::email.eq(email)))?);
        found.sort_by_key(|entry| entry.place);
        found.dedup_by_key(|entry| entry.place);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(found)
}

/// The entries with those IDs that are settled, in no order.
pub async fn find_many(connection: &mut Connection, ids: &[EventId]) -> Result<Vec<Entry>> {
    let places: Vec<EventPosition> = ids.iter().map(|id| id.place()).collect();
    let found = find_at(connection, &places).await?;
    Ok(found.into_iter().filter(|entry| ids.contains(&entry.id)).collect())
}

/// The entries at those places that are settled, in no order.
pub async fn find_at(connection: &mut Connection, places: &[EventPosition]) -> Result<Vec<Entry>> {
    let settled = events::transaction_id.lt(event_horizon());
    let (transactions, sequences): (Vec<i64>, Vec<i64>) =
        places.iter().map(|place| (place.transaction, place.sequence)).unzip();
    let there = sql::<Bool>("(events.transaction_id, events.sequence) IN (SELECT * FROM unnest(")
        .bind::<Array<BigInt>, _>(transactions)
        .sql("::bigint[], ")
        .bind::<Array<BigInt>, _>(sequences)
        .sql("::bigint[]))");
    entries(events::table.filter(there.and(settled)).select(Row::as_select()).load(connection).await?)
}

/// Deletes at most `limit` of the oldest entries, as far as they happened at `until` or before; tells how many. Entries go
/// from the beginning only, so that what is left has no holes. Needs a transaction.
pub async fn prune(tx: &mut Connection, until: Instant, limit: i64) -> Result<usize> {
    // One at a time: who comes second finds nothing to do.
    let free = event_log::table.select((event_log::pruned_transaction, event_log::pruned_sequence));
    let free: Vec<(i64, i64)> = free.for_update().skip_locked().load(tx).await?;
    let [(transaction, sequence)] = free[..] else { return Ok(0) };
    // From where the last one ended: in front of it the index is full of what was deleted.
    let pruned = EventPosition { transaction, sequence };
    let oldest: Vec<(i64, i64, Instant)> = events::table
        .filter(place!(">", pruned).and(events::transaction_id.lt(event_horizon())))
        .order_by((events::transaction_id, events::sequence))
        .limit(limit)
        .select((events::transaction_id, events::sequence, events::at))
        .load(tx)
        .await?;
    let Some((transaction, sequence, _)) = oldest.into_iter().take_while(|(.., at)| *at <= until).last() else {
        return Ok(0);
    };
    let old = place!(">", pruned).and(place!("<=", EventPosition { transaction, sequence }));
    let deleted = diesel::delete(events::table.filter(old)).execute(tx).await?;
    let pruned = (event_log::pruned_transaction.eq(transaction), event_log::pruned_sequence.eq(sequence));
    diesel::update(event_log::table).set(pruned).execute(tx).await?;
    Ok(deleted)
}

/// Sees to it that what is written from now on comes after what is there. In a database that was restored into a new cluster
/// it would not: transactions are numbered from the beginning again. Tells whether there was something to do.
///
/// Called by every process before it serves, and safe while others write: the lock waits for those who have written and not
/// committed, and whoever writes afterwards does so by the new base.
pub async fn settle_base(connection: &mut Connection) -> Result<bool> {
    let behind: bool = diesel::select(event_log_is_behind()).get_result(connection).await?;
    Ok(behind && diesel::select(settle_event_base()).get_result(connection).await?)
}
