//! Statements of one text as one statement over the lists of their values. What each of them costs by itself, on the way and in
//! the database, is then paid once for all.
//!
//! ```text
//! SELECT … WHERE id = $1        SELECT one.*, place FROM unnest($1) WITH ORDINALITY batch (v1, place),
//!                                 LATERAL (SELECT * FROM (SELECT … WHERE id = batch.v1) one OFFSET 0) one
//! UPDATE t SET a = $1 WHERE …   UPDATE t SET a = batch.v1 FROM unnest($1, …) WITH ORDINALITY batch (…) WHERE …
//! INSERT INTO t (…) VALUES …    INSERT INTO t (…) SELECT one.* FROM unnest($1, …) WITH ORDINALITY batch (…),
//!                                 LATERAL (VALUES …) one
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::catalog::{Catalog, Numbers};
use super::statement::{Statement, Value};

/// What a statement does, as far as its text tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads rows, and changes nothing.
    Read,
    /// Reads rows and locks them until the transaction ends: alone, or together with others who share them.
    Lock {
        /// Whether alone.
        exclusive: bool,
    },
    /// Changes rows or makes some, and gives none back.
    Write,
    /// Anything else.
    Other,
}

const LOCKS: [(&str, bool); 4] =
    [(" FOR NO KEY UPDATE", true), (" FOR UPDATE", true), (" FOR SHARE", false), (" FOR KEY SHARE", false)];

impl Kind {
    fn of(text: &str) -> Self {
        let text = text.trim_start();
        let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if begins(&["SELECT ", "WITH "]) && !has(&["INSERT ", "UPDATE ", "DELETE ", "pg_advisory"]) {
            return match LOCKS.iter().find(|(words, _)| text.ends_with(words)) {
                Some((_, exclusive)) => Self::Lock { exclusive: *exclusive },
                None if has(&[" FOR "]) => Self::Other,
                None => Self::Read,
            };
        }
        if begins(&["UPDATE ", "INSERT INTO ", "DELETE FROM "]) && !has(&[" RETURNING ", " ON CONFLICT"]) {
            return Self::Write;
        }
        Self::Other
    }
}

/// What can be made of a statement. A lock is not waited for in either form: a row that somebody holds is passed over.
pub struct Forms {
    /// What it does.
    pub kind: Kind,
    /// The text for one.
    pub one: Arc<str>,
    /// The text for several of them. None: they do not go together.
    pub several: Option<Arc<str>>,
    /// How long they take.
    pub pace: Pace,
}

/// How long one of several statements takes that run together: a mean in which the latest count most.
#[derive(Default)]
pub struct Pace(AtomicU64);

impl Pace {
    /// How long each of them takes. None: that was not measured yet.
    pub fn each(&self) -> Option<Duration> {
        Some(self.0.load(Ordering::Relaxed)).filter(|nanos| *nanos > 0).map(Duration::from_nanos)
    }

    /// Notes that so many took so long. What is far more than the mean takes its place at once.
    pub fn note(&self, took: Duration, number: usize) {
        let each = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX) / u64::try_from(number).unwrap_or(1).max(1);
        let before = self.0.load(Ordering::Relaxed);
        let mean = if each / 4 > before || before == 0 { each } else { before - before / 8 + each / 8 };
        self.0.store(mean.max(1), Ordering::Relaxed);
    }
}

impl Forms {
    /// What can be made of a statement with that text and so many values.
    pub fn of(text: &Arc<str>, values: usize) -> Self {
        let kind = Kind::of(text);
        let one = match kind {
            Kind::Lock { .. } => format!("{text} SKIP LOCKED").into(),
            _ => text.clone(),
        };
        let several = if values == 0 { None } else { several(kind, &one, values) };
        Self { kind, several: several.map(Arc::from), one, pace: Pace::default() }
    }
}

