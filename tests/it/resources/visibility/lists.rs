//! Each list of resources contains exactly the resources that its viewer can open.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{ADMIN, Dice, Kind, PEOPLE, Resource, World};
use crate::support::Person;

/// The resources that the person can open by ID.
async fn opened(world: &World, person: &Person) -> BTreeSet<usize> {
    let mut opened = BTreeSet::new();
    let all: Vec<usize> = (0..world.things.len()).collect();
    for some in all.chunks(100) {
        let ids: Vec<_> = some.iter().map(|n| &world.things[*n].id).collect();
        let query = "query Q($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
        let nodes = person.run(query, json!({ "ids": ids })).await.data()["nodes"].clone();
        for (n, node) in some.iter().zip(nodes.as_array().expect("nodes")) {
            if !node.is_null() {
                assert_eq!(node["id"], world.things[*n].id);
                assert_eq!(node["__typename"], format!("{:?}", world.things[*n].kind));
                opened.insert(*n);
            }
        }
    }
    opened
}

/// Reads all pages of the list `field`, which replaces LIST in the selection `of`. Returns the IDs and `totalCount`.
/// `None` if the object of the list is null.
async fn read_all_pages(person: &Person, of: &str, field: &str, backward: bool) -> Option<(Vec<String>, usize)> {
    let list = format!(
        "list: {field}(first: $first, after: $after, last: $last, before: $before) {{
           nodes {{ id }} totalCount pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }}"
    );
    let query = format!(
        "query Q($first: Int, $after: String, $last: Int, $before: String) {{ of: {} }}",
        of.replace("LIST", &list)
    );
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let variables =
            if backward { json!({ "last": 3, "before": cursor }) } else { json!({ "first": 3, "after": cursor }) };
        let data = person.run(&query, variables).await.data();
        if data["of"].is_null() {
            return None;
        }
        let list = &data["of"]["list"];
        let nodes = list["nodes"].as_array().expect("nodes");
        let mut ids: Vec<String> = nodes.iter().map(|node| node["id"].as_str().expect("an ID").to_owned()).collect();
        assert!(ids.len() <= 3);
        if backward {
            ids.append(&mut seen);
            seen = ids;
        } else {
            seen.append(&mut ids);
        }
        let info = &list["pageInfo"];
        let (more, next) = if backward { ("hasPreviousPage", "startCursor") } else { ("hasNextPage", "endCursor") };
        if info[more] == false {
            return Some((seen, list["totalCount"].as_u64().expect("a count") as usize));
        }
        assert!(!info[next].is_null(), "the page has no cursor");
        cursor = info[next].clone();
    }
}

/// Checks that the list contains `expected` in both page directions.
async fn check_list(person: &Person, of: &str, field: &str, expected: Option<Vec<String>>) {
    for backward in [false, true] {
        let found = read_all_pages(person, of, field, backward).await;
        let wanted = expected.clone().map(|ids| (ids.clone(), ids.len()));
        assert_eq!(found, wanted, "{field} of {of} for {}, backward: {backward}", person.name);
    }
}

