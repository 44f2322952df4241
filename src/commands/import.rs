//! `guildhall import cvat DIR`: imports users, organizations, memberships and invitations from CVAT.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::database::CommandDatabase;
use crate::commands::error::CliError;
use crate::config::{DataDirSettings, DatabaseSettings};
use crate::domain::Clock;
use crate::import::cvat;

/// Arguments of the command.
#[derive(Args)]
pub struct Import {
    #[command(subcommand)]
    source: Source,
    #[command(flatten)]
    pub(super) database: DatabaseSettings,
    #[command(flatten)]
    pub(super) folders: DataDirSettings,
}

#[derive(Subcommand)]
enum Source {
    /// Imports the pages of CVAT's REST API from files: users.json, organizations.json, memberships.json,
    /// invitations.json.
    ///
    /// Run the command with --dry-run first, and read the report. The import is one transaction. Rows of earlier
    /// imports are not changed: a second run changes nothing, and a later export adds its new rows. No mail is sent:
    /// pending invitations must be sent again, and users set a password through a reset mail.
    Cvat(Cvat),
}

#[derive(Args)]
struct Cvat {
    /// Folder with the files.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Name of the CVAT instance, which identifies it in later imports [default: `cvat:` and the origin of its users'
    /// addresses, such as `cvat:https://cvat.example.org`].
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    source: Option<String>,
    /// Runs the import and rolls it back: prints the report and writes nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Import {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CliError> {
        let Source::Cvat(cvat) = self.source;
        let database = CommandDatabase::open_existing(&self.database, &self.folders).await?;
        let result = cvat.import(&database).await;
        database.stop().await?;
        result
    }
}

impl Cvat {
    async fn import(&self, database: &CommandDatabase) -> Result<(), CliError> {
        // The bar hides itself if standard error is not a terminal.
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} rows");
        let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let progress = |written: usize, all: usize| {
            bar.set_length(all as u64);
            bar.set_position(written as u64);
        };
        let options = cvat::Options { source: self.source.as_deref(), dry_run: self.dry_run, progress: &progress };
        let imported = cvat::import(&database.connect(1)?, &Clock::default(), &self.folder, options).await;
        bar.finish_and_clear();
        let report = imported.map_err(|cause| CliError::new(format!("Nothing was imported: {cause}.")))?;
        println!("{report}");
        Ok(())
    }
}
