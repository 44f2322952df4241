//! Event log. Transactions append the events of their changes, and readers read them in the order of their positions.
//!
//! Transactions commit in another order than they begin. Readers therefore stop at the horizon, the position of the
//! oldest transaction that may still write. Entries before it are settled: no other entry can appear between them.
//! [`news`] and [`committed_after`] also look behind the horizon.
//!
//! The database assigns the position when it inserts the row. The insert must be a separate statement after the change
//! holds its locks, so that later changes have later positions.

pub mod list;

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::{event_epochs, event_log, events};
use super::{Connection, Write};
use crate::domain::clock::Instant;
use crate::domain::event::{EventPosition, EventType, FieldChange};
use crate::domain::event_epoch::{EventEpoch, EventEpochs};
use crate::domain::{EventId, InternalError, Result, UserId};
use crate::store::bulk_insert::BATCH;

diesel::define_sql_function! {
    /// ID of the oldest transaction that may still write.
    fn event_horizon() -> BigInt;
}

diesel::define_sql_function! {
    /// Whether new entries would get positions before existing ones.
    fn event_log_is_behind() -> Bool;
}

diesel::define_sql_function! {
    /// Moves the base of positions so that new entries come last. Returns whether it was necessary.
    fn settle_event_base() -> Bool;
}

/// Row to append to the log.
#[derive(Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub struct NewRow {
    /// Organization or personal workspace of the event.
    pub workspace_id: Uuid,
    /// Type of the event.
    pub kind: &'static str,
    /// Time of the event.
    pub at: Instant,
    /// User who caused the event; `None` if the server did.
    pub actor_id: Option<UserId>,
    /// Typed ID of the changed object.
    pub subject_id: String,
    /// User whom the event concerns personally.
    pub person_id: Option<UserId>,
    /// Address that the event concerns.
    pub email: Option<String>,
    /// Owners and assignees of the resource at the time of the event, who could see it.
    pub tied_ids: Vec<UserId>,
    /// Changed fields with their old and new values.
    pub changes: serde_json::Value,
}

/// Returns the write that appends rows to the log.
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

/// Entry of the log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Position in the log.
    pub place: EventPosition,
    /// ID of the event.
    pub id: EventId,
    /// Organization or personal workspace of the event.
    pub workspace_id: Uuid,
    /// Type of the event; `None` if a newer version has written it. Readers skip such an entry.
    pub kind: Option<EventType>,
    /// Time of the event.
    pub at: Instant,
    /// User who caused the event; `None` if the server did.
    pub actor_id: Option<UserId>,
    /// Typed ID of the changed object.
    pub subject_id: String,
    /// User whom the event concerns personally.
    pub person_id: Option<UserId>,
    /// Address that the event concerns.
    pub email: Option<String>,
    /// Changed fields with their old and new values.
    pub changes: Vec<FieldChange>,
    /// Owners and assignees of the resource at the time of the event, who could see it.
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

/// Bounds of the log.
#[derive(Clone, Copy, Debug)]
pub struct LogBounds {
    /// Position of the last deleted entry: entries up to it are deleted.
    pub pruned: EventPosition,
    /// Position before which all entries are settled.
    pub horizon: EventPosition,
}

/// Returns the current bounds of the log.
pub async fn extent(connection: &mut Connection) -> Result<LogBounds> {
    let columns = (event_log::pruned_transaction, event_log::pruned_sequence, event_horizon());
    let (transaction, sequence, horizon): (i64, i64, i64) =
        event_log::table.select(columns).get_result(connection).await?;
    Ok(LogBounds {
        pruned: EventPosition { transaction, sequence },
        horizon: EventPosition::before_transaction(horizon),
    })
}

/// Returns the epochs of the log.
pub async fn epochs(connection: &mut Connection) -> Result<EventEpochs> {
    let rows: Vec<(i64, i64)> =
        event_epochs::table.select((event_epochs::id, event_epochs::first_transaction)).load(connection).await?;
    let epochs = rows.into_iter().map(|(id, first_transaction)| EventEpoch { id, first_transaction });
    Ok(EventEpochs::new(epochs.collect()))
}

/// Returns whether committed entries wait behind an open transaction.
pub async fn has_unsettled(connection: &mut Connection) -> Result<bool> {
    let waiting = events::table.filter(events::transaction_id.ge(sql::<BigInt>("(SELECT event_horizon())")));
    Ok(diesel::select(diesel::dsl::exists(waiting)).get_result(connection).await?)
}

/// An open transaction of another session.
#[derive(Clone, Debug, QueryableByName)]
pub struct OpenTransaction {
    /// Process ID of the session.
    #[diesel(sql_type = Integer)]
    pub pid: i32,
    /// Role of the session.
    #[diesel(sql_type = Text)]
    pub role: String,
    /// Database of the session.
    #[diesel(sql_type = Text)]
    pub database: String,
    /// Name that the application gave the session.
    #[diesel(sql_type = Text)]
    pub application: String,
    /// State of the session, such as `idle in transaction`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Age of the transaction in seconds.
    #[diesel(sql_type = BigInt)]
    pub seconds: i64,
}

