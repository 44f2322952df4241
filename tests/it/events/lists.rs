//! Lists of random events contain exactly the events that the viewer can open by ID.

use guildhall::domain::event::EventType;
use guildhall::domain::ids::TypedId;
use guildhall::domain::{CloudStorageId, ProjectId, TaskId};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

use super::uuid;
use crate::support::stream::text;
use crate::support::{Office, Person};

/// Possible subjects of events: some exist, and some were deleted.
struct Subjects {
    projects: Vec<String>,
    tasks: Vec<String>,
    jobs: Vec<String>,
    storages: Vec<String>,
    offers: Vec<String>,
    others: Vec<String>,
}

impl Subjects {
    fn of(&self, kind: EventType) -> &[String] {
        let name = kind.name();
        match name.split('_').next() {
            Some("PROJECT") => &self.projects,
            Some("TASK") => &self.tasks,
            Some("JOB") => &self.jobs,
            Some("CLOUD") => &self.storages,
            Some("RESOURCE") => &self.tasks,
            _ if name.starts_with("OWNERSHIP_OFFER") => &self.offers,
            _ => &self.others,
        }
    }
}

/// Resources of several members of the office, and an offer of its ownership.
async fn subjects(office: &Office) -> Subjects {
    let Office { owner, supervisor, worker, other, .. } = office;
    let mut made = Subjects {
        projects: vec![ProjectId::from(Uuid::new_v4()).to_string()],
        tasks: vec![TaskId::from(Uuid::new_v4()).to_string()],
        jobs: vec![format!("job_{}", &TaskId::from(Uuid::new_v4()).to_string()[4..])],
        storages: vec![CloudStorageId::from(Uuid::new_v4()).to_string(), office.storage(owner).await],
        offers: vec![format!("off_{}", &TaskId::from(Uuid::new_v4()).to_string()[4..])],
        others: vec![office.id.clone()],
    };
    for (by, assignee) in [(owner, worker), (supervisor, other), (owner, owner)] {
        let project = office.project(by, json!({ "assigneeId": assignee.id })).await;
        made.tasks.push(by.makes("createTask", json!({ "projectId": project, "name": "Inner" })).await);
        made.tasks.push(office.task(by, json!({ "assigneeId": assignee.id })).await);
        made.projects.push(project);
    }
    made.jobs.extend(office.jobs().await);
    let owned = office.storage(owner).await;
    let owner_of = format!(
        "UPDATE cloud_storages SET owner_id = '{}' WHERE id = '{}'",
        uuid(worker),
        Uuid::from(CloudStorageId::parse(&owned).expect("an ID"))
    );
    office.app.sql(&owner_of).await;
    made.storages.push(owned);
    let member = office.membership(supervisor).await;
    let offer = owner.mutate("offerOwnership", json!({ "membershipId": member }), "ownershipOffer { id }").await.done();
    made.offers.push(text(&offer["ownershipOffer"], "id"));
    made
}

/// Writes random events of the office, with any type and a matching subject.
async fn write(office: &Office, rng: &mut StdRng, number: usize) {
    let subjects = subjects(office).await;
    let Office { owner, maintainer, supervisor, worker, other, stranger, .. } = office;
    let people = [owner, maintainer, supervisor, worker, other, stranger];
    let mut rows = Vec::new();
    for _ in 0..number {
        let kind = *EventType::ALL.choose(rng).expect("a type");
        let subject = subjects.of(kind).choose(rng).expect("a subject");
        let mut person = || people.choose(rng).expect("a person");
        let (actor, concerned, email, tied) = (uuid(person()), uuid(person()), person().email(), [person(), person()]);
        let tied = tied.map(|person| format!("\"{}\"", uuid(person)));
        let tied = &tied[..rng.random_range(0..=2)];
        let concerned = if rng.random() { format!("'{concerned}'") } else { "NULL".to_owned() };
        let email = if kind.name().starts_with("INVITATION") { format!("'{email}'") } else { "NULL".to_owned() };
        rows.push(format!(
            "('{}', '{}', now(), '{actor}', '{subject}', {concerned}, {email}, '{{{}}}')",
            guildhall::domain::WorkspaceId::parse(&office.id).expect("an ID").uuid(),
            kind.name(),
            tied.join(",")
        ));
    }
    for rows in rows.chunks(50) {
        // Separate transactions, so that positions differ in `transaction_id`, too.
        let sql = format!(
            "INSERT INTO events (workspace_id, type, at, actor_id, subject_id, person_id, email, tied_ids) VALUES {}",
            rows.join(", ")
        );
        office.app.sql(&sql).await;
    }
    office.app.log_settles().await;
}

