//! The options of a connection, from a URL (or a `key=value` string) and libpq's environment variables.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, LoadBalanceHosts};

use super::parameters::{Parameters, names_port};
use super::password_file;
use super::tls::TlsOptions;

/// Folders in which PostgreSQL puts its socket, for options that name no host.
const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];
const DEFAULT_PORT: u16 = 5432;

/// A silent connection is given up after this time: unacknowledged data.
const USER_TIMEOUT: Duration = Duration::from_secs(10);
/// An idle connection is probed after this time, and again each time it has passed.
const KEEPALIVE: Duration = Duration::from_secs(5);
/// Unanswered probes after which a connection is given up.
const KEEPALIVE_RETRIES: u32 = 2;

/// Settings of sessions, sent when a direct connection starts. Through a pooler, `guildhall grants` sets them on the role.
const SESSION: [(&str, &str); 9] = [
    // Every statement looks rows up by keys: the same plan serves all values, and making a new one takes longer than
    // running it.
    ("plan_cache_mode", "force_generic_plan"),
    // Most keys are looked up once: remembering their rows costs more than it saves.
    ("enable_memoize", "off"),
    // Statements run for milliseconds: compiling them takes longer.
    ("jit", "off"),
    // A statement that waits longer for a lock gives its connection back.
    ("lock_timeout", "5s"),
    // A process that vanished must not hold locks, or events of later transactions, back.
    ("idle_in_transaction_session_timeout", "15s"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "2"),
    ("tcp_user_timeout", "10000"),
];
/// Time limit of a statement that a request sent.
const STATEMENT_TIMEOUT: (&str, &str) = ("statement_timeout", "30s");

/// Why the options of a connection cannot be used: a sentence without the password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OptionsError(String);

impl OptionsError {
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// The options of a connection to a database that may run on one of several hosts.
#[derive(Clone)]
pub struct ConnectOptions {
    /// One configuration for each host, in the order in which they are tried.
    pub(super) hosts: Vec<Config>,
    pub(super) random_host: bool,
    pub(super) tls: TlsOptions,
    /// See [`ConnectOptions::with_session_settings`].
    pub(super) has_session_settings: bool,
    /// Whether statements have the time limit of requests.
    pub(super) has_statement_timeout: bool,
}

impl ConnectOptions {
    /// Reads the options from a URL such as `postgres://user@host/database?sslmode=verify-full`, or a string of
    /// `key=value` pairs. Options that it lacks come from libpq's environment variables, which `variable` looks up.
    pub fn parse(url: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, OptionsError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut parameters = Parameters::default();
        let mut config = parameters.split_off(url)?;
        fill(&mut config, &variable)?;
        let tls = parameters.tls(&config, &variable)?;
        let user_timeout = match &parameters.user_timeout {
            None => USER_TIMEOUT,
            Some(text) => Duration::from_millis(text.parse().map_err(|_| wrong("tcp_user_timeout", "milliseconds"))?),
        };
        config.tcp_user_timeout(user_timeout);
        let password_file = parameters.password_file.map(PathBuf::from).or_else(|| default_password_file(&variable));
        let ports = match variable("PGPORT").filter(|_| !names_port(url)) {
            Some(ports) => ports.split(',').map(str::parse).collect::<Result<_, _>>(),
            None => Ok(config.get_ports().to_vec()),
        };
        let ports: Vec<u16> = ports.map_err(|_| wrong("PGPORT", "a port number"))?;
        let hosts =
            single_hosts(&config, &ports)?.into_iter().map(|host| with_password(host, password_file.as_deref()));
        let random_host = config.get_load_balance_hosts() == LoadBalanceHosts::Random;
        Ok(Self { hosts: hosts.collect(), random_host, tls, has_session_settings: false, has_statement_timeout: false })
    }

    /// Adds the settings of sessions as parameters of the start, which a pooler does not take.
    pub fn with_session_settings(mut self) -> Self {
        self.has_session_settings = true;
        self.prepend(&SESSION)
    }

