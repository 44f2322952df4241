//! Takes over people, organizations, memberships and invitations from CVAT: the pages of its REST API, in files. All of it
//! is written in one transaction, or none. A ledger keeps what came over: a later export of the same CVAT brings what is
//! new, and leaves alone what is known, whatever people have made of it here. Rows of others are never merged with: where
//! their usernames or slugs are in the way, a row is refused.
//!
//! Passwords do not come over, and addresses come as mere claims. The log tells of organizations, members and pending
//! invitations as they come, by nobody: what happened before was not seen from here.

mod existing;
mod export;
mod id_map;
mod invitations;
mod members;
mod model;
mod normalize;
mod organizations;
mod report;
mod source_id;
#[cfg(test)]
mod tests;
mod users;

pub use report::{Counts, Note, Report};

use std::path::Path;

use crate::domain::clock::Instant;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::{Clock, Error, InvitationId, OrganizationId, Result};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::import::cvat::existing::ExistingRows;
use crate::import::cvat::export::Export;
use crate::import::cvat::id_map::IdMap;
use crate::import::cvat::normalize::Names;
use crate::import::cvat::users::ImportedUsers;
use crate::store::bulk_insert;
use crate::store::bulk_insert::Dataset;
use crate::store::{Connection, Database, Transactional, imports};

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
        count: usize,
        /// How many are here.
        found: usize,
    },
    /// Its users have addresses of several CVATs.
    #[error("its users are at {origins}: give all of them one name with --source")]
    SeveralOrigins {
        /// The beginnings of the addresses.
        origins: String,
    },
    /// What has the numbers of known rows is something else.
    #[error(
        "{row} was made on {before} when it came from {name}, and on {now} in this export: this is another CVAT. \
         Give it a name of its own with --source"
    )]
    AnotherCvat {
        /// The name that both go by.
        name: String,
        /// One of the rows.
        row: String,
        /// When it was made, as the first export said.
        before: Instant,
        /// When it was made, as this one says.
        now: Instant,
    },
    /// A file holds something else than its name says.
    #[error("{file} does not hold {kind}: no row in it has `{key}` and `{mark}`")]
    AnotherKind {
        /// Which.
        file: String,
        /// What it should hold.
        kind: &'static str,
        /// What rows of that kind have.
        key: &'static str,
        /// And what else.
        mark: &'static str,
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
    /// The CVAT that the export is of. None: as the addresses in it say.
    pub source: Option<&'a str>,
    /// Whether to do everything and then take it all back.
    pub dry_run: bool,
    /// Is told how many rows are written, and of how many.
    pub progress: &'a (dyn Fn(usize, usize) + Send + Sync),
}

/// What rows are made on, besides what the export says of them.
#[derive(Clone, Copy)]
struct ImportContext<'a> {
    names: &'a Names,
    here: &'a ExistingRows,
    people: &'a ImportedUsers,
    now: Instant,
}

/// What an export becomes.
#[derive(Default)]
struct ImportPlan {
    /// New rows.
    world: Dataset,
    /// Known organizations that get new members, and how many.
    grown: Vec<(OrganizationId, i32)>,
    /// Known invitations that have been accepted in CVAT since.
    accepted: Vec<(InvitationId, Instant)>,
}

/// Imports the export in a folder, as a whole or not at all, and reports what became of each row.
pub async fn import(
    store: &Database,
    clock: &Clock,
    dir: &Path,
    options: Options<'_>,
) -> std::result::Result<Report, ImportError> {
    let mut report = Report { dry_run: options.dry_run, ..Report::default() };
    let export = export::read(dir, &mut report).await?;
    report.source = options.source.map_or_else(|| source_id::of(&export), |source| Ok(source.to_owned()))?;
    write(store, clock.now(), &export, options, report).await.map_err(ImportError::Failed)?
}

