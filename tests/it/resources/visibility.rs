//! Each list shows exactly the resources that its viewer may open, for all lists, both page directions and all viewers.
//! The test data is random; `SEED=… cargo test` repeats the data of a failure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use guildhall::domain::ids::TypedId;
use guildhall::domain::{CloudStorageId, JobId, OrganizationId, PersonalWorkspaceId, ProjectId, TaskId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Person, TestApp};

/// Random numbers from a seed.
struct Dice(u64);

impl Dice {
    /// A number in `0..sides`.
    fn roll(&mut self, sides: usize) -> usize {
        self.bits() as usize % sides
    }

    /// True with a probability of one in `sides`.
    fn once_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    fn uuid(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.bits(), self.bits())
    }

    /// SplitMix64.
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

const PEOPLE: usize = 9;
/// The last person is a site administrator.
const ADMIN: usize = PEOPLE - 1;
const ORGANIZATIONS: usize = 4;
const ROLES: [&str; 4] = ["WORKER", "SUPERVISOR", "MAINTAINER", "OWNER"];

/// A workspace: an organization, or a personal one.
struct Place {
    id: String,
    uuid: Uuid,
    /// The user of a personal workspace; `None` for an organization.
    user: Option<usize>,
    /// The members, each with the index of the role in [`ROLES`].
    roles: BTreeMap<usize, usize>,
    pending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Project,
    Task,
    Job,
    CloudStorage,
}

/// A resource.
struct Thing {
    kind: Kind,
    id: String,
    uuid: Uuid,
    place: usize,
    owner: Option<usize>,
    assignee: Option<usize>,
    /// The resource that directly contains it.
    parent: Option<usize>,
    /// Time of creation, in seconds.
    at: usize,
}

struct World {
    app: TestApp,
    people: Vec<Person>,
    places: Vec<Place>,
    things: Vec<Thing>,
}

impl World {
    async fn new(dice: &mut Dice) -> Self {
        let app = TestApp::new().await;
        let mut people = Vec::new();
        for n in 0..ADMIN {
            people.push(app.person(&format!("person-{n}")).await);
        }
        people.push(app.admin("admin").await);
        let mut world = Self { app, people, places: Vec::new(), things: Vec::new() };
        let mut sql = "BEGIN;".to_owned();
        for n in 0..ORGANIZATIONS {
            world.add_organization(dice, n, &mut sql);
        }
        for user in 0..PEOPLE {
            let uuid = Uuid::from(UserId::parse(&world.people[user].id).expect("an ID"));
            let id = PersonalWorkspaceId::from(uuid).to_string();
            world.places.push(Place { id, uuid, user: Some(user), roles: BTreeMap::new(), pending: false });
        }
        for place in 0..world.places.len() {
            let many = world.places[place].user.is_none();
            for _ in 0..if many { 4 } else { 1 } {
                world.add(dice, Kind::CloudStorage, place, None, &mut sql);
                world.add(dice, Kind::Project, place, None, &mut sql);
            }
            let projects: Vec<_> = world.indices(|thing| thing.kind == Kind::Project && thing.place == place);
            for _ in 0..if many { 12 } else { 2 } {
                let parent = (!dice.once_in(3)).then(|| projects[dice.roll(projects.len())]);
                let task = world.add(dice, Kind::Task, place, parent, &mut sql);
                for _ in 0..1 + dice.roll(4) {
                    world.add(dice, Kind::Job, place, Some(task), &mut sql);
                }
            }
        }
        sql.push_str("COMMIT");
        world.app.sql(&sql).await;
        world
    }

    fn user(&self, user: usize) -> Uuid {
        UserId::parse(&self.people[user].id).expect("an ID").into()
    }

    fn indices(&self, which: impl Fn(&Thing) -> bool) -> Vec<usize> {
        (0..self.things.len()).filter(|n| which(&self.things[*n])).collect()
    }

