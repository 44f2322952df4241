//! What might have been meant by a name that there is not.

/// Longest name that is compared with others, in bytes.
const LONGEST: usize = 64;
/// Most names that are suggested.
const MOST: usize = 3;

/// A sentence with the names that are nearest, or nothing if none is near.
pub fn did_you_mean<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    if name.len() > LONGEST {
        return String::new();
    }
    let mut near: Vec<(usize, &str)> = names
        .filter(|other| other.len() <= LONGEST && !other.starts_with("__"))
        .map(|other| (distance(name, other), other))
        .filter(|(distance, _)| *distance <= 1 + name.len() * 2 / 5)
        .collect();
    near.sort_unstable();
    let named: Vec<String> = near.iter().take(MOST).map(|(_, other)| format!("`{other}`")).collect();
    if named.is_empty() { String::new() } else { format!(" Did you mean {}?", named.join(" or ")) }
}

/// How many letters have to be put in, left out or replaced to get from one name to the other, whatever their case.
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
    fn near_names_are_suggested_and_far_ones_are_not() {
        let names = ["viewer", "organization", "organizations", "node", "__typename"];
        assert_eq!(did_you_mean("viewr", names.into_iter()), " Did you mean `viewer`?");
        assert_eq!(did_you_mean("Organisation", names.into_iter()), " Did you mean `organization` or `organizations`?");
        assert_eq!(did_you_mean("password", names.into_iter()), "");
        assert_eq!(did_you_mean(&"x".repeat(10_000), names.into_iter()), "");
    }
}
