//! Long pages, and pages with many fields per row.

use serde_json::json;

use super::{Case, World, repeated};

/// Long pages for each role, and pages with many fields per row.
pub(super) fn cases(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    let ids = json!({ "id": world.large });
    for (role, member) in &world.members {
        let mut case = |name: &str, fields: &str| {
            let query = format!("query($id: ID!) {{ organization(id: $id) {{ {fields} }} }}");
            cases.push(Case::new(format!("{name} as {role}"), Some(member), query, ids.clone()));
        };
        case(
            "events",
            "events(first: 100) { totalCount nodes { id type at actor { id username } subject { __typename } changes { field } } }",
        );
        case("events of one type", "events(first: 100, types: [MEMBER_REMOVED]) { totalCount nodes { id } }");
        case("one letter", r#"members(first: 100, search: "u") { totalCount nodes { id role user { username } } }"#);
        case("the last", "members(last: 100) { totalCount nodes { id role user { username email } } }");
        let search = |n| {
            format!(
                r#"a{n}: members(first: 100, search: "u{n}") {{ totalCount nodes {{ id role user {{ username }} }} }}"#
            )
        };
        case("20 searches", &repeated(20, search));
    }
    for (name, fields) in [
        ("100 × 100 members", "id role user { id username }"),
        ("100 × 100 members of many fields", "id role joinedAt lastActiveAt user { id username displayName }"),
        ("100 × 100 members with fragments", "... on Membership { id role } ...F"),
    ] {
        let fragment = if fields.contains("...F") { "fragment F on Membership { user { id username } }" } else { "" };
        let query = format!(
            "{{ viewer {{ organizations(first: 100) {{ nodes {{ id members(first: 100) {{ nodes {{ {fields} }} }} }} }} }} }} {fragment}"
        );
        cases.push(Case::new(name, Some(&world.many), query, json!({})));
    }
    let roots =
        repeated(100, |n| format!("a{n}: organizations(first: 100) {{ nodes {{ id slug name memberCount }} }}"));
    cases.push(Case::new("100 lists of 100", Some(&world.many), format!("{{ {roots} }}"), json!({})));
    let permissions = repeated(100, |n| format!("a{n}: organizations(first: 100) {{ nodes {{ viewerPermissions }} }}"));
    cases.push(Case::new("100 lists of 100 permissions", Some(&world.many), format!("{{ {permissions} }}"), json!({})));
    cases
}
