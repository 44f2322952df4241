//! Lists of 1, 10 and 100 rows take the same number of SQL statements.

use serde_json::json;

use crate::support::org_fixture::Office;
use crate::support::statements::{access_lookup_count, count_statements, statement_count, take_statements};
use crate::support::{Person, TestApp};

/// The number of statements of the second run of a query.
async fn statements(app: &TestApp, ada: &Person, query: &str, first: i32) -> usize {
    let variables = json!({ "first": first });
    app.open_all().await;
    ada.run(query, variables.clone()).await.data();
    app.settle().await;
    let before = statement_count();
    ada.run(query, variables).await.data();
    statement_count() - before
}

/// 100 organizations of one owner, the first with 100 members and 100 invitations.
async fn world() -> (TestApp, Person) {
    count_statements();
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    app.sql(
        "BEGIN;
         INSERT INTO users (id, username, email, email_verified_at, created_at)
           SELECT gen_random_uuid(), 'user-' || n, 'user-' || n || '@example.org', now(), now() FROM generate_series(1, 99) n;
         INSERT INTO organizations (id, slug, owner_id, member_count, created_at, updated_at)
           SELECT gen_random_uuid(), 'org-' || n, u.id, CASE n WHEN 1 THEN 100 ELSE 1 END, now() + n * interval '1 s', now()
           FROM generate_series(1, 100) n, users u WHERE u.username = 'ada';
         INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at, last_active_on)
           SELECT gen_random_uuid(), o.id, u.id, u.username, 'OWNER', o.created_at, '2100-01-01' FROM organizations o, users u WHERE u.username = 'ada';
         INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at, invited_by)
           SELECT gen_random_uuid(), o.id, u.id, u.username, 'WORKER', now(), o.owner_id
           FROM organizations o, users u WHERE o.slug = 'org-1' AND u.username <> 'ada';
         INSERT INTO invitations (id, organization_id, email, role, inviter_id, created_at, expires_at, sent_requested_at)
           SELECT gen_random_uuid(), o.id, 'p' || n || '@example.org', 'WORKER', u.id, now(), now() + interval '7 d', now()
           FROM organizations o, generate_series(1, 100) n JOIN users u ON u.username = CASE n WHEN 100 THEN 'ada' ELSE 'user-' || n END
           WHERE o.slug = 'org-1';
         COMMIT"
    )
    .await;
    (app, ada)
}

async fn takes(query: &str, expected: usize) {
    let (app, ada) = world().await;
    takes_of(&app, &ada, query, expected).await;
    app.close().await;
}

async fn takes_of(app: &TestApp, person: &Person, query: &str, expected: usize) {
    let mut counts = Vec::new();
    for first in [1, 10, 100] {
        counts.push(statements(app, person, query, first).await);
    }
    assert_eq!(counts, [expected; 3], "{} asks {query}", person.name);
}