    /// Adds the time limit of requests' statements, unless sessions start without settings.
    pub(super) fn with_statement_timeout(mut self) -> Self {
        self.has_statement_timeout = true;
        if self.has_session_settings { self.prepend(&[STATEMENT_TIMEOUT]) } else { self }
    }

    /// Returns whether statements have the time limit of requests.
    pub(in crate::store) fn has_statement_timeout(&self) -> bool {
        self.has_statement_timeout
    }

    /// Puts settings before those of the operator, which win.
    fn prepend(mut self, settings: &[(&str, &str)]) -> Self {
        let ours: String = settings.iter().map(|(name, value)| format!("-c {name}={value} ")).collect();
        for host in &mut self.hosts {
            let theirs = host.get_options().unwrap_or_default();
            host.options(format!("{ours}{theirs}").trim_end());
        }
        self
    }

    /// Returns whether the settings of sessions are sent when a connection starts.
    pub(in crate::store) fn has_session_settings(&self) -> bool {
        self.has_session_settings
    }

    /// Returns the names and values of the settings that sessions need, with the time limit of statements.
    pub fn session_settings() -> impl Iterator<Item = (&'static str, &'static str)> {
        SESSION.into_iter().chain([STATEMENT_TIMEOUT])
    }
}

/// Shows hosts, ports and the database, but no password.
impl fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.hosts.iter().map(place)).finish()
    }
}

/// Returns `host:port`, or the path of the socket.
pub(super) fn place(host: &Config) -> String {
    let port = host.get_ports().first().copied().unwrap_or(DEFAULT_PORT);
    match host.get_hosts().first() {
        Some(Host::Tcp(name)) if name.contains(':') => format!("[{name}]:{port}"),
        Some(Host::Tcp(name)) => format!("{name}:{port}"),
        Some(Host::Unix(folder)) => format!("{}/.s.PGSQL.{port}", folder.display()),
        None => format!("localhost:{port}"),
    }
}

/// Returns whether the connection goes through a Unix socket, where TLS does not exist.
pub(super) fn is_socket(host: &Config) -> bool {
    matches!(host.get_hosts().first(), Some(Host::Unix(_)))
}

pub(super) fn wrong(option: &str, expected: &str) -> OptionsError {
    OptionsError::new(format!("{option} must be {expected}"))
}

/// Fills what the configuration lacks from libpq's variables and defaults.
fn fill(config: &mut Config, variable: &impl Fn(&str) -> Option<String>) -> Result<(), OptionsError> {
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        for host in variable("PGHOST").iter().flat_map(|hosts| hosts.split(',')) {
            config.host(host);
        }
        for address in variable("PGHOSTADDR").iter().flat_map(|addresses| addresses.split(',')) {
            config.hostaddr(address.parse().map_err(|_| wrong("PGHOSTADDR", "an IP address"))?);
        }
    }
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        match SOCKET_FOLDERS.iter().find(|folder| Path::new(folder).join(".s.PGSQL.5432").exists()) {
            Some(folder) => config.host_path(folder),
            None => config.host("localhost"),
        };
    }
    if let (None, Some(user)) = (config.get_user(), variable("PGUSER").or_else(|| variable("USER"))) {
        config.user(user);
    }
    if let (None, Some(name)) = (config.get_dbname(), variable("PGDATABASE")) {
        config.dbname(name);
    }
    if let (None, Some(password)) = (config.get_password(), variable("PGPASSWORD")) {
        config.password(password);
    }
    if let (None, Some(options)) = (config.get_options(), variable("PGOPTIONS")) {
        config.options(options);
    }
    if config.get_application_name().is_none() {
        config.application_name(variable("PGAPPNAME").unwrap_or_else(|| "guildhall".to_owned()));
    }
    if let (None, Some(seconds)) = (config.get_connect_timeout(), variable("PGCONNECT_TIMEOUT")) {
        let seconds = seconds.parse().map_err(|_| wrong("PGCONNECT_TIMEOUT", "seconds"))?;
        if seconds > 0 {
            config.connect_timeout(Duration::from_secs(seconds));
        }
    }
    // The driver's default for the first probe is two hours: the operator has not set it.
    if config.get_keepalives_idle() == Duration::from_secs(2 * 60 * 60) {
        config.keepalives_idle(KEEPALIVE);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(KEEPALIVE);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(KEEPALIVE_RETRIES);
    }
    Ok(())
}

