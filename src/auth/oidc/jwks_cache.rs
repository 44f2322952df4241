//! The keys of an issuer that are good now. They are read again from time to time, and when a token names one that is not
//! there: at once, but seldom, whoever asks and however often. While they cannot be read, those that are there go on being used.

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

/// How often keys are read.
#[derive(Clone, Copy, Debug)]
pub struct RefreshPolicy {
    /// At least so long after the last time.
    pub least: Duration,
    /// And then without being asked.
    pub most: Duration,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self { least: Duration::from_secs(10), most: Duration::from_secs(300) }
    }
}

/// The keys, and where they come from. Cheap to clone; the clones share them.
#[derive(Clone)]
pub struct JwksCache {
    source: Arc<JwksSource>,
    pace: RefreshPolicy,
    current: Arc<RwLock<Option<Arc<Jwks>>>>,
    /// When they were last read, or were to be. Held while they are read: who waits for it finds what came of that.
    tried: Arc<Mutex<Option<Instant>>>,
}

impl JwksCache {
    /// One that has read nothing yet.
    pub fn new(source: JwksSource, pace: RefreshPolicy) -> Self {
        Self { source: Arc::new(source), pace, current: Arc::default(), tried: Arc::default() }
    }

    /// The key of that ID for that algorithm, if the issuer has it. Fails while no keys could be read at all.
    pub async fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Option<Arc<Key>>, InternalError> {
        let held = |keys: Option<Arc<Jwks>>| keys.and_then(|keys| keys.find(id, algorithm).cloned());
        if let Some(key) = held(self.current()) {
            return Ok(Some(key));
        }
        self.refresh().await;
        match self.current() {
            None => Err(InternalError::passing("the keys of the issuer could not be read yet")),
            keys => Ok(held(keys)),
        }
    }

    /// Reads the keys from time to time, from now until it is cancelled.
    pub async fn run(self, cancel: CancellationToken) {
        loop {
            self.refresh().await;
            // What is missing is looked for more often than what may have changed.
            let pause = if self.current().is_some() { self.pace.most } else { self.pace.least };
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Reads the keys, unless that was done or tried lately. Whoever comes meanwhile waits for it.
    async fn refresh(&self) {
        let mut tried = Arc::clone(&self.tried).lock_owned().await;
        if tried.is_some_and(|at| at.elapsed() < self.pace.least) {
            return;
        }
        let keyring = self.clone();
        // A task of its own, which a client who goes away does not end: they could have it begun again and again.
        let reading = tokio::spawn(async move {
            match keyring.source.read().await {
                Ok(keys) => *keyring.current.write() = Some(Arc::new(keys)),
                Err(cause) => {
                    tracing::warn!(%cause, "refreshing the issuer's keys failed; the cached keys stay in use")
                }
            }
            *tried = Some(Instant::now());
        });
        if reading.await.is_err() {
            tracing::error!("refreshing the issuer's keys panicked");
        }
    }

    fn current(&self) -> Option<Arc<Jwks>> {
        self.current.read().clone()
    }
}
