//! Decodes strings: escapes, surrogate pairs, and the indentation of block strings (specification, section 2.9.4).

use async_graphql::Pos;

use crate::graphql::documents::parser::{DocumentMistake, Unreadable};

/// Decodes the content of a quoted string.
pub fn unescaped(content: &str, place: Pos) -> Result<String, Unreadable> {
    let mut value = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let (character, length) = escaped(escape).ok_or_else(|| {
            let shown: String = escape.chars().take(8).collect();
            Unreadable::Malformed(DocumentMistake::new(format!("`\\{shown}` is not a valid escape sequence."), place))
        })?;
        value.push(character);
        rest = &escape[length..];
    }
    value.push_str(rest);
    Ok(value)
}

/// Decodes an escape sequence after its backslash. Returns the character and the length of the sequence in bytes.
fn escaped(escape: &str) -> Option<(char, usize)> {
    let simple = |character| Some((character, 1));
    match escape.bytes().next()? {
        b'"' => simple('"'),
        b'\\' => simple('\\'),
        b'/' => simple('/'),
        b'b' => simple('\u{8}'),
        b'f' => simple('\u{c}'),
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'u' if escape.as_bytes().get(1) == Some(&b'{') => {
            let end = escape.find('}')?;
            Some((char::from_u32(hexadecimal(escape.get(2..end)?)?)?, end + 1))
        }
        b'u' => {
            let leading = hexadecimal(escape.get(1..5)?)?;
            if let Some(character) = char::from_u32(leading) {
                return Some((character, 5));
            }
            // A leading surrogate must be followed by a trailing one.
            let trailing = hexadecimal(escape.get(5..)?.strip_prefix("\\u")?.get(..4)?)?;
            if !(0xD800..0xDC00).contains(&leading) || !(0xDC00..0xE000).contains(&trailing) {
                return None;
            }
            Some((char::from_u32(0x10000 + ((leading - 0xD800) << 10) + (trailing - 0xDC00))?, 11))
        }
        _ => None,
    }
}

/// Parses hexadecimal digits without a sign; returns `None` if the number does not fit.
fn hexadecimal(digits: &str) -> Option<u32> {
    if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) { u32::from_str_radix(digits, 16).ok() } else { None }
}

/// Decodes a block string: removes the common indentation, and blank lines at the start and end.
pub fn block(content: &str) -> String {
    let content = content.replace("\\\"\"\"", "\"\"\"").replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = content.split('\n').collect();
    let indentation = |line: &str| line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let is_blank = |line: &&str| indentation(line) == line.len();
    let common = lines.iter().skip(1).filter(|line| !is_blank(line)).map(|line| indentation(line)).min().unwrap_or(0);
    let Some(first) = lines.iter().position(|line| !is_blank(line)) else { return String::new() };
    let last = lines.iter().rposition(|line| !is_blank(line)).unwrap_or(first);
    let kept = lines.iter().enumerate().take(last + 1).skip(first);
    let kept = kept.map(|(number, line)| if number == 0 { line } else { line.get(common..).unwrap_or_default() });
    kept.collect::<Vec<_>>().join("\n")
}
