//! A rolling upgrade: the previous release and this one serve one database side by side. Runs where
//! `GUILDHALL_PREVIOUS` names the executable of the previous release.

use serde_json::json;

use crate::support::TestApp;
use crate::support::server_process::{Server, mutate_at};
use crate::support::socket::Socket;

const EVENTS: &str = "subscription S($id: ID!) { workspaceEvents(workspaceId: $id) { type } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn previous_and_present_release_serve_one_database() {
    let Ok(previous) = std::env::var("GUILDHALL_PREVIOUS") else {
        eprintln!("not tested: GUILDHALL_PREVIOUS names no executable");
        return;
    };
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let old = Server::start_program(&previous, &app.url, &[("GUILDHALL_MAIL_WORKER", "on")]).await;
    let new = Server::start(&app.url, &[("GUILDHALL_MAIL_WORKER", "on")]).await;
    for (index, [first, second]) in [[&old, &new], [&new, &old]].into_iter().enumerate() {
        let (first, second) = (first.address, second.address);
        let slug = format!("acme-{index}");
        let made =
            mutate_at(first, &ada.token, "createOrganization", json!({ "slug": slug }), "organization { id }").await;
        let id = made.expect("made")["organization"]["id"].as_str().expect("an ID").to_owned();
        let mut socket = Socket::ask(second, &ada.token, EVENTS, json!({ "id": id })).await.expect("a subscription");
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let invite = json!({ "organizationId": id, "invitees": [{ "email": bob.email(), "role": "WORKER" }] });
        let fields = "results { invitation { id } }";
        let invited = mutate_at(second, &ada.token, "inviteMembers", invite, fields).await.expect("invited");
        let invitation = invited["results"][0]["invitation"]["id"].clone();
        let accept = json!({ "invitationId": invitation });
        mutate_at(first, &bob.token, "acceptInvitation", accept, "membership { id }").await.expect("accepted");
        let project = json!({ "workspaceId": id, "name": "Cats" });
        mutate_at(second, &ada.token, "createProject", project, "project { id }").await.expect("a project");
        let mut types = Vec::new();
        while !types.contains(&json!("PROJECT_CREATED")) {
            let message = socket.receive().await.expect("an event");
            types.push(message["payload"]["data"]["workspaceEvents"]["type"].clone());
        }
        for expected in ["INVITATION_CREATED", "INVITATION_ACCEPTED", "MEMBER_JOINED"] {
            assert!(types.contains(&json!(expected)), "{types:?}");
        }
        let input = json!({ "organizationId": id, "confirmSlug": slug });
        mutate_at(first, &ada.token, "deleteOrganization", input.clone(), "organization { id }")
            .await
            .expect("deleted");
        let restore = json!({ "organizationId": id });
        mutate_at(second, &ada.token, "restoreOrganization", restore, "organization { id }").await.expect("restored");
    }
    let begun = tokio::time::Instant::now();
    while app.number("SELECT count(*) FROM mails WHERE state = 'QUEUED'").await > 0 {
        assert!(begun.elapsed().as_secs() < 20, "mails wait");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(app.number("SELECT count(*) FROM mails WHERE state = 'FAILED'").await, 0);
}