/// Splits a configuration of several hosts into one for each, so that an error can say which host it is about.
fn single_hosts(config: &Config, ports: &[u16]) -> Result<Vec<Config>, OptionsError> {
    let (hosts, addresses) = (config.get_hosts(), config.get_hostaddrs());
    let count = hosts.len().max(addresses.len());
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
        return Err(OptionsError::new("there must be as many host addresses as hosts"));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(OptionsError::new("there must be one port, or as many as hosts"));
    }
    Ok((0..count)
        .map(|index| {
            let mut single = Config::new();
            match hosts.get(index) {
                Some(Host::Tcp(name)) => drop(single.host(name)),
                Some(Host::Unix(folder)) => drop(single.host_path(folder)),
                // TLS needs a name to check, even if it is an address.
                None => drop(addresses.get(index).map(|address| single.host(address.to_string()))),
            }
            if let Some(address) = addresses.get(index) {
                single.hostaddr(*address);
            }
            single.port(ports.get(index).or(ports.first()).copied().unwrap_or(DEFAULT_PORT));
            copy_common(config, &mut single);
            single
        })
        .collect())
}

fn copy_common(from: &Config, to: &mut Config) {
    from.get_user().map(|user| to.user(user));
    from.get_password().map(|password| to.password(password));
    from.get_dbname().map(|name| to.dbname(name));
    from.get_options().map(|options| to.options(options));
    from.get_application_name().map(|name| to.application_name(name));
    from.get_connect_timeout().map(|time| to.connect_timeout(*time));
    from.get_tcp_user_timeout().map(|time| to.tcp_user_timeout(*time));
    from.get_keepalives_interval().map(|time| to.keepalives_interval(time));
    from.get_keepalives_retries().map(|count| to.keepalives_retries(count));
    to.keepalives(from.get_keepalives());
    to.keepalives_idle(from.get_keepalives_idle());
    to.ssl_negotiation(from.get_ssl_negotiation());
    to.target_session_attrs(from.get_target_session_attrs());
    to.channel_binding(from.get_channel_binding());
}

fn default_password_file(variable: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    variable("PGPASSFILE").map(PathBuf::from).or_else(|| variable("HOME").map(|home| Path::new(&home).join(".pgpass")))
}

/// Looks the password up in the password file, if the options have none.
fn with_password(mut host: Config, file: Option<&Path>) -> Config {
    let (None, Some(file), Some(user)) = (host.get_password(), file, host.get_user().map(str::to_owned)) else {
        return host;
    };
    let name = match host.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        // libpq looks a socket in its default folder up as localhost, and any other by its folder.
        Some(Host::Unix(folder)) if SOCKET_FOLDERS.iter().any(|default| Path::new(default) == folder) => {
            "localhost".to_owned()
        }
        Some(Host::Unix(folder)) => folder.display().to_string(),
        None => "localhost".to_owned(),
    };
    let port = host.get_ports().first().copied().unwrap_or(DEFAULT_PORT);
    let database = host.get_dbname().unwrap_or(&user).to_owned();
    if let Some(password) = password_file::find(file, &name, port, &database, &user) {
        host.password(password);
    }
    host
}

#[cfg(test)]
mod tests {
    use super::super::tls::SslMode;
    use super::*;

