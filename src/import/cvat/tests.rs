//! Tests of planning an import, without a database.

use std::path::Path;

use serde_json::{Value, json};

use crate::domain::Role;
use crate::domain::clock::Instant;
use crate::domain::invitation::{DeliveryState, InvitationStatus};
use crate::import::cvat::existing::{ExistingRows, Taken};
use crate::import::cvat::id_map::IdMap;
use crate::import::cvat::normalize::Names;
use crate::import::cvat::{Export, ImportError, Report, export, normalize, plan};
use crate::store::bulk_insert::Dataset;

fn now() -> Instant {
    normalize::instant(Some("2026-01-31T12:00:00Z")).expect("an instant")
}

fn rows<T: serde::de::DeserializeOwned>(rows: Value) -> Vec<T> {
    serde_json::from_value(rows).expect("rows")
}

fn export(users: Value, organizations: Value, memberships: Value, invitations: Value) -> Export {
    Export {
        users: rows(users),
        organizations: rows(organizations),
        memberships: rows(memberships),
        invitations: rows(invitations),
    }
}

fn import(export: &Export, taken: &Taken) -> (Dataset, Report) {
    import_after(export, taken, Report::default())
}

fn import_after(export: &Export, taken: &Taken, mut report: Report) -> (Dataset, Report) {
    let (existing, mut id_map) = (ExistingRows { taken: taken.clone(), ..ExistingRows::default() }, IdMap::default());
    let plan = plan(export, &Names::of(export, &id_map, &existing), &mut id_map, &existing, now(), &mut report);
    (plan.rows, report)
}

fn user(id: i64, name: &str) -> Value {
    json!({"id": id, "username": name, "email": format!("{name}@example.org"), "date_joined": "2025-01-01T00:00:00Z"})
}

fn membership(id: i64, user: i64, role: &str) -> Value {
    json!({"id": id, "user": {"id": user}, "organization": 1, "role": role, "is_active": true,
           "joined_date": "2025-02-01T00:00:00Z"})
}

fn pending(id: i64, user: i64, key: &str) -> Value {
    json!({"id": id, "user": {"id": user}, "organization": 1, "role": "worker", "is_active": false,
           "joined_date": null, "invitation": key})
}

fn invitation(user: i64, key: &str, created: &str, expired: Value) -> Value {
    json!({"key": key, "user": {"id": user}, "organization": 1, "owner": {"id": 1}, "role": "worker",
           "created_date": created, "expired": expired})
}

fn organization(owner: Value) -> Value {
    json!([{"id": 1, "slug": "team", "owner": owner, "created_date": "2025-01-02T00:00:00Z"}])
}

#[tokio::test]
async fn import_takes_all_rows_of_the_cvat_fixture() {
    let mut report = Report::default();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cvat");
    let export = export::read(&dir, &mut report).await.expect("the export is readable");
    let (dataset, report) = import_after(&export, &Taken::default(), report);

    let made = |counts: &super::Counts| (counts.read, counts.taken, counts.changed.len(), counts.refused.len());
    assert_eq!(made(&report.users), (21, 21, 2, 0), "two of them are administrators\n{report}");
    assert_eq!(made(&report.organizations), (3, 3, 0, 0), "{report}");
    assert_eq!(made(&report.memberships), (16, 16, 0, 0), "{report}");
    assert_eq!(made(&report.invitations), (13, 13, 0, 0), "{report}");

    let admins: Vec<_> = dataset.users.iter().filter(|user| user.is_admin).map(|user| user.username.as_str()).collect();
    assert_eq!(admins, ["admin1", "admin2"]);
    assert!(dataset.users.iter().all(|user| user.email.is_some() && user.email_verified_at.is_none()));
    assert!(dataset.users.iter().all(|user| user.password_hash.is_none()));
    assert_eq!(dataset.users[1].display_name.as_deref(), Some("User First"));

    let organizations: Vec<_> = dataset.organizations.iter().map(|row| (row.slug.as_str(), row.member_count)).collect();
    assert_eq!(organizations, [("org1", 7), ("org2", 8), ("org3", 1)]);
    for organization in &dataset.organizations {
        let owners: Vec<_> = dataset
            .memberships
            .iter()
            .filter(|row| row.organization_id == organization.id && row.role == Role::Owner)
            .map(|row| row.user_id)
            .collect();
        assert_eq!(owners, [organization.owner_id]);
    }
    assert!(
        dataset.invitations.iter().all(|row| row.status == InvitationStatus::Accepted && row.resolved_at.is_some())
    );
    assert_eq!(dataset.memberships.iter().filter(|row| row.invited_by.is_some()).count(), 13);
}

