//! PostgreSQL advisory locks on texts, for objects that have no row to lock.

use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;

use crate::domain::Result;
use crate::store::Connection;

/// Kind of the locked text. Locks of different kinds are independent, even for the same text.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// E-mail address.
    Address,
    /// Identity at an external issuer.
    Identity,
    /// Signing keys of all processes: one lock.
    SigningKeys,
    /// Username.
    Username,
}

impl Kind {
    /// Returns the name of the kind as a number, the seed of the hash.
    fn seed(self) -> i64 {
        let name = match self {
            Self::Address => *b" address",
            Self::Identity => *b"identity",
            Self::SigningKeys => *b"sig_keys",
            Self::Username => *b"username",
        };
        i64::from_be_bytes(name)
    }
}

/// Waits for the one lock of the signing keys, and holds it until the transaction ends.
pub(super) async fn lock_signing_keys(tx: &mut Connection) -> Result<()> {
    lock(tx, Kind::SigningKeys, "").await
}

/// Waits for the lock, and holds it until the transaction ends.
pub(super) async fn lock(tx: &mut Connection, kind: Kind, text: &str) -> Result<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, $2))")
        .bind::<Text, _>(text)
        .bind::<BigInt, _>(kind.seed())
        .execute(tx)
        .await?;
    Ok(())
}
