//! `guildhall admin grant|revoke NAME`: who passes every rule that asks for a role. Signing up never makes one.

use clap::{Args, Subcommand};

use super::database::Database;
use crate::commands::error::Failure;
use crate::config::{DatabaseSettings, PlaceSettings};
use crate::domain::Username;
use crate::store::users;

/// Its arguments.
#[derive(Args)]
pub struct Admin {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    pub(super) database: DatabaseSettings,
    #[command(flatten)]
    pub(super) place: PlaceSettings,
}

#[derive(Subcommand)]
enum What {
    /// Make somebody a site administrator.
    Grant(Whom),
    /// Take that away again.
    Revoke(Whom),
}

#[derive(Args)]
struct Whom {
    /// Username of the account.
    #[arg(value_name = "NAME")]
    username: String,
}

impl Admin {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (whom, is_admin) = match self.what {
            What::Grant(whom) => (whom, true),
            What::Revoke(whom) => (whom, false),
        };
        let database = Database::to_work_on(&self.database, &self.place).await?;
        let told = set(&database, &whom.username, is_admin).await;
        database.stop().await?;
        told
    }
}

async fn set(database: &Database, username: &str, is_admin: bool) -> Result<(), Failure> {
    let username = Username::lowercase(username);
    let mut connection = database.connect(1)?.writer().await?;
    if !users::set_admin(&mut connection, &username, is_admin).await? {
        return Err(Failure::new(format!("There is no account with the username {username}.")));
    }
    println!("{username} is {} site administrator.", if is_admin { "a" } else { "no" });
    Ok(())
}
