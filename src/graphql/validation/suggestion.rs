//! Suggests similar names for an unknown name.

/// Maximum length of a compared name, in bytes.
const MAX_LENGTH: usize = 64;
/// Maximum number of suggested names.
const MAX_SUGGESTIONS: usize = 3;

/// Returns a sentence with the most similar names, or an empty text if no name is similar.
pub fn did_you_mean<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    if name.len() > MAX_LENGTH {
        return String::new();
    }
    let mut near: Vec<(usize, &str)> = names
        .filter(|other| other.len() <= MAX_LENGTH && !other.starts_with("__"))
        .map(|other| (distance(name, other), other))
        .filter(|(distance, _)| *distance <= 1 + name.len() * 2 / 5)
        .collect();
    near.sort_unstable();
    let named: Vec<String> = near.iter().take(MAX_SUGGESTIONS).map(|(_, other)| format!("`{other}`")).collect();
    if named.is_empty() { String::new() } else { format!(" Did you mean {}?", named.join(" or ")) }
}

/// Returns the Levenshtein distance of two names, ignoring case.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(!a.eq_ignore_ascii_case(&b));
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn did_you_mean_suggests_similar_names_only() {
        let names = ["viewer", "organization", "organizations", "node", "__typename"];
        assert_eq!(did_you_mean("viewr", names.into_iter()), " Did you mean `viewer`?");
        assert_eq!(did_you_mean("Organisation", names.into_iter()), " Did you mean `organization` or `organizations`?");
        assert_eq!(did_you_mean("password", names.into_iter()), "");
        assert_eq!(did_you_mean(&"x".repeat(10_000), names.into_iter()), "");
    }
}
