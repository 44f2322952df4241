//! `guildhall migrate`: migrates a database to the current schema.

use clap::Args;

use super::database;
use crate::commands::error::CliError;
use crate::config::{DataDirSettings, DatabaseSettings};

/// Arguments of the command.
#[derive(Args)]
pub struct Migrate {
    /// Only prints the migrations that would run.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    folders: DataDirSettings,
}

impl Migrate {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CliError> {
        if self.dry_run {
            let pending = database::pending(&self.database).await?;
            pending.iter().for_each(|name| println!("{name}"));
            if pending.is_empty() {
                println!("The database is up to date.");
            }
            return Ok(());
        }
        let (done, filled) = database::migrate(&self.database, &self.folders).await?;
        for name in &done {
            println!("{name}");
        }
        if filled > 0 {
            println!("Filled the keys of {filled} texts.");
        }
        if done.is_empty() && filled == 0 {
            println!("The database is up to date.");
        }
        Ok(())
    }
}
