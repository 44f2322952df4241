//! Query that runs several statements with the same text at once: the text, applied to arrays of their values.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::QueryResult;
use diesel::result::Error;
use diesel::row::{Field, Row as _};

use super::statement::{Statement, TypeOids, Value};
use super::type_catalog::TypeCatalog;
use crate::store::Connection;
use crate::store::connection::Row;

/// Maximum number of statements in a batch.
const MAX_BATCH: usize = 16;
/// Target duration of a batch. A batch of slow statements is smaller, because slow statements finish sooner on several
/// connections.
const TARGET_DURATION: Duration = Duration::from_millis(3);

/// Batch query of one statement text, with its measured duration.
pub(super) struct BatchQuery {
    /// Text of the batch query; `None` if statements with this text are never batched.
    text: Option<String>,
    /// Moving average of the duration per statement, in nanoseconds. Zero before the first measurement.
    mean_nanos: AtomicU64,
}

impl BatchQuery {
    /// Returns the batch query of statements with `text` and this number of values.
    pub fn of(text: &str, values: usize) -> Self {
        Self { text: batch_text(text, values), mean_nanos: AtomicU64::default() }
    }

    /// Returns the maximum size of a batch, so that it takes about [`TARGET_DURATION`]. Returns 1 before the first
    /// measurement, and for statements that are never batched.
    pub fn max_batch(&self) -> usize {
        let mean = self.mean_nanos.load(Ordering::Relaxed);
        if self.text.is_none() || mean == 0 {
            return 1;
        }
        usize::try_from(TARGET_DURATION.as_nanos() / u128::from(mean)).unwrap_or(MAX_BATCH).clamp(1, MAX_BATCH)
    }

    /// Records the duration of a batch of `statements` statements. A duration over four times the average replaces the
    /// average at once.
    pub fn record_duration(&self, duration: Duration, statements: usize) {
        let total = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let each = total / u64::try_from(statements).unwrap_or(1).max(1);
        let mean = self.mean_nanos.load(Ordering::Relaxed);
        let next = if mean == 0 || each / 4 > mean { each } else { mean - mean / 8 + each / 8 };
        self.mean_nanos.store(next.max(1), Ordering::Relaxed);
    }

    /// Combines statements into one. Returns `None` for fewer than two statements, and for statements that cannot be
    /// combined.
    pub fn combine(&self, statements: &[Statement], types: &TypeCatalog) -> Option<Statement> {
        let [first, _, ..] = statements else { return None };
        let text = self.text.as_deref().filter(|_| first.is_prepared)?;
        let arrays = (0..first.values.len()).map(|column| {
            let types = types.element(first.values[column].types)?;
            let values = statements.iter().map(|statement| &statement.values[column]);
            let array_types = TypeOids { oid: types.array_oid, array_oid: 0 };
            Some(Value { types: array_types, bytes: Some(binary_array(types.oid, values)) })
        });
        Some(Statement { text: text.into(), values: arrays.collect::<Option<_>>()?, is_prepared: true })
    }
}

/// Runs a combined statement, and returns the rows of each of its `number` statements.
pub(super) async fn load(connection: &Connection, combined: Statement, number: usize) -> QueryResult<Vec<Vec<Row>>> {
    let mut results: Vec<Vec<Row>> = (0..number).map(|_| Vec::new()).collect();
    for row in combined.load(connection).await? {
        let rows = position(&row).and_then(|position| results.get_mut(position.checked_sub(1)?));
        rows.ok_or_else(|| Error::DeserializationError("a batch returned a row without its position".into()))?
            .push(row);
    }
    Ok(results)
}

/// Returns the position in the batch, from 1, of the statement that the row belongs to. It is the last column.
fn position(row: &Row) -> Option<usize> {
    let field = row.get(row.field_count().checked_sub(1)?)?;
    usize::try_from(i64::from_be_bytes(field.value()?.as_bytes().try_into().ok()?)).ok()
}

/// Returns the text that runs several statements with this text and this number of values. Returns `None` if they are
/// never batched: a statement without values, a write, or a read that takes locks.
pub fn batch_text(text: &str, values: usize) -> Option<String> {
    (values > 0 && is_read(text)).then(|| over_arrays(text, values))
}