    /// An organization where each person has a random role or none. The last one is pending deletion.
    fn add_organization(&mut self, dice: &mut Dice, n: usize, sql: &mut String) {
        let (uuid, owner, pending) = (dice.uuid(), dice.roll(PEOPLE), n == ORGANIZATIONS - 1);
        let mut roles: BTreeMap<usize, usize> =
            (0..PEOPLE).map(|user| (user, dice.roll(4))).filter(|(_, role)| *role < 3).collect();
        roles.insert(owner, 3);
        let (status, scheduled) =
            if pending { ("PENDING_DELETION", "now() + interval '7 d'") } else { ("ACTIVE", "NULL") };
        let _ = write!(
            sql,
            "INSERT INTO organizations
               (id, slug, status, deletion_scheduled_for, owner_id, member_count, created_at, updated_at)
             VALUES ('{uuid}', 'org-{n}', '{status}', {scheduled}, '{}', {}, now(), now());",
            self.user(owner),
            roles.len()
        );
        for (user, role) in &roles {
            let _ = write!(
                sql,
                "INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at, last_active_on)
                 SELECT gen_random_uuid(), '{uuid}', id, username, '{}', now(), '2100-01-01' FROM users WHERE id = '{}';",
                ROLES[*role],
                self.user(*user)
            );
        }
        self.places.push(Place { id: OrganizationId::from(uuid).to_string(), uuid, user: None, roles, pending });
    }

    /// A resource with a random owner, who may not be a member, and a random assignee or none. Some have the same
    /// second of creation.
    fn add(&mut self, dice: &mut Dice, kind: Kind, place: usize, parent: Option<usize>, sql: &mut String) -> usize {
        let (uuid, at) = (dice.uuid(), dice.roll(6));
        let here = &self.places[place];
        let members: Vec<usize> = here.user.into_iter().chain(here.roles.keys().copied()).collect();
        let owner = here.user.unwrap_or_else(|| dice.roll(PEOPLE));
        let assignee = (!dice.once_in(3)).then(|| members[dice.roll(members.len())]);
        let column = if here.user.is_some() { "user_id" } else { "organization_id" };
        let (workspace, created) = (here.uuid, format!("timestamptz '2026-01-01' + {at} * interval '1 s'"));
        let quoted = |uuid: Option<Uuid>| uuid.map_or("NULL".to_owned(), |uuid| format!("'{uuid}'"));
        let (assigned, within) =
            (quoted(assignee.map(|user| self.user(user))), quoted(parent.map(|parent| self.things[parent].uuid)));
        let owned = self.user(owner);
        let common = format!("id, workspace_id, {column}, created_at");
        let values = format!("'{uuid}', '{workspace}', '{workspace}', {created}");
        let (id, statement) = match kind {
            Kind::Project => (
                ProjectId::from(uuid).to_string(),
                format!(
                    "INSERT INTO projects ({common}, updated_at, owner_id, assignee_id, name)
                     VALUES ({values}, now(), '{owned}', {assigned}, 'project');"
                ),
            ),
            Kind::Task => (
                TaskId::from(uuid).to_string(),
                format!(
                    "INSERT INTO tasks ({common}, updated_at, owner_id, assignee_id, project_id, name)
                     VALUES ({values}, now(), '{owned}', {assigned}, {within}, 'task');"
                ),
            ),
            Kind::Job => (
                JobId::from(uuid).to_string(),
                format!(
                    "INSERT INTO jobs ({common}, updated_at, assignee_id, task_id)
                     VALUES ({values}, now(), {assigned}, {within});"
                ),
            ),
            Kind::CloudStorage => (
                CloudStorageId::from(uuid).to_string(),
                format!(
                    "INSERT INTO cloud_storages ({common}, owner_id, display_name, provider, resource)
                     VALUES ({values}, '{owned}', 'storage', 'AWS_S3', 'bucket');"
                ),
            ),
        };
        sql.push_str(&statement);
        let owner = (kind != Kind::Job).then_some(owner);
        let assignee = assignee.filter(|_| kind != Kind::CloudStorage);
        self.things.push(Thing { kind, id, uuid, place, owner, assignee, parent, at });
        self.things.len() - 1
    }