#[test]
fn import_makes_pending_memberships_invitations() {
    let export = export(
        json!([user(1, "ada"), user(2, "bob"), user(3, "cyd"), user(4, "dee")]),
        organization(json!({"id": 1})),
        json!([membership(1, 1, "owner"), pending(2, 2, "never"), pending(3, 3, "fresh"), pending(4, 4, "none")]),
        json!([
            invitation(2, "never", "2025-01-24T12:00:00Z", Value::Null),
            invitation(3, "fresh", "2026-01-30T12:00:00Z", json!(false)),
        ]),
    );
    let (dataset, report) = import(&export, &Taken::default());
    assert_eq!(dataset.memberships.len(), 1);
    assert_eq!(dataset.organizations[0].member_count, 1);
    let statuses: Vec<_> = dataset.invitations.iter().map(|row| (row.email.as_str(), row.status)).collect();
    use InvitationStatus::Pending;
    assert_eq!(
        statuses,
        [("bob@example.org", Pending), ("cyd@example.org", Pending), ("dee@example.org", Pending)],
        "{report}"
    );
    let week = normalize::instant(Some("2026-02-07T12:00:00Z")).expect("an instant");
    assert!(dataset.invitations.iter().all(|row| row.expires_at == week && row.resolved_at.is_none()));
    assert!(dataset.invitations.iter().all(|row| row.sent_requested_at < now()), "the resend need not wait");
    assert_eq!(report.invitations.changed.len(), 5, "each of them, and what was made without a date: {report}");
    assert!(dataset.invitations.iter().all(|row| row.delivery == DeliveryState::Failed && row.failure.is_some()));
    assert_eq!((report.memberships.changed.len(), report.memberships.refused.len()), (3, 0), "{report}");
}

#[test]
fn import_keeps_expired_invitations_expired() {
    let export = export(
        json!([user(1, "ada"), user(2, "bob")]),
        organization(json!(1)),
        json!([membership(1, 1, "owner"), pending(2, 2, "k")]),
        json!([invitation(2, "k", "2026-01-30T12:00:00Z", json!(true))]),
    );
    let (dataset, _) = import(&export, &Taken::default());
    assert_eq!((dataset.invitations[0].status, dataset.invitations[0].expires_at), (InvitationStatus::Expired, now()));
}

