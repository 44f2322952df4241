//! A cache of the issuer's keys. It is refreshed periodically, and also when a token has an unknown key ID, but never
//! more often than the policy allows. If a refresh fails, the cached keys stay in use.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use parking_lot::RwLock;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::auth::oidc::jwks::{Jwks, Key};
use crate::auth::oidc::jwks_source::JwksSource;
use crate::domain::InternalError;

/// How often the keys are refreshed.
#[derive(Clone, Copy, Debug)]
pub struct RefreshPolicy {
    /// Minimum time between two refreshes.
    pub least: Duration,
    /// Time after which the keys are refreshed without a request.
    pub most: Duration,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self { least: Duration::from_secs(10), most: Duration::from_secs(300) }
    }
}

/// The cached keys with their source. Clones share the keys.
#[derive(Clone)]
pub struct JwksCache {
    source: Arc<JwksSource>,
    policy: RefreshPolicy,
    current: Arc<RwLock<Option<Arc<Jwks>>>>,
    /// Time of the last refresh, also a failed one. Locked during a refresh, so that concurrent callers wait for its
    /// result.
    refreshed_at: Arc<Mutex<Option<Instant>>>,
}

impl JwksCache {
    /// Creates an empty cache.
    pub fn new(source: JwksSource, policy: RefreshPolicy) -> Self {
        Self { source: Arc::new(source), policy, current: Arc::default(), refreshed_at: Arc::default() }
    }

    /// Returns the key with that ID and algorithm; `None` if the issuer does not have it. Fails with a transient error
    /// as long as no keys could be read.
    pub async fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Option<Arc<Key>>, InternalError> {
        let find = |keys: Option<Arc<Jwks>>| keys.and_then(|keys| keys.find(id, algorithm).cloned());
        if let Some(key) = find(self.current()) {
            return Ok(Some(key));
        }
        self.refresh().await;
        match self.current() {
            None => Err(InternalError::transient("the keys of the issuer could not be read yet")),
            keys => Ok(find(keys)),
        }
    }

    /// Refreshes the keys periodically until it is cancelled.
    pub async fn run(self, cancel: CancellationToken) {
        loop {
            self.refresh().await;
            // Without keys, it tries again sooner.
            let pause = if self.current().is_some() { self.policy.most } else { self.policy.least };
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Reads the keys, unless that was tried within the minimum time. Concurrent callers wait for the same read.
    async fn refresh(&self) {
        let mut refreshed_at = Arc::clone(&self.refreshed_at).lock_owned().await;
        if refreshed_at.is_some_and(|at| at.elapsed() < self.policy.least) {
            return;
        }
        let cache = self.clone();
        // A separate task, so that a cancelled request does not cancel the refresh: otherwise clients could start it
        // repeatedly.
        let reading = tokio::spawn(async move {
            match cache.source.read().await {
                Ok(keys) => *cache.current.write() = Some(Arc::new(keys)),
                Err(cause) => {
                    tracing::warn!(%cause, "refreshing the issuer's keys failed; the cached keys stay in use")
                }
            }
            *refreshed_at = Some(Instant::now());
        });
        if reading.await.is_err() {
            tracing::error!("refreshing the issuer's keys panicked");
        }
    }

    fn current(&self) -> Option<Arc<Jwks>> {
        self.current.read().clone()
    }
}
