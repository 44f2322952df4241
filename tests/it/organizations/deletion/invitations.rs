//! Invitations and their mails while the organization is pending deletion.

use chrono::TimeDelta;
use guildhall::mail::transports::Transport;
use guildhall::mail::worker::send_due;
use guildhall::operations::maintenance::expire_invitations::expire_invitations;
use guildhall::operations::maintenance::purge_organizations::purge_organizations;
use serde_json::{Value, json};

use super::{Team, delete, restore};

#[tokio::test]
async fn delete_organization_suspends_invitations_until_it_is_restored() {
    let mut team = Team::new().await;
    let unproven = team.app.unverified("unproven").await;
    let of_unproven = team.owner.invites(&team.id, &unproven.email(), "WORKER").await;
    team.owner.invites(&team.id, "new@example.org", "WORKER").await;
    let (token, of_new) = (team.app.token_to("guest@example.org").await, team.app.token_to("new@example.org").await);
    let preview = format!(r#"{{ invitationPreview(token: "{token}") {{ organizationSlug status }} }}"#);
    assert!(team.app.nobody(&preview).await.data()["invitationPreview"].is_object());
    delete(&team.owner, &team.id, "team").await.done();

    let (users, log) = (team.app.count("users").await, team.app.log().await);
    assert_eq!(team.app.nobody(&preview).await.data()["invitationPreview"], Value::Null);
    assert_eq!(team.guest.ask(&preview).await.data()["invitationPreview"], Value::Null);
    for (mutation, by) in [("acceptInvitation", &team.guest), ("declineInvitation", &team.guest)] {
        for input in [json!({ "invitationId": team.invitation }), json!({ "token": token })] {
            assert_eq!(by.mutate(mutation, input, "invitation { id }").await.refused(), ["NOT_FOUND"], "{mutation}");
        }
    }
    let by_id = json!({ "invitationId": of_unproven });
    assert_eq!(unproven.mutate("acceptInvitation", by_id, "invitation { id }").await.refused(), ["NOT_FOUND"]);
    let nobody = team.app.mutate_anonymously("declineInvitation", json!({ "token": token })).await;
    assert_eq!(nobody.refused(), ["NOT_FOUND"]);
    let account = json!({ "username": "newcomer", "password": "correct horse battery", "invitationToken": of_new });
    let signed_up = team.app.mutate_anonymously("signUp", account.clone()).await;
    assert_eq!(signed_up.body["data"]["signUp"]["userErrors"][0]["path"], json!(["input", "invitationToken"]));
    assert_eq!(signed_up.refused(), ["NOT_FOUND"]);
    let all = "{ viewer { invitations(statuses: [PENDING, ACCEPTED, DECLINED, REVOKED, EXPIRED]) { totalCount nodes { id } } } }";
    for person in [&team.guest, &team.max] {
        let data = person.ask(all).await.data();
        assert_eq!(data["viewer"]["invitations"], json!({ "totalCount": 0, "nodes": [] }), "{}", person.name);
    }
    assert_eq!((team.app.count("users").await, team.app.log().await), (users, log), "the log is unchanged");

    // Invitations still expire during the deletion.
    team.later(TimeDelta::days(6)).await;
    restore(&team.owner, &team.id).await.done();
    assert!(team.app.nobody(&preview).await.data()["invitationPreview"]["status"] == "PENDING");
    team.app.mutate_anonymously("signUp", account).await.done();
    assert_eq!(team.max.ask(all).await.data()["viewer"]["invitations"]["totalCount"], 1, "the accepted one");
    delete(&team.owner, &team.id, "team").await.done();
    team.later(TimeDelta::days(2)).await;
    assert_eq!(expire_invitations(&team.app.env.store, &team.app.env.clock).await.expect("it runs"), 2);
    restore(&team.owner, &team.id).await.done();
    assert_eq!(team.app.nobody(&preview).await.data()["invitationPreview"]["status"], "EXPIRED");
    let late = team.guest.mutate("acceptInvitation", json!({ "token": token }), "invitation { id }").await;
    assert_eq!(late.refused(), ["INVITATION_EXPIRED"]);
    team.app.env.clock.advance(TimeDelta::minutes(2));
    let resent = json!({ "invitationId": team.invitation });
    team.owner.mutate("resendInvitation", resent, "invitation { status }").await.done();
    team.guest.accepts(&team.invitation).await;
    team.close().await;
}

#[tokio::test]
async fn delete_organization_holds_back_invitation_mails_and_the_purge_deletes_them() {
    let mut team = Team::deleted().await;
    let folder = std::env::temp_dir().join(format!("guildhall-mails-{}", std::process::id()));
    let transport = Transport::folder(folder.clone(), "Guildhall <guildhall@example.org>", None).expect("a folder");
    let env = team.app.env.clone();
    let send = || async { send_due(&env.store, &env.outbox, &transport, &env.clock).await.expect("it runs") };
    assert_eq!(send().await, 0, "all invitation mails wait");
    restore(&team.owner, &team.id).await.done();
    assert_eq!(send().await, 4);
    assert_eq!(
        team.app.number("SELECT count(*) FROM mails WHERE state = 'SENT'").await,
        1,
        "the mails of accepted invitations are not sent"
    );
    let later = team.owner.invites(&team.id, "later@example.org", "WORKER").await;
    delete(&team.owner, &team.id, "team").await.done();
    team.later(TimeDelta::days(8)).await;
    assert_eq!(send().await, 0);
    assert_eq!(purge_organizations(&env.store, &env.clock).await.expect("it runs"), 1);
    assert_eq!((send().await, team.app.count("mails").await), (0, 0), "{later} is never sent");
    std::fs::remove_dir_all(folder).expect("the folder");
    team.close().await;
}
