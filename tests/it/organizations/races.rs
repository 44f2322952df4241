//! Concurrent creation of organizations.

use serde_json::json;

use crate::support::TestApp;
use crate::support::concurrency::{MANY, at_once, counts, tally};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_organization_fifty_times_concurrently_creates_one_per_slug() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let answers = at_once(|_| {
        let ada = ada.clone();
        async move { ada.mutate("createOrganization", json!({ "slug": "acme" }), "organization { id }").await }
    });
    assert_eq!(tally(answers.await), counts([("ok", 1), ("SLUG_TAKEN", MANY - 1)]));
    assert_eq!(app.count("organizations").await, 1);
    app.check_invariants().await;
    app.close().await;
}