#[tokio::test]
async fn organization_with_members_takes_two_statements() {
    takes(r#"query Q($first: Int!) { organization(slug: "org-1") { members(first: $first) { nodes { role user { username email } } } } }"#, 2).await;
}

/// Fields of an organization that are read by its ID, with `search` where the field has it.
const READ_BY_ID: [&str; 11] = [
    r#"members(search: "e") { totalCount nodes { user { email } } }"#,
    r#"invitations(search: "guest") { totalCount nodes { email inviter { email } } }"#,
    r#"projects(search: "e") { totalCount nodes { name } }"#,
    r#"tasks(search: "e") { totalCount nodes { name } }"#,
    "cloudStorages { totalCount nodes { displayName } }",
    "events { totalCount nodes { type } }",
    "ownershipOffer { id }",
    "plan { tier }",
    "billing { amount }",
    "seats { used }",
    "limits { used }",
];

#[tokio::test]
async fn organization_sends_no_statement_for_a_field_before_access_is_checked() {
    count_statements();
    let office = Office::new().await;
    let guest = office.app.person("guest").await;
    office.owner.invites(&office.id, &guest.email(), "WORKER").await;
    // The texts of the statements of a query, and whether it was refused.
    let ask = async |person: &Person, by: &str, field: &str| {
        let query = format!("{{ organization({by}) {{ id {field} }} }}");
        office.app.open_all().await;
        person.ask(&query).await;
        office.app.settle().await;
        take_statements();
        let refused = person.ask(&query).await.codes().contains(&"FORBIDDEN");
        let texts = take_statements().into_iter();
        let texts: Vec<_> = texts.map(|text| text.split(" -- binds: ").next().expect("a text").to_owned()).collect();
        (texts, refused)
    };
    let mut refused = Vec::new();
    for (there, missing) in [
        ("slug: \"office\"".to_owned(), "slug: \"nowhere\""),
        (format!("id: \"{}\"", office.id), "id: \"org_01j0000002e008000000000009\""),
    ] {
        let (look_up, _) = ask(&office.owner, &there, "slug").await;
        assert_eq!(look_up.len(), 1, "{look_up:?}");
        for field in READ_BY_ID {
            assert!(ask(&office.owner, &there, field).await.0.len() > 1, "the owner has {field}");
            for outside in [&office.stranger, &guest] {
                for by in [&there, missing] {
                    assert_eq!(ask(outside, by, field).await.0, look_up, "{} asks for {field}", outside.name);
                }
            }
            // Access to `ownershipOffer` depends on the offer itself, so that field needs a statement.
            for member in [&office.worker, &office.supervisor, &office.maintainer] {
                let (texts, is_refused) = ask(member, &there, field).await;
                if is_refused && !field.starts_with("ownershipOffer") {
                    assert_eq!(texts, look_up, "{} asks for {field}", member.name);
                    refused.push((member.name.as_str(), field.split(['(', ' ']).next().expect("a name")));
                }
            }
        }
    }
    assert!(refused.contains(&("wim", "invitations")), "{refused:?}");
    office.app.close().await;
}

#[tokio::test]
async fn viewer_organizations_take_one_statement() {
    takes("query Q($first: Int!) { viewer { organizations(first: $first) { nodes { slug memberCount viewerMembership { role } } } } }", 1).await;
}

#[tokio::test]
async fn viewer_organizations_members_take_no_statement_per_organization() {
    takes("query Q($first: Int!) { viewer { organizations(first: $first) { nodes { slug members(first: 10) { nodes { role user { username } } } } } } }", 2).await;
}

#[tokio::test]
async fn invitations_with_inviters_take_no_statement_per_invitation() {
    takes(r#"query Q($first: Int!) { organization(slug: "org-1") { invitations(first: $first) { nodes { email role inviter { username } } } } }"#, 2).await;
}

#[tokio::test]
async fn ownership_offer_takes_no_statement_per_organization() {
    takes("query Q($first: Int!) { viewer { organizations(first: $first) { nodes { slug ownershipOffer { to { username } } } } } }", 2).await;
}

#[tokio::test]
async fn invite_members_takes_no_statement_per_invitee() {
    count_statements();
    let app = TestApp::with(|settings| settings.rules.rate_limits = false).await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let mut counts = Vec::new();
    for number in [1, 1, 10, 100] {
        let people: Vec<_> = (0..number)
            .map(|n| json!({ "email": format!("p{}-{n}@example.org", counts.len()), "role": "WORKER" }))
            .collect();
        let input = json!({ "organizationId": id, "invitees": people, "idempotencyKey": format!("{}", counts.len()) });
        app.open_all().await;
        let before = statement_count();
        let fields = "results { invitation { id status inviter { username } } }";
        let invited = ada.mutate("inviteMembers", input, fields).await.done();
        assert!(invited["results"][number - 1]["invitation"]["id"].is_string());
        counts.push(statement_count() - before);
        app.settle().await;
    }
    assert_eq!(counts[1..], [counts[0]; 3]);
    app.close().await;
}

#[tokio::test]
async fn idempotency_key_takes_two_statements_and_a_repeat_takes_six() {
    count_statements();
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let membership = bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
    let change = async |role: &str, key: Option<&str>| {
        app.settle().await;
        app.open_all().await;
        let before = statement_count();
        let input = json!({ "membershipId": membership, "role": role, "idempotencyKey": key });
        ada.mutate("changeMemberRole", input, "membership { role }").await.done();
        statement_count() - before
    };
    change("SUPERVISOR", None).await;
    let without = change("MAINTAINER", None).await;
    let with = change("WORKER", Some("k")).await;
    assert_eq!(with, without + 2, "the key and the result of the write");
    let repeat = change("WORKER", Some("k")).await;
    // Begin and commit, the key twice, the membership and its organization.
    assert_eq!(repeat, 6);
    app.close().await;
}

#[tokio::test]
async fn plan_seats_limits_and_billing_take_no_statement_per_organization() {
    let query = "query Q($first: Int!) { viewer { organizations(first: $first) { nodes {
        slug plan { tier renewsAt } seats { used reserved total } limits { kind used max } billing { amount } } } } }";
    takes(query, 4).await;
}

