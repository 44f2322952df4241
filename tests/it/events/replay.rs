//! The events contain enough data to rebuild the tables.

use std::collections::{BTreeMap, BTreeSet};

use guildhall::domain::ids::TypedId;
use guildhall::domain::{
    CloudStorageId, InvitationId, JobId, MembershipId, OrganizationId, OwnershipOfferId, ProjectId, TaskId, UserId,
};
use serde_json::Value;
use uuid::Uuid;

use super::story;

/// State that is rebuilt from events alone.
#[derive(Default)]
struct Replayed {
    members: BTreeMap<String, String>,
    /// Owner of each organization.
    owners: BTreeMap<String, String>,
    organizations: BTreeMap<String, String>,
    offers: BTreeMap<String, String>,
    plans: BTreeMap<String, String>,
    /// Owner and assignee of each resource.
    people: BTreeMap<String, (String, Option<String>)>,
    invitations: BTreeMap<String, String>,
    resources: BTreeMap<String, String>,
    jobs: BTreeMap<String, (String, String, Option<String>)>,
}

impl Replayed {
    /// Applies one event. `actor` is the ID of a user, or empty.
    fn add(&mut self, workspace: &str, kind: &str, subject: &str, changes: &Value, actor: &str) {
        let after = |field: &str| {
            let changes = changes.as_array().expect("changes");
            changes
                .iter()
                .find(|change| change["field"] == field)
                .map(|change| change["after"].as_str().map(str::to_owned))
        };
        let subject = subject.to_owned();
        match kind {
            "PROJECT_CREATED" | "TASK_CREATED" | "CLOUD_STORAGE_CREATED" => {
                self.people.insert(subject.clone(), (actor.to_owned(), after("assignee").flatten()));
            }
            "PROJECT_UPDATED" | "TASK_UPDATED" | "CLOUD_STORAGE_UPDATED" | "RESOURCE_MOVED_IN" => {
                let people = self.people.get_mut(&subject).expect("a resource");
                people.0 = after("owner").flatten().unwrap_or(people.0.clone());
                people.1 = after("assignee").unwrap_or(people.1.clone());
            }
            "PROJECT_DELETED" | "TASK_DELETED" | "CLOUD_STORAGE_DELETED" => {
                self.people.remove(&subject).expect("a resource");
            }
            "ORGANIZATION_CREATED" | "ORGANIZATION_RESTORED" => {
                self.organizations.insert(subject.clone(), "ACTIVE".to_owned());
            }
            "ORGANIZATION_DELETION_SCHEDULED" => {
                self.organizations.insert(subject.clone(), "PENDING_DELETION".to_owned());
            }
            "OWNERSHIP_OFFERED" => {
                self.offers.insert(subject.clone(), "PENDING".to_owned());
            }
            "OWNERSHIP_OFFER_RESOLVED" => {
                self.offers.insert(subject.clone(), after("status").flatten().expect("a status")).expect("an offer");
            }
            "PLAN_CHANGED" => {
                if let Some(tier) = after("plan.tier").flatten() {
                    self.plans.insert(workspace.to_owned(), tier);
                }
            }
            _ => {}
        }
        match kind {
            "MEMBER_JOINED" | "MEMBER_ROLE_CHANGED" => {
                let role = after("role").flatten().expect("a role");
                if kind == "MEMBER_JOINED" && role == "OWNER" {
                    self.owners.insert(workspace.to_owned(), actor.to_owned());
                }
                self.members.insert(subject, role);
            }
            "MEMBER_REMOVED" | "MEMBER_LEFT" => {
                self.members.remove(&subject).expect("a member");
            }
            "OWNERSHIP_TRANSFERRED" => {
                self.owners.insert(workspace.to_owned(), after("owner").flatten().expect("an owner"));
            }
            "INVITATION_CREATED" | "INVITATION_RESENT" => {
                self.invitations.insert(subject, "PENDING".to_owned());
            }
            "INVITATION_ACCEPTED" | "INVITATION_DECLINED" | "INVITATION_REVOKED" | "INVITATION_EXPIRED" => {
                self.invitations.insert(subject, kind.trim_start_matches("INVITATION_").to_owned()).expect("pending");
            }
            "PROJECT_CREATED" | "TASK_CREATED" | "CLOUD_STORAGE_CREATED" | "RESOURCE_MOVED_IN" => {
                self.resources.insert(subject, workspace.to_owned());
            }
            "PROJECT_DELETED" | "TASK_DELETED" | "CLOUD_STORAGE_DELETED" | "RESOURCE_MOVED_OUT" => {
                assert_eq!(self.resources.remove(&subject).as_deref(), Some(workspace));
            }
            "JOB_CREATED" => {
                self.jobs.insert(subject, ("ANNOTATION".to_owned(), "NEW".to_owned(), None));
            }
            "JOB_UPDATED" => {
                let job = self.jobs.get_mut(&subject).expect("a job");
                job.0 = after("stage").flatten().unwrap_or(job.0.clone());
                job.1 = after("state").flatten().unwrap_or(job.1.clone());
                job.2 = after("assignee").unwrap_or(job.2.clone());
            }
            "JOB_DELETED" => {
                self.jobs.remove(&subject).expect("a job");
            }
            _ => {}
        }
    }
}

