//! Opens connections to PostgreSQL as libpq does: with its URLs, variables, password file and TLS modes.

mod error;
mod options;
mod parameters;
mod password_file;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use diesel_async::AsyncPgConnection;
use parking_lot::RwLock;
use rand::seq::SliceRandom;
use tokio::time::timeout;
use tokio_postgres::config::SslMode as Encryption;
use tokio_postgres::{CancelToken, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

pub use self::error::ConnectError;
pub use self::options::{ConnectOptions, OptionsError};
use self::tls::SslMode;

/// Time to open a connection to one host: name look-up, TCP, TLS and authentication.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens connections with one set of options. Cheap to clone.
#[derive(Clone)]
pub struct Connector(Arc<Shared>);

struct Shared {
    options: ConnectOptions,
    /// Replaced when the certificate files are read again.
    tls: Arc<RwLock<MakeRustlsConnect>>,
    /// Reaches the database past the pooler; `None` if there is no pooler.
    direct: Option<Connector>,
}

impl Connector {
    /// Creates a connector. Reads the certificate files, but opens no connection.
    pub fn new(options: ConnectOptions) -> Result<Self, OptionsError> {
        let tls = Arc::new(RwLock::new(tls::connector(&options.tls)?));
        Ok(Self(Arc::new(Shared { options, tls, direct: None })))
    }

    /// Reads the certificate files again, for connections that are opened from now on. After an error the previous
    /// certificates stay in use.
    pub fn reload_certificates(&self) -> Result<(), OptionsError> {
        *self.0.tls.write() = tls::connector(&self.0.options.tls)?;
        self.0.direct.as_ref().map_or(Ok(()), Self::reload_certificates)
    }

    /// Creates a connector to a URL, with the settings of sessions and without libpq's variables.
    pub fn to_url(url: &str) -> Result<Self, OptionsError> {
        Self::new(ConnectOptions::parse(url, |_| None)?.with_session_settings())
    }

    /// Connects through a pooler with this connector, and past it with `direct`, which LISTEN and migrations need.
    pub fn with_direct(self, direct: Self) -> Self {
        Self(Arc::new(Shared { options: self.0.options.clone(), tls: self.0.tls.clone(), direct: Some(direct) }))
    }

    /// Returns a connector whose statements have the time limit of requests.
    pub fn with_statement_timeout(&self) -> Self {
        Self(Arc::new(Shared {
            options: self.0.options.clone().with_statement_timeout(),
            tls: self.0.tls.clone(),
            direct: self.0.direct.clone(),
        }))
    }

    /// Returns the connector that reaches the database itself.
    pub fn direct(&self) -> Self {
        self.0.direct.clone().unwrap_or_else(|| self.clone())
    }

    /// Returns the options that connections are opened with.
    pub fn options(&self) -> &ConnectOptions {
        &self.0.options
    }

    /// Opens a connection to the first host that accepts one.
    #[allow(clippy::disallowed_methods, reason = "the order of hosts is no secret, and is not tested")]
    pub async fn connect(&self) -> Result<AsyncPgConnection, ConnectError> {
        let mut hosts: Vec<&Config> = self.0.options.hosts.iter().collect();
        if self.0.options.random_host {
            hosts.shuffle(&mut rand::rng());
        }
        let mut failure = None;
        for host in hosts {
            match timeout(host.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT), self.connect_to(host)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => failure = Some(error),
                Err(_) => failure = Some(ConnectError::timed_out(host)),
            }
        }
        Err(failure.unwrap_or_else(ConnectError::no_host))
    }

    /// Returns the error of a session that is connected but could not be set up.
    pub(super) fn set_up_error(&self, cause: &diesel::result::Error) -> ConnectError {
        self.0.options.hosts.first().map_or_else(ConnectError::no_host, |host| ConnectError::set_up(host, cause))
    }

    /// Asks the database to cancel the statement of `token`.
    pub async fn cancel(&self, token: CancelToken) -> Result<(), tokio_postgres::Error> {
        let tls = self.0.tls.read().clone();
        token.cancel_query(tls).await
    }

    /// Tries the host with each kind of encryption that the mode allows, in libpq's order.
    async fn connect_to(&self, host: &Config) -> Result<AsyncPgConnection, ConnectError> {
        let kinds: &[Encryption] = match self.0.options.tls.mode {
            _ if options::is_socket(host) => &[Encryption::Disable],
            SslMode::Disable => &[Encryption::Disable],
            SslMode::Allow => &[Encryption::Disable, Encryption::Require],
            SslMode::Prefer => &[Encryption::Prefer, Encryption::Disable],
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => &[Encryption::Require],
        };
        let mut failure = None;
        for kind in kinds {
            match self.attempt(host, *kind).await {
                Ok(connection) => return Ok(connection),
                Err(error) => {
                    let other_kind_may_work = error.is_from_server();
                    // The first failure says more: the second kind of encryption is a fallback.
                    failure.get_or_insert(error);
                    if !other_kind_may_work {
                        break;
                    }
                }
            }
        }
        Err(failure.unwrap_or_else(ConnectError::no_host))
    }

    async fn attempt(&self, host: &Config, encryption: Encryption) -> Result<AsyncPgConnection, ConnectError> {
        let mut config = host.clone();
        config.ssl_mode(encryption);
        let opened = if encryption == Encryption::Disable {
            let (client, connection) = config.connect(NoTls).await.map_err(|cause| ConnectError::new(host, cause))?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        } else {
            let tls = self.0.tls.read().clone();
            let (client, connection) = config.connect(tls).await.map_err(|cause| ConnectError::new(host, cause))?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        };
        opened.map_err(|cause| ConnectError::set_up(host, &cause))
    }
}