    /// The visibility rule, implemented independently of the server.
    fn may_open(&self, user: usize, thing: &Thing) -> bool {
        let place = &self.places[thing.place];
        if let Some(of) = place.user {
            return of == user;
        }
        let role = place.roles.get(&user).copied();
        let rank = match (user == ADMIN, place.pending) {
            (true, _) => Some(3),
            (false, true) => role.filter(|role| *role == 3),
            (false, false) => role,
        };
        let Some(rank) = rank else { return false };
        let mut named = Vec::from([thing.owner, thing.assignee]);
        let mut inside = thing.parent;
        while let Some(parent) = inside {
            named.extend([self.things[parent].owner, self.things[parent].assignee]);
            inside = self.things[parent].parent;
        }
        let enough = if thing.kind == Kind::CloudStorage { 1 } else { 2 };
        rank >= enough || (role.is_some() && named.contains(&Some(user)))
    }

    /// The IDs of the resources, newest first, or oldest first for jobs.
    fn in_order(&self, mut things: Vec<usize>, newest_first: bool) -> Vec<String> {
        things.sort_by_key(|n| (self.things[*n].at, self.things[*n].uuid));
        if newest_first {
            things.reverse();
        }
        things.into_iter().map(|n| self.things[n].id.clone()).collect()
    }
}

/// The resources that the person can open by ID.
async fn opened(world: &World, person: &Person) -> BTreeSet<usize> {
    let mut opened = BTreeSet::new();
    let all: Vec<usize> = (0..world.things.len()).collect();
    for some in all.chunks(100) {
        let ids: Vec<_> = some.iter().map(|n| &world.things[*n].id).collect();
        let query = "query Q($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
        let nodes = person.run(query, json!({ "ids": ids })).await.data()["nodes"].clone();
        for (n, node) in some.iter().zip(nodes.as_array().expect("nodes")) {
            if !node.is_null() {
                assert_eq!(node["id"], world.things[*n].id);
                assert_eq!(node["__typename"], format!("{:?}", world.things[*n].kind));
                opened.insert(*n);
            }
        }
    }
    opened
}

/// Reads all pages of the list `field`, which replaces LIST in the selection `of`. Returns the IDs and `totalCount`.
/// `None` if the object of the list is null.
async fn walked(person: &Person, of: &str, field: &str, backward: bool) -> Option<(Vec<String>, usize)> {
    let list = format!(
        "list: {field}(first: $first, after: $after, last: $last, before: $before) {{
           nodes {{ id }} totalCount pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }}"
    );
    let query = format!(
        "query Q($first: Int, $after: String, $last: Int, $before: String) {{ of: {} }}",
        of.replace("LIST", &list)
    );
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let variables =
            if backward { json!({ "last": 3, "before": cursor }) } else { json!({ "first": 3, "after": cursor }) };
        let data = person.run(&query, variables).await.data();
        if data["of"].is_null() {
            return None;
        }
        let list = &data["of"]["list"];
        let nodes = list["nodes"].as_array().expect("nodes");
        let mut ids: Vec<String> = nodes.iter().map(|node| node["id"].as_str().expect("an ID").to_owned()).collect();
        assert!(ids.len() <= 3);
        if backward {
            ids.append(&mut seen);
            seen = ids;
        } else {
            seen.append(&mut ids);
        }
        let info = &list["pageInfo"];
        let (more, next) = if backward { ("hasPreviousPage", "startCursor") } else { ("hasNextPage", "endCursor") };
        if info[more] == false {
            return Some((seen, list["totalCount"].as_u64().expect("a count") as usize));
        }
        assert!(!info[next].is_null(), "no cursor to go on from");
        cursor = info[next].clone();
    }
}

