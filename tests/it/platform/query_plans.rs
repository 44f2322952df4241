//! No list scans a whole table. The statements of every list, with every order and every filter except `search`, get a
//! generic plan over analyzed tables, as prepared statements do.

use guildhall::store::query_batching::batch_text;
use serde_json::{Value, json};

use crate::support::statements::{count_statements, take_statements};
use crate::support::{Person, TestApp};

/// Tables with too many rows here for a sequential scan.
const LARGE: [&str; 9] =
    ["users", "organizations", "memberships", "invitations", "projects", "tasks", "jobs", "cloud_storages", "events"];

/// Thousands of rows of each kind, a few of them in reach of `ada`.
async fn world() -> (TestApp, Person, Person) {
    count_statements();
    let app = TestApp::new().await;
    let (ada, root) = (app.person("ada").await, app.admin("root").await);
    app.sql(
        "BEGIN;
         INSERT INTO users (id, username, email, email_verified_at, created_at)
           SELECT gen_random_uuid(), 'user-' || n, 'user-' || n || '@example.org', now(), now() FROM generate_series(1, 20000) n;
         CREATE TEMPORARY TABLE numbered AS SELECT id, username, row_number() OVER (ORDER BY username) AS n FROM users;
         CREATE TEMPORARY TABLE made AS SELECT gen_random_uuid() AS id, s.n, u.id AS owner, u.username
           FROM generate_series(1, 10000) s (n) JOIN numbered u ON u.username = CASE WHEN s.n <= 20 THEN 'ada' ELSE 'user-' || s.n END;
         INSERT INTO organizations (id, slug, name, owner_id, member_count, created_at, updated_at)
           SELECT id, 'org-' || n, 'Organization ' || n, owner, 4, now() + n * interval '1 s', now() FROM made;
         INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at, last_active_on)
           SELECT gen_random_uuid(), id, owner, username, 'OWNER', now() + n * interval '1 s', '2100-01-01' FROM made;
         INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at, last_active_on)
           SELECT gen_random_uuid(), m.id, u.id, u.username, 'WORKER', now() + k * interval '1 s', '2100-01-01'
           FROM made m CROSS JOIN generate_series(1, 3) k JOIN numbered u ON u.n = 1 + (m.n * 7 + k * 131) % 20000
           WHERE u.id <> m.owner;
         INSERT INTO invitations (id, organization_id, email, role, inviter_id, created_at, expires_at, sent_requested_at)
           SELECT gen_random_uuid(), m.id, 'guest-' || n || '-' || k || '@example.org', 'WORKER', m.owner, now() + k * interval '1 s', now() + interval '7 d', now()
           FROM made m, generate_series(1, 2) k;
         INSERT INTO cloud_storages (id, workspace_id, organization_id, owner_id, display_name, provider, resource, created_at)
           SELECT gen_random_uuid(), id, id, owner, 'storage', 'AWS_S3', 'bucket', now() FROM made;
         INSERT INTO projects (id, workspace_id, organization_id, owner_id, assignee_id, name, created_at, updated_at)
           SELECT gen_random_uuid(), id, id, owner, owner, 'project', now(), now() FROM made;
         INSERT INTO tasks (id, workspace_id, organization_id, project_id, owner_id, assignee_id, name, created_at, updated_at)
           SELECT gen_random_uuid(), workspace_id, organization_id, id, owner_id, assignee_id, 'task', now(), now() FROM projects;
         INSERT INTO jobs (id, workspace_id, organization_id, task_id, assignee_id, created_at, updated_at)
           SELECT gen_random_uuid(), workspace_id, organization_id, id, assignee_id, now(), now() FROM tasks;
         INSERT INTO events (workspace_id, type, at, subject_id)
           SELECT id, 'ORGANIZATION_UPDATED', now(), 'org_' FROM made, generate_series(1, 2);
         COMMIT;
         ANALYZE",
    )
    .await;
    (app, ada, root)
}

/// The statements of a query, without those that occurred before.
async fn statements(person: &Person, query: &str, met: &mut Vec<String>) -> (Value, Vec<String>) {
    take_statements();
    let data = person.run(query, json!({})).await.data();
    let texts = take_statements().into_iter().filter_map(|text| Some(text.rsplit_once(" -- binds: ")?.0.to_owned()));
    let reads = |text: &str| ["SELECT", "WITH"].iter().any(|word| text.starts_with(word));
    let new: Vec<String> = texts.filter(|text| reads(text) && !met.contains(text)).collect();
    met.extend(new.iter().cloned());
    (data, new)
}

/// Whether a statement reads a page after a cursor. The viewer's own organizations are exempt where their order is not
/// that of the memberships: one person has few of them.
fn goes_on(text: &str) -> bool {
    let own = ["(organizations.created_at", "(organizations.slug", "organizations.sort_name)"];
    let own = own.map(|key| format!("{key}, memberships.organization_id)"));
    ["id) > (", "id) < ("].iter().any(|place| text.contains(place)) && !own.iter().any(|place| text.contains(place))
}

