//! Locks on what is no row, or none yet: PostgreSQL's advisory locks, by a text.

use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;

use crate::domain::Result;
use crate::store::Connection;

/// What a text stands for: the same text of two kinds is locked apart.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// An address of mail.
    Address,
    /// Whom an issuer elsewhere calls so.
    Identity,
    /// The name of an account.
    Username,
}

impl Kind {
    /// Its name, as a number.
    fn seed(self) -> i64 {
        let name = match self {
            Self::Address => *b" address",
            Self::Identity => *b"identity",
            Self::Username => *b"username",
        };
        i64::from_be_bytes(name)
    }
}

/// Waits until no other transaction holds the lock, and holds it until this one ends.
pub(super) async fn lock(tx: &mut Connection, kind: Kind, text: &str) -> Result<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, $2))")
        .bind::<Text, _>(text)
        .bind::<BigInt, _>(kind.seed())
        .execute(tx)
        .await?;
    Ok(())
}
