//! `guildhall keys`: lists, adds and removes signing keys.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use clap::{Args, Subcommand};

use super::database::CommandDatabase;
use crate::commands::error::CliError;
use crate::config::{ConfiguredKey, DataDirSettings, DatabaseSettings, KeySettings, write_new_key};
use crate::store::{mails, signing_keys};

/// Arguments of the command.
#[derive(Args)]
pub struct Keys {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    folders: DataDirSettings,
    #[command(flatten)]
    keys: KeySettings,
}

#[derive(Subcommand)]
enum Action {
    /// Lists the keys in order, with the number of queued mails that only the key can open. The first key signs.
    List,
    /// Creates an Ed25519 key in the folder of GUILDHALL_SIGNING_KEY_FILE, as its last key.
    New,
    /// Removes a key: deletes its file, and forgets it in the database. Refuses while the key signs, and while a queued
    /// mail is encrypted with it: wait until the queue is empty.
    Retire {
        /// File name or fingerprint of the key.
        key: String,
        /// The key is lost: its queued mails are given up, and a process with other keys may start.
        #[arg(long)]
        lost: bool,
    },
}

impl Keys {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CliError> {
        match &self.action {
            Action::List => self.list().await,
            Action::New => self.create(),
            Action::Retire { key, lost } => self.retire(key, *lost).await,
        }
    }

    async fn list(&self) -> Result<(), CliError> {
        let keys = self.keys.configured()?;
        if keys.is_empty() {
            println!("No key is configured: `serve --embedded` creates one in the data folder.");
            return Ok(());
        }
        let queued = self.queued_mails().await;
        if let Err(cause) = &queued {
            eprintln!("guildhall: the queued mails cannot be counted: {cause}");
        }
        for (index, ConfiguredKey { key, file }) in keys.iter().enumerate() {
            let role = if index == 0 { "signs" } else { "verifies" };
            let mails = match &queued {
                Ok(counts) => counts.get(key.fingerprint()).copied().unwrap_or(0).to_string(),
                Err(_) => "?".to_owned(),
            };
            let file = file.as_deref().map_or_else(|| "GUILDHALL_JWT_SECRET".into(), Path::to_string_lossy);
            println!("{}\t{}\t{role}\t{mails} queued mails\t{file}", key.fingerprint(), key.algorithm());
        }
        Ok(())
    }

    fn create(&self) -> Result<(), CliError> {
        let folder = self.keys.folder().ok_or_else(|| {
            CliError::new(
                "GUILDHALL_SIGNING_KEY_FILE must name a folder for `keys new`; its keys are used by file name.",
            )
        })?;
        let names = fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let last = names.filter(|name| !name.starts_with('.')).max().unwrap_or_default();
        // Numbered names sort in the order of their creation; a name that sorts after them keeps its place.
        let number: u32 = last.split('-').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        let mut name = format!("{:04}-key.pem", number + 1);
        if name <= last {
            name = format!("{last}-next.pem");
        }
        write_new_key(folder, &name)?;
        println!(
            "Created {}. It verifies, and does not sign yet: copy it to all processes and send them SIGHUP, then rename it \
             so that it sorts first, and send SIGHUP again.",
            folder.join(&name).display()
        );
        Ok(())
    }

    async fn retire(&self, name: &str, lost: bool) -> Result<(), CliError> {
        let keys = self.keys.configured()?;
        let is_named = |configured: &ConfiguredKey| {
            let file = configured.file.as_deref().and_then(Path::file_name);
            configured.key.fingerprint() == name || file.is_some_and(|file| file == name)
        };
        let position = keys.iter().position(is_named);
        if position == Some(0) {
            return Err(CliError::new(
                "This key signs: rename the files so that another key is the first, and send SIGHUP to all processes.",
            ));
        }
        let (fingerprint, file) = match position {
            Some(position) => (keys[position].key.fingerprint(), keys[position].file.as_deref()),
            None if lost => (name, None),
            None => return Err(CliError::new(format!("No configured key has the file name or fingerprint {name}."))),
        };
        let database = CommandDatabase::open_existing(&self.database, &self.folders).await?;
        let retired = forget(&database, fingerprint, lost).await;
        database.stop().await?;
        retired?;
        if let Some(file) = file {
            fs::remove_file(file)?;
        }
        println!("Retired {fingerprint}. Tokens that it signed are no longer accepted after the next SIGHUP or start.");
        Ok(())
    }

    async fn queued_mails(&self) -> Result<HashMap<String, i64>, CliError> {
        let database = CommandDatabase::open_existing(&self.database, &self.folders).await?;
        let counts = async {
            let store = database.connect(1)?;
            Ok(mails::queued_by_key(&mut *store.read().await?).await?)
        };
        let counts = counts.await;
        database.stop().await?;
        counts
    }
}

async fn forget(database: &CommandDatabase, fingerprint: &str, lost: bool) -> Result<(), CliError> {
    let store = database.connect(1)?;
    let mut connection = store.writer().await?;
    if lost {
        mails::give_up_of_key(&mut connection, fingerprint).await?;
    } else {
        let queued = mails::queued_by_key(&mut connection).await?.remove(fingerprint).unwrap_or(0);
        if queued > 0 {
            return Err(CliError::new(format!(
                "{queued} queued mails are encrypted with this key: retire it when they are sent."
            )));
        }
    }
    signing_keys::delete(&mut connection, fingerprint).await?;
    Ok(())
}
