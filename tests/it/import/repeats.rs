//! A repeated import of the same export, and of a grown one.

use guildhall::import::cvat;
use serde_json::{Value, json};

use super::{dump, figures, import, invitation, invitee, member, messy, organization, plain, user, with, with_locals};

fn extended(export: &Value, more: Value) -> Value {
    let mut export = export.clone();
    for (kind, rows) in more.as_object().expect("kinds") {
        export[kind].as_array_mut().expect("rows").extend(rows.as_array().expect("rows").clone());
    }
    export
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
        assert_eq!(second.read, second.known + second.refused.len(), "each row is either known or refused: {text}");
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
    assert!(!text.contains("membership 35"), "the substitute owner is a known row: {text}");

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
    assert_eq!(app.number(gone).await, 0, "an import does not restore deleted rows");
    let waiting = "SELECT status::text FROM invitations WHERE email = 'waiting@example.net'";
    assert_eq!(app.texts(waiting).await, ["ACCEPTED"]);
    let mut log = app.log().await;
    log.sort();
    let joined = ["MEMBER_JOINED"; 5];
    assert_eq!(
        log,
        [&["INVITATION_ACCEPTED", "INVITATION_CREATED"][..], &joined, &["ORGANIZATION_CREATED"]].concat(),
        "the import writes events"
    );

    let before = dump(&app).await;
    let again = import(&app, &grown).await;
    assert_eq!(dump(&app).await, before, "{again}");
    app.close().await;
}
