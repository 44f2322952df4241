//! Search and order by name: the same results in databases of every locale, also for rows that were written without
//! keys.

use guildhall::domain::ProjectId;
use guildhall::domain::ids::TypedId;
use guildhall::operations::maintenance::fill_text_keys::fill_text_keys;
use guildhall::store::{Database, Transactional, projects};
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::cluster::connector;
use crate::support::org_fixture::{Office, with};
use crate::support::{Person, TestApp};

/// Locales with different case rules and orders. The first two exist everywhere, except that macOS lacks the second;
/// the others need a PostgreSQL with ICU.
const LOCALES: [&str; 4] = [
    "LOCALE 'C'",
    "LOCALE 'C.UTF-8'",
    "LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'tr'",
    "LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'sv'",
];

/// Names, and searches that match them.
const FOUND: [(&str, &[&str]); 14] = [
    ("ZÜRICH", &["zürich", "ZURICH", "üri", "Zu\u{308}rich"]),
    ("Zürich", &["ZÜRICH", "zurich"]),
    ("Lucía", &["Lucia", "LUCÍA", "luci\u{301}a"]),
    ("ΟΔΟΣ", &["οδος", "οδοσ", "Οδός"]),
    ("οδός", &["ΟΔΟΣ", "ΔΟΣ"]),
    ("Straße", &["STRASSE", "strasse", "STRAẞE", "ß"]),
    ("ISPARTA", &["ısparta", "isparta", "İsparta"]),
    ("ırmak", &["IRMAK", "irmak"]),
    ("İstanbul", &["istanbul", "ISTANBUL"]),
    ("東京支社", &["東京", "支社"]),
    ("Café Ωmega", &["cafe\u{301}", "ωMEGA", "FE Ω"]),
    ("Øresund", &["oresund", "ØRE"]),
    ("ﬁle № ５", &["FILE no 5"]),
    ("50%_\\ off", &["%_\\", "50% ", "OFF"]),
];

/// Searches that match none of these names.
const UNFOUND: [&str; 4] = ["京東", "zurichs", "%z%", "_urich"];

/// The results of each list with a search, for `office`.
async fn names(person: &Person, search: &str) -> Value {
    let query = "query Q($search: String!) {
        viewer { organizations(search: $search) { totalCount nodes { name } } }
        organization(slug: \"office\") {
            members(search: $search) { totalCount nodes { user { displayName } } }
            projects(search: $search) { totalCount nodes { name } }
            tasks(search: $search) { totalCount nodes { name } } } }";
    person.run(query, json!({ "search": search })).await.data()
}

/// How often a name occurs in a response.
fn shown(answer: &Value, name: &str) -> usize {
    match answer {
        Value::String(text) => usize::from(text == name),
        Value::Array(values) => values.iter().map(|value| shown(value, name)).sum(),
        Value::Object(fields) => fields.values().map(|value| shown(value, name)).sum(),
        _ => 0,
    }
}

/// An application on a database of each locale that this PostgreSQL supports.
async fn everywhere() -> Vec<(&'static str, TestApp)> {
    let mut apps = Vec::new();
    for locale in LOCALES {
        if let Some(url) = Cluster::get().database_with(locale).await {
            apps.push((locale, TestApp::over(&url).await));
        }
    }
    assert!(apps.len() > 1, "only {} locale", apps.len());
    apps
}

#[tokio::test]
async fn search_finds_the_same_on_every_locale() {
    for (locale, app) in everywhere().await {
        let office = Office::over(app).await;
        let (owner, id) = (&office.owner, &office.id);
        let project = office.project(owner, json!({})).await;
        let task = office.task(owner, json!({})).await;
        let rename = async |name: &str| {
            let input = json!({ "name": name });
            let organization = with(json!({ "organizationId": id }), input.clone());
            owner.mutate("updateOrganization", organization, "clientMutationId").await.done();
            owner.mutate("updateProfile", json!({ "displayName": name }), "clientMutationId").await.done();
            let project = with(json!({ "projectId": project }), input.clone());
            owner.mutate("updateProject", project, "clientMutationId").await.done();
            owner.mutate("updateTask", with(json!({ "taskId": task }), input), "clientMutationId").await.done();
        };
        for (name, searches) in FOUND {
            rename(name).await;
            for search in searches {
                let answer = names(owner, search).await;
                let counts = [
                    &answer["viewer"]["organizations"],
                    &answer["organization"]["members"],
                    &answer["organization"]["projects"],
                    &answer["organization"]["tasks"],
                ];
                let counts = counts.map(|list| list["totalCount"].as_u64().expect("a count"));
                assert_eq!((shown(&answer, name), counts), (4, [1; 4]), "{locale}: {search} finds {name}: {answer}");
            }
            for search in UNFOUND {
                assert_eq!(shown(&names(owner, search).await, name), 0, "{locale}: {search} finds {name}");
            }
        }
        office.app.close().await;
    }
}

