//! DataLoaders: one statement loads the rows that one level of a response needs. A loader caches rows for its request
//! only.

pub mod events;
pub mod invitations;
pub mod memberships;
pub mod organizations;
pub mod ownership_offers;
pub mod plans;
pub mod resources;
pub mod users;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_graphql::dataloader::DataLoader;
use async_graphql::runtime::{Timer, TokioSpawner};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::{Error, InternalError, UserId};
use crate::store::{Database, PooledConnection};

/// Loads rows from the database for the viewer of a request.
pub struct DbLoader {
    /// The database.
    pub store: Database,
    /// The viewer, once the caller is authenticated.
    pub actor: Arc<OnceLock<Actor>>,
    /// The instant as of which the request is answered.
    pub now: Instant,
    /// When the request began. `None` for reads outside of a request, each of which waits for a connection by itself.
    pub began: Option<std::time::Instant>,
}

/// Returns a loader for one request.
pub fn new(source: DbLoader) -> DataLoader<DbLoader> {
    DataLoader::new(source, TokioSpawner::current(), Yield)
}

/// The delay before a batch is loaded: one yield to the scheduler, after which the ready tasks have added their keys. A
/// sleep would take at least a millisecond for each level of a response.
struct Yield;

impl Timer for Yield {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        tokio::task::yield_now().boxed()
    }
}

/// Rows by their keys. A key without a row is left out.
pub type Loaded<K, V> = Result<HashMap<K, V>, Arc<InternalError>>;

/// Converts the error of a read. Reads are never refused: a refusal is an internal error.
pub fn fault(error: Error) -> Arc<InternalError> {
    Arc::new(match error {
        Error::Failed(fault) => fault,
        Error::Refused(_) | Error::Unauthenticated => InternalError::new("a read was refused"),
    })
}

/// Converts the error of a loader back.
pub fn error(fault: Arc<InternalError>) -> Error {
    Error::Failed(InternalError { transient: fault.transient, cause: fault.cause.to_string().into() })
}

impl DbLoader {
    fn viewer(&self) -> Option<UserId> {
        self.actor.get().map(|actor| actor.user_id)
    }

    async fn connection(&self) -> Result<PooledConnection, Arc<InternalError>> {
        self.store.read_since(self.began.unwrap_or_else(std::time::Instant::now)).await.map_err(fault)
    }
}

/// Implements the loader of rows by their IDs.
macro_rules! load_by_id {
    ($id:ty, $row:ty, $find:path, $key:expr, $value:expr) => {
        impl async_graphql::dataloader::Loader<$id> for $crate::graphql::loaders::DbLoader {
            type Value = $row;
            type Error = std::sync::Arc<$crate::domain::InternalError>;

            async fn load(&self, ids: &[$id]) -> $crate::graphql::loaders::Loaded<$id, $row> {
                let found = $find(&mut *self.connection().await?, ids).await;
                let found = found.map_err($crate::graphql::loaders::fault)?;
                Ok(found.into_iter().map(|row| ($key(&row), $value(row))).collect())
            }
        }
    };
    ($id:ty, $row:ty, $find:path, $key:expr) => {
        $crate::graphql::loaders::load_by_id!($id, $row, $find, $key, std::convert::identity);
    };
}
use load_by_id;
