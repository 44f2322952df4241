//! Import of CVAT exports with the irregularities of real ones: the first run, a repeat, and a run with a grown export.

use std::path::PathBuf;

use guildhall::import::cvat;
use guildhall::import::cvat::{ImportError, Options, Report};
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
    assert_eq!(dump(app).await, before, "the rehearsal wrote something");
    let report = cvat::import(&app.env.store, &app.env.clock, &folder.0, REAL).await.expect("an import");
    assert_eq!(Report { dry_run: true, ..report.clone() }, rehearsed, "the rehearsal told something else");
    app.check_invariants().await;
    let proven_twice = "SELECT count(*) FROM (SELECT email FROM users WHERE email_verified_at IS NOT NULL
        GROUP BY email HAVING count(*) > 1) AS twice";
    assert_eq!(app.number(proven_twice).await, 0);
    report
}

async fn failure(app: &TestApp, export: &Value) -> ImportError {
    let folder = Folder::with(export);
    cvat::import(&app.env.store, &app.env.clock, &folder.0, REAL).await.expect_err("no import")
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

fn extended(export: &Value, more: Value) -> Value {
    let mut export = export.clone();
    for (kind, rows) in more.as_object().expect("kinds") {
        export[kind].as_array_mut().expect("rows").extend(rows.as_array().expect("rows").clone());
    }
    export
}

/// An application with an account and an organization whose username, address and slug occur in the messy export.
async fn with_locals() -> TestApp {
    let app = TestApp::new().await;
    app.person("local").await.creates("local").await;
    app
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cvat_import_handles_and_reports_every_irregularity() {
    let app = with_locals().await;
    let report = import(&app, &messy()).await;
    let text = report.to_string();
    assert_eq!(report.source, "cvat:http://cvat.test:8080");
    assert_eq!(figures(&report.users), [19, 17, 0, 9, 2], "{text}");
    assert_eq!(figures(&report.organizations), [8, 5, 0, 4, 3], "{text}");
    assert_eq!(figures(&report.memberships), [21, 10, 0, 9, 8], "{text}");
    assert_eq!(figures(&report.invitations), [6, 5, 0, 4, 2], "{text}");
    for line in [
        "user 1: its name was cut, or lost characters that cannot be shown",
        "user 2: its username is ada-2 here",
        "user 2: it has no usable address: nobody can sign in",
        "user 3: its username is bob-smith-example.net here",
        "user 4: its username is jo-4 here",
        "user 5: it has no usable address: nobody can sign in",
        "user 6: another user with its address signed in later, or is older: it comes without one",
        "user 8: it is locked there: it comes without its address, so nobody can sign in",
        "user 9: an account here has the username local; accounts are never merged",
        "user 10: an account here has proven its address: it comes without one",
        "users, row 19: it has no `id`, or a field is of another type than CVAT gives",
        "organization 1: its slug is team-a-2 here",
        "organization 3: its owner is missing: user 5, who has the most rights, owns it here",
        "organization 4: it has no owner, and no maintainer to take their place",
        "organization 5: the slug local is taken here; organizations are never merged",
        "organization 6: its slug is a-very-long-slug here",
        "organization 7: its slug is admin-2 here",
        "organization 7: its name was cut, or lost characters that cannot be shown",
        "organization 7: its contact is no e-mail address: it was left out",
        "organization 8: its owner did not come over, and it has no maintainer to take their place",
        "membership 5: its role is MAINTAINER here: every organization has one owner",
        "owner of organization 6: they had no active membership: one was made",
        "membership 8: its organization did not come over",
        "membership 10: user 6 has another membership there",
        "membership 12: its role is none of worker, supervisor, maintainer, owner",
        "membership 13: its user is not here",
        "membership 14: its organization is not in the export",
        "membership 20: it was not accepted: there is an invitation instead",
        "membership 21: it was pending without an invitation: one was made",
        "membership 24: it was not accepted, and cannot be invited: its invitee has no usable address",
        "invitation of user 11 to organization 1: it was never sent: it is pending for 7 days from now, without a mail, \
         and waits for a resend",
        "invitation of user 14 to organization 1: its link leads to CVAT: it is pending for 7 days from now, without a \
         mail, and waits for a resend",
        "invitation of user 17 to organization 1: no membership goes with it",
    ] {
        assert!(text.contains(&format!("  {line}\n")), "{line}\n\n{text}");
    }
    let members = "SELECT format('%s: %s %s', o.slug, m.username, m.role) FROM memberships m
        JOIN organizations o ON o.id = m.organization_id ORDER BY o.slug, m.role DESC, m.username";
    assert_eq!(
        app.texts(members).await,
        [
            "a-very-long-slug: late OWNER",
            "a-very-long-slug: early SUPERVISOR",
            "admin-2: jo-4 OWNER",
            "local: local OWNER",
            &format!("ownerless: {} OWNER", "x".repeat(32)),
            "ownerless: early WORKER",
            "team-a: bob-smith-example.net OWNER",
            "team-a: ada MAINTAINER",
            "team-a-2: ada OWNER",
            "team-a-2: leaver WORKER",
            "team-a-2: riser WORKER",
        ]
    );
    let invitations =
        "SELECT format('%s %s %s %s', email, status, delivery, token_hash IS NULL) FROM invitations ORDER BY email";
    assert_eq!(
        app.texts(invitations).await,
        [
            "decliner@example.net PENDING FAILED t",
            "ended@example.net EXPIRED FAILED t",
            "never@example.net PENDING FAILED t",
            "waiting@example.net PENDING FAILED t",
            "without@example.net PENDING FAILED t",
        ]
    );
    let shared = "SELECT username FROM users WHERE email = 'shared@example.net'";
    assert_eq!(app.texts(shared).await, ["late"]);
    assert_eq!(app.count("mails").await, 0, "an import sends nothing");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cvat_import_repeat_changes_nothing_and_reports_it() {
    let app = with_locals().await;
    let first = import(&app, &messy()).await;
    let before = dump(&app).await;
    let second = import(&app, &messy()).await;
    assert_eq!(dump(&app).await, before);
    let text = second.to_string();
    for (first, second) in [
        (&first.users, &second.users),
        (&first.organizations, &second.organizations),
        (&first.memberships, &second.memberships),
        (&first.invitations, &second.invitations),
    ] {
        assert_eq!((second.taken, &second.changed), (0, &Vec::new()), "{text}");
        let sorted = |tally: &cvat::Counts| {
            let mut notes: Vec<_> = tally.refused.iter().map(|note| (note.row.clone(), note.reason.clone())).collect();
            notes.sort();
            notes
        };
        assert_eq!(sorted(second), sorted(first), "{text}");
        assert_eq!(second.read, second.known + second.refused.len(), "each row is one or the other: {text}");
    }
    assert!(text.ends_with("Nothing in it is new: nothing was written.\n"), "{text}");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cvat_import_of_a_grown_export_adds_new_rows_and_keeps_local_changes() {
    let app = with_locals().await;
    import(&app, &messy()).await;

    // Local changes: rename, remove, promote, decline, delete an account and organizations.
    app.sql(
        "UPDATE organizations SET slug = 'renamed', name = 'Another' WHERE slug = 'team-a-2';
         DELETE FROM memberships WHERE username = 'leaver';
         UPDATE organizations SET member_count = member_count - 1 WHERE slug = 'renamed';
         UPDATE memberships SET role = 'MAINTAINER' WHERE username = 'riser';
         UPDATE invitations SET status = 'DECLINED', resolved_at = now() WHERE email = 'decliner@example.net';
         UPDATE users SET username = 'second-ada' WHERE username = 'ada-2';
         DELETE FROM users WHERE username = 'silent';
         UPDATE organizations SET status = 'PENDING_DELETION', deletion_scheduled_for = now() WHERE slug = 'ownerless';
         DELETE FROM organizations WHERE slug = 'admin-2';",
    )
    .await;
    let untouched = "SELECT format('%s %s %s', slug, name, member_count) FROM organizations WHERE slug = 'renamed'";
    assert_eq!(app.texts(untouched).await, ["renamed Another 2"]);
    app.sql("DELETE FROM events").await;

    let accepted = |id: i64, user: i64, key: &str| with(member(id, 1, user, "worker"), json!({ "invitation": key }));
    let mut grown = extended(
        &messy(),
        json!({
            "users": [plain(30, "newcomer"), user(31, "ADA", json!("shared@example.net")), plain(32, "guest")],
            "organizations": [organization(30, "TEAM_A", json!({ "id": 30 }))],
            "memberships": [
                member(30, 1, 30, "supervisor"), member(31, 1, 3, "owner"), member(32, 30, 16, "worker"),
                member(33, 7, 30, "worker"), member(34, 6, 15, "worker"), member(35, 6, 7, "owner"),
                invitee(36, 2, 32, json!("k-guest")), member(37, 3, 30, "worker"),
            ],
            "invitations": [invitation("k-guest", 2, 32, json!(false))],
        }),
    );
    // Two invitees have accepted in CVAT since; one of them has declined in Guildhall.
    for row in grown["memberships"].as_array_mut().expect("rows") {
        match row["id"].as_i64() {
            Some(23) => *row = accepted(23, 14, "k-waiting"),
            Some(25) => *row = accepted(25, 18, "k-decliner"),
            _ => {}
        }
    }
    let report = import(&app, &grown).await;
    let text = report.to_string();
    assert_eq!(figures(&report.users)[1..3], [3, 17], "{text}");
    assert_eq!(figures(&report.organizations)[1..3], [1, 5], "{text}");
    for line in [
        "user 31: its username is ada-2 here",
        "user 31: somebody who came over before has its address: it comes without one",
        "organization 30: its slug is team-a-2 here",
        "membership 23: it was accepted there since: so is its invitation here",
        "membership 25: its invitation was declined here",
        "membership 31: its role is MAINTAINER here: every organization has one owner",
        "membership 33: its organization was deleted here",
        "membership 34: its user is not here",
        "membership 37: its organization is being deleted here",
    ] {
        assert!(text.contains(&format!("  {line}\n")), "{line}\n\n{text}");
    }
    assert!(!text.contains("membership 35"), "whoever owns it for want of another owner is known: {text}");

    assert_eq!(app.texts(untouched).await, ["renamed Another 5"]);
    let members = "SELECT format('%s: %s %s', o.slug, m.username, m.role) FROM memberships m
        JOIN organizations o ON o.id = m.organization_id WHERE o.slug IN ('renamed', 'team-a-2') ORDER BY 1";
    assert_eq!(
        app.texts(members).await,
        [
            "renamed: ada OWNER",
            "renamed: bob-smith-example.net MAINTAINER",
            "renamed: newcomer SUPERVISOR",
            "renamed: riser MAINTAINER",
            "renamed: waiting WORKER",
            "team-a-2: leaver WORKER",
            "team-a-2: newcomer OWNER",
        ]
    );
    let gone = "SELECT count(*) FROM organizations WHERE slug LIKE 'admin%'";
    assert_eq!(app.number(gone).await, 0, "what was deleted here is not brought back");
    let waiting = "SELECT status::text FROM invitations WHERE email = 'waiting@example.net'";
    assert_eq!(app.texts(waiting).await, ["ACCEPTED"]);
    let mut log = app.log().await;
    log.sort();
    let joined = ["MEMBER_JOINED"; 5];
    assert_eq!(
        log,
        [&["INVITATION_ACCEPTED", "INVITATION_CREATED"][..], &joined, &["ORGANIZATION_CREATED"]].concat(),
        "whoever watches hears of it"
    );

    let before = dump(&app).await;
    let again = import(&app, &grown).await;
    assert_eq!(dump(&app).await, before, "{again}");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resend_invitation_sends_the_first_mail_of_an_imported_invitation() {
    let app = with_locals().await;
    import(&app, &messy()).await;
    let riser = "UPDATE memberships SET role = 'MAINTAINER' WHERE username = 'riser';
        UPDATE users SET email_verified_at = now() WHERE username = 'riser'";
    app.sql(riser).await;
    let riser = app.named("riser").await;
    let list = r#"{ organization(slug: "team-a-2") { invitations(first: 20) { nodes {
        id email status delivery { state sendCount lastSentAt failure resendAvailableAt } } } } }"#;
    let page = riser.ask(list).await.data()["organization"]["invitations"]["nodes"].clone();
    let found = |email: &str| {
        let nodes = page.as_array().expect("nodes");
        nodes.iter().find(|node| node["email"] == format!("{email}@example.net")).expect(email).clone()
    };
    for (email, status) in [("never", "PENDING"), ("without", "PENDING"), ("waiting", "PENDING"), ("ended", "EXPIRED")]
    {
        let imported = found(email);
        assert_eq!(imported["status"], status);
        let delivery = &imported["delivery"];
        assert_eq!((&delivery["state"], &delivery["sendCount"]), (&json!("FAILED"), &json!(0)));
        assert!(delivery["failure"].as_str().is_some_and(|why| why.contains("Resend")), "{delivery}");
        assert!(delivery["lastSentAt"].is_null() && delivery["resendAvailableAt"].is_string(), "{delivery}");

        let fields = "invitation { status delivery { state failure } }";
        let resent = riser.mutate("resendInvitation", json!({ "invitationId": imported["id"] }), fields).await.done();
        assert_eq!(
            resent["invitation"],
            json!({ "status": "PENDING", "delivery": { "state": "QUEUED", "failure": null } }),
            "{email}"
        );
        let token = app.token_to(&format!("{email}@example.net")).await;
        let invitee = app.named(email).await;
        let joined = invitee.mutate("acceptInvitation", json!({ "token": token }), "membership { role }").await;
        assert_eq!(joined.done()["membership"]["role"], "WORKER", "{email}");
    }
    assert_eq!(app.count("mails").await, 4, "the first mail of each");
    app.check_invariants().await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cvat_import_refuses_another_cvat_at_the_same_address() {
    let app = TestApp::new().await;
    let first = json!({ "users": [plain(1, "ada")], "organizations": [], "memberships": [], "invitations": [] });
    import(&app, &first).await;
    let before = dump(&app).await;
    let mut second = first.clone();
    second["users"][0]["username"] = json!("zoe");
    second["users"][0]["date_joined"] = json!("2025-05-05T05:05:05Z");
    let error = failure(&app, &second).await.to_string();
    assert!(error.starts_with("user 1 was made on 2024-01-01") && error.contains("--source"), "{error}");
    assert_eq!(dump(&app).await, before);

    let folder = Folder::with(&second);
    let options = Options { source: Some("the other"), ..REAL };
    let report = cvat::import(&app.env.store, &app.env.clock, &folder.0, options).await.expect("an import");
    assert_eq!((report.source.as_str(), figures(&report.users)), ("the other", [1, 1, 0, 0, 0]), "{report}");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cvat_import_progress_increases_to_the_total() {
    let app = TestApp::new().await;
    let users: Vec<Value> = (1..=5_000).map(|id| plain(id, &format!("user-{id}"))).collect();
    let folder = Folder::with(&json!({ "users": users, "organizations": [], "memberships": [], "invitations": [] }));
    let told = std::sync::Mutex::new(Vec::new());
    let progress = |written: usize, all: usize| told.lock().expect("alone").push((written, all));
    let options = Options { progress: &progress, ..REAL };
    let report = cvat::import(&app.env.store, &app.env.clock, &folder.0, options).await.expect("an import");
    assert_eq!(report.users.taken, 5_000);
    let told = told.into_inner().expect("alone");
    assert!(told.is_sorted() && told.len() > 5, "{told:?}");
    assert_eq!((told[0], told[told.len() - 1]), ((0, 10_000), (10_000, 10_000)), "the accounts, and the ledger");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cvat_import_failure_leaves_no_rows() {
    let app = TestApp::new().await;
    app.sql("ALTER TABLE imports ADD CONSTRAINT no_room CHECK (kind <> 'INVITATION')").await;
    let error = failure(&app, &messy()).await.to_string();
    assert!(error.starts_with("the database did not take it"), "{error}");
    assert_eq!(dump(&app).await, [] as [&str; 0]);

    let folder = Folder::with(&messy());
    folder.write("invitations", r#"{"count": 6, "results": [{"key": "k-n"#);
    let error = cvat::import(&app.env.store, &app.env.clock, &folder.0, REAL).await.expect_err("cut").to_string();
    assert!(error.starts_with("invitations.json is not JSON"), "{error}");
    assert_eq!(dump(&app).await, [] as [&str; 0]);
    app.close().await;
}
