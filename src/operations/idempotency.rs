//! Writes that are safe to ask for again: with an idempotency key, the first that succeeds keeps the IDs of what it wrote, in
//! its own transaction, and each repeat gets those instead of writing.
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

/// For how long a key stands for the write that it was first used for.
pub const KEPT: TimeDelta = TimeDelta::hours(24);
/// Longest key, in characters.
const LONGEST: usize = 128;

/// Who asks for a write, and by which key it is told from another.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The actor. None: nobody is signed in.
    actor: Option<Actor>,
    /// The idempotency key, if the client gave one.
    keyed: Option<KeyedRequest>,
}

#[derive(Clone, Debug)]
struct KeyedRequest {
    name: Name,
    input_hash: Vec<u8>,
}

impl Idempotency {
    /// A write without a key.
    pub fn without_key(actor: Option<&Actor>) -> Self {
        Self { actor: actor.copied(), keyed: None }
    }

    /// The write of that mutation with that key and input. When nobody is signed in, the input stands for who asks: it has
    /// the token that is their credential.
    pub fn keyed(actor: Option<&Actor>, mutation: &str, key: &str, input: &[u8]) -> Result<Self> {
        let mut check = Validator::default();
        check.field("idempotencyKey", check_key(key));
        check.finish()?;
        let input_hash = Sha256::digest(input).to_vec();
        let scope = actor.map_or_else(|| of_nobody(&input_hash), |actor| Uuid::from(actor.user_id));
        let name = Name { scope, mutation: mutation.to_owned(), key: key.to_owned() };
        Ok(Self { actor: actor.copied(), keyed: Some(KeyedRequest { name, input_hash }) })
    }

    /// Lets go of the key: the write came to nothing, so the next one with this key is the first. Needs its transaction.
    pub async fn release(&self, tx: &mut Connection) -> Result<()> {
        match &self.keyed {
            Some(keyed) => idempotency_keys::give_back(tx, &keyed.name).await,
            None => Ok(()),
        }
    }
}

impl KeyedRequest {
    /// What an earlier write with this key came to. None if this is the first; then the key is taken until the transaction
    /// ends, and a repeat that comes meanwhile waits.
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
    /// Does `work` in a transaction in the name of `actor`, which commits if it succeeds and rolls back with its error if not. All
    /// mutations write here. None: it needs no identity.
    ///
    /// UNAUTHENTICATED, and nothing is written, if the session of the actor's token has ended: `work` mostly finds that out by
    /// the statement that looks the actor up; if it has not looked, one is sent before the commit.
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

    /// Does `work` in a transaction, which commits if it succeeds and rolls back with its error if not. If it was done before
    /// with the same key, gives what it came to then; `T` is what is kept for that: IDs, from which the answer is made afresh.
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

/// A row that was written. On a repeat there is its ID alone, and the row is to be read afresh.
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound(serialize = "I: Serialize", deserialize = "I: Deserialize<'de>"))]
pub struct Written<I, R> {
    /// Its ID.
    pub id: I,
    /// What was written, if it was just now and is known.
    #[serde(skip)]
    pub row: Option<R>,
}

impl<I, R> Written<I, R> {
    /// A row that was written just now.
    pub fn now(id: I, row: R) -> Self {
        Self { id, row: Some(row) }
    }

    /// A row that was written, and has to be read to be shown.
    pub fn unseen(id: I) -> Self {
        Self { id, row: None }
    }
}

/// A key is opaque, so it is taken as it is or not at all.
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

/// An ID of a kind that no user has.
fn of_nobody(input_hash: &[u8]) -> Uuid {
    uuid::Builder::from_custom_bytes(std::array::from_fn(|place| input_hash[place])).into_uuid()
}

fn unreadable(cause: serde_json::Error) -> Error {
    Error::Failed(InternalError::new(cause))
}
