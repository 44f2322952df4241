//! Why no connection could be opened, in one sentence for the operator.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;

use rustls::CertificateError;
use tokio_postgres::Config;
use tokio_postgres::error::SqlState;

use super::options;

/// Why no connection to a host could be opened. Its text names the host, the port and the cause, but no password.
#[derive(Debug)]
pub struct ConnectError {
    place: String,
    cause: String,
    /// Whether the server has answered, so that another kind of encryption may work.
    from_server: bool,
    too_many: bool,
    transient: bool,
}

impl ConnectError {
    pub(super) fn new(host: &Config, error: tokio_postgres::Error) -> Self {
        let too_many = error.code().is_some_and(|code| *code == SqlState::TOO_MANY_CONNECTIONS);
        let mut is_tls = false;
        let mut source: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(cause) = source {
            is_tls |= cause.is::<rustls::Error>();
            source = cause.source().or_else(|| inner(cause));
        }
        let from_server = error.as_db_error().is_some() || is_tls;
        let is_starting = error.code().is_some_and(|code| *code == SqlState::CANNOT_CONNECT_NOW);
        let transient = !from_server || too_many || is_starting;
        Self { place: options::place(host), cause: describe(&error), from_server, too_many, transient }
    }

    pub(super) fn set_up(host: &Config, error: &dyn Error) -> Self {
        let cause = format!("the session could not be set up: {error}");
        Self { place: options::place(host), cause, from_server: false, too_many: false, transient: false }
    }

    pub(super) fn timed_out(host: &Config) -> Self {
        let cause = "it did not answer in time".to_owned();
        Self { place: options::place(host), cause, from_server: false, too_many: false, transient: true }
    }

    pub(super) fn no_host() -> Self {
        let (place, cause) = ("the database".to_owned(), "no host is given".to_owned());
        Self { place, cause, from_server: false, too_many: false, transient: false }
    }

    /// Returns whether the server has answered, so that another kind of encryption may work.
    pub(super) fn is_from_server(&self) -> bool {
        self.from_server
    }

    /// Returns whether a later attempt may succeed without a change of the settings.
    pub fn is_transient(&self) -> bool {
        self.transient
    }

    /// Returns whether the server or the role has no connection left.
    pub fn is_too_many(&self) -> bool {
        self.too_many
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.cause)
    }
}

impl Error for ConnectError {}

/// Returns the error inside an I/O error, which `source` skips.
fn inner<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    error.downcast_ref::<std::io::Error>()?.get_ref().map(|inner| inner as &(dyn Error + 'static))
}

fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(refused) = error.as_db_error() {
        if refused.message().contains("startup parameter") {
            return format!(
                "{}; a pooler does not take the settings of sessions: set DATABASE_DIRECT_URL to a URL past the pooler",
                refused.message()
            );
        }
        return match refused.hint() {
            Some(hint) => format!("{} ({hint})", refused.message()),
            None => refused.message().to_owned(),
        };
    }
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return describe_tls(tls);
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            match io.kind() {
                ErrorKind::ConnectionRefused => return "nothing listens there (connection refused)".to_owned(),
                ErrorKind::UnexpectedEof => return "the server closed the connection during the start".to_owned(),
                _ => {}
            }
            if io.to_string().contains("lookup address") {
                return format!("the host name cannot be resolved ({io})");
            }
        }
        texts.push(cause.to_string());
        source = cause.source().or_else(|| inner(cause));
    }
    texts.dedup();
    texts.join(": ")
}

fn describe_tls(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(bad) = error else {
        return match error {
            rustls::Error::AlertReceived(alert) => format!(
                "the server refused TLS ({alert:?}): it may not accept the client certificate, or require one (sslcert, \
                 sslkey)"
            ),
            other => format!("TLS failed: {other}"),
        };
    };
    match bad {
        CertificateError::UnknownIssuer => "its certificate is not signed by an authority of sslrootcert".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("its certificate is for another host name ({bad})")
        }
        other => format!("its certificate cannot be accepted: {other}"),
    }
}
