//! Invalid pages, filters and cursors of every list.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Schema, World, fields, list, text};
use crate::support::{Answer, Person};

/// The query that leads to the lists of each type; `%` stands for the list.
fn path_to(owner: &str, world: &World) -> Option<String> {
    let node = |id: &str| format!(r#"{{ node(id: "{id}") {{ ... on {owner} {{ % }} }} }}"#);
    Some(match owner {
        "Query" => "{ % }".to_owned(),
        "Viewer" => "{ viewer { % } }".to_owned(),
        "PersonalWorkspace" => "{ viewer { personalWorkspace { % } } }".to_owned(),
        "Workspace" => "{ viewer { selectedWorkspace { % } } }".to_owned(),
        "Organization" => node(&world.organization),
        "Project" => node(&world.project),
        "Task" => node(&world.task),
        _ => return None,
    })
}

/// Text orders, whose cursors accept any text.
const BY_TEXT: [&str; 3] = ["SLUG", "NAME", "USERNAME"];

/// A list in one of its orders.
struct List {
    name: String,
    /// The query, with `#` for the arguments.
    query: String,
    /// `orderBy: …`, or empty.
    order: String,
    by_text: bool,
    /// Invalid values of its other arguments.
    filters: Vec<String>,
}

impl List {
    /// Requests a page.
    async fn ask(&self, by: &Person, arguments: &str) -> Answer {
        let order = if arguments.starts_with("orderBy") { "" } else { &self.order };
        by.ask(&self.query.replace('#', &format!("{order} {arguments}"))).await
    }

    /// The cursor of its first entry.
    async fn cursor(&self, by: &Person) -> String {
        let data = self.ask(by, "first: 1").await.data();
        let found =
            data.to_string().split(r#""cursor":""#).nth(1).map(|rest| rest.split('"').next().map(str::to_owned));
        found.flatten().unwrap_or_else(|| panic!("{} needs an entry to page behind", self.name))
    }
}

impl Schema {
    /// Every paginated list in each of its orders, and messages about lists that are missing from the tables.
    fn lists(&self, world: &World) -> (Vec<List>, Vec<String>) {
        let (mut lists, mut differences) = (Vec::new(), Vec::new());
        for (owner, field) in self.types.iter().flat_map(|(name, kind)| fields(kind).map(move |field| (name, field))) {
            let named = |name: &str| list(&field["args"]).iter().find(|argument| argument["name"] == name);
            if named("first").is_none() {
                continue;
            }
            let name = format!("{owner}.{}", field["name"].as_str().expect("a name"));
            let Some(way) = path_to(owner, world) else {
                differences.push(format!("Add the path to {name}."));
                continue;
            };
            let query = way.replace('%', &format!("{}(#) {{ edges {{ cursor }} }}", text(&field["name"])));
            let filters: Vec<_> = list(&field["args"]).iter().flat_map(invalid_filters).collect();
            let orders = named("orderBy").map_or(vec![(String::new(), false)], |order| self.orders(order));
            for (order, by_text) in orders {
                let (name, query, filters) = (format!("{name} {order}"), query.clone(), filters.clone());
                lists.push(List { name, query, order, by_text, filters });
            }
        }
        (lists, differences)
    }

    fn orders(&self, argument: &Value) -> Vec<(String, bool)> {
        let by = format!("{}Field", text(&argument["type"]["name"]));
        let fields = list(&self.types[&by]["enumValues"]).iter().map(|field| text(&field["name"]));
        let both = fields.flat_map(|field| ["ASC", "DESC"].map(|way| (field.clone(), way)));
        both.map(|(field, way)| {
            let by_text = BY_TEXT.contains(&field.as_str());
            (format!("orderBy: {{ field: {field}, direction: {way} }}"), by_text)
        })
        .collect()
    }
}

/// Invalid values for an argument of a list.
fn invalid_filters(argument: &Value) -> Vec<String> {
    let name = text(&argument["name"]);
    let values = match name.as_str() {
        "search" => vec![json!("a\0b").to_string(), json!("x".repeat(257)).to_string(), json!("a\u{202E}").to_string()],
        "roles" | "statuses" | "states" | "types" => {
            vec!["[NONSENSE]".to_owned(), "[7]".to_owned(), "[null]".to_owned()]
        }
        "orderBy" => vec!["{ field: NONSENSE, direction: ASC }".to_owned(), "{ direction: ASC }".to_owned()],
        "first" | "last" => vec!["1.5".to_owned(), (1_i64 << 31).to_string(), "-1".to_owned(), "101".to_owned()],
        "after" | "before" => vec!["7".to_owned()],
        "assigneeId" | "actorId" => vec!["{}".to_owned()],
        other => panic!("Add invalid values for the argument {other}."),
    };
    values.into_iter().map(|value| format!("{name}: {value}")).collect()
}

/// The cursor with another key, as forged by a client that knows the format.
fn forged_cursor(cursor: &str, key: &str) -> String {
    let made = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).expect("base 64")).expect("a text");
    URL_SAFE_NO_PAD.encode(format!("{}{key}", &made[..40]))
}

#[tokio::test]
async fn lists_refuse_invalid_pages_filters_and_foreign_cursors() {
    const REFUSED: [&str; 2] = ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"];
    let world = World::new().await;
    let (lists, mut differences) = Schema::read(&world.app).await.lists(&world);
    assert!(lists.len() > 20, "there are lists: {}", lists.len());
    let by = &world.ada;
    let before = world.app.snapshot().await;
    let mut cursors = Vec::new();
    for list in &lists {
        cursors.push(list.cursor(by).await);
    }
    for (place, list) in lists.iter().enumerate() {
        let (own, others) = (&cursors[place], &cursors[(place + 1) % cursors.len()]);
        let mut tried: Vec<(String, &[&str])> =
            list.filters.iter().map(|bad| (bad.clone(), REFUSED.as_slice())).collect();
        for mixed in
            ["first: 1, last: 1".to_owned(), format!("first: 1, before: {own:?}"), format!("last: 1, after: {own:?}")]
        {
            tried.push((mixed, &REFUSED[..1]));
        }
        // `selectedWorkspace` is a workspace, too, and shares the cursors of its lists.
        let another = if others == own { "nonsense" } else { others };
        let cut = &own[..own.len() / 2];
        let times = ["soon", "", "-1", "9223372036854775807", "253402300800000000"].map(|key| forged_cursor(own, key));
        let mut cursors =
            vec![another.to_owned(), "nonsense".to_owned(), String::new(), cut.to_owned(), forged_cursor(own, "\0")];
        cursors.extend(times.iter().filter(|_| !list.by_text).cloned());
        for argument in ["after", "before"] {
            tried.extend(
                cursors.iter().map(|cursor| (format!("{argument}: {cursor:?}"), ["INVALID_CURSOR"].as_slice())),
            );
            // Text orders accept any text as a key and return a page.
            let any = times.iter().filter(|_| list.by_text);
            tried.extend(any.map(|cursor| (format!("{argument}: {cursor:?}"), [].as_slice())));
        }
        for (arguments, codes) in tried {
            let answer = list.ask(by, &arguments).await;
            let codes_returned = answer.codes();
            let right = if codes.is_empty() {
                codes_returned.is_empty()
            } else {
                codes_returned.len() == 1 && codes.contains(&codes_returned[0])
            };
            if !right {
                differences.push(format!("{} with {arguments}: {codes_returned:?} rather than {codes:?}", list.name));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(world.app.snapshot().await, before);
    world.app.close().await;
}