/// The plans of a statement that scan a whole table or all rows before the page, both for a single run and for a batch.
async fn too_much(app: &TestApp, query: &str, text: &str) -> Vec<String> {
    let (plan, types) = app.plan(text, &[]).await;
    let mut bad: Vec<_> = of_plan(query, text, &plan).into_iter().collect();
    let Some(several) = batch_text(text, types.len()) else {
        assert!(types.is_empty(), "{text} is not run for several at once");
        return bad;
    };
    let lists = types.iter().map(|kind| match kind.strip_suffix("[]") {
        Some(list_of @ ("uuid" | "text")) => format!("{list_of}_list[]"),
        _ => format!("{kind}[]"),
    });
    // PostgreSQL has no arrays of arrays, and only `uuid` and `text` have a list type.
    if types.iter().all(|kind| !kind.ends_with("[]") || ["uuid[]", "text[]"].contains(&kind.as_str())) {
        let (plan, _) = app.plan(&several, &lists.collect::<Vec<_>>()).await;
        bad.extend(of_plan(query, &several, &plan));
    }
    bad
}

fn of_plan(query: &str, text: &str, plan: &str) -> Option<String> {
    let reads = |table: &&str| plan.contains(&format!("Seq Scan on {table} "));
    // Slugs are unique, so their index condition needs no ID.
    let begins = ["ROW(", "(slug >= ", "(slug <= "];
    let begins = |line: &str| line.contains("Index Cond") && begins.iter().any(|place| line.contains(place));
    let begins = plan.lines().any(begins);
    (LARGE.iter().any(reads) || goes_on(text) && !begins).then(|| format!("{query}\n{text}\n{plan}\n"))
}

#[tokio::test]
async fn list_queries_use_indexes_and_start_at_the_cursor() {
    let (app, ada, root) = world().await;
    let org = ada.ask(r#"{ organization(slug: "org-7") { id } }"#).await.data();
    let id = org["organization"]["id"].as_str().expect("an ID").to_owned();
    let mut queries = Vec::new();
    for direction in ["ASC", "DESC"] {
        for field in ["JOINED_AT", "CREATED_AT", "SLUG", "NAME"] {
            let order = format!("orderBy: {{ field: {field}, direction: {direction} }}");
            queries.push((&ada, "viewer", format!("organizations(first: 2, {order}")));
            queries.push((&root, "", format!("organizations(first: 2, {order}")));
            queries.push((&ada, "viewer", format!("organizations(first: 2, roles: [OWNER], {order}")));
        }
        for field in ["JOINED_AT", "USERNAME", "ROLE"] {
            let order = format!("orderBy: {{ field: {field}, direction: {direction} }}");
            queries.push((&ada, "org", format!("members(first: 2, {order}")));
            queries.push((&ada, "org", format!("members(first: 2, roles: [WORKER], {order}")));
        }
    }
    for list in [
        "invitations(first: 2",
        "invitations(first: 2, statuses: [PENDING]",
        "invitations(first: 2, statuses: [ACCEPTED, EXPIRED], roles: [WORKER]",
        "projects(first: 2",
        "tasks(first: 2",
        "tasks(first: 2, statuses: [ANNOTATION]",
        "cloudStorages(first: 2",
        "events(first: 2",
        "events(first: 2, types: [ORGANIZATION_UPDATED]",
    ] {
        queries.push((&ada, "org", list.to_owned()));
    }
    for list in [
        "invitations(first: 2",
        "assignedTasks(first: 2",
        "assignedTasks(first: 2, statuses: [ANNOTATION]",
        "assignedJobs(first: 2",
    ] {
        queries.push((&ada, "viewer", list.to_owned()));
    }
    let (mut met, mut bad) = (Vec::new(), Vec::new());
    for (person, within, list) in queries {
        let nodes = match list.split('(').next().unwrap() {
            "members" => "role user { username }",
            "invitations" => "email inviter { username }",
            "assignedTasks" => "name jobs(first: 2) { nodes { state } totalCount }",
            "projects" => "name tasks(first: 2) { nodes { name } totalCount }",
            _ => "__typename",
        };
        let mut after = String::new();
        // The first page, and one after a cursor.
        for _ in 0..2 {
            // The number of all organizations needs a count of all rows.
            let count = if within.is_empty() { "" } else { "totalCount" };
            let field = format!("list: {list}{after}) {{ nodes {{ {nodes} }} {count} pageInfo {{ endCursor }} }}");
            let query = match within {
                "viewer" => format!("{{ viewer {{ {field} }} }}"),
                "org" => format!(r#"{{ org: organization(id: "{id}") {{ {field} }} }}"#),
                _ => format!("{{ {field} }}"),
            };
            let (data, texts) = statements(person, &query, &mut met).await;
            for text in texts {
                bad.extend(too_much(&app, &query, &text).await);
            }
            let list = if within.is_empty() { &data["list"] } else { &data[within]["list"] };
            let Some(cursor) = list["pageInfo"]["endCursor"].as_str() else { break };
            after = format!(r#", after: "{cursor}""#);
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    let paged = met.iter().filter(|text| goes_on(text)).count();
    assert!(paged > 20, "{paged} pages begin behind a row");
    assert!(met.len() > 60, "{} statements were looked at", met.len());
    app.close().await;
}
