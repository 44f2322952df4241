//! Imports users, organizations, memberships and invitations from CVAT, from files with the pages of its REST API. The
//! import is one transaction. An ID map records imported rows: a later export of the same CVAT adds new rows and leaves
//! known rows as they are, even if they were changed here. Rows are never merged with rows of other origin: a row is
//! refused if its username or slug is taken.
//!
//! Passwords are not imported, and addresses are imported as unverified. Organizations, members and pending invitations
//! are recorded as events without an actor and at the time of the import, because earlier history is unknown.

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
        /// The file or folder.
        file: String,
        /// The error of the operating system.
        cause: std::io::Error,
    },
    /// A file is not JSON.
    #[error("{file} is not JSON: {cause}")]
    NotJson {
        /// Name of the file.
        file: String,
        /// The error of the parser, with its position.
        cause: serde_json::Error,
    },
    /// A file is neither an array nor a page of the REST API.
    #[error("{file} is neither a list of rows nor a page with `results`")]
    NotAPage {
        /// Name of the file.
        file: String,
    },
    /// There is no file of a kind.
    #[error("{kind}.json is missing")]
    Missing {
        /// The kind.
        kind: &'static str,
    },
    /// The files have fewer rows than CVAT counted.
    #[error("the export has {found} of {count} {kind}: add the other pages as {kind}-2.json, {kind}-3.json and so on")]
    Incomplete {
        /// The kind of the rows.
        kind: &'static str,
        /// Number of rows according to CVAT.
        count: usize,
        /// Number of rows in the files.
        found: usize,
    },
    /// The URLs of its users are from several CVATs.
    #[error("the URLs of its users have several origins, {origins}: set one name for all with --source")]
    SeveralOrigins {
        /// The origins of the URLs.
        origins: String,
    },
    /// A known row has another creation time in this export.
    #[error(
        "{row} was made on {before} according to an earlier export of {name}, and on {now} according to this one: this \
         is another CVAT. Set another name for it with --source"
    )]
    AnotherCvat {
        /// Source name that both exports have.
        name: String,
        /// The row.
        row: String,
        /// Creation time in the earlier export.
        before: Instant,
        /// Creation time in this export.
        now: Instant,
    },
    /// A file has rows of another kind than its name.
    #[error("{file} does not hold {kind}: no row in it has `{key}` and `{mark}`")]
    AnotherKind {
        /// Name of the file.
        file: String,
        /// The expected kind.
        kind: &'static str,
        /// A field that rows of this kind have.
        key: &'static str,
        /// Another field that rows of this kind have.
        mark: &'static str,
    },
    /// The database refused a row, or a statement failed.
    #[error("the database did not take it: {}", reason(.0))]
    Failed(Error),
}

fn reason(error: &Error) -> String {
    match error {
        Error::Refused(refusals) => {
            refusals.iter().map(|refusal| refusal.message.as_str()).collect::<Vec<_>>().join(" ")
        }
        Error::Unauthenticated => "the request is not authenticated".into(),
        Error::Failed(fault) => fault.cause.to_string(),
    }
}

/// Options of an import.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Name of the CVAT; `None` to derive it from the URLs of its users.
    pub source: Option<&'a str>,
    /// Whether to roll the import back at the end.
    pub dry_run: bool,
    /// Called with the number of written rows, and the total.
    pub progress: &'a (dyn Fn(usize, usize) + Send + Sync),
}

/// Context for creating rows.
#[derive(Clone, Copy)]
struct ImportContext<'a> {
    names: &'a Names,
    existing: &'a ExistingRows,
    users: &'a ImportedUsers,
    now: Instant,
}

/// The rows and changes of an import.
#[derive(Default)]
struct ImportPlan {
    /// New rows.
    rows: Dataset,
    /// Known organizations that get new members, with their number.
    added_members: Vec<(OrganizationId, i32)>,
    /// Known invitations that were accepted in CVAT, with the time.
    accepted: Vec<(InvitationId, Instant)>,
}

