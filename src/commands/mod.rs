//! The commands of the executable, one sub-command per file. Every error is printed as a sentence on standard error.

mod admin;
mod database;
mod demo;
mod error;
mod grants;
mod http;
mod import;
mod keys;
mod migrate;
mod reload;
mod schema;
mod seed;
mod serve;
mod token;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use error::CliError;

/// Organizations, memberships, invitations and roles as a GraphQL server on PostgreSQL.
#[derive(Parser)]
#[command(name = "guildhall", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves demo data on a private PostgreSQL, without any setup.
    Demo(demo::Demo),
    /// Runs the server.
    Serve(Box<serve::Serve>),
    /// Migrates a database to the current schema.
    Migrate(migrate::Migrate),
    /// Prints the SQL statements that give a role the rights to run the server.
    Grants(grants::Grants),
    /// Prints the GraphQL schema.
    Schema,
    /// Creates access tokens, for scripts and load tests.
    Token(token::Token),
    /// Lists, adds and removes signing keys.
    Keys(Box<keys::Keys>),
    /// Grants or revokes site administration.
    Admin(admin::Admin),
    /// Fills an empty database with a large data set, for load tests.
    Seed(seed::SeedArguments),
    /// Imports data from another system.
    Import(import::Import),
}

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    let result = Cli::try_parse().map_err(CliError::from).and_then(|cli| match cli.command {
        Command::Schema => schema::run(),
        Command::Grants(grants) => grants.run(),
        command => on_runtime(command),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn on_runtime(command: Command) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        match command {
            Command::Demo(demo) => demo.run().await,
            Command::Serve(serve) => serve.run().await,
            Command::Migrate(migrate) => migrate.run().await,
            Command::Schema => schema::run(),
            Command::Grants(grants) => grants.run(),
            Command::Token(token) => token.run().await,
            Command::Keys(keys) => keys.run().await,
            Command::Admin(admin) => admin.run().await,
            Command::Seed(seed) => seed.run().await,
            Command::Import(import) => import.run().await,
        }
    });
    // Tasks that a hard shutdown has cut off get only this time.
    runtime.shutdown_timeout(Duration::from_millis(500));
    result
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn database_settings_are_accepted_before_and_after_a_sub_command() {
        for (command, sub) in [("admin", "grant"), ("admin", "revoke"), ("import", "cvat")] {
            for arguments in
                [[command, "--embedded", "--data-dir=x", sub, "a"], [command, sub, "--data-dir=x", "a", "--embedded"]]
            {
                let cli = Cli::try_parse_from([&["guildhall"], arguments.as_slice()].concat()).unwrap();
                let (database, folders) = match cli.command {
                    Command::Admin(admin) => (admin.database, admin.folders),
                    Command::Import(import) => (import.database, import.folders),
                    _ => panic!("{arguments:?}"),
                };
                assert!(database.embedded && folders.data_dir.ends_with("x"), "{arguments:?}");
            }
        }
    }

    #[test]
    fn command_line_errors_fit_in_one_line() {
        for (arguments, says) in [
            (vec!["serve", "--listen", "nowhere"], "--listen"),
            (vec!["serve", "--invitation-expiry-days", "0"], "1..=365"),
            (vec!["serve", "--sign-up", "perhaps"], "--sign-up"),
            (vec!["token"], "--user"),
            (vec!["dance"], "dance"),
        ] {
            let failure = CliError::from(Cli::try_parse_from([vec!["guildhall"], arguments].concat()).err().unwrap());
            let sentence = failure.to_string();
            assert!(sentence.contains(says) && sentence.lines().count() == 1, "{sentence}");
        }
    }
}
