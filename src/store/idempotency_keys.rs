//! Table of idempotency keys: the result of a write, for a repeated request.

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

/// Unique name of an idempotency key.
#[derive(Clone, Debug)]
pub struct Name {
    /// User, or an ID made of the hash of the input for an unauthenticated caller.
    pub scope: Uuid,
    /// Name of the mutation.
    pub mutation: String,
    /// Key that the client chose.
    pub key: String,
}

/// Write for which a key was used.
#[derive(Queryable, Selectable)]
#[diesel(table_name = idempotency_keys, check_for_backend(diesel::pg::Pg))]
pub struct Used {
    /// SHA-256 of the input.
    pub input_hash: Vec<u8>,
    /// IDs from which the payload is rebuilt; `None` only within the transaction of the write.
    pub result: Option<Value>,
}

/// Earlier write with the same key, and whether the caller's token is live.
pub struct Repeat {
    /// The earlier write.
    pub used: Used,
    /// Whether the caller's token is live; true for an unauthenticated caller.
    pub actor_is_live: bool,
}

/// Takes the key for a write at `now`, unless a write after `since` has taken it. Returns whether the key was taken.
/// Waits for an open transaction that has taken it. Needs a transaction.
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

/// Returns the write for which a key was used; `None` if the key is not used.
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

/// Stores the result of the write.
pub async fn keep(tx: &mut Connection, name: &Name, result: &Value) -> Result<()> {
    diesel::update(idempotency_keys::table.find((name.scope, &name.mutation, &name.key)))
        .set(idempotency_keys::result.eq(result))
        .execute(tx)
        .await?;
    Ok(())
}

/// Deletes the key, so that another write can take it.
pub async fn give_back(tx: &mut Connection, name: &Name) -> Result<()> {
    diesel::delete(idempotency_keys::table.find((name.scope, &name.mutation, &name.key))).execute(tx).await?;
    Ok(())
}
