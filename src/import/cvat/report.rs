//! The report of an import, for the operator. It names rows by CVAT's IDs and contains no email addresses.

use std::collections::HashSet;
use std::fmt;

/// Result of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Name of the CVAT that the export is from.
    pub source: String,
    /// Accounts.
    pub users: Counts,
    /// Organizations.
    pub organizations: Counts,
    /// Memberships.
    pub memberships: Counts,
    /// Invitations.
    pub invitations: Counts,
    /// Remarks on the export as a whole.
    pub remarks: Vec<String>,
    /// Whether this was a dry run, which writes nothing.
    pub dry_run: bool,
}

/// Results for the rows of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows in the export, without duplicates.
    pub read: usize,
    /// New rows that were created.
    pub taken: usize,
    /// Rows that were imported before, and are left as they are.
    pub known: usize,
    /// Rows that were imported with changes.
    pub changed: Vec<Note>,
    /// Rows that were not imported.
    pub refused: Vec<Note>,
}

/// A note about one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The row, such as `user 21`.
    pub row: String,
    /// What was changed, or why the row was refused.
    pub reason: String,
}

impl Counts {
    /// Records that a row was imported with a change.
    pub fn change(&mut self, row: impl fmt::Display, reason: impl Into<String>) {
        self.changed.push(Note { row: row.to_string(), reason: reason.into() });
    }

    /// Records that a row was not imported.
    pub fn refuse(&mut self, row: impl fmt::Display, reason: impl Into<String>) {
        self.refused.push(Note { row: row.to_string(), reason: reason.into() });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("users", &self.users),
            ("organizations", &self.organizations),
            ("memberships", &self.memberships),
            ("invitations", &self.invitations),
        ];
        writeln!(f, "Source: {}", self.source)?;
        for remark in &self.remarks {
            writeln!(f, "{remark}")?;
        }
        writeln!(f, "\n{:<14}{:>8}{:>8}{:>8}{:>8}{:>8}", "", "read", "new", "known", "changed", "refused")?;
        for (kind, counts) in kinds {
            let Counts { read, taken, known, changed, refused } = counts;
            let (changed, refused) = (rows(changed), rows(refused));
            writeln!(f, "{kind:<14}{read:>8}{taken:>8}{known:>8}{changed:>8}{refused:>8}")?;
        }
        list(f, "Changed", kinds.iter().flat_map(|(_, counts)| &counts.changed))?;
        list(f, "Refused", kinds.iter().flat_map(|(_, counts)| &counts.refused))?;
        let new = kinds.iter().any(|(_, counts)| counts.taken > 0);
        match (new, self.dry_run) {
            (false, _) => writeln!(f, "\nNothing in it is new: nothing was written."),
            (true, true) => writeln!(f, "\nThis was a dry run: nothing was written."),
            (true, false) => Ok(()),
        }
    }
}

fn list<'a>(f: &mut fmt::Formatter<'_>, heading: &str, notes: impl Iterator<Item = &'a Note>) -> fmt::Result {
    for (index, note) in notes.enumerate() {
        if index == 0 {
            writeln!(f, "\n{heading}:")?;
        }
        writeln!(f, "  {}: {}", note.row, note.reason)?;
    }
    Ok(())
}

/// Returns the number of different rows in the notes.
fn rows(notes: &[Note]) -> usize {
    notes.iter().map(|note| note.row.as_str()).collect::<HashSet<_>>().len()
}