/// Checks that the list contains `expected` in both page directions.
async fn holds(person: &Person, of: &str, field: &str, expected: Option<Vec<String>>) {
    for backward in [false, true] {
        let found = walked(person, of, field, backward).await;
        let wanted = expected.clone().map(|ids| (ids.clone(), ids.len()));
        assert_eq!(found, wanted, "{field} of {of} for {}, backward: {backward}", person.name);
    }
}

/// Checks that the nested lists of a workspace in one query contain the same as in separate queries.
async fn nested_lists_hold(world: &World, user: usize, place: usize, open: &BTreeSet<usize>) {
    let query = format!(
        r#"{{ node(id: "{}") {{ ... on Workspace {{ projects(first: 10) {{ totalCount nodes {{ id taskCount
             tasks(first: 20) {{ totalCount nodes {{ id jobCount jobs(first: 10) {{ totalCount nodes {{ id }} }} }} }}
           }} }} }} }} }}"#,
        world.places[place].id
    );
    let data = world.people[user].ask(&query).await.data();
    let within = |parent: usize, kind| world.indices(move |thing| thing.parent == Some(parent) && thing.kind == kind);
    let list = |things: Vec<Value>| json!({ "totalCount": things.len(), "nodes": things });
    let index: BTreeMap<&str, usize> =
        world.things.iter().enumerate().map(|(n, thing)| (thing.id.as_str(), n)).collect();
    let visible = |things: Vec<usize>| things.into_iter().filter(|n| open.contains(n)).collect::<Vec<_>>();
    let jobs = |task: usize| {
        let ids = world.in_order(visible(within(task, Kind::Job)), false);
        list(ids.into_iter().map(|id| json!({ "id": id })).collect())
    };
    let tasks = |project: usize| {
        let ids = world.in_order(visible(within(project, Kind::Task)), true);
        let count = |id: &String| within(index[id.as_str()], Kind::Job).len();
        let task = |id: String| json!({ "jobCount": count(&id), "jobs": jobs(index[id.as_str()]), "id": id });
        list(ids.into_iter().map(task).collect())
    };
    let projects = visible(world.indices(|thing| thing.place == place && thing.kind == Kind::Project));
    let project = |id: String| {
        let n = index[id.as_str()];
        json!({ "taskCount": within(n, Kind::Task).len(), "tasks": tasks(n), "id": id })
    };
    let expected = list(world.in_order(projects, true).into_iter().map(project).collect());
    assert_eq!(data["node"]["projects"], expected, "{} in {}", world.people[user].name, world.places[place].id);
}

