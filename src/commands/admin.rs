//! `guildhall admin grant|revoke NAME`: grants or revokes site administration. A site administrator passes every check
//! for a role.

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
    action: AdminAction,
    #[command(flatten)]
    pub(super) database: DatabaseSettings,
    #[command(flatten)]
    pub(super) folders: DataDirSettings,
}

#[derive(Subcommand)]
enum AdminAction {
    /// Grants site administration to an account.
    Grant(AdminTarget),
    /// Revokes the site administration of an account.
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
        let (target, is_admin) = match self.action {
            AdminAction::Grant(target) => (target, true),
            AdminAction::Revoke(target) => (target, false),
        };
        let database = CommandDatabase::open_existing(&self.database, &self.folders).await?;
        let result = set_admin(&database, &target.username, is_admin).await;
        database.stop().await?;
        result
    }
}

async fn set_admin(database: &CommandDatabase, username: &str, is_admin: bool) -> Result<(), CliError> {
    let username = Username::lowercase(username);
    let mut connection = database.connect(1)?.writer().await?;
    if !users::set_admin(&mut connection, &username, is_admin).await? {
        return Err(CliError::new(format!("There is no account with the username {username}.")));
    }
    println!("{username} is {} a site administrator.", if is_admin { "now" } else { "no longer" });
    Ok(())
}
