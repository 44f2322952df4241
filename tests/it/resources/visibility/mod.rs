//! Each list shows exactly the resources that its viewer may open, for all lists, both page directions and all viewers.
//! The test data is random; `SEED=… cargo test` repeats the data of a failure.

mod filters;
mod lists;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use guildhall::domain::ids::TypedId;
use guildhall::domain::{CloudStorageId, JobId, OrganizationId, PersonalWorkspaceId, ProjectId, TaskId, UserId};
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
struct Workspace {
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
struct Resource {
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
    places: Vec<Workspace>,
    things: Vec<Resource>,
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
            world.places.push(Workspace { id, uuid, user: Some(user), roles: BTreeMap::new(), pending: false });
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

    fn indices(&self, which: impl Fn(&Resource) -> bool) -> Vec<usize> {
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
        self.places.push(Workspace { id: OrganizationId::from(uuid).to_string(), uuid, user: None, roles, pending });
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
        self.things.push(Resource { kind, id, uuid, place, owner, assignee, parent, at });
        self.things.len() - 1
    }

    /// The visibility rule, implemented independently of the server.
    fn may_open(&self, user: usize, thing: &Resource) -> bool {
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
