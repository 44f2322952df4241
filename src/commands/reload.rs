//! Reads keys, certificates of the database and trusted documents again at SIGHUP.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::auth::key_ring::KeyRing;
use crate::config::ConfigError;
use crate::domain::encryption::SealingKeys;
use crate::graphql::documents::{Documents, TrustedDocuments};
use crate::store::Connector;

/// What is read again, and how.
pub struct Reload<K, D> {
    /// The keys in use.
    pub keys: Arc<KeyRing>,
    /// Reads the configured keys.
    pub read_keys: K,
    /// The documents in use.
    pub documents: Arc<Documents>,
    /// Reads the trusted documents; `None` if all documents may run.
    pub read_documents: D,
    /// The connector with the certificates.
    pub connector: Connector,
}

impl<K, D> Reload<K, D>
where
    K: Fn() -> Result<KeyRing, ConfigError> + Send + 'static,
    D: Fn() -> Result<Option<Arc<TrustedDocuments>>, ConfigError> + Send + 'static,
{
    /// Reloads at each SIGHUP until `cancel` is cancelled.
    #[cfg(unix)]
    pub fn spawn(self, cancel: CancellationToken) -> std::io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hangups = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            while let Some(Some(())) = cancel.run_until_cancelled(hangups.recv()).await {
                self.reload();
            }
        });
        Ok(())
    }

    /// Does nothing: there is no SIGHUP on this system.
    #[cfg(not(unix))]
    pub fn spawn(self, _: CancellationToken) -> std::io::Result<()> {
        Ok(())
    }

    /// Replaces everything that can be read; what cannot be read stays as it is.
    fn reload(&self) {
        match (self.read_keys)() {
            Ok(keys) => {
                self.keys.replace(keys);
                tracing::info!(fingerprints = ?self.keys.fingerprints(), "reloaded signing keys");
            }
            Err(error) => tracing::error!(%error, "signing keys not reloaded"),
        }
        match self.connector.reload_certificates() {
            Ok(()) => tracing::info!("reloaded certificates"),
            Err(error) => tracing::error!(%error, "certificates not reloaded"),
        }
        match (self.read_documents)() {
            Ok(trusted) => {
                self.documents.replace_trusted(trusted);
                tracing::info!("reloaded trusted documents");
            }
            Err(error) => tracing::error!(%error, "trusted documents not reloaded"),
        }
    }
}