fn several(kind: Kind, one: &str, values: usize) -> Option<String> {
    let list = |item: fn(usize) -> String| (1..=values).map(item).collect::<Vec<_>>().join(", ");
    let (lists, names) = (list(|index| format!("${index}")), list(|index| format!("v{index}")));
    let batch = format!("unnest({lists}) WITH ORDINALITY batch ({names}, place)");
    let split = |words: &str| {
        let at = outside_of_brackets(one, words)?;
        Some((of_batch(&one[..at]), of_batch(&one[at..])))
    };
    match kind {
        // By its offset, it is planned as if it were alone: a plan for the whole batch could read a whole table.
        Kind::Read => Some(format!(
            "SELECT one.*, batch.place FROM {batch}, LATERAL (SELECT * FROM ({}) one OFFSET 0) one",
            of_batch(one)
        )),
        Kind::Lock { .. } => Some(format!("SELECT one.*, batch.place FROM {batch}, LATERAL ({}) one", of_batch(one))),
        Kind::Write if one.starts_with("INSERT ") => {
            let (into, rows) = split(" VALUES ").filter(|(_, rows)| !rows.contains("DEFAULT"))?;
            Some(format!("{into} SELECT one.* FROM {batch}, LATERAL ({}) one", rows.trim_start()))
        }
        Kind::Write => {
            let others = if one.starts_with("UPDATE ") { " FROM " } else { " USING " };
            let (change, which) = split(" WHERE ").filter(|_| outside_of_brackets(one, others).is_none())?;
            Some(format!("{change}{others}{batch}{which}"))
        }
        Kind::Other => None,
    }
}

/// Several statements of one text as one. None: they do not go together.
pub(super) fn statement(statements: &[Statement], catalog: &Catalog) -> Option<Statement> {
    let first = statements.first().filter(|first| first.is_kept)?;
    let columns = first.values.len();
    let text = catalog.forms(first).several.clone()?;
    let values = (0..columns).map(|column| {
        let each = || statements.iter().map(|statement| &statement.values[column]);
        let kind = catalog.element(first.values[column].kind)?;
        Some(Value { kind: Numbers { of: kind.array, array: 0 }, bytes: Some(array(kind.of, each())) })
    });
    Some(Statement { text, values: values.collect::<Option<_>>()?, is_kept: true })
}

/// An array as the database takes it: one dimension, from 1.
fn array<'v>(of: u32, values: impl ExactSizeIterator<Item = &'v Value> + Clone) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let has_nulls = values.clone().any(|value| value.bytes.is_none());
    let size: usize = values.clone().map(|value| 4 + value.bytes.as_ref().map_or(0, Vec::len)).sum();
    let mut array = Vec::with_capacity(20 + size);
    let number = u32::try_from(values.len()).unwrap_or(u32::MAX);
    for part in [1, u32::from(has_nulls), of, number, 1] {
        array.extend(part.to_be_bytes());
    }
    for value in values {
        match &value.bytes {
            Some(bytes) => {
                array.extend(length(bytes).to_be_bytes());
                array.extend(bytes);
            }
            None => array.extend((-1_i32).to_be_bytes()),
        }
    }
    array
}

/// A text whose values are those of the batch.
fn of_batch(one: &str) -> String {
    let mut text = String::with_capacity(one.len() + 64);
    let (mut quote, mut letters) = (None, one.chars().peekable());
    while let Some(letter) = letters.next() {
        match quote {
            Some(end) => quote = (letter != end).then_some(end),
            None if matches!(letter, '\'' | '"') => quote = Some(letter),
            None if letter == '$' && letters.peek().is_some_and(char::is_ascii_digit) => {
                text.push_str("batch.v");
                continue;
            }
            None => {}
        }
        text.push(letter);
    }
    text
}