/// Imports the export in a folder in one transaction, and returns a report on each row that was changed or refused.
pub async fn import(
    store: &Database,
    clock: &Clock,
    dir: &Path,
    options: Options<'_>,
) -> std::result::Result<Report, ImportError> {
    let mut report = Report { dry_run: options.dry_run, ..Report::default() };
    let export = export::read(dir, &mut report).await?;
    report.source = options.source.map_or_else(|| source_id::of(&export), |source| Ok(source.to_owned()))?;
    run_transaction(store, clock.now(), &export, options, report).await.map_err(ImportError::Failed)?
}

async fn run_transaction(
    store: &Database,
    now: Instant,
    export: &Export,
    options: Options<'_>,
    mut report: Report,
) -> Result<std::result::Result<Report, ImportError>> {
    let mut dry_run_report = None;
    let outcome = store
        .writer()
        .await?
        .transaction(async |tx| {
            bulk_insert::lock_installation(tx).await?;
            let mut id_map = IdMap::open(&report.source, imports::of_source(tx, &report.source).await?);
            if let Err(error) = id_map.check_source(export) {
                return Ok(Err(error));
            }
            let mut existing = ExistingRows::read(tx, export, &id_map).await?;
            let names = Names::of(export, &id_map, &existing);
            existing.read_taken(tx, export, &names, now).await?;
            let plan = plan(export, &names, &mut id_map, &existing, now, &mut report);
            write_rows(tx, &plan, &existing, &id_map, now, options.progress).await?;
            if options.dry_run {
                bulk_insert::check_deferred(tx).await?;
                dry_run_report = Some(report);
                return Err(bulk_insert::rolled_back());
            }
            Ok(Ok(report))
        })
        .await;
    dry_run_report.map_or(outcome, |report| Ok(Ok(report)))
}

/// Creates the rows and changes of an import.
fn plan(
    export: &Export,
    names: &Names,
    id_map: &mut IdMap,
    existing: &ExistingRows,
    now: Instant,
    report: &mut Report,
) -> ImportPlan {
    let (imported_users, users) = users::plan(export, names, id_map, existing, now, &mut report.users);
    let context = ImportContext { names, existing, users: &imported_users, now };
    let imported = organizations::plan(export, context, id_map, report);
    let invitations = invitations::plan(export, context, &imported, id_map, report);
    ImportPlan {
        rows: Dataset {
            users,
            organizations: imported.organizations,
            memberships: imported.memberships,
            invitations,
            ..Dataset::default()
        },
        added_members: imported.added_members,
        accepted: imported.accepted,
    }
}

/// Writes all rows and events, and reports the progress.
async fn write_rows(
    tx: &mut Connection,
    plan: &ImportPlan,
    existing: &ExistingRows,
    id_map: &IdMap,
    now: Instant,
    progress: &(dyn Fn(usize, usize) + Send + Sync),
) -> Result<()> {
    let mut events = events(plan, existing);
    let (entries, row_count) = (id_map.entries(), plan.rows.len());
    let total = row_count + entries.len() + events.len();
    progress(0, total);
    bulk_insert::insert_with_progress(tx, &plan.rows, &|written| progress(written, total)).await?;
    for (organization, more) in &plan.added_members {
        imports::grow(tx, *organization, *more).await?;
    }
    for (invitation, at) in &plan.accepted {
        imports::accept(tx, *invitation, *at).await?;
    }
    let mut written = row_count;
    for entries in entries.chunks(bulk_insert::BATCH) {
        imports::append(tx, entries).await?;
        written += entries.len();
        progress(written, total);
    }
    while !events.is_empty() {
        let rest = events.split_off(events.len().min(bulk_insert::BATCH));
        written += events.len();
        record::record(tx, now, std::mem::replace(&mut events, rest)).await?;
        progress(written, total);
    }
    Ok(())
}

/// Returns the events of the import. They have no actor.
fn events(plan: &ImportPlan, existing: &ExistingRows) -> Vec<NewEvent> {
    let Dataset { organizations, memberships, invitations, .. } = &plan.rows;
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
        plan.accepted.iter().filter_map(|(id, _)| Some((id, existing.invitations.get(id)?))).map(|(id, invitation)| {
            NewEvent {
                email: Some(invitation.email.clone()),
                ..NewEvent::new(invitation.organization_id, EventType::InvitationAccepted, None, id)
            }
        });
    created.chain(joined).chain(pending).chain(accepted).collect()
}
