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

/// Usernames and slugs of new rows, by the IDs of users and organizations in CVAT. They differ from each other and from
/// those of known rows.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Usernames of users.
    pub usernames: HashMap<i64, String>,
    /// Slugs of organizations.
    pub slugs: HashMap<i64, String>,
}

impl Names {
    /// Assigns names to all new rows. Valid names are kept; other rows get a similar name that is free.
    pub fn of(export: &Export, id_map: &IdMap, existing: &ExistingRows) -> Self {
        let users = export.users.iter().filter(|user| !id_map.contains(Kind::User, user.id)).map(|user| NameRequest {
            cvat_id: user.id,
            valid: Username::parse(&user.username).ok().map(|name| name.to_string()),
            raw: user.username.trim(),
            similar: similar_name(&user.username, ".-_", username::MAX, 3, "user", user.id),
        });
        let new = |number| !id_map.contains(Kind::Organization, number);
        let organizations = export.organizations.iter().filter(|row| new(row.id)).map(|organization| NameRequest {
            cvat_id: organization.id,
            valid: Slug::parse(&organization.slug).ok().map(|slug| slug.to_string()),
            raw: organization.slug.trim(),
            similar: similar_name(&organization.slug, "-", slug::MAX, 1, "org", organization.id),
        });
        let usernames = existing.accounts.values().cloned().collect();
        Self {
            usernames: assign(users, usernames, username::MAX, |name| Username::parse(name).is_ok()),
            slugs: assign(organizations, existing.slugs.clone(), slug::MAX, |name| Slug::parse(name).is_ok()),
        }
    }
}

/// A row that needs a name.
struct NameRequest<'a> {
    cvat_id: i64,
    /// The name in CVAT.
    raw: &'a str,
    /// The normalized name, if it is valid here.
    valid: Option<String>,
    /// A valid name that is similar.
    similar: String,
}

/// Returns a name similar to `raw`, with the row's ID if too few characters are left.
fn similar_name(raw: &str, allowed: &str, max: usize, min: usize, kind: &str, cvat_id: i64) -> String {
    let name = name_suggestions::plain(raw, allowed, max);
    match name.len() {
        0 => format!("{kind}-{}", cvat_id.unsigned_abs()),
        length if length < min => format!("{name}-{}", cvat_id.unsigned_abs()),
        _ => name,
    }
}

/// Assigns each row its valid name or else its similar name, with a number appended if another row has it. Rows whose
/// name is valid unchanged come first, then rows whose name differs only in case.
fn assign<'a>(
    rows: impl Iterator<Item = NameRequest<'a>>,
    mut used: HashSet<String>,
    max: usize,
    allowed: impl Fn(&str) -> bool,
) -> HashMap<i64, String> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|row| (row.valid.is_none(), row.valid.as_deref() != Some(row.raw), row.cvat_id));
    // The last number that was appended to each name.
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut names = HashMap::new();
    for row in rows {
        let base = row.valid.unwrap_or(row.similar);
        let count = counts.entry(base.clone()).or_default();
        let unused = (*count + 1..=used.len() + 2)
            .map(|number| (number, if number == 1 { base.clone() } else { numbered(&base, number, max) }))
            .find(|(_, name)| allowed(name) && !used.contains(name));
        if let Some((number, name)) = unused {
            *count = number;
            used.insert(name.clone());
            names.insert(row.cvat_id, name);
        }
    }
    names
}

/// Returns a single-line text, and whether it was changed.
pub fn line(raw: Option<&str>, max: usize) -> (Option<String>, bool) {
    text::optional(raw, max).map_or_else(|_| (text::truncated(raw, max), true), |text| (text, false))
}

/// Returns a multi-line text, and whether it was changed.
pub fn lines(raw: Option<&str>, max: usize) -> (Option<String>, bool) {
    text::optional_lines(raw, max).map_or_else(|_| (text::truncated_lines(raw, max), true), |text| (text, false))
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
    fn similar_name_returns_valid_names() {
        for (raw, expected) in [
            ("ada@Example.org", "ada-example.org"),
            ("José Núñez", "jose-nunez"),
            ("ab", "ab-7"),
            ("  ", "user-7"),
            ("名前", "user-7"),
            (&"x".repeat(40), &"x".repeat(32)),
        ] {
            let name = similar_name(raw, ".-_", username::MAX, 3, "user", 7);
            assert_eq!(name, expected);
            assert!(Username::parse(&name).is_ok(), "{name}");
        }
    }

    #[test]
    fn assign_keeps_valid_names_and_numbers_the_others() {
        let request = |cvat_id, raw, valid: Option<&str>, similar: &str| NameRequest {
            cvat_id,
            raw,
            valid: valid.map(str::to_owned),
            similar: similar.to_owned(),
        };
        let rows = [
            request(1, "Team_A", None, "team-a"),
            request(2, "team-a", Some("team-a"), "team-a"),
            request(3, "admin", None, "admin"),
            request(4, "Abcdefghijklmnopq", None, "abcdefghijklmnop"),
            request(5, "Abcdefghijklmnopz", None, "abcdefghijklmnop"),
            request(6, "Acme", Some("acme"), "acme"),
            request(7, "acme", Some("acme"), "acme"),
            request(8, "lab", Some("lab"), "lab"),
        ];
        let known = HashSet::from(["lab".to_owned()]);
        let names = assign(rows.into_iter(), known, slug::MAX, |name| Slug::parse(name).is_ok());
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
    fn line_removes_only_invisible_characters_and_excess_length() {
        assert_eq!(line(Some(" a b "), 9), (Some("a b".into()), false));
        assert_eq!(line(Some("a\u{202E}\0b\nc"), 9), (Some("abc".into()), true));
        assert_eq!(line(Some(&"é".repeat(70)), 64), (Some("é".repeat(64)), true));
        assert_eq!(line(Some("\0"), 9), (None, true));
        assert_eq!(lines(Some("a\nb\0"), 9), (Some("a\nb".into()), true));
    }

    #[test]
    fn instant_truncates_to_milliseconds() {
        let instant = instant(Some("2021-12-14T20:51:38.667999+01:00")).expect("an instant");
        assert_eq!(instant.to_rfc3339(), "2021-12-14T19:51:38.667+00:00");
        assert_eq!(super::instant(Some("yesterday")), None);
    }
}