#[test]
fn import_gives_each_organization_one_owner() {
    let people = || json!([user(1, "ada"), user(2, "bob"), user(3, "cyd")]);
    let roles = |owner: Value, memberships: Value| {
        let (dataset, report) =
            import(&export(people(), organization(owner), memberships, json!([])), &Taken::default());
        let roles: Vec<_> = dataset.memberships.iter().map(|row| (row.username.clone(), row.role.name())).collect();
        (roles, report)
    };
    let named = |roles: &[(&str, &'static str)]| roles.iter().map(|(n, r)| (n.to_string(), *r)).collect::<Vec<_>>();

    let (two, report) = roles(json!({"id": 2}), json!([membership(1, 1, "owner"), membership(2, 2, "owner")]));
    assert_eq!(two, named(&[("ada", "MAINTAINER"), ("bob", "OWNER")]), "{report}");
    let (nobody, report) = roles(Value::Null, json!([membership(1, 1, "worker"), membership(2, 2, "maintainer")]));
    assert_eq!(nobody, named(&[("bob", "OWNER"), ("ada", "WORKER")]), "{report}");
    let (absent, report) = roles(json!({"id": 3}), json!([membership(1, 1, "worker")]));
    assert_eq!(absent, named(&[("cyd", "OWNER"), ("ada", "WORKER")]), "{report}");
    let (refused, report) = roles(json!({"id": 99}), json!([membership(1, 1, "supervisor")]));
    assert_eq!((refused, report.organizations.refused.len(), report.memberships.refused.len()), (vec![], 1, 1));
}

#[test]
fn import_takes_only_one_membership_of_a_user() {
    let memberships = json!([membership(1, 1, "owner"), membership(2, 2, "worker"), membership(3, 2, "supervisor")]);
    let people = json!([user(1, "ada"), user(2, "bob")]);
    let (dataset, report) = import(&export(people, organization(json!(1)), memberships, json!([])), &Taken::default());
    assert_eq!(dataset.memberships.iter().map(|row| row.role).collect::<Vec<_>>(), [Role::Owner, Role::Supervisor]);
    assert_eq!(report.memberships.refused[0].row, "membership 2");
}

#[test]
fn import_gives_an_address_to_one_account_and_none_to_locked_users() {
    let people = json!([
        {"id": 1, "username": "ada", "email": "Ada@Example.org", "last_login": "2025-01-01T00:00:00Z"},
        {"id": 2, "username": "ada2", "email": "ada@example.org", "last_login": "2025-06-01T00:00:00Z"},
        {"id": 3, "username": "bob", "email": "bob@example.org", "is_active": false, "is_superuser": true},
        {"id": 4, "username": "cyd", "email": ""},
        {"id": 5, "username": "dee", "email": "dee@example.org"},
    ]);
    let taken = Taken { emails: ["dee@example.org".to_owned()].into(), ..Taken::default() };
    let (dataset, report) = import(&export(people, json!([]), json!([]), json!([])), &taken);
    let emails: Vec<_> = dataset.users.iter().map(|row| (row.email.as_deref(), row.is_admin)).collect();
    assert_eq!(emails[1], (Some("ada@example.org"), false));
    for other in [0, 2, 3, 4] {
        assert_eq!(emails[other], (None, false), "{report}");
    }
}

#[test]
fn import_refuses_taken_names_with_all_dependent_rows() {
    let export = export(
        json!([user(1, "ada"), user(2, "bob")]),
        organization(json!(1)),
        json!([membership(1, 1, "owner"), membership(2, 2, "worker"), pending(3, 2, "k")]),
        json!([invitation(2, "k", "2026-01-30T12:00:00Z", json!(false))]),
    );
    let taken = Taken {
        usernames: ["ada".to_owned(), "bob".to_owned()].into(),
        slugs: ["team".to_owned()].into(),
        ..Taken::default()
    };
    let (dataset, report) = import(&export, &taken);
    assert!(dataset.users.is_empty() && dataset.organizations.is_empty());
    assert!(dataset.memberships.is_empty() && dataset.invitations.is_empty());
    let refused = [&report.users, &report.organizations, &report.memberships, &report.invitations];
    assert_eq!(refused.map(|counts| counts.refused.len()), [2, 1, 3, 1], "{report}");
}

#[test]
fn report_has_no_addresses_and_no_keys() {
    let export = export(
        json!([{"id": 1, "username": "ada@secret.org", "email": "ada@secret.org"}, {"id": 2, "username": "b", "email": "no"}]),
        organization(json!(1)),
        json!([pending(2, 2, "secret-key")]),
        json!([invitation(2, "secret-key", "2026-01-30T12:00:00Z", json!(false))]),
    );
    let text = import(&export, &Taken::default()).1.to_string();
    assert!(text.contains("user 1: its username is ada-secret.org here"), "{text}");
    assert!(!text.contains('@') && !text.contains("secret-key"), "{text}");
}

/// A temporary folder that is deleted after the test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(std::env::temp_dir().join(format!("guildhall-cvat-{}", uuid::Uuid::new_v4())));
        std::fs::create_dir(&folder.0).expect("a folder");
        for (name, content) in files {
            std::fs::write(folder.0.join(name), content).expect("a file");
        }
        folder
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const NONE: [(&str, &str); 3] = [("organizations.json", "[]"), ("memberships.json", "[]"), ("invitations.json", "[]")];

async fn read(files: &[(&str, &str)]) -> (Result<Export, ImportError>, Report) {
    let folder = Folder::with(&[&NONE, files].concat());
    let mut report = Report::default();
    (export::read(&folder.0, &mut report).await, report)
}

#[tokio::test]
async fn read_takes_pages_and_arrays_without_duplicates() {
    let (export, report) = read(&[
        ("users.json", r#"{"count": 3, "next": "…", "results": [{"id": 3, "username": "cyd"}, {"id": 2}]}"#),
        ("users-2.json", r#"[{"id": 2}, {"id": 1, "username": null, "groups": null, "unknown": {}}]"#),
        ("users-old.json", "not JSON, and not a page either"),
    ])
    .await;
    let ids: Vec<i64> = export.expect("readable").users.iter().map(|user| user.id).collect();
    assert_eq!((ids, report.users.read), (vec![1, 2, 3], 3));
}

#[tokio::test]
async fn read_refuses_an_incomplete_export() {
    let cases: [(&[(&str, &str)], &str); 7] = [
        (&[], "users.json is missing"),
        (&[("users.json", "{")], "users.json is not JSON"),
        (&[("users.json", "{}")], "users.json is neither"),
        (&[("users.json", "")], "users.json is not JSON"),
        (
            &[("users.json", r#"{"count": 2, "results": [{"id": 1, "username": "ada"}]}"#)],
            "the export has 1 of 2 users",
        ),
        (&[("users.json", r#"[{"id": 1, "slug": "team"}]"#)], "users.json does not hold users"),
        (
            &[("users.json", "[]"), ("users-2.json", r#"[{"id": 1, "role": "owner"}]"#)],
            "users-2.json does not hold users",
        ),
    ];
    for (files, message) in cases {
        let error = read(files).await.0.expect_err(message).to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[tokio::test]
async fn read_remarks_on_more_rows_than_cvat_counted() {
    let users = r#"{"count": 1, "results": [{"id": 1, "username": "ada"}, {"id": 2, "username": "bob"}]}"#;
    let (export, report) = read(&[("users.json", users)]).await;
    assert_eq!(export.expect("readable").users.len(), 2);
    assert_eq!(report.remarks, ["CVAT counted 1 users, and the export has 2: all were read."]);
}

#[tokio::test]
async fn read_accepts_an_empty_export() {
    let empty = r#"{"count": 0, "next": null, "previous": null, "results": []}"#;
    let (export, report) = read(&[("users.json", empty)]).await;
    assert!(export.expect("readable").users.is_empty());
    assert!(report.to_string().contains("Nothing in it is new"), "{report}");
}

#[tokio::test]
async fn read_refuses_only_the_invalid_rows() {
    let (export, report) =
        read(&[("users.json", r#"[{"id": 1, "username": "w"}, {"username": "x"}, 7, {"id": "2"}]"#)]).await;
    assert_eq!(export.expect("readable").users.len(), 1);
    assert_eq!((report.users.read, report.users.refused.len()), (4, 3));
}