async fn every_list_shows_what_can_be_opened(seed: u64) {
    eprintln!("SEED={seed}");
    let world = World::new(&mut Dice(seed)).await;
    for user in 0..PEOPLE {
        let person = &world.people[user];
        let open = opened(&world, person).await;
        for (n, thing) in world.things.iter().enumerate() {
            let may = world.may_open(user, thing);
            assert_eq!(open.contains(&n), may, "{} opens {:?} {}", person.name, thing.kind, thing.id);
        }
        let among = |which: &dyn Fn(&Thing) -> bool| -> Vec<usize> {
            open.iter().copied().filter(|n| which(&world.things[*n])).collect()
        };
        for (p, place) in world.places.iter().enumerate() {
            let member = place.user == Some(user)
                || (place.user.is_none()
                    && (user == ADMIN || place.roles.get(&user).is_some_and(|role| !place.pending || *role == 3)));
            for (field, kind) in
                [("projects", Kind::Project), ("tasks", Kind::Task), ("cloudStorages", Kind::CloudStorage)]
            {
                let of = format!(r#"node(id: "{}") {{ ... on Workspace {{ LIST }} }}"#, place.id);
                let here = world.in_order(among(&|thing| thing.place == p && thing.kind == kind), true);
                assert!(member || here.is_empty(), "something in a workspace that is not there");
                holds(person, &of, field, member.then_some(here)).await;
            }
            if member {
                nested_lists_hold(&world, user, p, &open).await;
            }
        }
        for (n, thing) in world.things.iter().enumerate() {
            let (kind, field, inside, newest_first) = match thing.kind {
                Kind::Project => ("Project", "tasks", Kind::Task, true),
                Kind::Task => ("Task", "jobs", Kind::Job, false),
                Kind::Job | Kind::CloudStorage => continue,
            };
            // A sample of one in five; another seed takes others.
            if open.contains(&n) && thing.uuid.as_u128() % 5 == 0 {
                let within = among(&|thing| thing.parent == Some(n) && thing.kind == inside);
                let of = format!(r#"node(id: "{}") {{ ... on {kind} {{ LIST }} }}"#, thing.id);
                holds(person, &of, field, Some(world.in_order(within, newest_first))).await;
            }
        }
        for (field, kind) in [("assignedTasks", Kind::Task), ("assignedJobs", Kind::Job)] {
            let own = among(&|thing| thing.assignee == Some(user) && thing.kind == kind);
            holds(person, "viewer { LIST }", field, Some(world.in_order(own, true))).await;
        }
    }
    world.app.close().await;
}

#[tokio::test]
async fn resource_lists_show_exactly_what_the_viewer_can_open() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    every_list_shows_what_can_be_opened(seed.unwrap_or_else(rand::random)).await;
}

#[tokio::test]
async fn tasks_filters_narrow_the_list_and_its_count() {
    let world = World::new(&mut Dice(7)).await;
    let place = &world.places[0];
    let owner = *place.roles.iter().find(|(_, role)| **role == 3).expect("an owner").0;
    let person = &world.people[owner];
    let tasks = world.indices(|thing| thing.place == 0 && thing.kind == Kind::Task);
    let assignee = tasks.iter().find_map(|n| world.things[*n].assignee).expect("an assigned task");
    let assigned: Vec<_> = tasks.iter().copied().filter(|n| world.things[*n].assignee == Some(assignee)).collect();
    world
        .app
        .sql(&format!(
            "UPDATE tasks SET status = 'COMPLETED' WHERE id = '{0}'; UPDATE tasks SET name = '50% off' WHERE id = '{0}';",
            world.things[tasks[3]].uuid
        ))
        .await;
    for (arguments, expected) in [
        (format!(r#"assigneeId: "{}""#, world.people[assignee].id), world.in_order(assigned, true)),
        (r#"assigneeId: "nobody""#.to_owned(), Vec::new()),
        ("statuses: [COMPLETED]".to_owned(), Vec::from([world.things[tasks[3]].id.clone()])),
        ("statuses: []".to_owned(), Vec::new()),
        (r#"search: "0% OF""#.to_owned(), Vec::from([world.things[tasks[3]].id.clone()])),
        (r#"search: "5_%""#.to_owned(), Vec::new()),
        (r#"search: """#.to_owned(), world.in_order(tasks.clone(), true)),
    ] {
        let query = format!(
            r#"{{ node(id: "{}") {{ ... on Workspace {{ tasks({arguments}, first: 100) {{ nodes {{ id }} totalCount }} }} }} }}"#,
            place.id
        );
        let data = person.ask(&query).await.data();
        let nodes: Vec<_> = expected.iter().map(|id| json!({ "id": id })).collect();
        assert_eq!(data["node"]["tasks"], json!({ "nodes": nodes, "totalCount": nodes.len() }), "{arguments}");
    }
    let page = |arguments: &str| {
        format!(
            r#"{{ node(id: "{}") {{ ... on Workspace {{ tasks({arguments}) {{ nodes {{ id }} }} projects {{ pageInfo {{ endCursor }} }} }} }} }}"#,
            place.id
        )
    };
    let cursor = person.ask(&page("first: 1")).await.data()["node"]["projects"]["pageInfo"]["endCursor"].clone();
    let foreign = person.ask(&page(&format!("after: {cursor}"))).await;
    assert_eq!(foreign.codes(), ["INVALID_CURSOR"], "the cursor of another list");
    world.app.close().await;
}
