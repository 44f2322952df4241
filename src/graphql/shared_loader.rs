//! Batches reads across subscribers: one statement reads the rows that many subscribers request at the same moment.
//! Nothing is cached: every row is read after its request.
//!
//! It does for all subscribers what a data loader does for one request. The loaders of the library use spin locks, and
//! with a thousand concurrent callers, spinning takes longer than all the other work.

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

/// How many times the batch task yields to the runtime before it runs the batch: enough for a thousand subscribers that
/// were woken together to join. Without other ready tasks this takes microseconds. A worker of the runtime polls about
/// sixty tasks at a time.
const YIELDS_BEFORE_BATCH: u32 = 16;

/// The shared loader of the process. Cheap to clone.
#[derive(Clone)]
pub struct SharedLoader(Arc<Inner>);

impl SharedLoader {
    /// Creates a loader without pending requests.
    pub fn new(env: &AppContext) -> Self {
        let source =
            DbLoader { store: env.store.clone(), actor: Arc::new(OnceLock::new()), now: env.clock.now(), began: None };
        Self(Arc::new(Inner { source, env: env.clone(), waiting: Queues::default() }))
    }

    /// Returns the current access of a user to each of the workspaces. Fails with UNAUTHENTICATED if the account no
    /// longer exists.
    pub async fn onlooker(&self, user: UserId, workspaces: Vec<Uuid>) -> Result<HashMap<Uuid, WorkspaceAccess>> {
        let asked = workspaces.into_iter().map(|workspace| AccessKey { user, workspace });
        let found = self.request(asked.collect()).await?;
        if found.is_empty() {
            return Err(Error::Unauthenticated);
        }
        Ok(found.into_iter().map(|(asked, onlooker)| (asked.workspace, onlooker)).collect())
    }

    /// Returns a row that does not depend on the viewer; `None` if it does not exist.
    pub async fn row<K: BatchKey>(&self, id: K) -> Result<Option<K::Row>> {
        Ok(self.request(vec![id]).await?.pop().map(|(_, row)| row))
    }

    async fn request<K: BatchKey>(&self, keys: Vec<K>) -> Result<Vec<(K, K::Row)>> {
        let (answer, answered) = oneshot::channel();
        let is_first = {
            let mut waiting = K::waiting(&self.0.waiting).lock();
            waiting.push(PendingRequest { keys, answer });
            waiting.len() == 1
        };
        if is_first {
            let loader = self.clone();
            tokio::spawn(async move { loader.run_batch::<K>().await });
        }
        let found = answered.await.map_err(|_| InternalError::new("shared batch ended without a result"))?;
        found.map_err(loaders::error)
    }

    /// Loads the keys of all pending requests in one batch and sends each requester its rows.
    async fn run_batch<K: BatchKey>(&self) {
        for _ in 0..YIELDS_BEFORE_BATCH {
            tokio::task::yield_now().await;
        }
        let waiting = std::mem::take(&mut *K::waiting(&self.0.waiting).lock());
        let keys: HashSet<K> = waiting.iter().flat_map(|waits| waits.keys.iter().cloned()).collect();
        let found = K::load(&self.0, &keys.into_iter().collect::<Vec<_>>()).await;
        for PendingRequest { keys, answer } in waiting {
            let own: Answer<K, K::Row> = found.as_ref().map_err(Arc::clone).map(|found| {
                keys.into_iter().filter_map(|key| found.get(&key).cloned().map(|row| (key, row))).collect()
            });
            // A requester that was cancelled has dropped its receiver.
            let _ = answer.send(own);
        }
    }
}

/// The source of the rows, and the pending requests.
pub struct Inner {
    /// Loads rows that do not depend on the viewer or the time.
    source: DbLoader,
    env: AppContext,
    waiting: Queues,
}

/// The pending requests for rows of one kind.
type Queue<K, R> = Mutex<Vec<PendingRequest<K, R>>>;

/// A pending request.
pub struct PendingRequest<K, R> {
    keys: Vec<K>,
    answer: oneshot::Sender<Answer<K, R>>,
}

/// The rows that exist, each with its key.
type Answer<K, R> = std::result::Result<Vec<(K, R)>, Arc<InternalError>>;

/// A key that rows can be requested by.
pub trait BatchKey: Clone + Eq + Hash + Send + Sync + 'static {
    /// The row that is loaded for a key.
    type Row: Clone + Send + Sync + 'static;

    /// Returns the queue of this kind of key.
    fn waiting(waiting: &Queues) -> &Mutex<Vec<PendingRequest<Self, Self::Row>>>;
    /// Loads the rows of these keys.
    fn load(inner: &Inner, keys: &[Self]) -> impl Future<Output = Loaded<Self, Self::Row>> + Send;
}

/// Key of a user's access to a workspace.
#[derive(Clone, PartialEq, Eq, Hash)]
struct AccessKey {
    user: UserId,
    workspace: Uuid,
}

impl BatchKey for AccessKey {
    type Row = WorkspaceAccess;

    fn waiting(waiting: &Queues) -> &Queue<Self, WorkspaceAccess> {
        &waiting.accesses
    }

    async fn load(inner: &Inner, asked: &[Self]) -> Loaded<Self, WorkspaceAccess> {
        let pairs: Vec<_> = asked.iter().map(|asked| (asked.user, asked.workspace)).collect();
        let mut connection = inner.env.store.read().await.map_err(fault)?;
        let found = workspace_access::find_many(&mut connection, &pairs, inner.env.clock.now()).await.map_err(fault)?;
        let key = |onlooker: &WorkspaceAccess| AccessKey { user: onlooker.user_id, workspace: onlooker.workspace_id };
        Ok(found.into_iter().map(|onlooker| (key(&onlooker), onlooker)).collect())
    }
}

macro_rules! rows {
    ($($field:ident: $id:ty),+) => {
        /// The pending requests, one queue for each kind of key.
        #[derive(Default)]
        pub struct Queues {
            accesses: Queue<AccessKey, WorkspaceAccess>,
            $($field: Queue<$id, <$id as BatchKey>::Row>,)+
        }

        $(impl BatchKey for $id {
            type Row = <DbLoader as Loader<$id>>::Value;

            fn waiting(waiting: &Queues) -> &Queue<Self, Self::Row> {
                &waiting.$field
            }

            async fn load(inner: &Inner, ids: &[Self]) -> Loaded<Self, Self::Row> {
                inner.source.load(ids).await
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
