//! Takes over people, organizations, memberships and invitations from CVAT: the pages of its REST API, in files. All of it
//! is written in one transaction, or none. What is in the database already is left alone: a row whose username or slug is
//! taken is refused, so that a second run changes nothing.
//!
//! Passwords do not come over, and addresses come as mere claims. The log gets one ORGANIZATION_CREATED for each
//! organization, by nobody: what happened before was not seen from here.

mod files;
mod members;
mod offers;
mod people;
mod places;
mod report;
mod rows;
#[cfg(test)]
mod tests;
mod values;

pub use report::{Note, Report, Tally};

use std::collections::HashSet;
use std::path::Path;

use self::files::Export;
use self::people::Taken;
use self::values::Names;
use crate::domain::clock::Instant;
use crate::domain::event::EventType;
use crate::domain::{Clock, Error, Result};
use crate::events::log::{self, Event};
use crate::store::bulk::{self, World};
use crate::store::{Connection, Store, Transactional};

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file or the folder cannot be read.
    #[error("{file} cannot be read: {cause}")]
    Unreadable {
        /// Which.
        file: String,
        /// Why.
        cause: std::io::Error,
    },
    /// A file is not JSON.
    #[error("{file} is not JSON: {cause}")]
    NotJson {
        /// Which.
        file: String,
        /// Where it ceases to be.
        cause: serde_json::Error,
    },
    /// A file is neither an array nor a page of the REST API.
    #[error("{file} is neither a list of rows nor a page with `results`")]
    NotAPage {
        /// Which.
        file: String,
    },
    /// There is no file of a kind.
    #[error("{kind}.json is missing")]
    Missing {
        /// Of which.
        kind: &'static str,
    },
    /// CVAT says that there is more.
    #[error("the export has {found} of {count} {kind}: put the other pages beside the first, as {kind}-2.json and on")]
    Incomplete {
        /// Of what.
        kind: &'static str,
        /// How many there are.
        count: u64,
        /// How many are here.
        found: usize,
    },
    /// The database did not take it.
    #[error("the database did not take it: {}", reason(.0))]
    Failed(Error),
}

fn reason(error: &Error) -> String {
    match error {
        Error::Refused(refusals) => {
            refusals.iter().map(|refusal| refusal.message.as_str()).collect::<Vec<_>>().join(" ")
        }
        Error::Unauthenticated => "nobody is signed in".into(),
        Error::Failed(fault) => fault.cause.to_string(),
    }
}

/// How to import.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Whether to do everything and then take it all back.
    pub dry_run: bool,
    /// Is told how many rows are written, and of how many.
    pub progress: &'a (dyn Fn(usize, usize) + Send + Sync),
}

/// Imports the export in a folder, as a whole or not at all, and reports what became of each row.
pub async fn import(
    store: &Store,
    clock: &Clock,
    dir: &Path,
    options: Options<'_>,
) -> std::result::Result<Report, ImportError> {
    let mut report = Report { dry_run: options.dry_run, ..Report::default() };
    let export = files::read(dir, &mut report).await?;
    write(store, clock.now(), &export, options, report).await.map_err(ImportError::Failed)
}

async fn write(
    store: &Store,
    now: Instant,
    export: &Export,
    options: Options<'_>,
    mut report: Report,
) -> Result<Report> {
    let names = Names::of(export);
    let mut rehearsed = None;
    let done = store
        .writer()
        .await?
        .transaction(async |tx| {
            bulk::lock_installation(tx).await?;
            let taken = taken(tx, export, &names, now).await?;
            let world = plan(export, &names, &taken, now, &mut report);
            let all = world.len();
            bulk::insert_telling(tx, &world, &|written| (options.progress)(written, all)).await?;
            for rows in world.organizations.chunks(bulk::BATCH) {
                let created = |id| Event::new(id, EventType::OrganizationCreated, None, id);
                log::record(tx, now, rows.iter().map(|row| created(row.id)).collect()).await?;
            }
            if options.dry_run {
                bulk::check_deferred(tx).await?;
                rehearsed = Some(report);
                return Err(bulk::rolled_back());
            }
            Ok(report)
        })
        .await;
    rehearsed.map_or(done, Ok)
}

/// What the database has of what the export wants.
async fn taken(tx: &mut Connection, export: &Export, names: &Names, now: Instant) -> Result<Taken> {
    let usernames: Vec<String> = names.usernames.values().cloned().collect();
    let slugs: Vec<String> = names.slugs.values().cloned().collect();
    let emails: HashSet<String> = export
        .users
        .iter()
        .filter_map(|user| values::email(user.email.as_deref()).0)
        .map(|email| email.to_string())
        .collect();
    Ok(Taken {
        usernames: bulk::usernames_taken(tx, &usernames).await?.into_iter().collect(),
        emails: bulk::emails_proven(tx, &emails.into_iter().collect::<Vec<_>>()).await?.into_iter().collect(),
        slugs: bulk::slugs_taken(tx, &slugs, now).await?.into_iter().collect(),
    })
}

/// What an export becomes.
fn plan(export: &Export, names: &Names, taken: &Taken, now: Instant, report: &mut Report) -> World {
    let (people, users) = people::plan(export, names, taken, now, &mut report.users);
    let places = places::plan(export, names, taken, &people, now, report);
    let invitations = offers::plan(export, &people, &places, now, report);
    World {
        users,
        organizations: places.organizations,
        memberships: places.memberships,
        invitations,
        ..World::default()
    }
}
