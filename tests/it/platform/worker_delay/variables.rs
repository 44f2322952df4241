//! Bodies and variables at each limit.

use guildhall::graphql::documents::Limit;
use serde_json::json;

use super::{Case, World, repeated};

/// Bodies and variables at each limit.
pub(super) fn cases(world: &World) -> Vec<Case> {
    let many = Some(&world.many);
    let raw =
        |name: &str, rest: String| Case { name: name.into(), token: None, query: "{ __typename }".to_owned(), rest };
    let megabyte = 1 << 20;
    let numbers = |bytes: usize| format!("[{}0]", "0,".repeat(bytes / 2));
    let [search, ids, enums] = [
        json!({ "a": "x".repeat(megabyte - 40_000) }),
        json!({ "a": vec!["x".repeat(1000); 1000] }),
        json!({ "a": vec!["COMPLETED"; 1000] }),
    ];
    let in_viewer = |field: &str, count: u64| {
        format!("{{ viewer {{ {} }} }}", repeated(count, |n| format!("a{n}: {field} {{ totalCount }}")))
    };
    let aliases = Limit::Aliases.allowed();
    vec![
        raw("numbers in variables", format!(r#""variables":{{"a":{}}}"#, numbers(megabyte - 100))),
        raw("numbers in extensions", format!(r#""extensions":{{"cost":{}}}"#, numbers(megabyte - 100))),
        raw("numbers in an unknown member", format!(r#""other":{}"#, numbers(megabyte - 100))),
        raw(
            "objects in variables",
            format!(r#""variables":{{"a":[{}{{}}]}}"#, r#"{"a":{}},"#.repeat(megabyte / 9 - 20)),
        ),
        raw(
            "keys in variables",
            format!(r#""variables":{{{}"z":0}}"#, (0..90_000).map(|n| format!(r#""{n:05}":0,"#)).collect::<String>()),
        ),
        raw("escapes in variables", format!(r#""variables":{{"a":"{}"}}"#, r"\u0041".repeat(megabyte / 6 - 30))),
        raw("no end of variables", format!(r#""variables":{{"a":[{}"#, "[0,".repeat(megabyte / 3 - 100))),
        Case::new(
            "a megabyte of text",
            many,
            "query($a: String) { organizations(search: $a) { totalCount } }",
            search.clone(),
        ),
        Case::new(
            "a megabyte of text in 99 places",
            many,
            format!(
                "query($a: String) {{ {} }}",
                repeated(99, |n| format!("a{n}: organizations(search: $a, first: 1) {{ totalCount }}"))
            ),
            search.clone(),
        ),
        Case::new(
            "a megabyte of text in 500 places",
            many,
            format!("query($a: String) {}", in_viewer("organizations(search: $a, first: 1)", aliases)),
            search.clone(),
        ),
        Case::new(
            "1,000 values of an enum in 500 places",
            many,
            format!("query($a: [TaskStatus!]) {}", in_viewer("assignedTasks(statuses: $a, first: 1)", aliases)),
            enums,
        ),
        Case::new(
            "1,000 IDs in 100 places",
            None,
            format!("query($a: [ID!]!) {{ {} }}", repeated(100, |n| format!("a{n}: nodes(ids: $a) {{ id }}"))),
            ids.clone(),
        ),
        Case::new(
            "100 IDs in 100 places",
            many,
            format!("query($a: [ID!]!) {{ {} }}", repeated(100, |n| format!("a{n}: nodes(ids: $a) {{ id }}"))),
            json!({ "a": vec![&world.large; 100] }),
        ),
        Case::new(
            "10,000 IDs",
            many,
            format!(
                "query({}) {{ {} }}",
                repeated(10, |n| format!("$a{n}: [ID!]!")),
                repeated(10, |n| format!("a{n}: nodes(ids: $a{n}) {{ id }}"))
            ),
            (0..10).map(|n| (format!("a{n}"), json!(vec!["x"; 990]))).collect::<serde_json::Map<_, _>>().into(),
        ),
        Case::new(
            "slugs",
            many,
            format!(
                "query($a: String!) {{ {} }}",
                repeated(100, |n| format!("a{n}: slugAvailability(slug: $a) {{ available }}"))
            ),
            search,
        ),
    ]
}
