//! Import of CVAT exports with the irregularities of real ones: the first run, a repeat, and a run with a grown export.

mod failures;
mod invitations;
mod repeats;
mod report;

use std::path::PathBuf;

use guildhall::import::cvat;
use guildhall::import::cvat::{Options, Report};
use serde_json::{Value, json};

use crate::support::TestApp;

/// A folder with an export. It is deleted with the value.
struct Folder(PathBuf);

impl Folder {
    fn with(export: &Value) -> Self {
        let folder = Self(std::env::temp_dir().join(format!("guildhall-import-{}", uuid::Uuid::new_v4())));
        std::fs::create_dir(&folder.0).expect("a folder");
        for (kind, rows) in export.as_object().expect("kinds") {
            let count = rows.as_array().expect("rows").len();
            folder.write(kind, &json!({ "count": count, "next": null, "previous": null, "results": rows }).to_string());
        }
        folder
    }

    fn write(&self, kind: &str, text: &str) {
        std::fs::write(self.0.join(format!("{kind}.json")), text).expect("a file");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const REAL: Options<'static> = Options { source: None, dry_run: false, progress: &|_, _| () };

/// Runs a dry run and an import, and checks that both report the same.
async fn import(app: &TestApp, export: &Value) -> Report {
    let folder = Folder::with(export);
    let before = dump(app).await;
    let rehearsal = Options { dry_run: true, ..REAL };
    let rehearsed = cvat::import(&app.env.store, &app.env.clock, &folder.0, rehearsal).await.expect("a rehearsal");
    assert_eq!(dump(app).await, before, "the dry run wrote rows");
    let report = cvat::import(&app.env.store, &app.env.clock, &folder.0, REAL).await.expect("an import");
    assert_eq!(Report { dry_run: true, ..report.clone() }, rehearsed, "the dry run reported other figures");
    app.check_invariants().await;
    let proven_twice = "SELECT count(*) FROM (SELECT email FROM users WHERE email_verified_at IS NOT NULL
        GROUP BY email HAVING count(*) > 1) AS twice";
    assert_eq!(app.number(proven_twice).await, 0);
    report
}

/// All rows of the tables that an import writes, without the day of last activity, which the server updates.
async fn dump(app: &TestApp) -> Vec<String> {
    let mut rows = Vec::new();
    for table in ["users", "organizations", "former_slugs", "memberships", "invitations", "imports", "events", "mails"]
    {
        rows.extend(
            app.texts(&format!("SELECT (to_jsonb(t) - 'last_active_on')::text FROM {table} AS t ORDER BY 1")).await,
        );
    }
    rows
}

/// The numbers of read, new, known, changed and refused rows.
fn figures(tally: &cvat::Counts) -> [usize; 5] {
    let rows =
        |notes: &[cvat::Note]| notes.iter().map(|note| &note.row).collect::<std::collections::HashSet<_>>().len();
    [tally.read, tally.taken, tally.known, rows(&tally.changed), rows(&tally.refused)]
}

fn user(id: i64, username: &str, email: Value) -> Value {
    json!({
        "id": id, "url": format!("http://cvat.test:8080/api/users/{id}"), "username": username, "email": email,
        "first_name": "", "last_name": "", "is_active": true, "is_superuser": false, "groups": ["user"],
        "date_joined": format!("2024-01-01T00:00:{:02}.123456Z", id % 60), "last_login": null,
    })
}

fn plain(id: i64, username: &str) -> Value {
    user(id, username, json!(format!("{username}@example.net")))
}

fn organization(id: i64, slug: &str, owner: Value) -> Value {
    json!({
        "id": id, "slug": slug, "name": format!("The {slug}"), "description": "", "contact": {}, "owner": owner,
        "created_date": "2024-02-01T00:00:00Z", "updated_date": "2024-02-02T00:00:00Z",
    })
}

fn member(id: i64, organization: i64, user: i64, role: &str) -> Value {
    json!({ "id": id, "organization": organization, "user": { "id": user }, "role": role, "is_active": true,
            "joined_date": "2024-03-01T00:00:00Z", "invitation": null })
}

fn invitee(id: i64, organization: i64, user: i64, key: Value) -> Value {
    json!({ "id": id, "organization": organization, "user": { "id": user }, "role": "worker", "is_active": false,
            "joined_date": null, "invitation": key })
}

fn invitation(key: &str, organization: i64, user: i64, expired: Value) -> Value {
    json!({ "key": key, "organization": organization, "user": { "id": user }, "owner": { "id": 1 }, "role": "worker",
            "created_date": "2024-04-01T00:00:00Z", "expired": expired })
}

fn with(mut row: Value, changes: Value) -> Value {
    row.as_object_mut().expect("a row").extend(changes.as_object().expect("fields").clone());
    row
}

/// An export with all known irregularities.
fn messy() -> Value {
    json!({
        "users": [
            with(plain(1, "ada"), json!({ "first_name": "Ada", "last_name": "É".repeat(80) })),
            user(2, "Ada", json!("")),
            user(3, "bob smith@Example.net", json!("bob@example.net")),
            user(4, "jo", Value::Null),
            user(5, &"x".repeat(40), json!("not an address")),
            user(6, "early", json!("shared@example.net")),
            with(user(7, "late", json!("Shared@Example.NET")), json!({ "last_login": "2025-01-01T00:00:00Z" })),
            with(plain(8, "locked"), json!({ "is_active": false })),
            plain(9, "local"),
            user(10, "proven", json!("local@example.org")),
            plain(11, "never"), plain(12, "without"), plain(13, "ended"), plain(14, "waiting"),
            user(15, "silent", Value::Null),
            plain(16, "leaver"), plain(17, "riser"), plain(18, "decliner"),
            { "id": "nineteen", "username": "x" },
        ],
        "organizations": [
            organization(1, "Team_A", json!({ "id": 1 })),
            organization(2, "team-a", json!({ "id": 3 })),
            organization(3, "ownerless", Value::Null),
            organization(4, "hopeless", Value::Null),
            organization(5, "local", json!({ "id": 1 })),
            organization(6, "A very long slug, indeed", json!({ "id": 7 })),
            with(organization(7, "admin", json!(4)), json!({ "name": "n".repeat(99), "contact": { "email": "none" } })),
            organization(8, "orphan", json!({ "id": 9 })),
        ],
        "memberships": [
            member(1, 1, 1, "owner"), member(2, 1, 16, "worker"), member(3, 1, 17, "worker"),
            member(4, 2, 3, "owner"), member(5, 2, 1, "owner"),
            member(6, 3, 6, "worker"), member(7, 3, 5, "maintainer"),
            member(8, 4, 6, "supervisor"),
            member(9, 5, 1, "owner"),
            member(10, 6, 6, "worker"), member(11, 6, 6, "supervisor"), member(12, 6, 3, "king"),
            member(13, 6, 99, "worker"), member(14, 99, 3, "worker"), member(15, 6, 9, "worker"),
            invitee(20, 1, 11, json!("k-never")), invitee(21, 1, 12, Value::Null), invitee(22, 1, 13, json!("k-ended")),
            invitee(23, 1, 14, json!("k-waiting")), invitee(24, 1, 15, json!("k-silent")),
            invitee(25, 1, 18, json!("k-decliner")),
        ],
        "invitations": [
            invitation("k-never", 1, 11, Value::Null), invitation("k-ended", 1, 13, json!(true)),
            invitation("k-waiting", 1, 14, json!(false)), invitation("k-silent", 1, 15, Value::Null),
            invitation("k-decliner", 1, 18, json!(false)), invitation("k-lonely", 1, 17, Value::Null),
        ],
    })
}

/// An application with an account and an organization whose username, address and slug occur in the messy export.
async fn with_locals() -> TestApp {
    let app = TestApp::new().await;
    app.person("local").await.creates("local").await;
    app
}
