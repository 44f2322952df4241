//! Exports that are refused, and imports that fail.

use guildhall::import::cvat;
use guildhall::import::cvat::{ImportError, Options};
use serde_json::{Value, json};

use super::{Folder, REAL, dump, figures, import, messy, plain};
use crate::support::TestApp;

async fn failure(app: &TestApp, export: &Value) -> ImportError {
    let folder = Folder::with(export);
    cvat::import(&app.env.store, &app.env.clock, &folder.0, REAL).await.expect_err("no import")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cvat_import_refuses_another_cvat_at_the_same_address() {
    let app = TestApp::new().await;
    let first = json!({ "users": [plain(1, "ada")], "organizations": [], "memberships": [], "invitations": [] });
    import(&app, &first).await;
    let before = dump(&app).await;
    let mut second = first.clone();
    second["users"][0]["username"] = json!("zoe");
    second["users"][0]["date_joined"] = json!("2025-05-05T05:05:05Z");
    let error = failure(&app, &second).await.to_string();
    assert!(error.starts_with("user 1 was made on 2024-01-01") && error.contains("--source"), "{error}");
    assert_eq!(dump(&app).await, before);

    let folder = Folder::with(&second);
    let options = Options { source: Some("the other"), ..REAL };
    let report = cvat::import(&app.env.store, &app.env.clock, &folder.0, options).await.expect("an import");
    assert_eq!((report.source.as_str(), figures(&report.users)), ("the other", [1, 1, 0, 0, 0]), "{report}");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cvat_import_failure_leaves_no_rows() {
    let app = TestApp::new().await;
    app.sql("ALTER TABLE imports ADD CONSTRAINT no_room CHECK (kind <> 'INVITATION')").await;
    let error = failure(&app, &messy()).await.to_string();
    assert!(error.starts_with("the database did not take it"), "{error}");
    assert_eq!(dump(&app).await, [] as [&str; 0]);

    let folder = Folder::with(&messy());
    folder.write("invitations", r#"{"count": 6, "results": [{"key": "k-n"#);
    let error = cvat::import(&app.env.store, &app.env.clock, &folder.0, REAL).await.expect_err("cut").to_string();
    assert!(error.starts_with("invitations.json is not JSON"), "{error}");
    assert_eq!(dump(&app).await, [] as [&str; 0]);
    app.close().await;
}
