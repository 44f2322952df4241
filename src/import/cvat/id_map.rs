//! Maps rows of CVAT to the rows that were created for them, in earlier imports from this CVAT and in this one. Rows in
//! the map are known and are not changed, even if they were changed or deleted here.

use std::collections::HashMap;

use uuid::Uuid;

use crate::domain::clock::Instant;
use crate::domain::ids::TypedId;
use crate::import::cvat::ImportError;
use crate::import::cvat::export::Export;
use crate::import::cvat::normalize;
use crate::store::imports::ImportRow;

/// The kind of an imported row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An account, by the ID of the user in CVAT.
    User,
    /// An organization, by its ID in CVAT.
    Organization,
    /// A membership, by its ID in CVAT.
    Membership,
    /// An invitation, by the ID of its membership in CVAT, because the invitation's own key is secret.
    Invitation,
}

impl Kind {
    const ALL: [Self; 4] = [Self::User, Self::Organization, Self::Membership, Self::Invitation];

    /// Returns the name in the database.
    fn name(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Organization => "ORGANIZATION",
            Self::Membership => "MEMBERSHIP",
            Self::Invitation => "INVITATION",
        }
    }
}

/// The rows of earlier imports, and of this import.
#[derive(Default)]
pub struct IdMap {
    source: String,
    earlier: HashMap<(Kind, i64), (Uuid, Option<Instant>)>,
    new: Vec<ImportRow>,
}

impl IdMap {
    /// Creates the map from the rows that were imported from `source` before.
    pub fn open(source: &str, rows: Vec<ImportRow>) -> Self {
        let entry = |row: ImportRow| {
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == row.kind)?;
            Some(((kind, row.source_id.parse().ok()?), (row.row_id, row.made_at)))
        };
        Self { source: source.to_owned(), earlier: rows.into_iter().filter_map(entry).collect(), new: Vec::new() }
    }

    /// Whether this row was imported before.
    pub fn contains(&self, kind: Kind, cvat_id: i64) -> bool {
        self.earlier.contains_key(&(kind, cvat_id))
    }

    /// Returns the ID of the row's counterpart here, if the row was imported before.
    pub fn id<I: TypedId>(&self, kind: Kind, cvat_id: i64) -> Option<I> {
        self.earlier.get(&(kind, cvat_id)).map(|(id, _)| I::from(*id))
    }

    /// Returns the IDs of all rows of a kind that were imported before.
    pub fn ids<I: TypedId>(&self, kind: Kind) -> Vec<I> {
        self.earlier.iter().filter(|((of, _), _)| *of == kind).map(|(_, (id, _))| I::from(*id)).collect()
    }

    /// Records that a row is imported now.
    pub fn record(&mut self, kind: Kind, cvat_id: i64, id: impl TypedId, made_at: Option<Instant>, now: Instant) {
        self.new.push(ImportRow {
            source: self.source.clone(),
            kind: kind.name().to_owned(),
            source_id: cvat_id.to_string(),
            row_id: id.into(),
            made_at,
            imported_at: now,
        });
    }

    /// Returns the entries of this import.
    pub fn entries(&self) -> &[ImportRow] {
        &self.new
    }

    /// Fails if a known row has another creation time than in an earlier export: then the export is from another CVAT.
    pub fn check_source(&self, export: &Export) -> Result<(), ImportError> {
        let users = export.users.iter().map(|row| (Kind::User, row.id, &row.date_joined));
        let organizations = export.organizations.iter().map(|row| (Kind::Organization, row.id, &row.created_date));
        let memberships = export.memberships.iter().map(|row| (Kind::Membership, row.id, &row.joined_date));
        for (kind, cvat_id, date) in users.chain(organizations).chain(memberships) {
            let before = self.earlier.get(&(kind, cvat_id)).and_then(|(_, made_at)| *made_at);
            let (Some(before), Some(now)) = (before, normalize::instant(date.as_deref())) else { continue };
            if before != now {
                let row = format!("{} {cvat_id}", kind.name().to_lowercase());
                return Err(ImportError::AnotherCvat { name: self.source.clone(), row, before, now });
            }
        }
        Ok(())
    }
}