#[tokio::test]
async fn search_finds_new_rows_without_fill_text_keys() {
    for (locale, app) in everywhere().await {
        let (ada, bob) = (app.person("ada").await, app.person("bob").await);
        bob.mutate("updateProfile", json!({ "displayName": "Bôb" }), "clientMutationId").await.done();
        let input = json!({ "slug": "office", "name": "Bôb & Co" });
        let payload = ada.mutate("createOrganization", input, "organization { id }").await.done();
        let id = payload["organization"]["id"].as_str().expect("an ID");
        bob.accepts(&ada.invites(id, &bob.email(), "WORKER").await).await;
        ada.invites(id, "José@example.org", "WORKER").await;
        for mutation in ["createProject", "createTask"] {
            ada.makes(mutation, json!({ "workspaceId": id, "name": "Bôb" })).await;
        }
        let found = names(&ada, "BOB").await;
        assert_eq!((shown(&found, "Bôb"), shown(&found, "Bôb & Co")), (3, 1), "{locale}: {found}");
        let invitations =
            r#"{ organization(slug: "office") { invitations(search: "JOSE@") { nodes { email } totalCount } } }"#;
        let invitations = ada.ask(invitations).await.data()["organization"]["invitations"].clone();
        assert_eq!(invitations, json!({ "nodes": [{ "email": "josé@example.org" }], "totalCount": 1 }), "{locale}");
        assert_eq!(fill_text_keys(&app.env.store).await.expect("filled"), 0, "{locale}: nothing lacked its key");
        app.close().await;
    }
}

/// Organizations of `ada` with those names, written without keys, as by a process of a former version.
async fn organizations(app: &TestApp, names: &[&str]) -> Person {
    let ada = app.person("ada").await;
    for (n, name) in names.iter().enumerate() {
        app.sql(&format!(
            "BEGIN;
             INSERT INTO organizations (id, slug, name, owner_id, member_count, created_at, updated_at)
               SELECT gen_random_uuid(), 'org-{n}', '{name}', id, 1, now(), now() FROM users WHERE username = 'ada';
             INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
               SELECT gen_random_uuid(), id, owner_id, 'ada', 'OWNER', now() FROM organizations WHERE slug = 'org-{n}';
             COMMIT"
        ))
        .await;
    }
    ada
}

/// All of `ada`'s organizations by name, in pages of two.
async fn by_name(ada: &Person, direction: &str) -> Vec<String> {
    let (mut names, mut after) = (Vec::new(), Value::Null);
    loop {
        let query = format!(
            "query Q($after: String) {{ viewer {{ organizations(first: 2, after: $after, orderBy: {{ field: NAME, direction: {direction} }})
             {{ nodes {{ name }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
        );
        let page = ada.run(&query, json!({ "after": after })).await.data()["viewer"]["organizations"].clone();
        let nodes = page["nodes"].as_array().expect("nodes");
        names.extend(nodes.iter().map(|node| node["name"].as_str().expect("a name").to_owned()));
        if page["pageInfo"]["hasNextPage"] == false {
            return names;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

#[tokio::test]
async fn organizations_order_by_name_is_the_same_on_every_locale() {
    let ordered = [
        "Apfel",
        "Äpfel",
        "apfel & Co",
        "Éclair",
        "einer",
        "ober",
        "Øre",
        "Ostern",
        "Über",
        "uhu",
        "zoo",
        "Zürich",
        "οδός",
        "東京",
    ];
    let mut mixed = ordered;
    mixed.sort_unstable();
    for (locale, app) in everywhere().await {
        let ada = organizations(&app, &mixed).await;
        let mut without_key = by_name(&ada, "ASC").await;
        without_key.sort_unstable();
        assert_eq!(without_key, mixed, "{locale}: each is listed once before it has its key");
        assert_eq!(fill_text_keys(&app.env.store).await.expect("filled"), 7, "{locale}");
        assert_eq!(by_name(&ada, "ASC").await, ordered, "{locale}");
        let mut backwards = ordered;
        backwards.reverse();
        assert_eq!(by_name(&ada, "DESC").await, backwards, "{locale}");
        app.close().await;
    }
}

#[tokio::test]
async fn fill_text_keys_updates_stale_keys_and_skips_locked_rows() {
    let office = Office::new().await;
    let (owner, id) = (&office.owner, &office.id);
    let project = office.project(owner, json!({ "name": "Über" })).await;
    office.task(owner, json!({ "name": "Über" })).await;
    owner.mutate("updateProfile", json!({ "displayName": "Über" }), "clientMutationId").await.done();
    let name = json!({ "organizationId": id, "name": "Über" });
    owner.mutate("updateOrganization", name, "clientMutationId").await.done();
    owner.invites(id, "über@example.org", "WORKER").await;
    let store = &office.app.env.store;
    assert_eq!(fill_text_keys(store).await.expect("filled"), 0);

    // As a process of a former version would: it does not update the keys.
    office
        .app
        .sql(
            "UPDATE organizations SET name = 'Éclair'; UPDATE projects SET name = 'Éclair'; UPDATE tasks SET name = 'Éclair';
             UPDATE users SET display_name = 'Éclair' WHERE username = 'olga';
             UPDATE invitations SET email = 'éclair@example.org' WHERE email = 'über@example.org'",
        )
        .await;
    assert_eq!(shown(&names(owner, "uber").await, "Éclair"), 0);
    assert_eq!(shown(&names(owner, "clair").await, "Éclair"), 4, "by what is ASCII in them");
    assert_eq!(fill_text_keys(store).await.expect("filled"), 5);
    assert_eq!(shown(&names(owner, "ECLAIR").await, "Éclair"), 4);
    assert_eq!(fill_text_keys(store).await.expect("filled"), 0);

    // A row that another transaction has locked is skipped until the next run, without waiting.
    office.app.sql("UPDATE projects SET name_key = NULL; UPDATE tasks SET name_key = NULL").await;
    let other = Database::connect(&connector(&office.app.url), 1).expect("a pool");
    let id = ProjectId::parse(&project).expect("an ID");
    let mut holder = other.writer().await.expect("a connection");
    let held = holder.transaction(async |tx| {
        projects::lock(tx, id).await?;
        fill_text_keys(store).await
    });
    assert_eq!(held.await.expect("filled"), 1);
    assert_eq!(fill_text_keys(store).await.expect("filled"), 1);
    office.app.close().await;
}
