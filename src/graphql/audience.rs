//! Asks for all who listen together: what many subscribers need to know at the same moment is read in one statement. Nothing
//! is kept. Whatever is answered was read after it was asked for.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use async_graphql::dataloader::{DataLoader, Loader};
use uuid::Uuid;

use super::loaders::{self, Loaded, Source, fault};
use crate::domain::{CloudStorageId, Error, Fault, JobId, OwnershipOfferId, ProjectId, Result, TaskId, UserId};
use crate::operations::Env;
use crate::store::onlookers::{self, Onlooker};

/// How often whoever is ready to ask may do so before all are asked for: enough for a thousand who were woken together. Where
/// nobody is, it takes microseconds.
const TURNS: u32 = 16;
/// Most that one statement is asked for.
const MANY: usize = 10_000;

/// One for the whole process. Cheap to clone.
#[derive(Clone)]
pub struct Audience(Arc<DataLoader<Crowd>>);

impl Audience {
    /// One that has asked for nothing yet.
    pub fn new(env: &Env) -> Self {
        let source = Source { store: env.store.clone(), actor: Arc::new(OnceLock::new()), now: env.clock.now() };
        Self(Arc::new(loaders::gathering(Crowd { source, env: env.clone() }, TURNS).max_batch_size(MANY)))
    }

    /// A user as they stand now to each of the workspaces. UNAUTHENTICATED if their account is gone.
    pub async fn onlooker(&self, user: UserId, workspaces: Vec<Uuid>) -> Result<HashMap<Uuid, Onlooker>> {
        let asked = workspaces.into_iter().map(|workspace| Looking { user, workspace });
        let found = self.0.load_many(asked).await.map_err(loaders::error)?;
        if found.is_empty() {
            return Err(Error::Unauthenticated);
        }
        Ok(found.into_iter().map(|(asked, onlooker)| (asked.workspace, onlooker)).collect())
    }

    /// A row that looks the same to everybody, if it is there.
    pub async fn row<I>(&self, id: I) -> Result<Option<<Crowd as Loader<I>>::Value>>
    where
        Crowd: Loader<I, Error = Arc<Fault>>,
        I: Send + Sync + std::hash::Hash + Eq + Clone + 'static,
    {
        self.0.load_one(id).await.map_err(loaders::error)
    }
}

/// Where the rows come from.
pub struct Crowd {
    /// For what looks the same to everybody and at any time.
    source: Source,
    env: Env,
}

/// Asks how somebody stands to a workspace.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Looking {
    user: UserId,
    workspace: Uuid,
}

impl Loader<Looking> for Crowd {
    type Value = Onlooker;
    type Error = Arc<Fault>;

    async fn load(&self, asked: &[Looking]) -> Loaded<Looking, Onlooker> {
        let pairs: Vec<_> = asked.iter().map(|asked| (asked.user, asked.workspace)).collect();
        let mut connection = self.env.store.read().await.map_err(fault)?;
        let found = onlookers::find_many(&mut connection, &pairs, self.env.clock.now()).await.map_err(fault)?;
        let key = |onlooker: &Onlooker| Looking { user: onlooker.user_id, workspace: onlooker.workspace_id };
        Ok(found.into_iter().map(|onlooker| (key(&onlooker), onlooker)).collect())
    }
}

macro_rules! as_a_request_does {
    ($($id:ty),+) => {$(
        impl Loader<$id> for Crowd {
            type Value = <Source as Loader<$id>>::Value;
            type Error = Arc<Fault>;

            async fn load(&self, ids: &[$id]) -> Loaded<$id, Self::Value> {
                self.source.load(ids).await
            }
        }
    )+};
}

as_a_request_does!(ProjectId, TaskId, JobId, CloudStorageId, OwnershipOfferId);
