//! libpq's password file: lines of `host:port:database:user:password`, where `*` matches everything.

use std::path::Path;

/// Returns the password of the first line that matches. `None`: no line matches, or the file cannot be read or others
/// than its owner may read it, in which case libpq ignores it too.
pub(super) fn find(file: &Path, host: &str, port: u16, database: &str, user: &str) -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(file).ok()?.permissions().mode();
        if mode & 0o077 != 0 {
            tracing::warn!(file = %file.display(), "password file ignored: others than its owner can access it");
            return None;
        }
    }
    find_in(&std::fs::read_to_string(file).ok()?, [host, &port.to_string(), database, user])
}

fn find_in(text: &str, wanted: [&str; 4]) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = split(line);
        let [patterns @ .., password] = <[String; 5]>::try_from(fields).ok()?;
        let matches = patterns.iter().zip(wanted).all(|(pattern, wanted)| pattern == "*" || pattern == wanted);
        matches.then_some(password)
    })
}

/// Splits a line at its first four colons; a backslash escapes a colon or a backslash.
fn split(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let count = fields.len();
        let field = &mut fields[count - 1];
        match character {
            '\\' => field.extend(characters.next()),
            ':' if count < 5 => fields.push(String::new()),
            other => field.push(other),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_file_takes_the_first_line_that_matches() {
        let text = "# host:5432:db:me:comment\n\
                    other:5432:db:me:wrong\nbad line\nhost:5432:db:me:a\\:b\\\\c\n*:*:*:me:any:thing\n";
        assert_eq!(find_in(text, ["host", "5432", "db", "me"]).as_deref(), Some("a:b\\c"));
        assert_eq!(find_in(text, ["host", "5433", "db", "me"]).as_deref(), Some("any:thing"));
        assert_eq!(find_in(text, ["host", "5432", "db", "you"]), None);
    }
}
