//! Idempotent writes: with an idempotency key, the first write that succeeds stores the IDs of the written rows in its
//! own transaction, and each repeated request gets these IDs instead of writing again.
//!
//! ```text
//! env.write(&retry, async |tx| {
//!     … lock, decide, write, record the event …
//!     Ok(id)
//! })
//! .await
//! ```

use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::error::FieldError;
use crate::domain::validation::Validator;
use crate::domain::{Actor, Code, Error, InternalError, Refusal, Result};
use crate::operations::AppContext;
use crate::store::idempotency_keys::{self, Name, Repeat};
use crate::store::{Connection, Transactional, Work, users};

/// How long a key identifies the write that it was first used for.
pub const KEPT: TimeDelta = TimeDelta::hours(24);
/// Maximum length of a key, in characters.
const LONGEST: usize = 128;

/// Actor and idempotency key of a write.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The actor; `None` if the caller is not signed in.
    actor: Option<Actor>,
    /// The idempotency key; `None` if the client sent no key.
    keyed: Option<KeyedRequest>,
}

#[derive(Clone, Debug)]
struct KeyedRequest {
    name: Name,
    input_hash: Vec<u8>,
}

impl Idempotency {
    /// Describes a write without a key.
    pub fn without_key(actor: Option<&Actor>) -> Self {
        Self { actor: actor.copied(), keyed: None }
    }

    /// Describes a write of `mutation` with a key and an input. If the caller is not signed in, the hash of the input
    /// replaces the user ID as the key's scope: the input contains the token that is the caller's credential.
    pub fn keyed(actor: Option<&Actor>, mutation: &str, key: &str, input: &[u8]) -> Result<Self> {
        let mut check = Validator::default();
        check.field("idempotencyKey", check_key(key));
        check.finish()?;
        let input_hash = Sha256::digest(input).to_vec();
        let scope = actor.map_or_else(|| anonymous_scope(&input_hash), |actor| Uuid::from(actor.user_id));
        let name = Name { scope, mutation: mutation.to_owned(), key: key.to_owned() };
        Ok(Self { actor: actor.copied(), keyed: Some(KeyedRequest { name, input_hash }) })
    }

    /// Releases the key: the write changed nothing, so the next write with this key counts as the first. Must run in
    /// the transaction of the write.
    pub async fn release(&self, tx: &mut Connection) -> Result<()> {
        match &self.keyed {
            Some(keyed) => idempotency_keys::give_back(tx, &keyed.name).await,
            None => Ok(()),
        }
    }
}

impl KeyedRequest {
    /// Returns the result of an earlier write with this key. `None` if this is the first write; the transaction then
    /// holds the key until its end, and a concurrent repeat waits.
    async fn earlier<T: DeserializeOwned>(
        &self,
        env: &AppContext,
        tx: &mut Connection,
        actor: Option<&Actor>,
    ) -> Result<Option<T>> {
        let now = env.clock.now();
        if idempotency_keys::take(tx, &self.name, &self.input_hash, now, now - KEPT).await? {
            return Ok(None);
        }
        let broken = || InternalError::new("an idempotency key that is neither free nor used");
        let Repeat { used, actor_is_live } = idempotency_keys::find(tx, &self.name, actor).await?.ok_or_else(broken)?;
        if !actor_is_live {
            return Err(Error::Unauthenticated);
        }
        tx.note_live_actor();
        if used.input_hash != self.input_hash {
            let message =
                "This key was used in the last 24 hours with another input: take a new key for another request.";
            return Err(Refusal::new(Code::IdempotencyKeyReused, message).at("idempotencyKey").into());
        }
        serde_json::from_value(used.result.ok_or_else(broken)?).map(Some).map_err(unreadable)
    }
}

impl AppContext {
    /// Runs `work` in a transaction on behalf of `actor`. Commits if `work` succeeds, and rolls back with its error if
    /// not. All mutations write here. `None` means that the write needs no identity.
    ///
    /// UNAUTHENTICATED, and nothing is written, if the session of the actor's token has ended. Mostly the statement in
    /// `work` that looks the actor up checks this; if `work` has not looked the actor up, one more statement is sent
    /// before the commit.
    pub async fn transaction<R, F>(&self, actor: Option<&Actor>, work: F) -> Result<R>
    where
        R: Send,
        for<'r> F:
            AsyncFnOnce(&'r mut Connection) -> Result<R> + Work<&'r mut Connection, Result<R>, Done: Send> + Send,
    {
        let mut connection = self.store.writer().await?;
        connection
            .transaction(async |tx| {
                tx.forget_actor();
                let done = work(tx).await;
                let is_decided = matches!(done, Ok(_) | Err(Error::Refused(_)));
                if let Some(actor) = actor.filter(|_| is_decided && !tx.has_live_actor()) {
                    users::find_actor(tx, actor).await?.ok_or(Error::Unauthenticated)?;
                }
                done
            })
            .await
    }

    /// Runs `work` in a transaction. Commits if `work` succeeds, and rolls back with its error if not. If an earlier
    /// write with the same key succeeded, returns the result of that write instead. `T` is what is stored for this:
    /// IDs, from which the answer is read again.
    pub async fn write<T, F>(&self, retry: &Idempotency, work: F) -> Result<T>
    where
        T: Serialize + DeserializeOwned + Send,
        for<'r> F:
            AsyncFnOnce(&'r mut Connection) -> Result<T> + Work<&'r mut Connection, Result<T>, Done: Send> + Send,
    {
        let actor = retry.actor.as_ref();
        self.transaction(actor, async |tx| {
            let Some(keyed) = &retry.keyed else { return work(tx).await };
            if let Some(result) = keyed.earlier(self, tx, actor).await? {
                return Ok(result);
            }
            let result = work(tx).await?;
            let kept = serde_json::to_value(&result).map_err(unreadable)?;
            idempotency_keys::keep(tx, &keyed.name, &kept).await?;
            Ok(result)
        })
        .await
    }
}

/// A written row. A repeated request gets only the ID, and the row has to be read again.
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound(serialize = "I: Serialize", deserialize = "I: Deserialize<'de>"))]
pub struct Written<I, R> {
    /// The row's ID.
    pub id: I,
    /// The row; `None` if the request was a repeat, or if the write did not read the row.
    #[serde(skip)]
    pub row: Option<R>,
}

impl<I, R> Written<I, R> {
    /// A row that this request wrote.
    pub fn new(id: I, row: R) -> Self {
        Self { id, row: Some(row) }
    }

    /// A written row that has to be read before it is shown.
    pub fn replayed(id: I) -> Self {
        Self { id, row: None }
    }
}

/// Checks a key. Keys are opaque, so they are accepted or rejected but never normalized.
fn check_key(key: &str) -> std::result::Result<(), FieldError> {
    if key.is_empty() {
        return Err(FieldError::new(
            Code::Required,
            "An idempotency key has at least one character. Leave it out to have none.",
        ));
    }
    if key.chars().count() > LONGEST {
        return Err(FieldError::too_long(LONGEST));
    }
    if key.chars().any(char::is_control) {
        return Err(FieldError::new(Code::InvalidFormat, "An idempotency key has no control characters."));
    }
    Ok(())
}

/// Returns the scope of callers who are not signed in: a version 8 UUID, which no user ID is.
fn anonymous_scope(input_hash: &[u8]) -> Uuid {
    uuid::Builder::from_custom_bytes(std::array::from_fn(|place| input_hash[place])).into_uuid()
}

fn unreadable(cause: serde_json::Error) -> Error {
    Error::Failed(InternalError::new(cause))
}
