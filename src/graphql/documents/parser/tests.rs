//! Tests of the parser.

use async_graphql::parser::types::{DocumentOperations, Selection};
use async_graphql_value::Value;

use crate::graphql::documents::parser::*;
use crate::graphql::documents::{Limit, LimitExceeded};

/// Parses a value as the argument `b` of `{ a(b: …) }`.
fn value(written: &str) -> Value {
    let parsed = parse(&format!("{{ a(b: {written}) }}")).expect(written);
    let DocumentOperations::Single(operation) = &parsed.document.operations else { panic!("several") };
    let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else { panic!("no field") };
    field.node.arguments[0].1.node.clone()
}

fn malformed(text: &str) -> DocumentMistake {
    match parse(text) {
        Err(Unreadable::Malformed(mistake)) => mistake,
        other => panic!("{text}: {other:?}"),
    }
}

fn over(text: &str) -> Option<Limit> {
    match parse(text) {
        Err(Unreadable::Excessive(LimitExceeded::Over(limit, _))) => Some(limit),
        _ => None,
    }
}

#[test]
fn parse_decodes_strings() {
    for (written, expected) in [
        (r#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{c}\n\r\t"),
        (r#""\u0041\u{42}\u{1F600}\uD83D\uDE00""#, "AB😀😀"),
        (r#""""#, ""),
        ("\"\u{0}ä\"", "\u{0}ä"),
        ("\"\"\"\n    a\n      b\n\n  \"\"\"", "a\n  b"),
        (r#""""a \""" \n b""""#, "a \"\"\" \\n b"),
        ("\"\"\"a\r\n  b\r  c\"\"\"", "a\nb\nc"),
        ("\"\"\"\"\"\"", ""),
    ] {
        assert_eq!(value(written), Value::String(expected.to_owned()), "{written}");
    }
    for bad in [r"\x", r"\u12", r"\uD800", r"\uDE00\uD83D", r"\u{}", r"\u{110000}", r"\u{D800}", r"\u{+41}", r"\u+041"]
    {
        let _ = malformed(&format!("{{ a(b: \"{bad}\") }}"));
    }
    assert_eq!(malformed("{ a(b: \"x\n\") }").message, "This string is not terminated.");
    assert_eq!(malformed("{ a(b: \"\"\"x\"\") }").place, Pos { line: 1, column: 8 });
}

#[test]
fn parse_reads_whole_words() {
    for word in ["nullnull", "nullable", "true1", "falsey", "null_"] {
        assert_eq!(value(word), Value::Enum(async_graphql::Name::new(word)), "{word}");
    }
    let list = Value::List(vec![
        Value::String("a".to_owned()),
        Value::Enum(async_graphql::Name::new("nullnull")),
        Value::Null,
    ]);
    assert_eq!(value(r#"["a"nullnull, null]"#), list);
}

#[test]
fn parse_accepts_only_valid_numbers() {
    for good in ["0", "-0", "-12", "1.5", "1e3", "-1.5E-3", "9007199254740993"] {
        assert!(matches!(value(good), Value::Number(_)), "{good}");
    }
    for bad in ["01", "-", "1.", "1.e3", ".5", "1e", "0x1", "1a", "1_0", "1.5.6", "+1", "00"] {
        let _ = malformed(&format!("{{ a(b: {bad}) }}"));
    }
}

#[test]
fn parse_accepts_keywords_as_names() {
    for good in [
        "query query($fragment: Int) { on: true null ...mutation } fragment mutation on on { fragment }",
        "{ a(b: trueish, c: nullable, d: [true null]) }",
        "\u{feff}query,Q,($a:[ [ Int ! ] ],=[1,2] @b){a}#",
        "{ ...on A { a } ... @b { a } ...on }".replace("...on }", "... { on } }").as_str(),
        "{ a # } \u{feff}\r b }",
    ] {
        assert!(parse(good).is_ok(), "{good}: {:?}", parse(good).err());
    }
    for bad in [
        "",
        "# nothing",
        "queryQ { a }",
        "query Q() { a }",
        "{ }",
        "{ a() }",
        "{ a { } }",
        "fragment on on A { a }",
        "{ ...on }",
        "query($a: Int @b = 1) { a }",
        "query($a: Int = $b) { a }",
        "query($a: Int @b(c: $d)) { a }",
        "query($a: [Int Int]) { a }",
        "query($a: []) { a }",
        "type A { a: Int }",
        "{ a } }",
        "{ a..b }",
        "{ a(b: $) }",
        "{ a: b: c }",
        "{ \u{a0}a }",
    ] {
        let _ = malformed(bad);
    }
}

#[test]
fn parse_reports_ambiguities() {
    for bad in [
        "query A { a } query A { b }",
        "{ a } query A { b }",
        "{ a } { b }",
        "{ ...F } fragment F on A { a } fragment F on A { a }",
        "{ a(b: {c: 1, c: 2}) }",
    ] {
        assert_eq!(parse(bad).expect(bad).ambiguities.len().min(1), 1, "{bad}");
    }
    assert!(parse("query A { a(b: {c: {c: 1}}) } query B { b }").expect("good").ambiguities.is_empty());
}

#[test]
fn parse_reports_lines_and_columns() {
    for (text, line, column) in
        [("{ä\n}", 1, 2), ("{a(b:\"ä😀\") ?", 1, 12), ("\r\n\r\n\n{ a ?", 4, 5), ("{\r  ?", 2, 3)]
    {
        assert_eq!(malformed(text).place, Pos { line, column }, "{text:?}");
    }
}

#[test]
fn parse_enforces_limits() {
    let nested = |open: &str, levels: usize| format!("{{ a(b: {} ", open.repeat(levels - 2));
    for open in ["[", "{c:"] {
        assert_eq!(over(&nested(open, 64)), None);
        for levels in [65, 10_000] {
            assert_eq!(over(&nested(open, levels)), Some(Limit::Nesting), "{open}");
        }
    }
    assert_eq!(over(&"{a".repeat(65)), Some(Limit::Nesting));
    assert_eq!(over(&format!("query($a: {}", "[".repeat(64))), Some(Limit::Nesting));
    assert_eq!(over(&format!("{{ {} }}", "a ".repeat(9_998))), None);
    assert_eq!(over(&format!("{{ {} }}", "a ".repeat(9_999))), Some(Limit::Tokens));
    assert_eq!(over(&" ".repeat(32 * 1024 + 1)), Some(Limit::Bytes));
}
