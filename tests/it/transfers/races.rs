//! Concurrent transfers.

use super::{World, personal_workspace, transfer, user};

#[tokio::test]
async fn transfer_resources_concurrently_never_splits_a_project() {
    let world = World::new().await;
    for round in 0..5 {
        let project = world.project(&world.here, &world.sue).await;
        world.task(&world.here, &world.sue, Some(&project)).await;
        // Two destinations compete: the later transfer finds the project in another workspace.
        let destinations = [&world.there, &personal_workspace(&world.sue)];
        let attempts = (0..10).map(|n| {
            let (sue, project, to) = (world.sue.clone(), project.clone(), destinations[n % 2].clone());
            tokio::spawn(async move { transfer(&sue, &[&project], &to, "DETACH").await })
        });
        let mut outcomes = Vec::new();
        for attempt in attempts.collect::<Vec<_>>() {
            outcomes.push(attempt.await.expect("an answer"));
        }
        let moves =
            format!("SELECT count(*) FROM events WHERE type = 'RESOURCE_MOVED_IN' AND subject_id = '{project}'");
        let succeeded = outcomes.iter().filter(|answer| answer.body["data"]["transferResources"]["plan"].is_object());
        assert_eq!(i64::try_from(succeeded.count()).expect("a number"), world.number(&moves).await, "round {round}");
        let split = "SELECT count(*) FROM tasks t JOIN projects p ON p.id = t.project_id WHERE p.workspace_id <> t.workspace_id";
        assert_eq!(world.number(split).await, 0);
        let split =
            "SELECT count(*) FROM jobs j JOIN tasks t ON t.id = j.task_id WHERE j.workspace_id <> t.workspace_id";
        assert_eq!(world.number(split).await, 0);
    }
    world.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfer_resources_is_refused_if_the_callers_account_ends_meanwhile() {
    let world = World::new().await;
    let (root, task) = (world.app.admin("root").await, world.task(&world.here, &world.sue, None).await);
    let (other, connection) =
        tokio_postgres::connect(&world.app.url, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let id = user(&root);
    other.batch_execute(&format!("BEGIN; SELECT FROM users WHERE id = '{id}' FOR UPDATE")).await.expect("a lock");
    let (mover, there) = (root.clone(), world.there.clone());
    let moving = tokio::spawn(async move { transfer(&mover, &[&task], &there, "DETACH").await });
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while world.number(waiting).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    other.batch_execute(&format!("DELETE FROM users WHERE id = '{id}'; COMMIT")).await.expect("an end");
    assert_eq!(moving.await.expect("an answer").codes(), ["UNAUTHENTICATED"]);
    world.app.close().await;
}
