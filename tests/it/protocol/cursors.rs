//! Cursors that clients have stored.

use crate::support::TestApp;

const ADA: &str = "01900000-0001-7000-8000-000000000001";
const ACME: &str = "01900000-0002-7000-8000-000000000001";
const PROJECT: &str = "01900000-0003-7000-8000-000000000001";
const TASK: &str = "01900000-0004-7000-8000-000000000001";

/// Lists, each with a cursor from the time when lists were identified by the standard library's hash.
const FORMER: [(&str, &str, &str); 16] = [
    ("org", "members(after: ", "OTM1NDExMmIwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMTE3MzU2ODk2MDAwMDAwMDA"),
    (
        "org",
        "members(orderBy: { field: USERNAME, direction: DESC }, after: ",
        "ZjE2MTliMTgwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMWFkYQ",
    ),
    (
        "org",
        "members(orderBy: { field: ROLE, direction: ASC }, after: ",
        "YTVmZjI3NjEwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMU9XTkVS",
    ),
    ("viewer", "organizations(after: ", "NDVkNDhhNDQwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMTE3MzU2ODk2MDAwMDAwMDA"),
    (
        "viewer",
        "organizations(orderBy: { field: CREATED_AT, direction: DESC }, after: ",
        "MTIxOWQ5NjYwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMTE3MzU2ODk2MDAwMDAwMDA",
    ),
    (
        "viewer",
        "organizations(orderBy: { field: SLUG, direction: ASC }, after: ",
        "NWVjN2I2MDkwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMWFjbWU",
    ),
    ("org", "invitations(after: ", "YjcyNmIwOTkwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMTE3MzU2ODk2MDAwMDAwMDA"),
    ("viewer", "invitations(after: ", "MDg0NDk4NDkwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMTE3MzU2ODk2MDAwMDAwMDA"),
    ("org", "projects(after: ", "ODk0YmRhOTMwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMTE3MzU2ODk2MDAwMDAwMDA"),
    ("org", "tasks(after: ", "OGE2MTFhY2IwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMTE3MzU2ODk2MDAwMDAwMDA"),
    ("org", "cloudStorages(after: ", "YjliY2RiOTIwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMTE3MzU2ODk2MDAwMDAwMDA"),
    ("project", "tasks(after: ", "NGE4ZGEyY2EwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMTE3MzU2ODk2MDAwMDAwMDA"),
    ("task", "jobs(after: ", "ZGFkYzM0ZmEwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMTE3MzU2ODk2MDAwMDAwMDA"),
    ("viewer", "assignedTasks(after: ", "Y2VkZTEyN2UwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMTE3MzU2ODk2MDAwMDAwMDA"),
    ("viewer", "assignedJobs(after: ", "ODBjZmRlOTcwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMTE3MzU2ODk2MDAwMDAwMDA"),
    ("org", "events(after: ", "ZTk3MDVjYWIwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMTMuMQ"),
];

/// A cursor of the list of organizations by name, from the time when names were ordered by their lower case.
const FORMER_BY_NAME: &str = "N2U1MjVkNjEwMTkwMDAwMDAwMDk3MDAwODAwMDAwMDAwMDAwMDAwMWFjbWU";

#[tokio::test]
async fn cursors_of_former_versions_are_accepted_except_by_name() {
    let app = TestApp::new().await;
    app.sql(&format!(
        "BEGIN;
         INSERT INTO users (id, username, email, email_verified_at, created_at)
           VALUES ('{ADA}', 'ada', 'ada@example.org', now(), now());
         INSERT INTO organizations (id, slug, owner_id, member_count, created_at, updated_at)
           VALUES ('{ACME}', 'acme', '{ADA}', 1, now(), now());
         INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
           VALUES (gen_random_uuid(), '{ACME}', '{ADA}', 'ada', 'OWNER', now());
         INSERT INTO projects (id, workspace_id, organization_id, owner_id, name, created_at, updated_at)
           VALUES ('{PROJECT}', '{ACME}', '{ACME}', '{ADA}', 'project', now(), now());
         INSERT INTO tasks (id, workspace_id, organization_id, owner_id, name, created_at, updated_at)
           VALUES ('{TASK}', '{ACME}', '{ACME}', '{ADA}', 'task', now(), now());
         COMMIT"
    ))
    .await;
    let ada = app.named("ada").await;
    let ask = async |within: &str, list: &str, cursor: &str| {
        let within = match within {
            "org" => r#"organization(slug: "acme") {"#,
            "viewer" => "viewer {",
            "project" => r#"node(id: "prj_01j0000003e008000000000001") { ... on Project {"#,
            _ => r#"node(id: "tsk_01j0000004e008000000000001") { ... on Task {"#,
        };
        let end = "}".repeat(within.matches('{').count() + 1);
        let answer = ada.ask(&format!("{{ {within} {list}\"{cursor}\") {{ pageInfo {{ endCursor }} }} {end}")).await;
        answer.codes().join(" ")
    };
    for (within, list, cursor) in FORMER {
        assert_eq!(ask(within, list, cursor).await, "", "{within} {list}");
        for (_, other, foreign) in FORMER {
            if other != list {
                assert_eq!(ask(within, list, foreign).await, "INVALID_CURSOR", "{within} {list} {other}");
            }
        }
    }
    let by_name = "organizations(orderBy: { field: NAME, direction: ASC }, after: ";
    assert_eq!(ask("viewer", by_name, FORMER_BY_NAME).await, "INVALID_CURSOR");
    app.close().await;
}
