//! Converts CVAT's values to valid values of the domain: valid values are kept, others are changed as little as
//! possible.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, SubsecRound, Utc};

use crate::domain::clock::Instant;
use crate::domain::name_suggestions;
use crate::domain::name_suggestions::numbered;
use crate::domain::{Email, Role, Slug, Username, slug, text, username};
use crate::import::cvat::existing::ExistingRows;
use crate::import::cvat::export::Export;
use crate::import::cvat::id_map::{IdMap, Kind};

/// Usernames and slugs of new rows, by the IDs of users and organizations in CVAT. No duplicates, also not with known
/// rows.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Usernames of users.
    pub usernames: HashMap<i64, String>,
    /// Slugs of organizations.
    pub slugs: HashMap<i64, String>,
}

impl Names {
    /// Assigns names to all new rows. Valid names are kept; other rows get a similar name that is free.
    pub fn of(export: &Export, ledger: &IdMap, here: &ExistingRows) -> Self {
        let users = export.users.iter().filter(|user| !ledger.knows(Kind::User, user.id)).map(|user| NameRequest {
            number: user.id,
            fits: Username::parse(&user.username).ok().map(|name| name.to_string()),
            raw: user.username.trim(),
            plain: plain(&user.username, ".-_", username::MAX, 3, "user", user.id),
        });
        let new = |number| !ledger.knows(Kind::Organization, number);
        let organizations = export.organizations.iter().filter(|row| new(row.id)).map(|organization| NameRequest {
            number: organization.id,
            fits: Slug::parse(&organization.slug).ok().map(|slug| slug.to_string()),
            raw: organization.slug.trim(),
            plain: plain(&organization.slug, "-", slug::MAX, 1, "org", organization.id),
        });
        let usernames = here.accounts.values().cloned().collect();
        Self {
            usernames: distribute(users, usernames, username::MAX, |name| Username::parse(name).is_ok()),
            slugs: distribute(organizations, here.slugs.clone(), slug::MAX, |name| Slug::parse(name).is_ok()),
        }
    }
}

/// A row that needs a name.
struct NameRequest<'a> {
    number: i64,
    /// The name in CVAT.
    raw: &'a str,
    /// The normalized name, if it is valid here.
    fits: Option<String>,
    /// A valid name that is similar.
    plain: String,
}

/// Returns a name similar to `raw`, with the row's ID if too few characters are left.
fn plain(raw: &str, kept: &str, max: usize, least: usize, kind: &str, number: i64) -> String {
    let name = name_suggestions::plain(raw, kept, max);
    match name.len() {
        0 => format!("{kind}-{}", number.unsigned_abs()),
        length if length < least => format!("{name}-{}", number.unsigned_abs()),
        _ => name,
    }
}

/// Assigns each row its valid name or else its similar name, with a number appended if another row has it. Rows whose
/// name is valid unchanged come first, then rows whose name differs only in case.
fn distribute<'a>(
    rows: impl Iterator<Item = NameRequest<'a>>,
    mut used: HashSet<String>,
    max: usize,
    allowed: impl Fn(&str) -> bool,
) -> HashMap<i64, String> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|wish| (wish.fits.is_none(), wish.fits.as_deref() != Some(wish.raw), wish.number));
    // The highest number tried for each name.
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut names = HashMap::new();
    for wish in rows {
        let base = wish.fits.unwrap_or(wish.plain);
        let count = counts.entry(base.clone()).or_default();
        let free = (*count + 1..=used.len() + 2)
            .map(|number| (number, if number == 1 { base.clone() } else { numbered(&base, number, max) }))
            .find(|(_, name)| allowed(name) && !used.contains(name));
        if let Some((number, name)) = free {
            *count = number;
            used.insert(name.clone());
            names.insert(wish.number, name);
        }
    }
    names
}