/// The data of [`world`], plus: `org-1` with 100 projects, storages and tasks, the first project with 100 tasks, the
/// first task with 100 jobs, and every other organization with one of each. All are assigned to `user-1`, a worker in
/// each organization.
async fn resources() -> (TestApp, [Person; 2]) {
    let (app, ada) = world().await;
    app.sql(
        "BEGIN;
         INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at, last_active_on)
           SELECT gen_random_uuid(), o.id, u.id, u.username, 'WORKER', o.created_at, '2100-01-01' FROM organizations o, users u
           WHERE u.username = 'user-1' ON CONFLICT (organization_id, user_id) DO UPDATE SET last_active_on = '2100-01-01';
         UPDATE organizations SET member_count = 2 WHERE slug <> 'org-1';
         INSERT INTO cloud_storages (id, workspace_id, organization_id, owner_id, display_name, provider, resource, created_at)
           SELECT gen_random_uuid(), o.id, o.id, u.id, 'storage', 'AWS_S3', 'bucket', now() + n * interval '1 s'
           FROM organizations o, generate_series(1, 100) n JOIN users u ON u.username = CASE n WHEN 1 THEN 'user-1' ELSE 'ada' END
           WHERE o.slug = 'org-1' OR n = 1;
         INSERT INTO projects (id, workspace_id, organization_id, owner_id, assignee_id, name, source_storage_id, created_at, updated_at)
           SELECT gen_random_uuid(), workspace_id, organization_id, o.owner_id, u.id, 'project', s.id, s.created_at, now()
           FROM cloud_storages s JOIN organizations o ON o.id = s.workspace_id, users u WHERE u.username = 'user-1';
         INSERT INTO tasks (id, workspace_id, organization_id, project_id, owner_id, assignee_id, name, source_storage_id, created_at, updated_at)
           SELECT gen_random_uuid(), p.workspace_id, p.organization_id, p.id, p.owner_id, p.assignee_id, 'task', p.source_storage_id, p.created_at + n * interval '1 s', now()
           FROM projects p JOIN (SELECT max(created_at) AS last FROM projects) l ON true, generate_series(1, 100) n
           WHERE n = 1 OR p.created_at = l.last;
         INSERT INTO jobs (id, workspace_id, organization_id, task_id, assignee_id, created_at, updated_at)
           SELECT gen_random_uuid(), t.workspace_id, t.organization_id, t.id, t.assignee_id, t.created_at + n * interval '1 s', now()
           FROM tasks t JOIN (SELECT max(created_at) AS last FROM tasks) l ON true, generate_series(1, 100) n
           WHERE n = 1 OR t.created_at = l.last;
         COMMIT;
         ANALYZE"
    )
    .await;
    let worker = app.named("user-1").await;
    (app, [ada, worker])
}

