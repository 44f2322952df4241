//! Concurrent deletion, restoration and purge.

use chrono::TimeDelta;
use futures_util::future::join_all;
use guildhall::domain::Clock;
use guildhall::operations::maintenance::purge_organizations::purge_organizations;
use serde_json::{Value, json};

use super::{Team, delete, restore};
use crate::support::TestApp;
use crate::support::concurrency::{MANY, at_once, counts, tally};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn purge_organizations_in_eight_concurrent_runs_deletes_each_organization_once() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    for n in 0..20 {
        let id = ada.creates(&format!("org-{n}")).await;
        delete(&ada, &id, &format!("org-{n}")).await.done();
    }
    let stays = ada.creates("stays").await;
    app.env.clock.advance(TimeDelta::days(8));
    let purges = (0..8).map(|_| {
        let env = app.env.clone();
        tokio::spawn(async move { purge_organizations(&env.store, &env.clock).await.expect("it runs") })
    });
    let counts: Vec<usize> = join_all(purges).await.into_iter().map(|count| count.expect("a count")).collect();
    assert_eq!(counts.iter().sum::<usize>(), 20, "{counts:?}");
    let deleted_organizations = "SELECT count(DISTINCT subject_id) FROM events WHERE type = 'ORGANIZATION_DELETED'";
    let events = "SELECT count(*) FROM events WHERE type = 'ORGANIZATION_DELETED'";
    assert_eq!((app.number(deleted_organizations).await, app.number(events).await), (20, 20));
    let left = app.again(&ada).await.ask("{ viewer { organizations { nodes { id } } } }").await.data();
    assert_eq!(left["viewer"]["organizations"]["nodes"], json!([{ "id": stays }]));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delete_organization_fifty_times_concurrently_deletes_once() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let answers = at_once(|_| {
        let (ada, id) = (ada.clone(), id.clone());
        async move { delete(&ada, &id, "acme").await }
    });
    assert_eq!(tally(answers.await), counts([("ok", 1), ("ORGANIZATION_PENDING_DELETION", MANY - 1)]));
    assert_eq!(app.log_after("MEMBER_JOINED").await, ["ORGANIZATION_DELETION_SCHEDULED"]);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delete_organization_and_restore_alternate_under_concurrency() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let answers = at_once(|n| {
        let (ada, id) = (ada.clone(), id.clone());
        async move { if n % 2 == 0 { delete(&ada, &id, "acme").await } else { restore(&ada, &id).await } }
    });
    let tally = tally(answers.await);
    let clean = ["ok", "ORGANIZATION_PENDING_DELETION", "NOT_PENDING_DELETION"];
    assert!(tally.keys().all(|code| clean.contains(&code.as_str())), "{tally:?}");
    let log = app.log_after("MEMBER_JOINED").await;
    assert_eq!(log.len(), tally["ok"]);
    let turns = ["ORGANIZATION_DELETION_SCHEDULED", "ORGANIZATION_RESTORED"];
    assert!(log.iter().enumerate().all(|(n, kind)| kind == turns[n % 2]), "{log:?}");
    let pending = "SELECT count(*) FROM organizations WHERE status = 'PENDING_DELETION'";
    assert_eq!(app.number(pending).await, (log.len() % 2) as i64);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accept_invitation_during_deletion_joins_before_it_or_is_not_found() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    for round in 0..3 {
        let slug = format!("org-{round}");
        let id = ada.creates(&slug).await;
        let mut invited = Vec::new();
        for n in 0..20 {
            let person = app.person(&format!("p{round}-{n}")).await;
            let invitation = ada.invites(&id, &person.email(), "WORKER").await;
            let token = app.token_to(&person.email()).await;
            invited.push((person, [json!({ "invitationId": invitation }), json!({ "token": token })][n % 2].clone()));
        }
        let accepts = invited.iter().cloned().map(|(person, input)| {
            tokio::spawn(async move { person.mutate("acceptInvitation", input, "membership { id }").await })
        });
        let deletes = {
            let (ada, id) = (ada.clone(), id.clone());
            tokio::spawn(async move { delete(&ada, &id, &slug).await })
        };
        let accepts = join_all(accepts).await.into_iter().map(|answer| answer.expect("an answer")).collect();
        deletes.await.expect("an answer").done();
        let tally = tally(accepts);
        let joined = tally.get("ok").copied().unwrap_or(0);
        assert_eq!(joined + tally.get("NOT_FOUND").copied().unwrap_or(0), 20, "{tally:?}");
        assert!(!app.log_after("ORGANIZATION_DELETION_SCHEDULED").await.contains(&"MEMBER_JOINED".to_owned()));
        let query = format!(
            r#"{{ organization(id: "{id}") {{ memberCount invitations(statuses: [PENDING]) {{ totalCount }} }} }}"#
        );
        let left = json!({ "memberCount": joined + 1, "invitations": { "totalCount": 20 - joined } });
        assert_eq!(ada.ask(&query).await.data()["organization"], left);
        app.check_invariants().await;
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restore_organization_during_the_purge_wins_entirely_or_is_not_found() {
    let team = Team::new().await;
    // The clock of another process is ahead: for that process, the grace period is over.
    let ahead = Clock::default();
    ahead.advance(TimeDelta::days(8));
    for round in 0..20 {
        let slug = format!("org-{round}");
        let id = team.owner.creates(&slug).await;
        team.owner.invites(&id, &team.guest.email(), "WORKER").await;
        delete(&team.owner, &id, &slug).await.done();
        let (owner, restored) = (team.owner.clone(), id.clone());
        let restores = tokio::spawn(async move { restore(&owner, &restored).await });
        let (store, ahead) = (team.app.env.store.clone(), ahead.clone());
        let purges = tokio::spawn(async move { purge_organizations(&store, &ahead).await.expect("it runs") });
        let codes = restores.await.expect("an answer").refused();
        purges.await.expect("a count");
        let query = format!(r#"{{ organization(id: "{id}") {{ status memberCount invitations {{ totalCount }} }} }}"#);
        let left = team.owner.ask(&query).await.data()["organization"].clone();
        if codes.is_empty() {
            let whole = json!({ "status": "ACTIVE", "memberCount": 1, "invitations": { "totalCount": 1 } });
            assert_eq!(left, whole);
        } else {
            assert_eq!((codes, left), (vec!["NOT_FOUND".to_owned()], Value::Null));
        }
    }
    let gone = team.app.number("SELECT count(*) FROM events WHERE type = 'ORGANIZATION_DELETED'").await;
    let back = team.app.number("SELECT count(*) FROM events WHERE type = 'ORGANIZATION_RESTORED'").await;
    assert_eq!(gone + back, 20, "{gone} purged, {back} restored");
    println!("{gone} purged, {back} restored");
    team.close().await;
}
