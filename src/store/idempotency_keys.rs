//! Idempotency keys: what became of a write, for whoever asks for it again.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{Bytea, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::Connection;
use super::schema::{idempotency_keys, users};
use super::users::{accounts, is_live};
use crate::domain::clock::Instant;
use crate::domain::{Actor, Result};

/// What a key is unique by.
#[derive(Clone, Debug)]
pub struct Name {
    /// Who asks.
    pub scope: Uuid,
    /// For which mutation.
    pub mutation: String,
    /// The key itself.
    pub key: String,
}

/// The write that a key was used for.
#[derive(Queryable, Selectable)]
#[diesel(table_name = idempotency_keys, check_for_backend(diesel::pg::Pg))]
pub struct Used {
    /// SHA-256 of its input.
    pub input_hash: Vec<u8>,
    /// What it came to.
    pub result: Option<Value>,
}

/// The write that a key was used for, and whether the token of the actor who asks now is live.
pub struct Repeat {
    /// The write.
    pub used: Used,
    /// Whether the token is live, or there is no actor.
    pub actor_is_live: bool,
}

/// Takes the key for a write at `now`, unless it was taken after `since`; tells whether it did. Waits for another transaction
/// that has taken it and is not at its end. Needs a transaction.
pub async fn take(tx: &mut Connection, name: &Name, input_hash: &[u8], now: Instant, since: Instant) -> Result<bool> {
    let taken = diesel::sql_query(
        "INSERT INTO idempotency_keys (scope_id, mutation, key, input_hash, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT ON CONSTRAINT idempotency_keys_pkey
         DO UPDATE SET input_hash = EXCLUDED.input_hash, result = NULL, created_at = EXCLUDED.created_at
         WHERE idempotency_keys.created_at <= $6",
    )
    .bind::<SqlUuid, _>(name.scope)
    .bind::<Text, _>(&name.mutation)
    .bind::<Text, _>(&name.key)
    .bind::<Bytea, _>(input_hash)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(since)
    .execute(tx)
    .await?;
    Ok(taken > 0)
}

/// The write that a key was used for.
pub async fn find(tx: &mut Connection, name: &Name, actor: Option<&Actor>) -> Result<Option<Repeat>> {
    let row = idempotency_keys::table.find((name.scope, &name.mutation, &name.key));
    let Some(actor) = actor else {
        let used = row.select(Used::as_select()).first(tx).await.optional()?;
        return Ok(used.map(|used| Repeat { used, actor_is_live: true }));
    };
    let live = accounts().filter(users::id.eq(actor.user_id));
    let live = live.filter(is_live(actor.session, actor.issued_without_session()));
    let found = row.select((Used::as_select(), exists(live))).first(tx).await.optional()?;
    Ok(found.map(|(used, actor_is_live)| Repeat { used, actor_is_live }))
}

/// Keeps what the write came to.
pub async fn keep(tx: &mut Connection, name: &Name, result: &Value) -> Result<()> {
    diesel::update(idempotency_keys::table.find((name.scope, &name.mutation, &name.key)))
        .set(idempotency_keys::result.eq(result))
        .execute(tx)
        .await?;
    Ok(())
}

/// Gives the key back.
pub async fn give_back(tx: &mut Connection, name: &Name) -> Result<()> {
    diesel::delete(idempotency_keys::table.find((name.scope, &name.mutation, &name.key))).execute(tx).await?;
    Ok(())
}
