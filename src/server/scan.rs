//! A look at the text of a document before it is parsed: the parser descends by recursion, so a text that nests deep enough
//! overflows the stack and takes the whole process with it.

/// Longest document that is parsed, in bytes.
pub const MAX_BYTES: usize = 32 * 1024;
/// How deep brackets may nest.
pub const MAX_DEPTH: usize = 64;

/// Why a text is not parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// More than [`MAX_BYTES`].
    TooLong,
    /// Brackets nest deeper than [`MAX_DEPTH`].
    TooDeep,
    /// A block string without an end. The parser would read it otherwise than this scan, so it does not get to.
    Unterminated,
}

/// Whether the text can be given to the parser. Brackets in strings and comments do not count.
pub fn scan(text: &str) -> Result<(), Unfit> {
    if text.len() > MAX_BYTES {
        return Err(Unfit::TooLong);
    }
    let text = text.as_bytes();
    let (mut at, mut depth) = (0, 0usize);
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' | b'(' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(Unfit::TooDeep);
                }
            }
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            b'#' => at += text[at..].iter().position(|&b| b == b'\n' || b == b'\r').unwrap_or(text.len() - at),
            b'"' if text[at..].starts_with(b"\"\"") => at = end_of_block(text, at + 2).ok_or(Unfit::Unterminated)?,
            b'"' => at = end_of_line_string(text, at),
            _ => {}
        }
    }
    Ok(())
}

/// The place after the block string whose content begins at `at`.
fn end_of_block(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        if rest.starts_with(b"\"\"\"") {
            return Some(at + 3);
        }
        at += if rest.starts_with(b"\\\"\"\"") { 4 } else { 1 };
    }
}

/// The place after the string whose content begins at `at`. One without an end stops at the end of its line; the parser says so.
fn end_of_line_string(text: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\n' | b'\r' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        format!("{{ a(b: {}{}) }}", "[".repeat(levels - 2), "]".repeat(levels - 2))
    }

    #[test]
    fn brackets_may_nest_to_the_limit_and_no_deeper() {
        assert_eq!(scan(&nested(MAX_DEPTH)), Ok(()));
        assert_eq!(scan(&nested(MAX_DEPTH + 1)), Err(Unfit::TooDeep));
        assert_eq!(scan(&"{a}".repeat(MAX_DEPTH * 2)), Ok(()), "side by side is not deep");
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        let deep = "[".repeat(MAX_DEPTH + 1);
        for text in [
            format!("{{ a(b: \"{deep}\") }}"),
            format!("{{ a(b: \"\\\"{deep}\") }}"),
            format!("{{ a(b: \"\"\"{deep}\n\" \\\"\"\" {deep}\"\"\") }}"),
            format!("{{ a }} # {deep}"),
            format!("# {deep}\r{{ a }}"),
        ] {
            assert_eq!(scan(&text), Ok(()), "{text}");
        }
    }

    #[test]
    fn nothing_that_ends_a_string_for_the_parser_hides_brackets() {
        let deep = "[".repeat(MAX_DEPTH + 1);
        for text in [
            format!("{{ a(b: \"\" {deep}"),
            format!("{{ a(b: \"\\\\\" {deep}"),
            format!("{{ a(b: \"open\n {deep}"),
            format!("{{ a(b: \"\"\"x\"\"\" {deep}"),
            format!("# comment\n{deep}"),
            format!("# comment\r{deep}"),
        ] {
            assert_eq!(scan(&text), Err(Unfit::TooDeep), "{text}");
        }
        // Without an end, the parser takes the first two quotes for an empty string, and reads on.
        assert_eq!(scan(&format!("{{ a(b: [\"\"\"\" {deep}")), Err(Unfit::Unterminated));
    }

    #[test]
    fn a_scanned_text_at_the_limit_is_parsed_without_harm() {
        let parsed = std::thread::Builder::new()
            .stack_size(2 << 20)
            .spawn(|| async_graphql::parser::parse_query(nested(MAX_DEPTH)).is_ok());
        assert!(parsed.unwrap().join().unwrap());
    }

    #[test]
    fn a_long_text_is_not_looked_at() {
        assert_eq!(scan(&" ".repeat(MAX_BYTES)), Ok(()));
        assert_eq!(scan(&" ".repeat(MAX_BYTES + 1)), Err(Unfit::TooLong));
    }
}
