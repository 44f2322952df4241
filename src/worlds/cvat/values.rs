//! Brings CVAT's values into the forms of the domain: what fits is taken as it is, what does not is changed as little as
//! possible.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, SubsecRound, Utc};
use unicode_normalization::UnicodeNormalization;

use super::files::Export;
use crate::domain::clock::Instant;
use crate::domain::{Email, Role, Slug, Username, slug, text};

/// Longest username, in characters.
const USERNAME_MAX: usize = 32;

/// Usernames and slugs here, by CVAT's numbers of users and organizations. Unique among themselves.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Of users.
    pub usernames: HashMap<i64, String>,
    /// Of organizations.
    pub slugs: HashMap<i64, String>,
}

impl Names {
    /// Gives everybody a name. Who has a good one keeps it; others get a similar one that is free.
    pub fn of(export: &Export) -> Self {
        let users = export.users.iter().map(|user| {
            let fits = Username::parse(&user.username).ok().map(|name| name.to_string());
            (user.id, fits, plain(&user.username, ".-_", USERNAME_MAX, 3, "user", user.id))
        });
        let organizations = export.organizations.iter().map(|organization| {
            let fits = Slug::parse(&organization.slug).ok().map(|slug| slug.to_string());
            (organization.id, fits, plain(&organization.slug, "-", slug::MAX, 1, "org", organization.id))
        });
        Self {
            usernames: distribute(users, USERNAME_MAX, |name| Username::parse(name).is_ok()),
            slugs: distribute(organizations, slug::MAX, |name| Slug::parse(name).is_ok()),
        }
    }
}

/// `raw` in lower case, marks taken off its letters, what is neither letter nor digit nor in `kept` made a hyphen.
fn plain(raw: &str, kept: &str, max: usize, least: usize, kind: &str, number: i64) -> String {
    let marked = |c: char| ('\u{300}'..'\u{370}').contains(&c);
    let letters = raw.trim().to_lowercase();
    let name: String = letters
        .nfkd()
        .filter(|c| !marked(*c))
        .map(|c| if c.is_ascii_alphanumeric() || kept.contains(c) { c } else { '-' })
        .take(max)
        .collect();
    let name = name.trim_matches('-');
    match name.len() {
        0 => format!("{kind}-{}", number.unsigned_abs()),
        length if length < least => format!("{name}-{}", number.unsigned_abs()),
        _ => name.to_owned(),
    }
}

/// Gives each row the name that fits or, failing that, its plain one; with a number behind it if another row has it.
fn distribute(
    rows: impl Iterator<Item = (i64, Option<String>, String)>,
    max: usize,
    allowed: impl Fn(&str) -> bool,
) -> HashMap<i64, String> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|(number, fits, _)| (fits.is_none(), *number));
    let mut used = HashSet::new();
    let mut names = HashMap::new();
    for (number, fits, plain) in rows {
        let base = fits.unwrap_or(plain);
        let free = (1..=used.len() + 2)
            .map(|count| if count == 1 { base.clone() } else { numbered(&base, count, max) })
            .find(|name| allowed(name) && !used.contains(name));
        if let Some(name) = free {
            used.insert(name.clone());
            names.insert(number, name);
        }
    }
    names
}

/// `base-2`, cut to fit. The base is plain ASCII.
fn numbered(base: &str, count: usize, max: usize) -> String {
    let suffix = format!("-{count}");
    let kept: String = base.chars().take(max - suffix.len()).collect();
    format!("{}{suffix}", kept.trim_end_matches('-'))
}

/// A text of one line, and whether it had to be changed.
pub fn line(raw: Option<&str>, max: usize) -> (Option<String>, bool) {
    fit(raw, max, text::optional)
}

/// A text of several lines, and whether it had to be changed.
pub fn lines(raw: Option<&str>, max: usize) -> (Option<String>, bool) {
    fit(raw, max, text::optional_lines)
}

fn fit<P>(
    raw: Option<&str>,
    max: usize,
    check: impl Fn(Option<&str>, usize) -> Result<Option<String>, P>,
) -> (Option<String>, bool) {
    match check(raw, max) {
        Ok(text) => (text, false),
        Err(_) => {
            let shown = |c: &char| check(Some(&format!("x{c}x")), 3).is_ok();
            let text: String = raw.unwrap_or_default().trim().nfc().filter(shown).take(max).collect();
            (check(Some(&text), max).ok().flatten(), true)
        }
    }
}

/// An address, and whether it had to be dropped.
pub fn email(raw: Option<&str>) -> (Option<Email>, bool) {
    Email::optional(raw).map_or((None, true), |email| (email, false))
}

/// A role by CVAT's name.
pub fn role(raw: &str) -> Option<Role> {
    let name = raw.trim().to_uppercase();
    Role::ALL.into_iter().find(|role| role.name() == name)
}

/// An instant, to the millisecond.
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
            let name = plain(raw, ".-_", USERNAME_MAX, 3, "user", 7);
            assert_eq!(name, expected);
            assert!(Username::parse(&name).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_good_name_is_kept_and_others_make_way() {
        let rows = [
            (1, None, "team-a".to_owned()),
            (2, Some("team-a".to_owned()), String::new()),
            (3, None, "admin".to_owned()),
            (4, None, "abcdefghijklmnop".to_owned()),
            (5, None, "abcdefghijklmnop".to_owned()),
        ];
        let names = distribute(rows.into_iter(), slug::MAX, |name| Slug::parse(name).is_ok());
        let expected =
            [(1, "team-a-2"), (2, "team-a"), (3, "admin-2"), (4, "abcdefghijklmnop"), (5, "abcdefghijklmn-2")];
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
