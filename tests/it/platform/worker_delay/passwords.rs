//! Passwords that are expensive to check.

use serde_json::json;

use super::{Case, repeated, repeated_to_length};

/// Passwords of each kind that is expensive to check, alone and as often as a document allows.
pub(super) fn cases() -> Vec<Case> {
    let kinds = [
        ("look-alikes", "4@8({[<369!1|05$7+%2"),
        ("look-alikes and words", "p@55w0rd1!l0v3"),
        ("repetition of one", "a"),
        ("repetition of two", "ab"),
        ("dates", "13/12/1997"),
        ("digits", "1997120319"),
        ("a sequence", "abcdefghijklmnopqrstuvwxyz0123456789"),
        ("neighbours on the keyboard", "qwertyuiopasdfghjklzxcvbnm"),
        ("words", "correcthorsebatterystaple"),
        ("letters beyond ASCII", "äöü漢字😀"),
        ("letters that are composed", "e\u{301}"),
    ];
    let mut cases = Vec::new();
    for (name, pattern) in kinds {
        let input = json!({ "username": "newbie", "password": repeated_to_length(pattern, 128), "email": "newbie@example.org" });
        let reset = json!({ "token": "nonsense", "newPassword": repeated_to_length(pattern, 128) });
        let query = "mutation($a: SignUpInput!, $b: ResetPasswordInput!) {
            signUp(input: $a) { userErrors { code } } resetPassword(input: $b) { userErrors { code } } }";
        cases.push(Case::new(format!("a password: {name}"), None, query, json!({ "a": input, "b": reset })));
    }
    for (name, username) in [("bad", "!"), ("good", "newbie")] {
        let input = json!({ "username": username, "password": repeated_to_length(kinds[0].1, 128), "email": "newbie@example.org" });
        for count in [4, 10, 100] {
            let fields = repeated(count, |n| format!("a{n}: signUp(input: $a) {{ userErrors {{ code }} }}"));
            let query = format!("mutation($a: SignUpInput!) {{ {fields} }}");
            cases.push(Case::new(
                format!("{count} passwords with a {name} username"),
                None,
                query,
                json!({ "a": input }),
            ));
        }
    }
    cases
}
