//! Reads the files of an export: pages of the REST API (`{count, next, previous, results}`) or bare arrays, in `users.json`
//! and, if there are more pages, `users-2.json` and on; the other kinds likewise.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ImportError;
use super::report::{Report, Tally};
use super::rows::{Invitation, Membership, Organization, User};

/// All rows of an export, each once, in the order of the files.
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

/// What the files of one kind hold.
struct Pages {
    rows: Vec<Value>,
    /// How many there are, as CVAT says. 0 if it does not.
    count: u64,
}

/// Reads the export in a folder. Rows that make no sense are refused in the report; a page that is missing is an error.
pub async fn read(dir: &Path, report: &mut Report) -> Result<Export, ImportError> {
    let mut export = Export {
        users: rows("users", "id", pages(dir, "users").await?, &mut report.users)?,
        organizations: rows("organizations", "id", pages(dir, "organizations").await?, &mut report.organizations)?,
        memberships: rows("memberships", "id", pages(dir, "memberships").await?, &mut report.memberships)?,
        invitations: rows("invitations", "key", pages(dir, "invitations").await?, &mut report.invitations)?,
    };
    // CVAT gives the newest first.
    export.users.sort_by_key(|user: &User| user.id);
    export.organizations.sort_by_key(|organization: &Organization| organization.id);
    export.memberships.sort_by_key(|membership: &Membership| membership.id);
    export.invitations.sort_by(|a: &Invitation, b: &Invitation| a.created_date.cmp(&b.created_date));
    Ok(export)
}

/// The rows of all files of one kind.
async fn pages(dir: &Path, kind: &'static str) -> Result<Pages, ImportError> {
    let mut rows = Vec::new();
    let mut count = 0;
    for path in paths(dir, kind).await? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes =
            tokio::fs::read(&path).await.map_err(|cause| ImportError::Unreadable { file: name.clone(), cause })?;
        let page: Value =
            serde_json::from_slice(&bytes).map_err(|cause| ImportError::NotJson { file: name.clone(), cause })?;
        count = count.max(page.get("count").and_then(Value::as_u64).unwrap_or(0));
        match page {
            Value::Array(page) => rows.extend(page),
            Value::Object(mut page) => match page.remove("results") {
                Some(Value::Array(page)) => rows.extend(page),
                _ => return Err(ImportError::NotAPage { file: name }),
            },
            _ => return Err(ImportError::NotAPage { file: name }),
        }
    }
    Ok(Pages { rows, count })
}

/// `kind.json`, `kind-2.json` and on, in that order.
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

/// Reads each row once, as told by `key`: pages overlap if somebody signs up while they are read.
fn rows<T: DeserializeOwned>(
    kind: &'static str,
    key: &str,
    pages: Pages,
    tally: &mut Tally,
) -> Result<Vec<T>, ImportError> {
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    for (place, value) in pages.rows.into_iter().enumerate() {
        if value.get(key).is_some_and(|known| !seen.insert(known.to_string())) {
            continue;
        }
        tally.read += 1;
        match serde_json::from_value(value) {
            Ok(value) => rows.push(value),
            // The parser's own words may quote an address.
            Err(_) => tally.refuse(
                format!("{kind}, row {}", place + 1),
                format!("it has no `{key}`, or a field is of another type than CVAT gives"),
            ),
        }
    }
    if (tally.read as u64) < pages.count {
        return Err(ImportError::Incomplete { kind, count: pages.count, found: tally.read });
    }
    Ok(rows)
}