fn typed_id<I: TypedId>(uuid: &Option<String>) -> String {
    I::from(Uuid::parse_str(uuid.as_deref().expect("an ID")).expect("a UUID")).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_replay_rebuilds_the_tables() {
    let story = story().await;
    let app = &story.office.app;
    let mut replayed = Replayed::default();
    let log = "SELECT workspace_id::text, type, subject_id, changes::text, actor_id::text FROM events ORDER BY transaction_id, sequence";
    for row in app.rows(log).await {
        let [workspace, kind, subject, changes, actor] = row.try_into().expect("five");
        let changes = serde_json::from_str(&changes.expect("changes")).expect("JSON");
        let actor = actor.map(|actor| typed_id::<UserId>(&Some(actor))).unwrap_or_default();
        replayed.add(&workspace.expect("one"), &kind.expect("one"), &subject.expect("one"), &changes, &actor);
    }
    let pairs = async |sql: &str, id: fn(&Option<String>) -> String| -> BTreeMap<String, String> {
        app.rows(sql).await.into_iter().map(|row| (id(&row[0]), row[1].clone().expect("a value"))).collect()
    };
    let members = pairs("SELECT id::text, role::text FROM memberships", typed_id::<MembershipId>).await;
    assert_eq!(replayed.members, members);
    let invitations = pairs("SELECT id::text, status::text FROM invitations", typed_id::<InvitationId>).await;
    assert_eq!(replayed.invitations, invitations);
    let mut resources = pairs("SELECT id::text, workspace_id::text FROM projects", typed_id::<ProjectId>).await;
    resources.extend(pairs("SELECT id::text, workspace_id::text FROM tasks", typed_id::<TaskId>).await);
    resources
        .extend(pairs("SELECT id::text, workspace_id::text FROM cloud_storages", typed_id::<CloudStorageId>).await);
    assert!(resources.len() >= 3);
    assert_eq!(replayed.resources, resources);
    let owners = app.rows("SELECT id::text, owner_id::text FROM organizations").await;
    let owner = |row: Vec<Option<String>>| (row[0].clone().expect("one"), typed_id::<UserId>(&row[1]));
    assert_eq!(replayed.owners, owners.into_iter().map(owner).collect::<BTreeMap<_, _>>());
    let organizations = pairs("SELECT id::text, status::text FROM organizations", typed_id::<OrganizationId>).await;
    assert_eq!(replayed.organizations, organizations);
    let offers = pairs("SELECT id::text, status::text FROM ownership_offers", typed_id::<OwnershipOfferId>).await;
    assert_eq!(replayed.offers, offers);
    let plans = pairs("SELECT workspace_id::text, tier::text FROM plans", |id| id.clone().expect("one")).await;
    assert_eq!(replayed.plans, plans);
    let mut people = BTreeMap::new();
    let tables = [
        ("projects", "assignee_id::text", typed_id::<ProjectId> as fn(&Option<String>) -> String),
        ("tasks", "assignee_id::text", typed_id::<TaskId> as fn(&Option<String>) -> String),
        ("cloud_storages", "NULL", typed_id::<CloudStorageId> as fn(&Option<String>) -> String),
    ];
    for (table, assignee, id) in tables {
        for row in app.rows(&format!("SELECT id::text, owner_id::text, {assignee} FROM {table}")).await {
            let assignee = row[2].as_ref().map(|_| typed_id::<UserId>(&row[2]));
            people.insert(id(&row[0]), (typed_id::<UserId>(&row[1]), assignee));
        }
    }
    assert_eq!(replayed.people, people);
    // The columns that queries filter by: concerned people, addresses of invitations, and people tied to resources.
    let unconcerned = "SELECT count(*) FROM memberships m WHERE NOT EXISTS (SELECT FROM events e
        WHERE e.person_id = m.user_id AND e.type = 'MEMBER_JOINED' AND e.workspace_id = m.organization_id)";
    assert_eq!(app.number(unconcerned).await, 0);
    let unaddressed = "SELECT count(*) FROM events WHERE type LIKE 'INVITATION_%' AND email IS NULL";
    assert_eq!(app.number(unaddressed).await, 0);
    let mut tied = BTreeMap::<String, BTreeSet<String>>::new();
    let ties = "SELECT subject_id, array_to_string(tied_ids, ',') FROM events ORDER BY transaction_id, sequence";
    for row in app.rows(ties).await {
        let [subject, ids] = row.try_into().expect("two");
        let ids = ids.unwrap_or_default();
        let ids =
            ids.split(',').filter(|id| !id.is_empty()).map(|id| typed_id::<UserId>(&Some(id.to_owned()))).collect();
        tied.insert(subject.expect("one"), ids);
    }
    for (resource, (owner, assignee)) in &people {
        assert!([Some(owner), assignee.as_ref()].into_iter().flatten().all(|named| tied[resource].contains(named)));
    }
    let jobs = "SELECT id::text, stage::text, state::text, assignee_id::text, workspace_id::text FROM jobs";
    let here = Uuid::from(OrganizationId::parse(&story.office.id).expect("an ID")).to_string();
    let mut present = BTreeMap::new();
    for row in app.rows(jobs).await {
        let id = typed_id::<JobId>(&row[0]);
        if row[4].as_deref() != Some(&here) {
            // A transfer clears the assignees of jobs, but writes events for the project and its tasks only.
            replayed.jobs.get_mut(&id).expect("a job").2 = None;
        }
        let assignee = row[3].as_ref().map(|_| typed_id::<UserId>(&row[3]));
        present.insert(id, (row[1].clone().expect("one"), row[2].clone().expect("one"), assignee));
    }
    assert_eq!(replayed.jobs, present);
    story.office.app.close().await;
}