/// Returns the oldest open transaction that has written, behind which entries wait. `None`: it belongs to another role,
/// of which the database tells nothing, or it has ended.
pub async fn oldest_writer(connection: &mut Connection) -> Result<Option<OpenTransaction>> {
    let query = sql_query(
        "SELECT pid, coalesce(usename, '')::text AS role, coalesce(datname, '')::text AS database, \
                application_name AS application, coalesce(state, '') AS state, \
                extract(epoch FROM now() - xact_start)::bigint AS seconds \
         FROM pg_stat_activity \
         WHERE backend_xid = pg_snapshot_xmin(pg_current_snapshot())::xid \
         UNION ALL \
         SELECT 0, owner::text, database::text, gid, 'prepared', extract(epoch FROM now() - prepared)::bigint \
         FROM pg_prepared_xacts WHERE transaction = pg_snapshot_xmin(pg_current_snapshot())::xid",
    );
    Ok(query.get_result(connection).await.optional()?)
}

/// Compares the position of an entry with another position as one row, so that an index scan begins and ends at the
/// right entry.
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

/// Returns the positions of all committed entries after `place`, settled or not.
pub async fn committed_after(connection: &mut Connection, place: EventPosition) -> Result<Vec<EventPosition>> {
    let rows: Vec<(i64, i64)> = events::table
        .filter(place!(">", place))
        .select((events::transaction_id, events::sequence))
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(|(transaction, sequence)| EventPosition { transaction, sequence }).collect())
}

/// Returns at most `limit` settled entries of all workspaces after `after`, in order, and whether more entries will
/// follow soon: because of the limit, or because a committed entry is not settled yet.
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

/// Filter on the entries of a workspace's log.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only entries of these types.
    pub kinds: Option<Vec<EventType>>,
    /// Only entries caused by this user.
    pub actor: Option<UserId>,
}

/// Range of the log to read.
#[derive(Clone, Copy, Debug)]
pub struct EventRange {
    /// Only entries after this position.
    pub after: Option<EventPosition>,
    /// Only entries before this position.
    pub before: Option<EventPosition>,
    /// Whether to read from the end of the range.
    pub backward: bool,
    /// Maximum number of entries.
    pub limit: i64,
}

/// Returns the number of settled entries of a workspace's log that match the filter.
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

/// Returns at most `limit` settled entries after the first position and up to the second, in order, that concern a user
/// or the user's address.
pub async fn of_person(
    connection: &mut Connection,
    user: UserId,
    email: Option<&str>,
    (after, to): (EventPosition, EventPosition),
    limit: i64,
) -> Result<Vec<Entry>> {
    // One statement for each of the two indexes: with OR in one statement, neither index would give the order.
    macro_rules! read_range {
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
    let mut found = entries(read_range!(events::person_id.eq(user)))?;
    if let Some(email) = email {
        found.extend(entries(read_range!(events::email.eq(email)))?);
        found.sort_by_key(|entry| entry.place);
        found.dedup_by_key(|entry| entry.place);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(found)
}

/// Returns the settled entries with these IDs, in no order.
pub async fn find_many(connection: &mut Connection, ids: &[EventId]) -> Result<Vec<Entry>> {
    let places: Vec<EventPosition> = ids.iter().map(|id| id.position()).collect();
    let found = find_at(connection, &places).await?;
    Ok(found.into_iter().filter(|entry| ids.contains(&entry.id)).collect())
}

/// Returns the settled entries at these positions, in no order.
pub async fn find_at(connection: &mut Connection, places: &[EventPosition]) -> Result<Vec<Entry>> {
    let settled = events::transaction_id.lt(event_horizon());
    let (transactions, sequences): (Vec<i64>, Vec<i64>) =
        places.iter().map(|place| (place.transaction, place.sequence)).unzip();
    let at_positions = sql::<Bool>("(events.transaction_id, events.sequence) IN (SELECT * FROM unnest(")
        .bind::<Array<BigInt>, _>(transactions)
        .sql("::bigint[], ")
        .bind::<Array<BigInt>, _>(sequences)
        .sql("::bigint[]))");
    entries(events::table.filter(at_positions.and(settled)).select(Row::as_select()).load(connection).await?)
}

/// Deletes at most `limit` of the oldest entries, if they happened at `until` or before. Returns how many were deleted.
/// Only the beginning of the log is deleted, so the rest has no gaps. Needs a transaction.
pub async fn prune(tx: &mut Connection, until: Instant, limit: i64) -> Result<usize> {
    // One process at a time: a second one skips the locked row and deletes nothing.
    let free = event_log::table.select((event_log::pruned_transaction, event_log::pruned_sequence));
    let free: Vec<(i64, i64)> = free.for_update().skip_locked().load(tx).await?;
    let [(transaction, sequence)] = free[..] else { return Ok(0) };
    // Starts after the last deleted entry, because the index before it is full of dead rows.
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

/// Ensures that new entries come after the existing ones. A database that was restored into a new cluster would violate
/// this, because transaction IDs start again at the beginning. Returns whether it was necessary.
///
/// Every process calls it before it serves requests. Safe while other processes write: its lock waits for open
/// transactions that have written, and later writes use the new base.
pub async fn ensure_base(connection: &mut Connection) -> Result<bool> {
    let behind: bool = diesel::select(event_log_is_behind()).get_result(connection).await?;
    Ok(behind && diesel::select(settle_event_base()).get_result(connection).await?)
}