/// Returns a single-line text, and whether it was changed.
pub fn line(raw: Option<&str>, max: usize) -> (Option<String>, bool) {
    text::optional(raw, max).map_or_else(|_| (text::fitted(raw, max), true), |text| (text, false))
}

/// Returns a multi-line text, and whether it was changed.
pub fn lines(raw: Option<&str>, max: usize) -> (Option<String>, bool) {
    text::optional_lines(raw, max).map_or_else(|_| (text::fitted_lines(raw, max), true), |text| (text, false))
}

/// Returns an email address, and whether an invalid one was dropped.
pub fn email(raw: Option<&str>) -> (Option<Email>, bool) {
    Email::optional(raw).map_or((None, true), |email| (email, false))
}

/// Returns the role with CVAT's name.
pub fn role(raw: &str) -> Option<Role> {
    let name = raw.trim().to_uppercase();
    Role::ALL.into_iter().find(|role| role.name() == name)
}

/// Parses a time, to the millisecond.
pub fn instant(raw: Option<&str>) -> Option<Instant> {
    let instant = DateTime::parse_from_rfc3339(raw?.trim()).ok()?;
    Some(instant.with_timezone(&Utc).trunc_subsecs(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_are_names() {
        for (raw, expected) in [
            ("ada@Example.org", "ada-example.org"),
            ("José Núñez", "jose-nunez"),
            ("ab", "ab-7"),
            ("  ", "user-7"),
            ("名前", "user-7"),
            (&"x".repeat(40), &"x".repeat(32)),
        ] {
            let name = plain(raw, ".-_", username::MAX, 3, "user", 7);
            assert_eq!(name, expected);
            assert!(Username::parse(&name).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_good_name_is_kept_and_others_make_way() {
        let wish = |number, raw, fits: Option<&str>, plain: &str| NameRequest {
            number,
            raw,
            fits: fits.map(str::to_owned),
            plain: plain.to_owned(),
        };
        let rows = [
            wish(1, "Team_A", None, "team-a"),
            wish(2, "team-a", Some("team-a"), "team-a"),
            wish(3, "admin", None, "admin"),
            wish(4, "Abcdefghijklmnopq", None, "abcdefghijklmnop"),
            wish(5, "Abcdefghijklmnopz", None, "abcdefghijklmnop"),
            wish(6, "Acme", Some("acme"), "acme"),
            wish(7, "acme", Some("acme"), "acme"),
            wish(8, "lab", Some("lab"), "lab"),
        ];
        let known = HashSet::from(["lab".to_owned()]);
        let names = distribute(rows.into_iter(), known, slug::MAX, |name| Slug::parse(name).is_ok());
        let expected = [
            (1, "team-a-2"),
            (2, "team-a"),
            (3, "admin-2"),
            (4, "abcdefghijklmnop"),
            (5, "abcdefghijklmn-2"),
            (6, "acme-2"),
            (7, "acme"),
            (8, "lab-2"),
        ];
        assert_eq!(names, expected.map(|(number, name)| (number, name.to_owned())).into());
    }

    #[test]
    fn texts_lose_only_what_cannot_be_shown_or_does_not_fit() {
        assert_eq!(line(Some(" a b "), 9), (Some("a b".into()), false));
        assert_eq!(line(Some("a\u{202E}\0b\nc"), 9), (Some("abc".into()), true));
        assert_eq!(line(Some(&"é".repeat(70)), 64), (Some("é".repeat(64)), true));
        assert_eq!(line(Some("\0"), 9), (None, true));
        assert_eq!(lines(Some("a\nb\0"), 9), (Some("a\nb".into()), true));
    }

    #[test]
    fn instants_are_cut_to_milliseconds() {
        let instant = instant(Some("2021-12-14T20:51:38.667999+01:00")).expect("an instant");
        assert_eq!(instant.to_rfc3339(), "2021-12-14T19:51:38.667+00:00");
        assert_eq!(super::instant(Some("yesterday")), None);
    }
}
