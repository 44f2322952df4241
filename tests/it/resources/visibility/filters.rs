//! Filters of the list of tasks.

use serde_json::json;

use super::{Dice, Kind, World};

#[tokio::test]
async fn tasks_filters_narrow_the_list_and_its_count() {
    let world = World::new(&mut Dice(7)).await;
    let place = &world.places[0];
    let owner = *place.roles.iter().find(|(_, role)| **role == 3).expect("an owner").0;
    let person = &world.people[owner];
    let tasks = world.indices(|thing| thing.place == 0 && thing.kind == Kind::Task);
    let assignee = tasks.iter().find_map(|n| world.things[*n].assignee).expect("an assigned task");
    let assigned: Vec<_> = tasks.iter().copied().filter(|n| world.things[*n].assignee == Some(assignee)).collect();
    world
        .app
        .sql(&format!(
            "UPDATE tasks SET status = 'COMPLETED' WHERE id = '{0}'; UPDATE tasks SET name = '50% off' WHERE id = '{0}';",
            world.things[tasks[3]].uuid
        ))
        .await;
    for (arguments, expected) in [
        (format!(r#"assigneeId: "{}""#, world.people[assignee].id), world.in_order(assigned, true)),
        (r#"assigneeId: "nobody""#.to_owned(), Vec::new()),
        ("statuses: [COMPLETED]".to_owned(), Vec::from([world.things[tasks[3]].id.clone()])),
        ("statuses: []".to_owned(), Vec::new()),
        (r#"search: "0% OF""#.to_owned(), Vec::from([world.things[tasks[3]].id.clone()])),
        (r#"search: "5_%""#.to_owned(), Vec::new()),
        (r#"search: """#.to_owned(), world.in_order(tasks.clone(), true)),
    ] {
        let query = format!(
            r#"{{ node(id: "{}") {{ ... on Workspace {{ tasks({arguments}, first: 100) {{ nodes {{ id }} totalCount }} }} }} }}"#,
            place.id
        );
        let data = person.ask(&query).await.data();
        let nodes: Vec<_> = expected.iter().map(|id| json!({ "id": id })).collect();
        assert_eq!(data["node"]["tasks"], json!({ "nodes": nodes, "totalCount": nodes.len() }), "{arguments}");
    }
    let page = |arguments: &str| {
        format!(
            r#"{{ node(id: "{}") {{ ... on Workspace {{ tasks({arguments}) {{ nodes {{ id }} }} projects {{ pageInfo {{ endCursor }} }} }} }} }}"#,
            place.id
        )
    };
    let cursor = person.ask(&page("first: 1")).await.data()["node"]["projects"]["pageInfo"]["endCursor"].clone();
    let foreign = person.ask(&page(&format!("after: {cursor}"))).await;
    assert_eq!(foreign.codes(), ["INVALID_CURSOR"], "the cursor of another list");
    world.app.close().await;
}
