//! Daily counts of the mails that prove an address or reset a password. They are stored in the database, so that all
//! processes share them and a restart does not reset them.

use chrono::{NaiveDate, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bytea, Date, Integer, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use sha2::{Digest, Sha256};

use super::Connection;
use super::schema::mail_counts;
use crate::domain::clock::Instant;
use crate::domain::{Email, Result};

/// Key by which mails are counted.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    /// Recipient of mails that prove an address.
    Proof(&'a Email),
    /// Recipient of mails that reset a password.
    Reset(&'a Email),
    /// Network whose requests cause mails of either kind.
    Network(&'a str),
}

impl Subject<'_> {
    fn hash(self) -> Vec<u8> {
        let text = match self {
            Self::Proof(email) => format!("proof {email}"),
            Self::Reset(email) => format!("reset {email}"),
            Self::Network(network) => format!("network {network}"),
        };
        Sha256::digest(text).to_vec()
    }
}

/// Counts a mail if fewer than `free` mails were counted today, or if the last one was counted at least `pause` ago.
/// Returns whether the mail was counted.
pub async fn count(
    tx: &mut Connection,
    subject: Subject<'_>,
    now: Instant,
    free: i32,
    pause: Option<TimeDelta>,
) -> Result<bool> {
    const COUNT: &str = "INSERT INTO mail_counts AS counted (subject, day, count, last_at) VALUES ($1, $2, 1, $3)
        ON CONFLICT (subject, day) DO UPDATE SET count = counted.count + 1, last_at = excluded.last_at
        WHERE counted.count < $4 OR counted.last_at <= $5";
    let counted = diesel::sql_query(COUNT)
        .bind::<Bytea, _>(subject.hash())
        .bind::<Date, _>(now.date_naive())
        .bind::<Timestamptz, _>(now)
        .bind::<Integer, _>(free)
        .bind::<Nullable<Timestamptz>, _>(pause.map(|pause| now - pause));
    Ok(counted.execute(tx).await? > 0)
}

/// Deletes today's count.
pub async fn forget(tx: &mut Connection, subject: Subject<'_>, now: Instant) -> Result<()> {
    let today = mail_counts::table.find((subject.hash(), now.date_naive()));
    diesel::delete(today).execute(tx).await?;
    Ok(())
}

/// Deletes at most `limit` counts of days before `day`. Returns how many were deleted. Needs a transaction.
pub async fn delete_before(tx: &mut Connection, day: NaiveDate, limit: i64) -> Result<usize> {
    let overdue = diesel::sql_query(
        "DELETE FROM mail_counts WHERE ctid = ANY (ARRAY (
             SELECT ctid FROM mail_counts WHERE day < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
         ))",
    );
    Ok(overdue.bind::<Date, _>(day).bind::<BigInt, _>(limit).execute(tx).await?)
}
