//! A person leaves an organization: their assignments are cleared, and their resources go to the organization's owner.

use guildhall::operations::maintenance::purge_organizations::purge_organizations;
use serde_json::{Value, json};

use crate::support::{Office, Person};

/// Resources where `sue` is the owner or the assignee in every possible way, and one that does not concern her.
struct Departure {
    office: Office,
}

impl Departure {
    async fn new() -> Self {
        let office = Office::new().await;
        let (owner, sue) = (&office.owner, &office.supervisor);
        let own = office.project(sue, json!({ "assigneeId": sue.id })).await;
        sue.makes("createTask", json!({ "projectId": own, "name": "Own", "assigneeId": office.worker.id })).await;
        office.project(owner, json!({ "assigneeId": sue.id })).await;
        office.task(owner, json!({ "assigneeId": sue.id, "jobCount": 2 })).await;
        let job = office.jobs().await.pop().expect("a job");
        owner.mutate("updateJob", json!({ "jobId": job, "assigneeId": sue.id }), "job { id }").await.done();
        office.storage(&office.maintainer).await;
        let storages_of_sue =
            format!("UPDATE cloud_storages SET owner_id = (SELECT id FROM users WHERE username = '{}')", sue.name);
        office.app.sql(&storages_of_sue).await;
        office.project(&office.maintainer, json!({ "assigneeId": office.worker.id })).await;
        // Her resources in another workspace stay unchanged.
        sue.makes("createProject", json!({ "workspaceId": sue.workspace(), "name": "Mine", "assigneeId": sue.id }))
            .await;
        Self { office }
    }

    /// How many resources of the organization the person owns and how many are assigned to them.
    async fn owned_and_assigned(&self, person: &str) -> (i64, i64) {
        let in_organization = "organization_id IS NOT NULL AND";
        let count = async |table: &str, column: &str| {
            let user = format!("(SELECT id FROM users WHERE username = '{person}')");
            self.office
                .app
                .number(&format!("SELECT count(*) FROM {table} WHERE {in_organization} {column} = {user}"))
                .await
        };
        let mut owned = 0;
        for table in ["projects", "tasks", "cloud_storages"] {
            owned += count(table, "owner_id").await;
        }
        let mut assigned = 0;
        for table in ["projects", "tasks", "jobs"] {
            assigned += count(table, "assignee_id").await;
        }
        (owned, assigned)
    }

    /// The events at the latest time in the log, in order: type and names of the changed fields.
    async fn last_events(&self) -> Vec<String> {
        let sql = "SELECT type || coalesce(' ' || (SELECT string_agg(c->>'field', ' ') FROM jsonb_array_elements(changes) c), '')
            FROM events WHERE at = (SELECT max(at) FROM events) ORDER BY sequence";
        self.office.app.texts(sql).await
    }

    async fn check_reassignment(&self, end: &[&str]) {
        assert_eq!(self.owned_and_assigned("sue").await, (0, 0));
        assert_eq!(
            self.owned_and_assigned("olga").await,
            (5, 0),
            "the owner keeps her own resources and gets those of sue"
        );
        assert_eq!(self.owned_and_assigned("wim").await, (0, 2), "assignments of other members are unchanged");
        let mut expected = vec![
            "PROJECT_UPDATED owner assignee",
            "PROJECT_UPDATED assignee",
            "TASK_UPDATED owner",
            "TASK_UPDATED assignee",
            "JOB_UPDATED assignee",
            "CLOUD_STORAGE_UPDATED owner",
        ];
        expected.extend(end);
        assert_eq!(self.last_events().await, expected);
        let heir = format!(
            "SELECT count(*) FROM events e, jsonb_array_elements(changes) c
             WHERE c->>'field' = 'owner' AND c->>'after' = '{}'",
            self.office.owner.id
        );
        assert_eq!(self.office.app.number(&heir).await, 3);
        self.office.app.check_invariants().await;
    }
}

