//! The list of invitations of an organization.

use crate::support::TestApp;

#[tokio::test]
async fn invitations_list_filters_by_status_role_and_search() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    for name in ["one", "two", "three"] {
        ada.invites(&id, &format!("{name}@example.org"), if name == "two" { "SUPERVISOR" } else { "WORKER" }).await;
    }
    let list = async |arguments: &str| {
        let query = format!(
            r#"{{ organization(slug: "acme") {{ invitations({arguments}) {{ totalCount nodes {{ email }} }} }} }}"#
        );
        let data = ada.ask(&query).await.data();
        let nodes = data["organization"]["invitations"]["nodes"].as_array().expect("nodes").clone();
        nodes.iter().map(|node| node["email"].as_str().expect("an address").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list("first: 2").await, ["three@example.org", "two@example.org"], "newest first");
    assert_eq!(list("roles: [SUPERVISOR]").await, ["two@example.org"]);
    assert_eq!(list(r#"search: "ONE""#).await, ["one@example.org"]);
    assert_eq!(list("statuses: [EXPIRED, REVOKED]").await, [] as [&str; 0]);
    assert_eq!(list("statuses: []").await, [] as [&str; 0]);
    assert_eq!(list("statuses: [PENDING, ACCEPTED]").await.len(), 3);
    app.close().await;
}
