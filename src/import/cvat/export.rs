//! Reads the files of an export: pages of the REST API (`{count, next, previous, results}`) or plain arrays, in
//! `users.json` and, for further pages, `users-2.json` and so on; the other kinds likewise.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::import::cvat::ImportError;
use crate::import::cvat::model::{Invitation, Membership, Organization, User};
use crate::import::cvat::report::{Counts, Report};

/// All rows of an export, without duplicates. Users, organizations and memberships by ID, invitations by date.
#[derive(Clone, Debug, Default)]
pub struct Export {
    /// Accounts.
    pub users: Vec<User>,
    /// Organizations.
    pub organizations: Vec<Organization>,
    /// Memberships.
    pub memberships: Vec<Membership>,
    /// Invitations.
    pub invitations: Vec<Invitation>,
}

/// File name and characteristic fields of one kind of rows.
struct Kind {
    name: &'static str,
    /// Field that identifies a row.
    key: &'static str,
    /// Another field that distinguishes rows of this kind.
    mark: &'static str,
}

const USERS: Kind = Kind { name: "users", key: "id", mark: "username" };
const ORGANIZATIONS: Kind = Kind { name: "organizations", key: "id", mark: "slug" };
const MEMBERSHIPS: Kind = Kind { name: "memberships", key: "id", mark: "role" };
const INVITATIONS: Kind = Kind { name: "invitations", key: "key", mark: "role" };

/// Reads the export in a folder. Invalid rows are refused in the report; a missing page is an error.
pub async fn read(dir: &Path, report: &mut Report) -> Result<Export, ImportError> {
    let remarks = &mut report.remarks;
    let mut export = Export {
        users: rows(dir, USERS, &mut report.users, remarks).await?,
        organizations: rows(dir, ORGANIZATIONS, &mut report.organizations, remarks).await?,
        memberships: rows(dir, MEMBERSHIPS, &mut report.memberships, remarks).await?,
        invitations: rows(dir, INVITATIONS, &mut report.invitations, remarks).await?,
    };
    // CVAT lists the newest rows first.
    export.users.sort_by_key(|user: &User| user.id);
    export.organizations.sort_by_key(|organization: &Organization| organization.id);
    export.memberships.sort_by_key(|membership: &Membership| membership.id);
    export.invitations.sort_by(|a: &Invitation, b: &Invitation| a.created_date.cmp(&b.created_date));
    Ok(export)
}

/// Reads the rows of all files of one kind without duplicates: pages overlap if a row was added between requests.
async fn rows<T: DeserializeOwned>(
    dir: &Path,
    kind: Kind,
    counts: &mut Counts,
    remarks: &mut Vec<String>,
) -> Result<Vec<T>, ImportError> {
    let Kind { name, key, .. } = kind;
    let (mut rows, mut seen, mut count, mut position) = (Vec::new(), HashSet::new(), 0, 0);
    for path in paths(dir, name).await? {
        let page = page(&path, &kind).await?;
        // Each page has the count, and the last page may have a higher one.
        count = count.max(page.count);
        for value in page.rows {
            position += 1;
            if value.get(key).is_some_and(|known| !seen.insert(known.to_string())) {
                continue;
            }
            counts.read += 1;
            match serde_json::from_value(value) {
                Ok(value) => rows.push(value),
                // The parser's message may quote an address.
                Err(_) => counts.refuse(
                    format!("{name}, row {position}"),
                    format!("it has no `{key}`, or a field is of another type than CVAT gives"),
                ),
            }
        }
    }
    match usize::try_from(count).unwrap_or(usize::MAX) {
        0 => {}
        count if counts.read < count => return Err(ImportError::Incomplete { kind: name, count, found: counts.read }),
        count if counts.read > count => {
            remarks.push(format!("CVAT counted {count} {name}, and the export has {}: all were read.", counts.read));
        }
        _ => {}
    }
    Ok(rows)
}

/// Content of one file.
struct Page {
    rows: Vec<Value>,
    /// Total number of rows on all pages according to CVAT; 0 if unknown.
    count: u64,
}

async fn page(path: &Path, kind: &Kind) -> Result<Page, ImportError> {
    let file = || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = tokio::fs::read(path).await.map_err(|cause| ImportError::Unreadable { file: file(), cause })?;
    let page: Value = serde_json::from_slice(&bytes).map_err(|cause| ImportError::NotJson { file: file(), cause })?;
    let count = page.get("count").and_then(Value::as_u64).unwrap_or(0);
    let rows = match page {
        Value::Array(rows) => rows,
        Value::Object(mut page) => match page.remove("results") {
            Some(Value::Array(rows)) => rows,
            _ => return Err(ImportError::NotAPage { file: file() }),
        },
        _ => return Err(ImportError::NotAPage { file: file() }),
    };
    let has_fields = |row: &Value| row.get(kind.key).is_some() && row.get(kind.mark).is_some();
    if !rows.is_empty() && !rows.iter().any(has_fields) {
        return Err(ImportError::AnotherKind { file: file(), kind: kind.name, key: kind.key, mark: kind.mark });
    }
    Ok(Page { rows, count })
}

/// Returns the paths `kind.json`, `kind-2.json` and so on, in that order.
async fn paths(dir: &Path, kind: &'static str) -> Result<Vec<PathBuf>, ImportError> {
    let unreadable = |cause| ImportError::Unreadable { file: dir.display().to_string(), cause };
    let mut paths = Vec::new();
    let mut entries = tokio::fs::read_dir(dir).await.map_err(unreadable)?;
    while let Some(entry) = entries.next_entry().await.map_err(unreadable)? {
        let name = entry.file_name();
        let page = name.to_str().and_then(|name| name.strip_suffix(".json")?.strip_prefix(kind));
        let number = match page {
            Some("") => Some(0),
            Some(page) => page.strip_prefix('-').and_then(|number| number.parse::<u32>().ok()),
            None => None,
        };
        paths.extend(number.map(|number| (number, entry.path())));
    }
    paths.sort();
    if paths.is_empty() {
        Err(ImportError::Missing { kind })
    } else {
        Ok(paths.into_iter().map(|(_, path)| path).collect())
    }
}