/// Returns whether a statement only reads and takes no locks.
fn is_read(text: &str) -> bool {
    let text = text.trim_start();
    (text.starts_with("SELECT ") || text.starts_with("WITH "))
        && !["INSERT ", "UPDATE ", "DELETE ", "pg_advisory", " FOR "].iter().any(|word| text.contains(word))
}

/// Returns the text of a read over arrays of its values. `OFFSET 0` keeps the planner from joining the whole batch with
/// the tables, where it could scan a whole table.
fn over_arrays(text: &str, values: usize) -> String {
    let list = |item: fn(usize) -> String| (1..=values).map(item).collect::<Vec<_>>().join(", ");
    let (arrays, names) = (list(|index| format!("${index}")), list(|index| format!("v{index}")));
    let text = with_batch_values(text);
    format!(
        "SELECT query.*, batch.place FROM unnest({arrays}) WITH ORDINALITY batch ({names}, place), \
         LATERAL (SELECT * FROM ({text}) query OFFSET 0) query"
    )
}

/// Replaces `$1` by `batch.v1` and so on, except inside quoted strings and identifiers.
fn with_batch_values(text: &str) -> String {
    let mut replaced = String::with_capacity(text.len() + 64);
    let (mut quote, mut characters) = (None, text.chars().peekable());
    while let Some(character) = characters.next() {
        match quote {
            Some(end) => quote = (character != end).then_some(end),
            None if matches!(character, '\'' | '"') => quote = Some(character),
            None if character == '$' && characters.peek().is_some_and(char::is_ascii_digit) => {
                replaced.push_str("batch.v");
                continue;
            }
            None => {}
        }
        replaced.push(character);
    }
    replaced
}

/// Encodes values as a one-dimensional array in PostgreSQL's binary format.
fn binary_array<'v>(element_oid: u32, values: impl ExactSizeIterator<Item = &'v Value> + Clone) -> Vec<u8> {
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let has_nulls = values.clone().any(|value| value.bytes.is_none());
    let size: usize = values.clone().map(|value| 4 + value.bytes.as_ref().map_or(0, Vec::len)).sum();
    let mut array = Vec::with_capacity(20 + size);
    for header in [1, u32::from(has_nulls), element_oid, length(values.len()), 1] {
        array.extend(header.to_be_bytes());
    }
    for value in values {
        match &value.bytes {
            Some(bytes) => {
                array.extend(length(bytes.len()).to_be_bytes());
                array.extend(bytes);
            }
            None => array.extend((-1_i32).to_be_bytes()),
        }
    }
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_text_replaces_values_outside_of_quotes() {
        let text = "SELECT a, '$1' FROM t WHERE b = $1 AND c = $12 LIMIT $2";
        let expected = "SELECT query.*, batch.place FROM unnest($1, $2) WITH ORDINALITY batch (v1, v2, place), \
                        LATERAL (SELECT * FROM (SELECT a, '$1' FROM t WHERE b = batch.v1 AND c = batch.v12 LIMIT batch.v2) query OFFSET 0) query";
        assert_eq!(batch_text(text, 2).as_deref(), Some(expected));
    }

    #[test]
    fn batch_text_is_none_for_statements_that_lock_or_write() {
        for text in [
            "INSERT INTO t (a) VALUES ($1) RETURNING id",
            "UPDATE t SET a = $1 WHERE id = 1 RETURNING id",
            "WITH x AS (DELETE FROM t WHERE id = $1) SELECT 1",
            "SELECT id FROM t WHERE id = $1 FOR UPDATE SKIP LOCKED",
            "SELECT id FROM (SELECT id FROM t WHERE id = $1 FOR SHARE) x",
            "SELECT pg_advisory_xact_lock($1)",
            "COMMIT",
        ] {
            assert_eq!(batch_text(text, 1), None, "{text}");
        }
        assert_eq!(batch_text("SELECT now()", 0), None);
    }

    #[test]
    fn max_batch_follows_the_measured_duration() {
        let query = BatchQuery::of("SELECT a FROM t WHERE b = $1", 1);
        assert_eq!(query.max_batch(), 1, "not measured yet");
        query.record_duration(Duration::from_micros(1600), 16);
        assert_eq!(query.max_batch(), 16);
        query.record_duration(Duration::from_millis(80), 2);
        assert_eq!(query.max_batch(), 1);
        for _ in 0..60 {
            query.record_duration(Duration::from_millis(2), 2);
        }
        assert!((2..=3).contains(&query.max_batch()), "{}", query.max_batch());
    }
}
