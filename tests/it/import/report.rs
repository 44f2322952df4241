//! The first import of an export: its report and its progress.

use guildhall::import::cvat;
use guildhall::import::cvat::Options;
use serde_json::{Value, json};

use super::{Folder, REAL, figures, import, messy, plain, with_locals};
use crate::support::TestApp;

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
    assert_eq!(app.count("mails").await, 0, "an import sends no mails");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cvat_import_progress_increases_to_the_total() {
    let app = TestApp::new().await;
    let users: Vec<Value> = (1..=5_000).map(|id| plain(id, &format!("user-{id}"))).collect();
    let folder = Folder::with(&json!({ "users": users, "organizations": [], "memberships": [], "invitations": [] }));
    let calls = std::sync::Mutex::new(Vec::new());
    let progress = |written: usize, all: usize| calls.lock().expect("alone").push((written, all));
    let options = Options { progress: &progress, ..REAL };
    let report = cvat::import(&app.env.store, &app.env.clock, &folder.0, options).await.expect("an import");
    assert_eq!(report.users.taken, 5_000);
    let calls = calls.into_inner().expect("alone");
    assert!(calls.is_sorted() && calls.len() > 5, "{calls:?}");
    assert_eq!(
        (calls[0], calls[calls.len() - 1]),
        ((0, 10_000), (10_000, 10_000)),
        "5,000 accounts and 5,000 rows of `imports`"
    );
    app.close().await;
}
