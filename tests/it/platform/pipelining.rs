//! Queued writes: sent in order, all or none, on connections without prepared statements.

use diesel::sql_query;
use guildhall::domain::ids::TypedId;
use guildhall::domain::{Code, Refusal, Result, UserId};
use guildhall::store::{Database, Transactional, Write, users};

use crate::support::cluster::connector;
use crate::support::{Person, TestApp};

/// An account, and a pool of one connection that is not open yet.
async fn world() -> (TestApp, Person, UserId, Database) {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = UserId::parse(&ada.id).expect("an ID");
    let store = Database::connect(&connector(&app.url), 1).expect("a pool");
    (app, ada, id, store)
}

const NAMED: &str = "SELECT count(*) FROM users WHERE display_name IS NOT NULL";

fn naming(name: &str) -> Write {
    Write::of(sql_query(format!("UPDATE users SET display_name = '{name}'")))
}

#[tokio::test]
async fn queue_sends_writes_before_the_next_read() {
    let (app, _, id, store) = world().await;
    let mut writer = store.writer().await.expect("a connection");
    let found = writer
        .transaction(async |tx| {
            tx.queue(naming("first"));
            tx.queue(naming("second"));
            users::find(tx, id).await
        })
        .await;
    let found = found.expect("done").expect("the account");
    assert_eq!(found.display_name.as_deref(), Some("second"));
    assert_eq!(app.number(NAMED).await, 1);
    app.close().await;
}

#[tokio::test]
async fn queue_is_rolled_back_by_an_error_of_the_operation() {
    let (app, _, id, store) = world().await;
    let refused: Result<()> = store
        .writer()
        .await
        .expect("a connection")
        .transaction(async |tx| {
            tx.queue(naming("before"));
            users::find(tx, id).await?;
            tx.queue(naming("after"));
            Err(Refusal::new(Code::Forbidden, "no").into())
        })
        .await;
    assert!(refused.is_err());
    assert_eq!(app.number(NAMED).await, 0);
    app.close().await;
}

#[tokio::test]
async fn queue_is_rolled_back_by_a_failed_write_and_returns_its_error() {
    let (app, _, _, store) = world().await;
    let broken = Write::of(sql_query("INSERT INTO users SELECT gen_random_uuid(), username, created_at FROM users"));
    let failed: Result<()> = store
        .writer()
        .await
        .expect("a connection")
        .transaction(async |tx| {
            tx.queue(naming("before"));
            tx.queue(broken);
            tx.queue(naming("after"));
            Ok(())
        })
        .await;
    let Err(guildhall::domain::Error::Failed(fault)) = failed else { panic!("{failed:?}") };
    assert!(!fault.cause.to_string().contains("aborted"), "{}", fault.cause);
    assert_eq!(app.number(NAMED).await, 0);
    // The connection is still usable.
    store.ping().await.expect("an answer");
    app.close().await;
}

#[tokio::test]
async fn pool_closes_a_connection_that_has_queued_writes() {
    let (app, _, _, store) = world().await;
    let mut writer = store.writer().await.expect("a connection");
    writer.queue(naming("outside of a transaction"));
    drop(writer);
    store.ping().await.expect("an answer");
    assert_eq!(app.number(NAMED).await, 0);
    app.close().await;
}