/// Where `words` first stand in a text, but for what is in brackets or quotes.
fn outside_of_brackets(text: &str, words: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0_u32, None);
    for (at, letter) in text.char_indices() {
        match (letter, quote) {
            (_, Some(end)) => quote = (letter != end).then_some(end),
            ('\'' | '"', None) => quote = Some(letter),
            ('(', None) => depth += 1,
            (')', None) => depth = depth.saturating_sub(1),
            _ if depth == 0 && text[at..].starts_with(words) => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(text: &str, values: usize) -> (Kind, Option<String>) {
        let forms = Forms::of(&text.into(), values);
        (forms.kind, forms.several.map(|several| several.to_string()))
    }

    #[test]
    fn reads_are_made_for_each_place_of_the_batch() {
        let one = "SELECT a, '$1' FROM t WHERE b = $1 AND c = $12 LIMIT $2";
        let several = "SELECT one.*, batch.place FROM unnest($1, $2) WITH ORDINALITY batch (v1, v2, place), \
                       LATERAL (SELECT * FROM (SELECT a, '$1' FROM t WHERE b = batch.v1 AND c = batch.v12 LIMIT batch.v2) one OFFSET 0) one";
        assert_eq!(forms(one, 2), (Kind::Read, Some(several.to_owned())));
    }

    #[test]
    fn locks_are_not_waited_for() {
        for (words, exclusive) in LOCKS {
            let text = format!("SELECT id FROM t WHERE id = $1{words}").into();
            let forms = Forms::of(&text, 1);
            assert_eq!(forms.kind, Kind::Lock { exclusive });
            assert_eq!(*forms.one, *format!("{text} SKIP LOCKED"));
            assert!(forms.several.is_some_and(|several| several.ends_with(&format!("{words} SKIP LOCKED) one"))));
        }
    }

    #[test]
    fn writes_take_their_values_from_the_batch() {
        let update = r#"UPDATE "t" SET "a" = (SELECT x FROM y WHERE z = $1) WHERE ("t"."id" = $2)"#;
        let batch = "unnest($1, $2) WITH ORDINALITY batch (v1, v2, place)";
        let updates = format!(
            r#"UPDATE "t" SET "a" = (SELECT x FROM y WHERE z = batch.v1) FROM {batch} WHERE ("t"."id" = batch.v2)"#
        );
        assert_eq!(forms(update, 2), (Kind::Write, Some(updates)));
        let deletes = format!("DELETE FROM t USING {batch} WHERE id = batch.v1 AND a = batch.v2");
        assert_eq!(forms("DELETE FROM t WHERE id = $1 AND a = $2", 2), (Kind::Write, Some(deletes)));
        let insert = r#"INSERT INTO "t" ("a", "b") VALUES ($1, now()), ($2, ' VALUES ')"#;
        let inserts = format!(
            r#"INSERT INTO "t" ("a", "b") SELECT one.* FROM {batch}, LATERAL (VALUES (batch.v1, now()), (batch.v2, ' VALUES ')) one"#
        );
        assert_eq!(forms(insert, 2), (Kind::Write, Some(inserts)));
    }

    #[test]
    fn what_is_not_understood_is_run_by_itself() {
        for text in [
            "INSERT INTO t (a) VALUES ($1) ON CONFLICT DO NOTHING",
            "INSERT INTO t (a) VALUES ($1) RETURNING id",
            "UPDATE t SET a = $1 WHERE id = 1 RETURNING id",
            "WITH x AS (DELETE FROM t WHERE id = $1) SELECT 1",
            "SELECT id FROM t WHERE id = $1 FOR UPDATE SKIP LOCKED",
            "SELECT id FROM (SELECT id FROM t WHERE id = $1 FOR SHARE) x",
            "SELECT pg_advisory_xact_lock($1)",
            "COMMIT",
        ] {
            assert_eq!(forms(text, 1), (Kind::Other, None), "{text}");
        }
        for text in [
            "INSERT INTO t (a, b) VALUES ($1, DEFAULT)",
            "UPDATE t SET a = $1",
            "UPDATE t SET a = x FROM y WHERE b = $1",
        ] {
            assert_eq!(forms(text, 1), (Kind::Write, None), "{text}");
        }
        assert_eq!(forms("SELECT now()", 0), (Kind::Read, None));
    }

    #[test]
    fn the_pace_follows_what_was_measured() {
        let pace = Pace::default();
        assert_eq!(pace.each(), None);
        pace.note(Duration::from_millis(16), 16);
        assert_eq!(pace.each(), Some(Duration::from_millis(1)));
        pace.note(Duration::from_millis(80), 2);
        assert_eq!(pace.each(), Some(Duration::from_millis(40)));
        for _ in 0..50 {
            pace.note(Duration::from_millis(20), 2);
        }
        let each = pace.each().expect("a mean").as_millis();
        assert!((9..=11).contains(&each), "{each}");
    }
}