/// The IDs of the events that the person can open by ID, in the order of the log.
async fn opened(person: &Person, ids: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for ids in ids.chunks(100) {
        let query = "query Q($ids: [ID!]!) { nodes(ids: $ids) { id } }";
        let nodes = person.run(query, json!({ "ids": ids })).await.data()["nodes"].clone();
        found.extend(
            nodes.as_array().expect("nodes").iter().filter(|node| !node.is_null()).map(|node| text(node, "id")),
        );
    }
    found
}

/// The IDs of a list of events, read page by page, and its `totalCount`.
async fn listed(person: &Person, office: &str, arguments: &str, backward: bool) -> (Vec<String>, Value) {
    let (mut ids, mut from) = (Vec::new(), String::new());
    loop {
        let page = if backward { format!("last: 13{from}") } else { format!("first: 17{from}") };
        let query = format!(
            r#"{{ organization(id: "{office}") {{ events({page}{arguments}) {{ totalCount nodes {{ id }}
                 pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }}"#
        );
        let list = person.ask(&query).await.data()["organization"]["events"].clone();
        let nodes = list["nodes"].as_array().expect("nodes").iter().map(|node| text(node, "id"));
        let info = &list["pageInfo"];
        if backward {
            ids.extend(nodes.rev());
            from = format!(", before: {}", info["startCursor"]);
        } else {
            ids.extend(nodes);
            from = format!(", after: {}", info["endCursor"]);
        }
        if info[if backward { "hasPreviousPage" } else { "hasNextPage" }] == false {
            if backward {
                ids.reverse();
            }
            return (ids, list["totalCount"].clone());
        }
    }
}

#[tokio::test]
async fn events_list_shows_exactly_what_the_viewer_can_open() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random::<u64>);
    println!("SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let office = Office::new().await;
    write(&office, &mut rng, 300).await;
    let all = office.app.event_ids("true").await;
    let Office { id, owner, maintainer, supervisor, worker, other, admin, .. } = &office;
    let mut sizes = Vec::new();
    for person in [owner, maintainer, supervisor, worker, other, admin] {
        let expected = opened(person, &all).await;
        for backward in [false, true] {
            let (ids, count) = listed(person, id, "", backward).await;
            assert_eq!(ids, expected, "{}, SEED={seed}", person.name);
            assert_eq!(count, expected.len(), "{}, SEED={seed}", person.name);
        }
        sizes.push(expected.len());
        let actor = [owner, maintainer, supervisor, worker][rng.random_range(0..4)];
        let types =
            "JOB_UPDATED, TASK_CREATED, RESOURCE_MOVED_OUT, MEMBER_JOINED, OWNERSHIP_OFFERED, INVITATION_REVOKED";
        let kinds = types.split(", ").map(|kind| format!("'{kind}'")).collect::<Vec<_>>().join(", ");
        let condition = format!("actor_id = '{}' AND type IN ({kinds})", uuid(actor));
        let filtered = opened(person, &office.app.event_ids(&condition).await).await;
        let arguments = format!(r#", actorId: "{}", types: [{types}]"#, actor.id);
        let (ids, count) = listed(person, id, &arguments, false).await;
        assert_eq!((&ids, &count), (&filtered, &json!(filtered.len())), "{}, SEED={seed}", person.name);
    }
    let [owner, maintainer, supervisor, worker, _, admin] = sizes[..] else { unreachable!("six people") };
    assert!(
        owner == all.len() && admin == owner && maintainer < owner && supervisor < maintainer && worker < maintainer
    );
    office.app.close().await;
}

#[tokio::test]
async fn event_ties_are_written_and_deleted_with_the_event() {
    let office = Office::new().await;
    let mut rng = StdRng::seed_from_u64(7);
    write(&office, &mut rng, 200).await;
    let differing = "SELECT count(*) FROM (
        SELECT DISTINCT workspace_id, tied, type, transaction_id, sequence FROM events, unnest(tied_ids) tied) e
        FULL JOIN event_ties t ON (t.workspace_id, t.user_id, t.type, t.transaction_id, t.sequence)
          = (e.workspace_id, e.tied, e.type, e.transaction_id, e.sequence)
        WHERE e.tied IS NULL OR t.user_id IS NULL";
    assert!(office.app.count("event_ties").await > 100);
    assert_eq!(office.app.number(differing).await, 0);
    office.app.sql("DELETE FROM events WHERE sequence % 2 = 0").await;
    assert!(office.app.count("event_ties").await > 50);
    assert_eq!(office.app.number(differing).await, 0);
    office.app.close().await;
}
