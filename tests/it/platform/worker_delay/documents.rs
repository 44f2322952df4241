//! Documents at each limit.

use guildhall::graphql::documents::Limit;
use serde_json::json;

use super::{Case, repeated};

/// Documents at each limit.
pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str, query: String| Case::new(name, None, query, json!({}));
    let in_viewer = |fields: String| format!("{{ viewer {{ {fields} }} }}");
    let in_user = |fields: String| in_viewer(format!("user {{ {fields} }}"));
    let [fields, roots, aliases, directives, fragments, operations, depth] = [
        Limit::Fields,
        Limit::RootFields,
        Limit::Aliases,
        Limit::Directives,
        Limit::Fragments,
        Limit::Operations,
        Limit::Depth,
    ]
    .map(Limit::allowed);
    let levels = depth as usize - 5;
    let workspaces = format!("{}id{}", "workspace { ".repeat(levels), "}".repeat(levels));
    let chain = |count: u64, twice: bool| {
        let spreads =
            |n: u64| format!("...F{0} {1}", n + 1, if twice { format!("...F{}", n + 1) } else { String::new() });
        repeated(count, |n| {
            format!("fragment F{n} on Viewer {{ isAdmin {} }}", if n + 1 < count { spreads(n) } else { String::new() })
        })
    };
    let spread = repeated(fragments, |n| format!("...F{n}"));
    let small = repeated(fragments, |n| format!("fragment F{n} on Viewer {{ {} }}", "isAdmin ".repeat(15)));
    let shared = format!("fragment F on Viewer {{ {} }}", "isAdmin ".repeat((fields / operations) as usize - 4));
    vec![
        case("one field again and again", in_user("id ".repeat(fields as usize - 2))),
        case("aliases", in_user(repeated(aliases, |n| format!("a{n}: id")))),
        case("root fields", format!("{{ {} }}", repeated(roots, |n| format!("a{n}: roles {{ role permissions }}")))),
        case(
            "lists at the root",
            format!("{{ {} }}", repeated(roots, |n| format!("a{n}: nodes(ids: [\"a\"]) {{ id }}"))),
        ),
        case("directives", in_user(repeated(directives, |n| format!("a{n}: id @skip(if: false)")))),
        case("fragments that spread each other", format!("{{ viewer {{ ...F0 }} }} {}", chain(30, false))),
        case("fragments that spread each other twice", format!("{{ viewer {{ ...F0 }} }} {}", chain(10, true))),
        case("fragments of one object", format!("{{ viewer {{ {spread} }} }} {small}")),
        case("fragments that are not used", format!("{{ __typename }} {small}")),
        case(
            "operations with one fragment",
            format!(
                "query A {{ viewer {{ isAdmin }} }} {} {shared}",
                repeated(operations - 1, |n| format!("query A{n} {{ viewer {{ ...F }} }}"))
            ),
        ),
        case(
            "one object",
            format!("{{ {} }}", repeated(20, |_| format!("viewer {{ user {{ {} }} }}", "id ".repeat(90)))),
        ),
        case(
            "one object in one object",
            in_viewer(repeated(400, |n| format!("personalWorkspace {{ id owner {{ id a{}: id }} }}", n % 100))),
        ),
        case(
            "fields of one key that differ",
            format!("{{ {} }}", repeated(roots, |n| format!("a: node(id: \"{n}\") {{ id a: id a: __typename }}"))),
        ),
        case("deep objects", in_viewer(format!("organizations {{ nodes {{ viewerMembership {{ {workspaces} }} }} }}"))),
        case("unknown fields", in_viewer(repeated(fields - 1, |n| format!("nonsense{n}")))),
        case("unknown fields like known ones", in_viewer(repeated(aliases, |n| format!("a{n}: organizatoins")))),
        case("an unknown field like known ones", in_viewer("organizatoins ".repeat(fields as usize - 1))),
        case("unknown arguments", format!("{{ roles({}) {{ role }} }}", repeated(3_000, |n| format!("a{n}: 1")))),
        case("unknown variables", format!("{{ nodes(ids: [{}]) {{ id }} }}", repeated(4_000, |n| format!("$a{n}")))),
        case("unused variables", format!("query({}) {{ __typename }}", repeated(2_400, |n| format!("$a{n}: Int")))),
        case("unknown types", format!("query({}) {{ __typename }}", repeated(2_400, |n| format!("$a{n}: Tsak")))),
        case("a list", format!("{{ nodes(ids: [{}]) {{ id }} }}", "1 ".repeat(9_900))),
        case(
            "a list of objects",
            format!(
                "mutation {{ inviteMembers(input: {{ organizationId: \"\", invitees: [{}] }}) {{ userErrors {{ code }} }} }}",
                "{email: \"\" role: WORKER} ".repeat(1_200)
            ),
        ),
        case(
            "unknown values of an enum",
            in_viewer(format!("assignedTasks(statuses: [{}]) {{ totalCount }}", "COMPLETEDD ".repeat(2_900))),
        ),
        case("a string", format!("{{ node(id: \"{}\") {{ id }} }}", "\\u0041".repeat(5_400))),
        case("a block string", format!("{{ node(id: \"\"\"{}\"\"\") {{ id }} }}", " \n".repeat(16_000))),
        case("comments", format!("{{ {}__typename }}", "#\n".repeat(16_000))),
        case("commas", format!("{{ {}__typename }}", ",".repeat(32_000))),
        case("no end", format!("{{ {}", "a ".repeat(9_900))),
        case("brackets", format!("{{ node(id: {}1{}) {{ id }} }}", "[".repeat(60), "]".repeat(60))),
        case("introspection", INTROSPECTION.to_owned()),
        case(
            "deep introspection",
            format!("{{ __type(name: \"Query\") {{ {}name{} }} }}", "fields { type { ".repeat(3), " } }".repeat(3)),
        ),
        case("wide introspection", wide_introspection("name", 24)),
        case("wide introspection with long names", wide_introspection(&"x".repeat(1_000), 24)),
        case("introspection over its limit", wide_introspection("name", 400)),
    ]
}

/// A document that selects the names of all fields of the schema that many times.
fn wide_introspection(alias: &str, times: usize) -> String {
    let names: String = (0..times).map(|n| format!("{alias}{n}: name ")).collect();
    format!("{{ __schema {{ types {{ fields(includeDeprecated: true) {{ {names} }} }} }} }}")
}

/// The introspection query of graphql-js.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind }
    subscriptionType { name kind } types { ...FullType } directives { name description isRepeatable locations
    args(includeDeprecated: true) { ...InputValue } } } }
    fragment FullType on __Type { kind name description specifiedByURL isOneOf fields(includeDeprecated: true) { name description
    args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
    inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
    fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
    fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";
