//! Statements that go out together: in the order in which they were made, all of them or none, on connections that have
//! prepared nothing yet.

use diesel::sql_query;
use guildhall::domain::ids::TypedId;
use guildhall::domain::{Code, Refusal, Result, UserId};
use guildhall::store::{Store, Transactional, users};

use crate::support::{Person, TestApp};

/// An account, and a pool of one connection that is not opened yet.
async fn world() -> (TestApp, Person, UserId, Store) {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = UserId::parse(&ada.id).expect("an ID");
    let store = Store::connect(&app.url, 1).expect("a pool");
    (app, ada, id, store)
}

const NAMED: &str = "SELECT count(*) FROM users WHERE display_name IS NOT NULL";

fn naming(name: &str) -> diesel::query_builder::SqlQuery {
    sql_query(format!("UPDATE users SET display_name = '{name}'"))
}

#[tokio::test]
async fn what_was_posted_is_there_for_what_is_asked_next() {
    let (app, _, id, store) = world().await;
    let mut writer = store.writer().await.expect("a connection");
    let found = writer
        .transaction(async |tx| {
            tx.post(naming("first"));
            tx.post(naming("second"));
            users::find(tx, id).await
        })
        .await;
    let found = found.expect("done").expect("the account");
    assert_eq!(found.display_name.as_deref(), Some("second"));
    assert_eq!(app.number(NAMED).await, 1);
    app.close().await;
}

#[tokio::test]
async fn a_refusal_takes_back_what_was_posted_before_and_after_the_last_question() {
    let (app, _, id, store) = world().await;
    let refused: Result<()> = store
        .writer()
        .await
        .expect("a connection")
        .transaction(async |tx| {
            tx.post(naming("before"));
            users::find(tx, id).await?;
            tx.post(naming("after"));
            Err(Refusal::new(Code::Forbidden, "no").into())
        })
        .await;
    assert!(refused.is_err());
    assert_eq!(app.number(NAMED).await, 0);
    app.close().await;
}

#[tokio::test]
async fn one_bad_statement_takes_back_all_that_went_with_it_and_is_what_is_told() {
    let (app, _, _, store) = world().await;
    let failed: Result<()> = store
        .writer()
        .await
        .expect("a connection")
        .transaction(async |tx| {
            tx.post(naming("before"));
            tx.post(sql_query("INSERT INTO users SELECT gen_random_uuid(), username, created_at FROM users"));
            tx.post(naming("after"));
            Ok(())
        })
        .await;
    let Err(guildhall::domain::Error::Failed(fault)) = failed else { panic!("{failed:?}") };
    assert!(!fault.cause.to_string().contains("aborted"), "{}", fault.cause);
    assert_eq!(app.number(NAMED).await, 0);
    // The connection is as good as before.
    store.ping().await.expect("an answer");
    app.close().await;
}

#[tokio::test]
async fn a_connection_with_something_left_on_it_is_not_lent_again() {
    let (app, _, _, store) = world().await;
    let mut writer = store.writer().await.expect("a connection");
    writer.post(naming("outside of a transaction"));
    drop(writer);
    store.ping().await.expect("an answer");
    assert_eq!(app.number(NAMED).await, 0);
    app.close().await;
}