#[tokio::test]
async fn resource_lists_take_no_statement_per_row() {
    let (app, people) = resources().await;
    for person in &people {
        let of_everybody = "owner { username } assignee { username } sourceStorage { displayName } viewerPermissions";
        for (list, expected) in [
            // The organization, the page, the people, the storages.
            (format!("projects(first: $first) {{ nodes {{ name {of_everybody} }} }}"), 4),
            (format!("tasks(first: $first) {{ nodes {{ name status {of_everybody} }} }}"), 4),
            // The projects in addition.
            (format!("tasks(first: $first) {{ nodes {{ name project {{ name }} {of_everybody} }} }}"), 5),
            (
                "cloudStorages(first: $first) { nodes { displayName owner { username } viewerPermissions } }"
                    .to_owned(),
                3,
            ),
            // The count instead of the people and the storages.
            ("projects(first: $first) { nodes { name } totalCount }".to_owned(), 3),
        ] {
            let query = format!(r#"query Q($first: Int!) {{ organization(slug: "org-1") {{ {list} }} }}"#);
            takes_of(&app, person, &query, expected).await;
        }
    }
    app.close().await;
}

#[tokio::test]
async fn nested_resource_lists_take_no_statement_per_list() {
    let (app, people) = resources().await;
    for person in &people {
        for (query, expected) in [
            // The viewer's organizations, the pages of all of them, and their counts.
            (
                "viewer { organizations(first: $first) { nodes { projects(first: 2) { nodes { name } totalCount } } } }",
                3,
            ),
            ("viewer { organizations(first: $first) { nodes { tasks(first: 2) { nodes { name } } } } }", 2),
            // The organization, the projects, their tasks, and the task counts.
            (
                r#"organization(slug: "org-1") { projects(first: $first) { nodes { taskCount tasks(first: 2) { nodes { name } } } } }"#,
                4,
            ),
            (
                r#"organization(slug: "org-1") { projects(first: $first) { nodes { tasks(first: 2) { totalCount } } } }"#,
                4,
            ),
            (
                r#"organization(slug: "org-1") { tasks(first: $first) { nodes { jobCount jobs(first: 2) { totalCount nodes { state } } } } }"#,
                5,
            ),
            (
                r#"organization(slug: "org-1") { projects(first: $first) { nodes { tasks(first: 2) { nodes { jobs(first: 2) { nodes { state } } } } } } }"#,
                4,
            ),
        ] {
            takes_of(&app, person, &format!("query Q($first: Int!) {{ {query} }}"), expected).await;
        }
    }
    app.close().await;
}

#[tokio::test]
async fn assigned_tasks_and_assigned_jobs_take_no_statement_per_workspace() {
    let (app, [_, worker]) = resources().await;
    for (query, expected) in [
        // The viewer, the page, the organizations of its rows.
        ("viewer { assignedTasks(first: $first) { nodes { name viewerPermissions workspace { displayName } } } }", 4),
        ("viewer { assignedJobs(first: $first) { nodes { state viewerPermissions task { name } } } }", 4),
        ("viewer { assignedJobs(first: $first) { totalCount } }", 4),
    ] {
        takes_of(&app, &worker, &format!("query Q($first: Int!) {{ {query} }}"), expected).await;
    }
    app.close().await;
}

#[tokio::test]
async fn jobs_list_takes_no_statement_per_job() {
    let (app, people) = resources().await;
    for person in &people {
        let tasks = "{ organization(slug: \"org-1\") { tasks(first: 1) { nodes { id jobCount } } } }";
        let task = person.ask(tasks).await.data()["organization"]["tasks"]["nodes"][0].clone();
        assert_eq!(task["jobCount"], 100);
        let id = task["id"].as_str().expect("an ID");
        let query = format!(
            r#"query Q($first: Int!) {{ node(id: "{id}") {{ ... on Task {{ jobs(first: $first) {{ nodes {{ state assignee {{ username }} task {{ name }} }} }} }} }} }}"#
        );
        // The task, its organization, the jobs, their people and their task.
        takes_of(&app, person, &query, 5).await;
    }
    app.close().await;
}

#[tokio::test]
async fn workspace_events_check_access_once_for_all_subscribers() {
    count_statements();
    let app = TestApp::with(|_| {}).await;
    app.app.spawn_event_dispatcher();
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let query = "subscription S($id: ID!) { workspaceEvents(workspaceId: $id) { id type cursor } }";
    for many in [1, 50] {
        let others = app.env.hub.listeners();
        let listening: Vec<_> = (0..many)
            .map(|_| {
                let mut listener = app.listen(&ada, query, json!({ "id": id }));
                tokio::spawn(async move { listener.event().await })
            })
            .collect();
        let mut statements_before = 0;
        // All are subscribed and have read their start position in the log.
        while app.env.hub.listeners() < others + many || statements_before != statement_count() {
            statements_before = statement_count();
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let before = access_lookup_count();
        let input = json!({ "organizationId": id, "name": format!("Acme {many}") });
        ada.mutate("updateOrganization", input, "clientMutationId").await.done();
        let mut events = Vec::new();
        for listener in listening {
            events.push(listener.await.expect("an event"));
        }
        assert!(events.iter().all(|event| *event == events[0]));
        let lookups = access_lookup_count() - before;
        assert!((1..=2).contains(&lookups), "{lookups} statements for {many}");
    }
    app.close().await;
}
