//! Settings of the database.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use crate::config::validate::{self, ConfigError};

/// Settings of the database.
#[derive(Args, Clone)]
pub struct DatabaseSettings {
    /// URL of a PostgreSQL database, such as `postgres://user:password@host/guildhall?sslmode=verify-full`.
    /// [default: the PG* variables of libpq, if PGHOST or PGDATABASE is set]
    #[arg(long, global = true, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<SecretString>,
    /// File that contains `DATABASE_URL`.
    #[arg(long, global = true, env = "DATABASE_URL_FILE", value_name = "FILE")]
    pub database_url_file: Option<PathBuf>,
    /// URL that reaches the database past a pooler, for LISTEN and migrations, when `DATABASE_URL` goes through a pooler.
    #[arg(long, global = true, env = "DATABASE_DIRECT_URL", value_name = "URL", hide_env_values = true)]
    pub database_direct_url: Option<SecretString>,
    /// File that contains `DATABASE_DIRECT_URL`.
    #[arg(long, global = true, env = "DATABASE_DIRECT_URL_FILE", value_name = "FILE")]
    pub database_direct_url_file: Option<PathBuf>,
    /// Starts a private PostgreSQL in the data folder, instead of using the one at `DATABASE_URL`.
    #[arg(long, global = true, env = "GUILDHALL_EMBEDDED", value_parser = clap::builder::BoolishValueParser::new())]
    pub embedded: bool,
}

/// The database that the settings choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseSource {
    /// A database at a URL; an empty URL takes everything from libpq's variables.
    Url {
        /// `DATABASE_URL`.
        url: String,
        /// `DATABASE_DIRECT_URL`. `None`: `url` does not go through a pooler.
        direct: Option<String>,
    },
    /// The private PostgreSQL of the data folder.
    Embedded,
}

impl DatabaseSettings {
    /// Returns the chosen database; an error if none or both are set, or if a file cannot be read.
    pub fn source(&self) -> Result<DatabaseSource, ConfigError> {
        self.source_with(|name| std::env::var(name).ok())
    }

    fn source_with(&self, variable: impl Fn(&str) -> Option<String>) -> Result<DatabaseSource, ConfigError> {
        let file = self.database_url_file.as_deref();
        let url = validate::secret(self.database_url.as_ref(), file, "DATABASE_URL")?;
        let file = self.database_direct_url_file.as_deref();
        let direct = validate::secret(self.database_direct_url.as_ref(), file, "DATABASE_DIRECT_URL")?;
        let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let has_variables = ["PGHOST", "PGHOSTADDR", "PGDATABASE"].into_iter().any(is_set);
        match (url, self.embedded) {
            (Some(url), false) => Ok(DatabaseSource::Url { url, direct }),
            (None, true) if direct.is_none() => Ok(DatabaseSource::Embedded),
            (_, true) => Err(ConfigError::new("Set DATABASE_URL or --embedded, not both.")),
            (None, false) if has_variables => Ok(DatabaseSource::Url { url: String::new(), direct }),
            (None, false) => Err(ConfigError::new(
                "No database is configured: set DATABASE_URL, or start a private PostgreSQL with --embedded.",
            )),
        }
    }

    /// Returns whether no database at a URL is configured, so that the private PostgreSQL of a running server is meant.
    pub fn is_private(&self) -> bool {
        !matches!(self.source(), Ok(DatabaseSource::Url { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: Option<&str>, embedded: bool) -> DatabaseSettings {
        DatabaseSettings {
            database_url: url.map(SecretString::from),
            database_url_file: None,
            database_direct_url: None,
            database_direct_url_file: None,
            embedded,
        }
    }

    #[test]
    fn source_takes_the_url_the_variables_or_the_private_cluster() {
        let nothing = |_: &str| None;
        let url = |url: &str| DatabaseSource::Url { url: url.to_owned(), direct: None };
        assert_eq!(settings(Some("postgres://h/d"), false).source_with(nothing), Ok(url("postgres://h/d")));
        assert_eq!(settings(Some(" "), true).source_with(nothing), Ok(DatabaseSource::Embedded));
        let host = |name: &str| (name == "PGHOST").then(|| "h".to_owned());
        assert_eq!(settings(None, false).source_with(host), Ok(url("")));
        assert_eq!(settings(None, true).source_with(host), Ok(DatabaseSource::Embedded));
        assert!(settings(Some("postgres://h/d"), true).source_with(nothing).is_err());
        assert!(settings(None, false).source_with(nothing).is_err());
    }

    #[test]
    fn source_reads_the_url_from_a_file() {
        let file = std::env::temp_dir().join(format!("guildhall-url-{}", std::process::id()));
        std::fs::write(&file, "postgres://h/d\n").unwrap();
        let with_file = DatabaseSettings { database_url_file: Some(file.clone()), ..settings(None, false) };
        let url = DatabaseSource::Url { url: "postgres://h/d".to_owned(), direct: None };
        assert_eq!(with_file.source_with(|_| None), Ok(url));
        let both = DatabaseSettings { database_url: Some("postgres://x/y".into()), ..with_file.clone() };
        assert!(both.source_with(|_| None).unwrap_err().to_string().contains("not both"));
        std::fs::remove_file(&file).unwrap();
        assert!(with_file.source_with(|_| None).unwrap_err().to_string().contains("DATABASE_URL_FILE"));
    }
}
