//! What was imported from the same CVAT before: each of its rows once, whatever has become of it here. What is in the ledger
//! is known, and left alone.

use std::collections::HashMap;

use uuid::Uuid;

use crate::domain::clock::Instant;
use crate::domain::ids::TypedId;
use crate::import::cvat::ImportError;
use crate::import::cvat::export::Export;
use crate::import::cvat::normalize;
use crate::store::imports::ImportRow;

/// What a row of CVAT became here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An account, by the user's number.
    User,
    /// An organization, by its number.
    Organization,
    /// A membership, by its number.
    Membership,
    /// An invitation, by the number of the membership that goes with it: its own key is a secret.
    Invitation,
}

impl Kind {
    const ALL: [Self; 4] = [Self::User, Self::Organization, Self::Membership, Self::Invitation];

    /// Its name in the database.
    fn name(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Organization => "ORGANIZATION",
            Self::Membership => "MEMBERSHIP",
            Self::Invitation => "INVITATION",
        }
    }
}

/// What came over before, and what comes now.
#[derive(Default)]
pub struct IdMap {
    source: String,
    before: HashMap<(Kind, i64), (Uuid, Option<Instant>)>,
    now: Vec<ImportRow>,
}

impl IdMap {
    /// Opens it at what came from `source` before.
    pub fn open(source: &str, rows: Vec<ImportRow>) -> Self {
        let entry = |row: ImportRow| {
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == row.kind)?;
            Some(((kind, row.source_id.parse().ok()?), (row.row_id, row.made_at)))
        };
        Self { source: source.to_owned(), before: rows.into_iter().filter_map(entry).collect(), now: Vec::new() }
    }

    /// Whether that row came over before.
    pub fn knows(&self, kind: Kind, number: i64) -> bool {
        self.before.contains_key(&(kind, number))
    }

    /// What that row became, if it came over before.
    pub fn id<I: TypedId>(&self, kind: Kind, number: i64) -> Option<I> {
        self.before.get(&(kind, number)).map(|(id, _)| I::from(*id))
    }

    /// What all rows of a kind that came before became.
    pub fn ids<I: TypedId>(&self, kind: Kind) -> Vec<I> {
        self.before.iter().filter(|((of, _), _)| *of == kind).map(|(_, (id, _))| I::from(*id)).collect()
    }

    /// Writes down that a row comes over now.
    pub fn enter(&mut self, kind: Kind, number: i64, id: impl TypedId, made_at: Option<Instant>, now: Instant) {
        self.now.push(ImportRow {
            source: self.source.clone(),
            kind: kind.name().to_owned(),
            source_id: number.to_string(),
            row_id: id.into(),
            made_at,
            imported_at: now,
        });
    }

    /// What comes over now.
    pub fn entries(&self) -> &[ImportRow] {
        &self.now
    }

    /// An error if a known row of the export was made at another time than it said before: then it is another CVAT.
    pub fn recognize(&self, export: &Export) -> Result<(), ImportError> {
        let users = export.users.iter().map(|row| (Kind::User, row.id, &row.date_joined));
        let organizations = export.organizations.iter().map(|row| (Kind::Organization, row.id, &row.created_date));
        let memberships = export.memberships.iter().map(|row| (Kind::Membership, row.id, &row.joined_date));
        for (kind, number, date) in users.chain(organizations).chain(memberships) {
            let before = self.before.get(&(kind, number)).and_then(|(_, made_at)| *made_at);
            let (Some(before), Some(now)) = (before, normalize::instant(date.as_deref())) else { continue };
            if before != now {
                let row = format!("{} {number}", kind.name().to_lowercase());
                return Err(ImportError::AnotherCvat { name: self.source.clone(), row, before, now });
            }
        }
        Ok(())
    }
}
