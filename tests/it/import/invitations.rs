//! Imported invitations.

use serde_json::json;

use super::{import, messy, with_locals};

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
    assert_eq!(app.count("mails").await, 4, "one mail for each invitation");
    app.check_invariants().await;
    app.close().await;
}