async fn write(
    store: &Database,
    now: Instant,
    export: &Export,
    options: Options<'_>,
    mut report: Report,
) -> Result<std::result::Result<Report, ImportError>> {
    let mut rehearsed = None;
    let done = store
        .writer()
        .await?
        .transaction(async |tx| {
            bulk_insert::lock_installation(tx).await?;
            let mut ledger = IdMap::open(&report.source, imports::of_source(tx, &report.source).await?);
            if let Err(another) = ledger.recognize(export) {
                return Ok(Err(another));
            }
            let mut here = ExistingRows::read(tx, export, &ledger).await?;
            let names = Names::of(export, &ledger, &here);
            here.ask(tx, export, &names, now).await?;
            let plan = plan(export, &names, &mut ledger, &here, now, &mut report);
            carry_out(tx, &plan, &here, &ledger, now, options.progress).await?;
            if options.dry_run {
                bulk_insert::check_deferred(tx).await?;
                rehearsed = Some(report);
                return Err(bulk_insert::rolled_back());
            }
            Ok(Ok(report))
        })
        .await;
    rehearsed.map_or(done, |report| Ok(Ok(report)))
}

/// What an export becomes.
fn plan(
    export: &Export,
    names: &Names,
    ledger: &mut IdMap,
    here: &ExistingRows,
    now: Instant,
    report: &mut Report,
) -> ImportPlan {
    let (people, users) = users::plan(export, names, ledger, here, now, &mut report.users);
    let ground = ImportContext { names, here, people: &people, now };
    let places = organizations::plan(export, ground, ledger, report);
    let invitations = invitations::plan(export, ground, &places, ledger, report);
    ImportPlan {
        world: Dataset {
            users,
            organizations: places.organizations,
            memberships: places.memberships,
            invitations,
            ..Dataset::default()
        },
        grown: places.grown,
        accepted: places.accepted,
    }
}

/// Writes it all, and tells how far it is.
async fn carry_out(
    tx: &mut Connection,
    plan: &ImportPlan,
    here: &ExistingRows,
    ledger: &IdMap,
    now: Instant,
    progress: &(dyn Fn(usize, usize) + Send + Sync),
) -> Result<()> {
    let mut happened = events(plan, here);
    let (entries, rows) = (ledger.entries(), plan.world.len());
    let all = rows + entries.len() + happened.len();
    progress(0, all);
    bulk_insert::insert_telling(tx, &plan.world, &|written| progress(written, all)).await?;
    for (organization, more) in &plan.grown {
        imports::grow(tx, *organization, *more).await?;
    }
    for (invitation, at) in &plan.accepted {
        imports::accept(tx, *invitation, *at).await?;
    }
    let mut written = rows;
    for entries in entries.chunks(bulk_insert::BATCH) {
        imports::append(tx, entries).await?;
        written += entries.len();
        progress(written, all);
    }
    while !happened.is_empty() {
        let rest = happened.split_off(happened.len().min(bulk_insert::BATCH));
        written += happened.len();
        record::record(tx, now, std::mem::replace(&mut happened, rest)).await?;
        progress(written, all);
    }
    Ok(())
}

/// What the log has to tell: nobody did it.
fn events(plan: &ImportPlan, here: &ExistingRows) -> Vec<NewEvent> {
    let Dataset { organizations, memberships, invitations, .. } = &plan.world;
    let created = organizations.iter().map(|row| NewEvent::new(row.id, EventType::OrganizationCreated, None, row.id));
    let joined = memberships.iter().map(|row| NewEvent {
        person: Some(row.user_id),
        changes: FieldChange::between("role", None, Some(row.role.name())).into_iter().collect(),
        ..NewEvent::new(row.organization_id, EventType::MemberJoined, None, row.id)
    });
    let pending = invitations.iter().filter(|row| row.resolved_at.is_none()).map(|row| NewEvent {
        email: Some(row.email.clone()),
        ..NewEvent::new(row.organization_id, EventType::InvitationCreated, None, row.id)
    });
    let accepted =
        plan.accepted.iter().filter_map(|(id, _)| Some((id, here.standings.get(id)?))).map(|(id, stood)| NewEvent {
            email: Some(stood.email.clone()),
            ..NewEvent::new(stood.organization_id, EventType::InvitationAccepted, None, id)
        });
    created.chain(joined).chain(pending).chain(accepted).collect()
}
