//! `guildhall token`: creates access tokens without a password, with the server's key. Works beside a running server.

use std::collections::HashMap;
use std::io::{self, BufRead, BufWriter, Write};

use chrono::TimeDelta;
use clap::Args;

use super::database::CommandDatabase;
use crate::commands::error::CliError;
use crate::config::{DataDirSettings, DatabaseSettings, KeySettings};
use crate::domain::ids::TypedId;
use crate::domain::{Clock, UserId, Username};
use crate::store::{Connection, users};

/// Number of accounts that are looked up in one statement.
const BATCH: usize = 1000;
/// Longest lifetime of a token in minutes: one day. Only the end of its account ends such a token earlier.
const MAX_MINUTES: i64 = 24 * 60;

/// Arguments of the command.
#[derive(Args)]
pub struct Token {
    /// Username or ID (`usr_…`) of the account.
    #[arg(long, value_name = "NAME", required_unless_present = "stdin", conflicts_with = "stdin")]
    user: Option<String>,
    /// Reads one username or ID per line, and writes one token per line, in the same order.
    #[arg(long)]
    stdin: bool,
    /// Lifetime of the tokens, in minutes.
    #[arg(long, value_name = "NUMBER", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=MAX_MINUTES))]
    minutes: u32,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    folders: DataDirSettings,
    #[command(flatten)]
    keys: KeySettings,
}

impl Token {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CliError> {
        let database = CommandDatabase::open_existing(&self.database, &self.folders).await?;
        let result = self.print_tokens(&database).await;
        database.stop().await?;
        result
    }

    async fn print_tokens(&self, database: &CommandDatabase) -> Result<(), CliError> {
        let is_private = self.database.is_private();
        let keys = if is_private { self.keys.load_or_create(&self.folders.data_dir)? } else { self.keys.required()? };
        let names: Vec<String> = match &self.user {
            Some(name) => vec![name.clone()],
            None => io::stdin().lock().lines().collect::<io::Result<_>>()?,
        };
        let names: Vec<&str> = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
        let mut connection = database.connect(1)?.read().await?;
        let mut out = BufWriter::new(io::stdout().lock());
        let (now, lifetime) = (Clock::default().now(), TimeDelta::minutes(self.minutes.into()));
        for batch in names.chunks(BATCH) {
            for user in find(&mut connection, batch).await? {
                writeln!(out, "{}", keys.issue_access_token(user, None, now, lifetime)?.0)?;
            }
        }
        Ok(out.flush()?)
    }
}

/// Returns the accounts with these names or IDs, in the same order. Fails at the first unknown one.
async fn find(connection: &mut Connection, names: &[&str]) -> Result<Vec<UserId>, CliError> {
    let ids: Vec<UserId> = names.iter().filter_map(|name| UserId::parse(name)).collect();
    let usernames: Vec<String> = names.iter().map(|name| Username::lowercase(name)).collect();
    let found = users::find_named(connection, &ids, &usernames).await?;
    let by_name: HashMap<String, UserId> =
        found.into_iter().flat_map(|(id, username)| [(username, id), (id.to_string(), id)]).collect();
    let known = |name: &&str| by_name.get(*name).or_else(|| by_name.get(&Username::lowercase(name))).copied();
    let unknown = |name: &&str| CliError::new(format!("There is no account with the username or ID {name}."));
    names.iter().map(|name| known(name).ok_or_else(|| unknown(name))).collect()
}