    fn parse(url: &str) -> Result<ConnectOptions, OptionsError> {
        ConnectOptions::parse(url, |_| None)
    }

    fn with(url: &str, variables: &[(&str, &str)]) -> ConnectOptions {
        let found = |name: &str| variables.iter().find(|pair| pair.0 == name).map(|pair| pair.1.to_owned());
        ConnectOptions::parse(url, found).unwrap()
    }

    fn places(options: &ConnectOptions) -> Vec<String> {
        options.hosts.iter().map(place).collect()
    }

    #[test]
    fn a_url_names_hosts_ports_and_tls() {
        let options = parse("postgres://me:pw@a,b:6000/db?sslmode=require&tcp_user_timeout=2500&keepalives_count=7");
        let options = options.unwrap();
        assert_eq!(places(&options), ["a:5432", "b:6000"]);
        assert_eq!(options.tls.mode, SslMode::Require);
        let host = &options.hosts[1];
        assert_eq!((host.get_user(), host.get_dbname()), (Some("me"), Some("db")));
        assert_eq!(host.get_tcp_user_timeout(), Some(&Duration::from_millis(2500)), "libpq's unit is milliseconds");
        assert_eq!(host.get_keepalives_retries(), Some(7));
        assert_eq!(host.get_keepalives_idle(), KEEPALIVE);
    }

    #[test]
    fn a_socket_and_pairs_are_read_like_a_url() {
        for text in ["postgres://me@/db?host=%2Ftmp%2Fa%20b", "host='/tmp/a b' user=me dbname=db"] {
            let options = parse(text).unwrap();
            assert_eq!(places(&options), ["/tmp/a b/.s.PGSQL.5432"], "{text}");
            assert_eq!(options.tls.mode, SslMode::Disable, "{text}");
        }
    }

    #[test]
    fn variables_fill_what_the_url_lacks() {
        let variables =
            [("PGHOST", "x,y"), ("PGPORT", "7000"), ("PGUSER", "u"), ("PGDATABASE", "d"), ("PGSSLMODE", "disable")];
        let options = with("", &variables);
        assert_eq!(places(&options), ["x:7000", "y:7000"]);
        assert_eq!((options.hosts[0].get_user(), options.hosts[0].get_dbname()), (Some("u"), Some("d")));
        assert_eq!(options.tls.mode, SslMode::Disable);
        let options = with("postgres://me@z/mine?sslmode=prefer", &variables);
        assert_eq!((places(&options), options.tls.mode), (vec!["z:7000".to_owned()], SslMode::Prefer));
        assert_eq!(options.hosts[0].get_dbname(), Some("mine"));
    }

    #[test]
    fn what_contradicts_or_is_unknown_is_refused_with_a_sentence() {
        for (url, sentence) in [
            ("postgres://h/d?sslmode=sometimes", "sslmode must be disable"),
            ("postgres://h/d?sslmode=require&sslrootcert=system", "needs sslmode=verify-full"),
            ("postgres://h/d?sslcert=/x", "sslcert needs sslkey"),
            ("postgres://h/d?sslnegotiation=direct&sslmode=prefer", "needs sslmode=require"),
            ("postgres://h/d?gssencmode=require", "GSS"),
            ("postgres://h/d?nonsense=1", "nonsense"),
            ("postgres://h/d?sslcrl=/x", "sslcrl is not supported"),
            ("mysql://h/d", "postgres://"),
            ("host=a hostaddr=1.2.3.4,5.6.7.8", "as many"),
        ] {
            let error = parse(url).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(sentence), "{url}: {error}");
        }
    }

    #[test]
    fn a_password_is_never_in_an_error() {
        for url in ["postgres://me:hunter2@h:port/d", "postgres://me:hunter2@h/d?nonsense=1", "password=hunter2 x"] {
            let error = parse(url).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(!error.is_empty() && !error.contains("hunter2"), "{error}");
        }
    }
}
