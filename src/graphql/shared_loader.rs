//! Asks for all who listen together: what many subscribers need to know at the same moment is read in one statement. Nothing
//! is kept. Whatever is answered was read after it was asked for.
//!
//! It is what a loader does for one request, for all at once. The loaders of the library lock by spinning, which takes longer
//! than all the rest when a thousand ask at a time.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use async_graphql::dataloader::Loader;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::domain::{CloudStorageId, Error, InternalError, JobId, OwnershipOfferId, ProjectId, Result, TaskId, UserId};
use crate::graphql::loaders;
use crate::graphql::loaders::{DbLoader, Loaded, fault};
use crate::operations::AppContext;
use crate::store::workspace_access;
use crate::store::workspace_access::WorkspaceAccess;

/// How often whoever is ready to ask may do so before all are asked for: enough for a thousand who were woken together. Where
/// nobody is, it takes microseconds. A worker of the runtime lets some sixty have their turn at a time.
const TURNS: u32 = 16;

/// One for the whole process. Cheap to clone.
#[derive(Clone)]
pub struct SharedLoader(Arc<Inner>);

impl SharedLoader {
    /// One that nobody has asked yet.
    pub fn new(env: &AppContext) -> Self {
        let source =
            DbLoader { store: env.store.clone(), actor: Arc::new(OnceLock::new()), now: env.clock.now(), began: None };
        Self(Arc::new(Inner { source, env: env.clone(), waiting: PendingRequest::default() }))
    }

    /// A user as they stand now to each of the workspaces. UNAUTHENTICATED if their account is gone.
    pub async fn onlooker(&self, user: UserId, workspaces: Vec<Uuid>) -> Result<HashMap<Uuid, WorkspaceAccess>> {
        let asked = workspaces.into_iter().map(|workspace| BatchKey { user, workspace });
        let found = self.ask(asked.collect()).await?;
        if found.is_empty() {
            return Err(Error::Unauthenticated);
        }
        Ok(found.into_iter().map(|(asked, onlooker)| (asked.workspace, onlooker)).collect())
    }

    /// A row that looks the same to everybody, if it is there.
    pub async fn row<K: AccessKey>(&self, id: K) -> Result<Option<K::Row>> {
        Ok(self.ask(vec![id]).await?.pop().map(|(_, row)| row))
    }

    async fn ask<K: AccessKey>(&self, keys: Vec<K>) -> Result<Vec<(K, K::Row)>> {
        let (answer, answered) = oneshot::channel();
        let is_first = {
            let mut waiting = K::waiting(&self.0.waiting).lock();
            waiting.push(Queues { keys, answer });
            waiting.len() == 1
        };
        if is_first {
            let audience = self.clone();
            tokio::spawn(async move { audience.answer::<K>().await });
        }
        let found = answered.await.map_err(|_| InternalError::new("what was asked for all was not answered"))?;
        found.map_err(loaders::error)
    }

    /// Answers all who wait by then.
    async fn answer<K: AccessKey>(&self) {
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        let waiting = std::mem::take(&mut *K::waiting(&self.0.waiting).lock());
        let keys: HashSet<K> = waiting.iter().flat_map(|waits| waits.keys.iter().cloned()).collect();
        let found = K::load(&self.0, &keys.into_iter().collect::<Vec<_>>()).await;
        for Queues { keys, answer } in waiting {
            let own: Answer<K, K::Row> = found.as_ref().map_err(Arc::clone).map(|found| {
                keys.into_iter().filter_map(|key| found.get(&key).cloned().map(|row| (key, row))).collect()
            });
            // Who does not wait any more has no need of it.
            let _ = answer.send(own);
        }
    }
}

/// Where the rows come from, and who waits for them.
pub struct Inner {
    /// For what looks the same to everybody and at any time.
    source: DbLoader,
    env: AppContext,
    waiting: PendingRequest,
}

/// Those who wait for rows of one kind.
type Queue<K, R> = Mutex<Vec<Queues<K, R>>>;

/// One who waits.
pub struct Queues<K, R> {
    keys: Vec<K>,
    answer: oneshot::Sender<Answer<K, R>>,
}

/// The rows that are there, with what they were asked for by.
type Answer<K, R> = std::result::Result<Vec<(K, R)>, Arc<InternalError>>;

/// What can be asked for.
pub trait AccessKey: Clone + Eq + Hash + Send + Sync + 'static {
    /// What is answered.
    type Row: Clone + Send + Sync + 'static;

    /// Those who wait for it.
    fn waiting(waiting: &PendingRequest) -> &Mutex<Vec<Queues<Self, Self::Row>>>;
    /// Reads it.
    fn load(crowd: &Inner, keys: &[Self]) -> impl Future<Output = Loaded<Self, Self::Row>> + Send;
}

/// Asks how somebody stands to a workspace.
#[derive(Clone, PartialEq, Eq, Hash)]
struct BatchKey {
    user: UserId,
    workspace: Uuid,
}

impl AccessKey for BatchKey {
    type Row = WorkspaceAccess;

    fn waiting(waiting: &PendingRequest) -> &Queue<Self, WorkspaceAccess> {
        &waiting.lookings
    }

    async fn load(crowd: &Inner, asked: &[Self]) -> Loaded<Self, WorkspaceAccess> {
        let pairs: Vec<_> = asked.iter().map(|asked| (asked.user, asked.workspace)).collect();
        let mut connection = crowd.env.store.read().await.map_err(fault)?;
        let found = workspace_access::find_many(&mut connection, &pairs, crowd.env.clock.now()).await.map_err(fault)?;
        let key = |onlooker: &WorkspaceAccess| BatchKey { user: onlooker.user_id, workspace: onlooker.workspace_id };
        Ok(found.into_iter().map(|onlooker| (key(&onlooker), onlooker)).collect())
    }
}

macro_rules! rows {
    ($($field:ident: $id:ty),+) => {
        /// Those who wait, by what they wait for.
        #[derive(Default)]
        pub struct PendingRequest {
            lookings: Queue<BatchKey, WorkspaceAccess>,
            $($field: Queue<$id, <$id as AccessKey>::Row>,)+
        }

        $(impl AccessKey for $id {
            type Row = <DbLoader as Loader<$id>>::Value;

            fn waiting(waiting: &PendingRequest) -> &Queue<Self, Self::Row> {
                &waiting.$field
            }

            async fn load(crowd: &Inner, ids: &[Self]) -> Loaded<Self, Self::Row> {
                crowd.source.load(ids).await
            }
        })+
    };
}

rows!(
    projects: ProjectId,
    tasks: TaskId,
    jobs: JobId,
    cloud_storages: CloudStorageId,
    ownership_offers: OwnershipOfferId
);