/// Checks that the nested lists of a workspace in one query contain the same as in separate queries.
async fn check_nested_lists(world: &World, user: usize, place: usize, open: &BTreeSet<usize>) {
    let query = format!(
        r#"{{ node(id: "{}") {{ ... on Workspace {{ projects(first: 10) {{ totalCount nodes {{ id taskCount
             tasks(first: 20) {{ totalCount nodes {{ id jobCount jobs(first: 10) {{ totalCount nodes {{ id }} }} }} }}
           }} }} }} }} }}"#,
        world.places[place].id
    );
    let data = world.people[user].ask(&query).await.data();
    let within = |parent: usize, kind| world.indices(move |thing| thing.parent == Some(parent) && thing.kind == kind);
    let list = |things: Vec<Value>| json!({ "totalCount": things.len(), "nodes": things });
    let index: BTreeMap<&str, usize> =
        world.things.iter().enumerate().map(|(n, thing)| (thing.id.as_str(), n)).collect();
    let visible = |things: Vec<usize>| things.into_iter().filter(|n| open.contains(n)).collect::<Vec<_>>();
    let jobs = |task: usize| {
        let ids = world.in_order(visible(within(task, Kind::Job)), false);
        list(ids.into_iter().map(|id| json!({ "id": id })).collect())
    };
    let tasks = |project: usize| {
        let ids = world.in_order(visible(within(project, Kind::Task)), true);
        let count = |id: &String| within(index[id.as_str()], Kind::Job).len();
        let task = |id: String| json!({ "jobCount": count(&id), "jobs": jobs(index[id.as_str()]), "id": id });
        list(ids.into_iter().map(task).collect())
    };
    let projects = visible(world.indices(|thing| thing.place == place && thing.kind == Kind::Project));
    let project = |id: String| {
        let n = index[id.as_str()];
        json!({ "taskCount": within(n, Kind::Task).len(), "tasks": tasks(n), "id": id })
    };
    let expected = list(world.in_order(projects, true).into_iter().map(project).collect());
    assert_eq!(data["node"]["projects"], expected, "{} in {}", world.people[user].name, world.places[place].id);
}

async fn check_every_list(seed: u64) {
    eprintln!("SEED={seed}");
    let world = World::new(&mut Dice(seed)).await;
    for user in 0..PEOPLE {
        let person = &world.people[user];
        let open = opened(&world, person).await;
        for (n, thing) in world.things.iter().enumerate() {
            let may = world.may_open(user, thing);
            assert_eq!(open.contains(&n), may, "{} opens {:?} {}", person.name, thing.kind, thing.id);
        }
        let among = |which: &dyn Fn(&Resource) -> bool| -> Vec<usize> {
            open.iter().copied().filter(|n| which(&world.things[*n])).collect()
        };
        for (p, place) in world.places.iter().enumerate() {
            let member = place.user == Some(user)
                || (place.user.is_none()
                    && (user == ADMIN || place.roles.get(&user).is_some_and(|role| !place.pending || *role == 3)));
            for (field, kind) in
                [("projects", Kind::Project), ("tasks", Kind::Task), ("cloudStorages", Kind::CloudStorage)]
            {
                let of = format!(r#"node(id: "{}") {{ ... on Workspace {{ LIST }} }}"#, place.id);
                let here = world.in_order(among(&|thing| thing.place == p && thing.kind == kind), true);
                assert!(member || here.is_empty(), "resources in an invisible workspace");
                check_list(person, &of, field, member.then_some(here)).await;
            }
            if member {
                check_nested_lists(&world, user, p, &open).await;
            }
        }
        for (n, thing) in world.things.iter().enumerate() {
            let (kind, field, inside, newest_first) = match thing.kind {
                Kind::Project => ("Project", "tasks", Kind::Task, true),
                Kind::Task => ("Task", "jobs", Kind::Job, false),
                Kind::Job | Kind::CloudStorage => continue,
            };
            // A sample of one in five; another seed takes others.
            if open.contains(&n) && thing.uuid.as_u128() % 5 == 0 {
                let within = among(&|thing| thing.parent == Some(n) && thing.kind == inside);
                let of = format!(r#"node(id: "{}") {{ ... on {kind} {{ LIST }} }}"#, thing.id);
                check_list(person, &of, field, Some(world.in_order(within, newest_first))).await;
            }
        }
        for (field, kind) in [("assignedTasks", Kind::Task), ("assignedJobs", Kind::Job)] {
            let own = among(&|thing| thing.assignee == Some(user) && thing.kind == kind);
            check_list(person, "viewer { LIST }", field, Some(world.in_order(own, true))).await;
        }
    }
    world.app.close().await;
}

#[tokio::test]
async fn resource_lists_show_exactly_what_the_viewer_can_open() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    check_every_list(seed.unwrap_or_else(rand::random)).await;
}
