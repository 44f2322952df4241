//! `guildhall admin grant|revoke NAME`: makes an account a site administrator, who passes every check for a role.
//! Signing up never does.

use clap::{Args, Subcommand};

use super::database::CommandDatabase;
use crate::commands::error::CliError;
use crate::config::{DataDirSettings, DatabaseSettings};
use crate::domain::Username;
use crate::store::users;

/// Arguments of the command.
#[derive(Args)]
pub struct Admin {
    #[command(subcommand)]
    what: AdminAction,
    #[command(flatten)]
    pub(super) database: DatabaseSettings,
    #[command(flatten)]
    pub(super) place: DataDirSettings,
}

#[derive(Subcommand)]
enum AdminAction {
    /// Make an account a site administrator.
    Grant(AdminTarget),
    /// Make a site administrator an ordinary account again.
    Revoke(AdminTarget),
}

#[derive(Args)]
struct AdminTarget {
    /// Username of the account.
    #[arg(value_name = "NAME")]
    username: String,
}

impl Admin {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CliError> {
        let (whom, is_admin) = match self.what {
            AdminAction::Grant(whom) => (whom, true),
            AdminAction::Revoke(whom) => (whom, false),
        };
        let database = CommandDatabase::open_existing(&self.database, &self.place).await?;
        let told = set(&database, &whom.username, is_admin).await;
        database.stop().await?;
        told
    }
}

async fn set(database: &CommandDatabase, username: &str, is_admin: bool) -> Result<(), CliError> {
    let username = Username::lowercase(username);
    let mut connection = database.connect(1)?.writer().await?;
    if !users::set_admin(&mut connection, &username, is_admin).await? {
        return Err(CliError::new(format!("There is no account with the username {username}.")));
    }
    println!("{username} is {} site administrator.", if is_admin { "a" } else { "no" });
    Ok(())
}
