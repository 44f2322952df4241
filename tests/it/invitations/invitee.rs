//! `Invitation.invitee`: which viewers see the account of the invited address.

use serde_json::{Value, json};

use crate::support::statements::{count_statements, take_statements};
use crate::support::{Person, TestApp};

/// The `invitee` of the invitation in each place where it is readable: `invitation`, `node`, the list, and its events.
async fn invitee_shown(ada: &Person, organization: &str, invitation: &str) -> Vec<Value> {
    let query = format!(
        r#"{{ invitation(id: "{invitation}") {{ invitee {{ username }} }}
             node(id: "{invitation}") {{ ... on Invitation {{ invitee {{ username }} }} }}
             organization(id: "{organization}") {{ invitations {{ nodes {{ id invitee {{ username }} }} }}
               events(last: 20) {{ nodes {{ type actor {{ username }} subject {{ ... on Invitation {{ id invitee {{ username }} }} }} }} }} }} }}"#
    );
    let data = ada.ask(&query).await.data();
    let is_it = |node: &&Value| node["id"] == invitation;
    let listed = data["organization"]["invitations"]["nodes"].as_array().expect("nodes").iter().find(is_it);
    let events = data["organization"]["events"]["nodes"].as_array().expect("nodes").iter();
    let about = events.map(|event| &event["subject"]).filter(is_it).map(|subject| subject["invitee"].clone());
    [&data["invitation"]["invitee"], &data["node"]["invitee"], &listed.expect("the invitation")["invitee"]]
        .into_iter()
        .cloned()
        .chain(about)
        .collect()
}

#[tokio::test]
async fn invitation_invitee_is_null_until_accepted() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let input = json!({ "organizationId": id, "invitees": [{ "email": bob.email(), "role": "WORKER" }] });
    let fields = "results { invitation { id invitee { username } } }";
    let invited = ada.mutate("inviteMembers", input, fields).await.done()["results"][0]["invitation"].clone();
    assert_eq!(invited["invitee"], Value::Null);
    let invitation = invited["id"].as_str().expect("an ID");
    let token = app.token_to(&bob.email()).await;
    let preview = format!(r#"{{ invitationPreview(token: "{token}") {{ accountExists }} }}"#);
    let exists = |data: Value| data["invitationPreview"]["accountExists"].clone();
    assert_eq!(exists(ada.ask(&preview).await.data()), false, "for the inviter");
    assert_eq!(exists(bob.ask(&preview).await.data()), true);
    assert_eq!(exists(app.nobody(&preview).await.data()), true, "anonymous requests with the token");

    assert!(invitee_shown(&ada, &id, invitation).await.iter().all(Value::is_null));
    let own = "{ viewer { invitations { nodes { invitee { username } } } } }";
    let own = bob.ask(own).await.data()["viewer"]["invitations"]["nodes"][0].clone();
    assert_eq!(own, json!({ "invitee": { "username": "bob" } }), "for the invitee");

    bob.accepts(invitation).await;
    app.log_settles().await;
    let shown = invitee_shown(&ada, &id, invitation).await;
    assert!(shown.len() >= 4 && shown.iter().all(|invitee| invitee["username"] == "bob"), "{shown:?}");
    app.close().await;
}

#[tokio::test]
async fn invitation_invitee_is_shown_to_fellow_members_and_administrators() {
    let app = TestApp::new().await;
    let (ada, bob, root) = (app.person("ada").await, app.person("bob").await, app.admin("root").await);
    let (id, other) = (ada.creates("acme").await, ada.creates("other").await);
    let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
    assert!(invitee_shown(&root, &id, &invitation).await.iter().all(|invitee| invitee["username"] == "bob"));
    let membership = bob.accepts(&ada.invites(&other, &bob.email(), "WORKER").await).await;
    assert!(invitee_shown(&ada, &id, &invitation).await.iter().all(|invitee| invitee["username"] == "bob"));
    ada.mutate("removeMember", json!({ "membershipId": membership }), "removedMembershipId").await.done();
    assert!(invitee_shown(&ada, &id, &invitation).await.iter().all(Value::is_null));
    app.close().await;
}

#[tokio::test]
async fn invitation_invitee_is_not_a_later_owner_of_the_address() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
    bob.accepts(&invitation).await;
    app.sql("UPDATE users SET email = 'new@example.org' WHERE username = 'bob'").await;
    app.person("eve").await;
    app.sql("UPDATE users SET email = 'bob@example.org' WHERE username = 'eve'").await;
    assert!(invitee_shown(&ada, &id, &invitation).await.iter().all(Value::is_null));
    app.close().await;
}

#[tokio::test]
async fn invitation_invitee_runs_the_same_statements_with_and_without_an_account() {
    count_statements();
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    app.person("bob").await;
    let id = ada.creates("acme").await;
    let mut taken = Vec::new();
    for email in ["warm@example.org", "bob@example.org", "nobody@example.org"] {
        let invitation = ada.invites(&id, email, "WORKER").await;
        app.settle().await;
        app.open_all().await;
        take_statements();
        let query = format!(r#"{{ invitation(id: "{invitation}") {{ invitee {{ username }} }} }}"#);
        assert_eq!(ada.ask(&query).await.data()["invitation"]["invitee"], Value::Null);
        let texts = take_statements().into_iter();
        taken.push(
            texts.map(|text| text.split(" -- binds: ").next().unwrap_or_default().to_owned()).collect::<Vec<_>>(),
        );
    }
    assert_eq!(taken[1], taken[2]);
    app.close().await;
}
