//! `guildhall seed`: fills an empty database with a large data set.

use std::time::Instant;

use clap::Args;

use super::database::CommandDatabase;
use crate::commands::error::CliError;
use crate::config::{DataDirSettings, DatabaseSettings};
use crate::seed::load_test;
use crate::seed::load_test::Seed;

/// Arguments of the command.
#[derive(Args)]
pub struct SeedArguments {
    /// Number of accounts.
    #[arg(long, value_name = "NUMBER", default_value_t = Seed::default().users)]
    users: u32,
    /// Number of organizations.
    #[arg(long, value_name = "NUMBER", default_value_t = Seed::default().organizations)]
    organizations: u32,
    /// Total number of memberships.
    #[arg(long, value_name = "NUMBER", default_value_t = Seed::default().memberships)]
    memberships: u32,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    folders: DataDirSettings,
}

impl SeedArguments {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CliError> {
        let database = CommandDatabase::open_existing(&self.database, &self.folders).await?;
        let result = self.fill(&database).await;
        database.stop().await?;
        result
    }

    async fn fill(&self, database: &CommandDatabase) -> Result<(), CliError> {
        let Self { users, organizations, memberships, .. } = *self;
        let started = Instant::now();
        load_test::run(&database.connect(1)?, Seed { users, organizations, memberships }).await?;
        let seconds = started.elapsed().as_secs_f32();
        println!("{users} users, {organizations} organizations, {memberships} memberships in {seconds:.1} s.");
        Ok(())
    }
}