#[tokio::test]
async fn remove_member_reassigns_all_resources_of_the_member() {
    let departure = Departure::new().await;
    assert_eq!(
        (departure.owned_and_assigned("sue").await, departure.owned_and_assigned("olga").await),
        ((3, 4), (2, 0))
    );
    departure.office.removes(&departure.office.supervisor).await;
    departure.check_reassignment(&["MEMBER_REMOVED"]).await;
    let personal = "SELECT count(*) FROM projects WHERE user_id = owner_id AND user_id = assignee_id";
    assert_eq!(departure.office.app.number(personal).await, 1, "her personal workspace is unchanged");
    departure.office.app.close().await;
}

#[tokio::test]
async fn leave_organization_reassigns_all_resources_of_the_member() {
    let departure = Departure::new().await;
    let input = json!({ "organizationId": departure.office.id });
    departure.office.supervisor.mutate("leaveOrganization", input, "leftMembershipId").await.done();
    departure.check_reassignment(&["MEMBER_LEFT"]).await;
    departure.office.app.close().await;
}

async fn deletes_account(person: &Person) -> Value {
    person.mutate("deleteAccount", json!({ "confirmUsername": person.name }), "deletedUserId").await.done()
}

#[tokio::test]
async fn delete_account_reassigns_shared_resources_and_deletes_personal_ones() {
    let departure = Departure::new().await;
    deletes_account(&departure.office.supervisor).await;
    departure.check_reassignment(&["MEMBER_LEFT"]).await;
    assert_eq!(departure.office.app.number("SELECT count(*) FROM projects WHERE user_id IS NOT NULL").await, 0);
    departure.office.app.close().await;
}

#[tokio::test]
async fn purge_organizations_deletes_all_resources_of_a_deleted_sole_owner() {
    let office = Office::new().await;
    let eve = &office.stranger;
    let id = eve.creates("alone").await;
    let project = eve.makes("createProject", json!({ "workspaceId": id, "name": "P", "assigneeId": eve.id })).await;
    eve.makes("createTask", json!({ "projectId": project, "name": "T", "jobCount": 3 })).await;
    deletes_account(eve).await;
    assert_eq!((office.app.count("projects").await, office.app.count("jobs").await), (1, 3), "during the grace period");
    let overdue = "UPDATE organizations SET deletion_scheduled_for = now() - interval '1 h' WHERE slug = 'alone'";
    office.app.sql(overdue).await;
    let env = &office.app.env;
    assert_eq!(purge_organizations(&env.store, &env.clock).await.expect("it runs"), 1);
    assert_eq!((office.app.count("projects").await, office.app.count("jobs").await), (0, 0));
    office.app.check_invariants().await;
    office.app.close().await;
}

#[tokio::test]
async fn delete_account_gives_resources_of_an_administrator_to_the_organization_owner() {
    let office = Office::new().await;
    let root = &office.admin;
    let project = office.project(root, json!({ "assigneeId": office.worker.id })).await;
    root.makes("createTask", json!({ "projectId": project, "name": "T" })).await;
    office.storage(root).await;
    // No longer an administrator, and never a member: only the rows refer to the account.
    office.app.sql("UPDATE users SET is_admin = false WHERE username = 'root'").await;
    deletes_account(root).await;
    let owned = "SELECT (SELECT count(*) FROM projects p JOIN users u ON u.id = p.owner_id WHERE username = 'olga')
        + (SELECT count(*) FROM tasks p JOIN users u ON u.id = p.owner_id WHERE username = 'olga')
        + (SELECT count(*) FROM cloud_storages p JOIN users u ON u.id = p.owner_id WHERE username = 'olga')";
    assert_eq!(office.app.number(owned).await, 3);
    assert_eq!(
        office.app.log_after("CLOUD_STORAGE_CREATED").await,
        ["PROJECT_UPDATED", "TASK_UPDATED", "CLOUD_STORAGE_UPDATED"]
    );
    office.app.check_invariants().await;
    office.app.close().await;
}
