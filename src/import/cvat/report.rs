//! What became of an export: for the operator who runs the import. It names rows by CVAT's numbers and holds no addresses.

use std::collections::HashSet;
use std::fmt;

/// What became of all rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The CVAT that the export is of, by the name that tells it from others.
    pub source: String,
    /// Accounts.
    pub users: Counts,
    /// Organizations.
    pub organizations: Counts,
    /// Memberships.
    pub memberships: Counts,
    /// Invitations.
    pub invitations: Counts,
    /// What is odd about the export as a whole.
    pub remarks: Vec<String>,
    /// Whether it was a rehearsal: nothing was written.
    pub dry_run: bool,
}

/// What became of the rows of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows in the export, without repetitions.
    pub read: usize,
    /// Rows made of them here.
    pub taken: usize,
    /// Rows that came over before, and are left as they are here.
    pub known: usize,
    /// What came over otherwise than it was.
    pub changed: Vec<Note>,
    /// What did not come over.
    pub refused: Vec<Note>,
}

/// One thing to know about one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The row, such as `user 21`.
    pub row: String,
    /// What was changed, or why it was refused.
    pub reason: String,
}

impl Counts {
    /// Notes that a row came over otherwise than it was.
    pub fn change(&mut self, row: impl fmt::Display, reason: impl Into<String>) {
        self.changed.push(Note { row: row.to_string(), reason: reason.into() });
    }

    /// Notes that a row did not come over.
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
        for (kind, tally) in kinds {
            let Counts { read, taken, known, changed, refused } = tally;
            let (changed, refused) = (rows(changed), rows(refused));
            writeln!(f, "{kind:<14}{read:>8}{taken:>8}{known:>8}{changed:>8}{refused:>8}")?;
        }
        list(f, "Changed", kinds.iter().flat_map(|(_, tally)| &tally.changed))?;
        list(f, "Refused", kinds.iter().flat_map(|(_, tally)| &tally.refused))?;
        let new = kinds.iter().any(|(_, tally)| tally.taken > 0);
        match (new, self.dry_run) {
            (false, _) => writeln!(f, "\nNothing in it is new: nothing was written."),
            (true, true) => writeln!(f, "\nThis was a dry run: nothing was written."),
            (true, false) => Ok(()),
        }
    }
}

fn list<'a>(f: &mut fmt::Formatter<'_>, heading: &str, notes: impl Iterator<Item = &'a Note>) -> fmt::Result {
    for (place, note) in notes.enumerate() {
        if place == 0 {
            writeln!(f, "\n{heading}:")?;
        }
        writeln!(f, "  {}: {}", note.row, note.reason)?;
    }
    Ok(())
}

/// How many rows the notes are about.
fn rows(notes: &[Note]) -> usize {
    notes.iter().map(|note| note.row.as_str()).collect::<HashSet<_>>().len()
}
