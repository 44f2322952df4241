//! Invitations: `inviteMembers`, `resendInvitation`, `revokeInvitation`, `acceptInvitation`, `declineInvitation`, lists
//! and previews.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::platform::query_count::{count_statements, take_statements};
use crate::support::{Person, TestApp};

async fn state(by: &Person, invitation: &str) -> Value {
    let query =
        format!(r#"{{ invitation(id: "{invitation}") {{ status resolvedAt role email inviter {{ username }} }} }}"#);
    by.ask(&query).await.data()["invitation"].clone()
}

async fn accept_by_token(by: &Person, token: &str) -> crate::support::Answer {
    by.mutate(
        "acceptInvitation",
        json!({ "token": token }),
        "membership { role user { username } } invitation { status }",
    )
    .await
}

#[tokio::test]
async fn accept_invitation_makes_the_invitee_a_member() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let invitation = ada.invites(&id, "BOB@example.org", "SUPERVISOR").await;
    let own = "{ viewer { invitations { totalCount nodes { id role organization { slug displayName } viewerPermissions delivery { state } } } } }";
    assert_eq!(
        bob.ask(own).await.data()["viewer"]["invitations"],
        json!({ "totalCount": 1, "nodes": [{
            "id": invitation, "role": "SUPERVISOR", "organization": { "slug": "acme", "displayName": "acme" },
            "viewerPermissions": ["VIEW_INVITATIONS", "ACCEPT_INVITATION", "DECLINE_INVITATION"], "delivery": null,
        }] })
    );
    let glimpse = r#"{ organization(slug: "acme") { slug name description viewerPermissions } }"#;
    assert_eq!(bob.ask(glimpse).await.data()["organization"]["slug"], "acme", "an invitee knows its name");
    let more = bob.ask(r#"{ organization(slug: "acme") { slug memberCount } }"#).await;
    assert_eq!((more.codes(), &more.body["data"]["organization"]), (vec!["FORBIDDEN"], &Value::Null));

    bob.accepts(&invitation).await;
    let seen = bob
        .ask(r#"{ organization(slug: "acme") { memberCount viewerMembership { role invitedBy { username } } } }"#)
        .await
        .data();
    assert_eq!(
        seen["organization"],
        json!({ "memberCount": 2, "viewerMembership": { "role": "SUPERVISOR", "invitedBy": { "username": "ada" } } })
    );
    let again = bob.mutate("acceptInvitation", json!({ "invitationId": invitation }), "membership { id }").await;
    assert_eq!(again.refused(), ["INVITATION_NOT_PENDING"]);
    assert_eq!(state(&ada, &invitation).await["status"], "ACCEPTED");
    app.close().await;
}

#[tokio::test]
async fn invite_members_returns_a_result_for_each_invitee() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    bob.accepts(&ada.invites(&id, &bob.email(), "MAINTAINER").await).await;
    ada.invites(&id, "waiting@example.org", "WORKER").await;
    let invitees = json!([
        { "email": "new@example.org", "role": "WORKER" },
        { "email": "NEW@example.org", "role": "WORKER" },
        { "email": "nonsense", "role": "WORKER" },
        { "email": ada.email(), "role": "WORKER" },
        { "email": "waiting@example.org", "role": "WORKER" },
        { "email": "other@example.org", "role": "MAINTAINER" },
    ]);
    let fields = "results { email invitation { email status } userErrors { code path } }";
    let invite = |on_error: &str| {
        let input = json!({ "organizationId": id, "invitees": invitees, "onError": on_error });
        let bob = bob.clone();
        async move { bob.mutate("inviteMembers", input, fields).await.data()["inviteMembers"].clone() }
    };
    let codes = |payload: &Value| {
        let results = payload["results"].as_array().expect("results").iter();
        results.map(|result| result["userErrors"][0]["code"].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>()
    };
    let problems =
        ["DUPLICATE_IN_REQUEST", "INVALID_FORMAT", "ALREADY_MEMBER", "ALREADY_INVITED", "ROLE_NOT_ASSIGNABLE"];
    let before = app.count("invitations").await;
    let rejected = invite("REJECT_ALL").await;
    assert_eq!(codes(&rejected)[1..], problems);
    assert_eq!(rejected["userErrors"].as_array().map(Vec::len), Some(5));
    assert_eq!(app.count("invitations").await, before, "nothing written");
    let skipped = invite("SKIP").await;
    assert_eq!(codes(&skipped)[1..], problems);
    assert_eq!(skipped["userErrors"], json!([]));
    assert_eq!(skipped["results"][0]["invitation"], json!({ "email": "new@example.org", "status": "PENDING" }));
    assert_eq!(skipped["results"][5]["userErrors"][0]["path"], json!(["input", "invitees", "5", "role"]));
    assert_eq!(app.count("invitations").await, before + 1);
    app.close().await;
}

#[tokio::test]
async fn invite_members_refuses_callers_without_permission_and_bad_lists() {
    let app = TestApp::new().await;
    let (ada, sue, eve) = (app.person("ada").await, app.person("sue").await, app.person("eve").await);
    let newbie = app.unverified("newbie").await;
    let id = ada.creates("acme").await;
    sue.accepts(&ada.invites(&id, &sue.email(), "SUPERVISOR").await).await;
    let own = newbie.creates("newbies").await;
    let invite = |by: &Person, organization: &str, invitees: Value| {
        let (by, input) = (by.clone(), json!({ "organizationId": organization, "invitees": invitees }));
        async move { by.mutate("inviteMembers", input, "results { email }").await.refused() }
    };
    let one = json!([{ "email": "x@example.org", "role": "WORKER" }]);
    assert_eq!(invite(&sue, &id, one.clone()).await, ["FORBIDDEN"]);
    assert_eq!(invite(&eve, &id, one.clone()).await, ["NOT_FOUND"]);
    assert_eq!(invite(&newbie, &own, one.clone()).await, ["EMAIL_NOT_VERIFIED"]);
    assert_eq!(invite(&ada, &id, json!([])).await, ["OUT_OF_RANGE"]);
    let many: Vec<_> = (0..101).map(|n| json!({ "email": format!("p{n}@example.org"), "role": "WORKER" })).collect();
    assert_eq!(invite(&ada, &id, json!(many)).await, ["TOO_LONG"]);
    assert_eq!(invite(&ada, &ada.id, one).await, ["INVALID_FORMAT"]);
    assert_eq!(app.count("invitations").await, 1);
    app.close().await;
}

#[tokio::test]
async fn invite_members_is_limited_to_a_hundred_mails_a_day() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let invite = |from: u32, to: u32| {
        let people: Vec<_> =
            (from..to).map(|n| json!({ "email": format!("p{n}@example.org"), "role": "WORKER" })).collect();
        let (ada, input) = (ada.clone(), json!({ "organizationId": id, "invitees": people }));
        async move { ada.mutate("inviteMembers", input, "results { invitation { id } }").await }
    };
    assert_eq!(invite(0, 99).await.done()["results"].as_array().map(Vec::len), Some(99));
    let refused = invite(99, 101).await.data();
    assert_eq!(refused["inviteMembers"]["userErrors"][0]["code"], "RATE_LIMITED");
    assert!(refused["inviteMembers"]["userErrors"][0]["retryAt"].is_string());
    assert!(refused["inviteMembers"]["results"].is_null());
    invite(99, 100).await.done();
    app.close().await;
}

#[tokio::test]
async fn resend_invitation_renews_an_expired_invitation_with_a_new_token() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
    let first_token = app.token_to(&bob.email()).await;
    app.env.clock.advance(TimeDelta::days(7));
    let (ada, bob) = (app.again(&ada).await, app.again(&bob).await);
    assert_eq!(state(&ada, &invitation).await["status"], "EXPIRED");
    assert!(state(&ada, &invitation).await["resolvedAt"].is_string());
    assert_eq!(accept_by_token(&bob, &first_token).await.refused(), ["INVITATION_EXPIRED"]);
    let pending = "{ viewer { invitations { totalCount } } }";
    assert_eq!(bob.ask(pending).await.data()["viewer"]["invitations"]["totalCount"], 0);

    let resend = json!({ "invitationId": invitation });
    let renewed = ada
        .mutate("resendInvitation", resend.clone(), "invitation { status resolvedAt delivery { state } }")
        .await
        .done();
    assert_eq!(
        renewed["invitation"],
        json!({ "status": "PENDING", "resolvedAt": null, "delivery": { "state": "QUEUED" } })
    );
    assert_eq!(
        ada.mutate("resendInvitation", resend, "invitation { id }").await.refused(),
        ["RATE_LIMITED"],
        "once a minute"
    );
    assert_eq!(accept_by_token(&bob, &first_token).await.refused(), ["NOT_FOUND"], "the old token is gone");
    let second_token = app.token_to(&bob.email()).await;
    assert_eq!(accept_by_token(&bob, &second_token).await.done()["membership"]["role"], "WORKER");
    app.close().await;
}

#[tokio::test]
async fn invite_members_accepts_an_address_with_an_expired_invitation() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let first = ada.invites(&id, "bob@example.org", "WORKER").await;
    app.env.clock.advance(TimeDelta::days(8));
    let ada = app.again(&ada).await;
    let second = ada.invites(&id, "bob@example.org", "SUPERVISOR").await;
    assert_eq!(state(&ada, &first).await["status"], "EXPIRED");
    assert_eq!(state(&ada, &second).await["status"], "PENDING");
    let resend = ada.mutate("resendInvitation", json!({ "invitationId": first }), "invitation { id }").await;
    assert_eq!(resend.refused(), ["ALREADY_INVITED"]);

    app.env.clock.advance(TimeDelta::days(8));
    let ada = app.again(&ada).await;
    ada.mutate("resendInvitation", json!({ "invitationId": first }), "invitation { id }").await.done();
    assert_eq!(state(&ada, &first).await["status"], "PENDING");
    assert_eq!(state(&ada, &second).await["status"], "EXPIRED", "it had run out, and does not stand in the way");
    assert_eq!(app.log().await[..].last_chunk().unwrap(), &["INVITATION_EXPIRED", "INVITATION_RESENT"]);
    app.close().await;
}

#[tokio::test]
async fn resend_invitation_allows_a_maintainer_any_role() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let own = ada.invites(&id, &bob.email(), "MAINTAINER").await;
    bob.accepts(&own).await;
    let invitation = ada.invites(&id, "carol@example.org", "MAINTAINER").await;
    app.env.clock.advance(TimeDelta::minutes(1));
    let resent = bob.mutate("resendInvitation", json!({ "invitationId": invitation }), "invitation { role }").await;
    assert_eq!(resent.done()["invitation"]["role"], "MAINTAINER");
    app.close().await;
}

#[tokio::test]
async fn revoke_invitation_and_decline_invitation_end_an_invitation() {
    let app = TestApp::new().await;
    let (ada, bob, sue) = (app.person("ada").await, app.person("bob").await, app.person("sue").await);
    let id = ada.creates("acme").await;
    sue.accepts(&ada.invites(&id, &sue.email(), "SUPERVISOR").await).await;
    let revoked = ada.invites(&id, &bob.email(), "WORKER").await;
    let token = app.token_to(&bob.email()).await;
    let revoke = |by: &Person, invitation: &str| {
        let (by, input) = (by.clone(), json!({ "invitationId": invitation }));
        async move { by.mutate("revokeInvitation", input, "invitation { status }").await }
    };
    assert_eq!(revoke(&sue, &revoked).await.refused(), ["FORBIDDEN"]);
    assert_eq!(revoke(&bob, &revoked).await.refused(), ["FORBIDDEN"], "the invitee sees it, and declines instead");
    assert_eq!(revoke(&app.person("eve").await, &revoked).await.refused(), ["NOT_FOUND"]);
    assert_eq!(revoke(&ada, &revoked).await.done()["invitation"]["status"], "REVOKED");
    assert_eq!(accept_by_token(&bob, &token).await.refused(), ["INVITATION_NOT_PENDING"]);

    let declined = ada.invites(&id, &bob.email(), "WORKER").await;
    let input = json!({ "token": app.token_to(&bob.email()).await });
    let answer = app.nobody_mutates("declineInvitation", input.clone()).await.done();
    assert_eq!(answer["userErrors"], json!([]), "without signing in");
    assert_eq!(app.nobody_mutates("declineInvitation", input).await.refused(), ["INVITATION_NOT_PENDING"]);
    assert_eq!(state(&ada, &declined).await["status"], "DECLINED");
    assert_eq!(
        app.nobody_mutates("declineInvitation", json!({ "invitationId": declined })).await.codes(),
        ["UNAUTHENTICATED"]
    );
    app.close().await;
}

#[tokio::test]
async fn accept_invitation_by_token_requires_an_account_with_the_invited_address() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.person("ada").await, app.person("eve").await);
    let bob = app.unverified("bob").await;
    let id = ada.creates("acme").await;
    let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
    let token = app.token_to(&bob.email()).await;
    assert_eq!(accept_by_token(&eve, &token).await.refused(), ["INVITATION_FOR_ANOTHER"]);
    assert_eq!(accept_by_token(&eve, "nonsense").await.refused(), ["NOT_FOUND"]);
    let by_id = bob.mutate("acceptInvitation", json!({ "invitationId": invitation }), "membership { id }").await;
    assert_eq!(by_id.refused(), ["EMAIL_NOT_VERIFIED"]);
    let by_id = eve.mutate("acceptInvitation", json!({ "invitationId": invitation }), "membership { id }").await;
    assert_eq!(by_id.refused(), ["NOT_FOUND"]);
    let both = json!({ "invitationId": invitation, "token": token });
    assert_eq!(bob.mutate("acceptInvitation", both, "membership { id }").await.refused(), ["REQUIRED"]);

    let preview = format!(
        r#"{{ invitationPreview(token: "{token}") {{ organizationName organizationSlug inviterName role status email accountExists }} }}"#
    );
    assert_eq!(
        app.nobody(&preview).await.data()["invitationPreview"],
        json!({ "organizationName": "acme", "organizationSlug": "acme", "inviterName": "ada", "role": "WORKER",
                "status": "PENDING", "email": bob.email(), "accountExists": false })
    );
    assert_eq!(accept_by_token(&bob, &token).await.done()["membership"]["user"]["username"], "bob");
    let verified = bob.ask("{ viewer { emailVerified } }").await.data();
    assert_eq!(verified["viewer"]["emailVerified"], true, "the token proved the address");
    app.close().await;
}

#[tokio::test]
async fn invitations_list_filters_by_status_role_and_search() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    for name in ["one", "two", "three"] {
        ada.invites(&id, &format!("{name}@example.org"), if name == "two" { "SUPERVISOR" } else { "WORKER" }).await;
    }
    let list = async |arguments: &str| {
        let query = format!(
            r#"{{ organization(slug: "acme") {{ invitations({arguments}) {{ totalCount nodes {{ email }} }} }} }}"#
        );
        let data = ada.ask(&query).await.data();
        let nodes = data["organization"]["invitations"]["nodes"].as_array().expect("nodes").clone();
        nodes.iter().map(|node| node["email"].as_str().expect("an address").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list("first: 2").await, ["three@example.org", "two@example.org"], "newest first");
    assert_eq!(list("roles: [SUPERVISOR]").await, ["two@example.org"]);
    assert_eq!(list(r#"search: "ONE""#).await, ["one@example.org"]);
    assert_eq!(list("statuses: [EXPIRED, REVOKED]").await, [] as [&str; 0]);
    assert_eq!(list("statuses: []").await, [] as [&str; 0]);
    assert_eq!(list("statuses: [PENDING, ACCEPTED]").await.len(), 3);
    app.close().await;
}

#[tokio::test]
async fn member_and_invitation_changes_each_write_one_event() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let membership = bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
    let update = json!({ "organizationId": id, "name": "Acme" });
    ada.mutate("updateOrganization", update, "organization { id }").await.done();
    let change = json!({ "membershipId": membership, "role": "SUPERVISOR" });
    ada.mutate("changeMemberRole", change.clone(), "membership { id }").await.done();
    ada.mutate("changeMemberRole", change, "membership { id }").await.done();
    ada.mutate("removeMember", json!({ "membershipId": membership }), "removedMembershipId").await.done();
    assert_eq!(
        app.log().await,
        [
            "ORGANIZATION_CREATED",
            "MEMBER_JOINED",
            "INVITATION_CREATED",
            "INVITATION_ACCEPTED",
            "MEMBER_JOINED",
            "ORGANIZATION_UPDATED",
            "MEMBER_ROLE_CHANGED",
            "MEMBER_REMOVED",
        ]
    );
    app.close().await;
}

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
    assert_eq!(exists(ada.ask(&preview).await.data()), false, "to the inviter");
    assert_eq!(exists(bob.ask(&preview).await.data()), true);
    assert_eq!(exists(app.nobody(&preview).await.data()), true, "to whoever has the mail");

    assert!(invitee_shown(&ada, &id, invitation).await.iter().all(Value::is_null));
    let own = "{ viewer { invitations { nodes { invitee { username } } } } }";
    let own = bob.ask(own).await.data()["viewer"]["invitations"]["nodes"][0].clone();
    assert_eq!(own, json!({ "invitee": { "username": "bob" } }), "to the invitee");

    bob.accepts(invitation).await;
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
async fn decline_invitation_hides_the_account_of_the_address_from_the_inviter() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
    bob.mutate("declineInvitation", json!({ "invitationId": invitation }), "invitation { status }").await.done();
    app.log_settles().await;
    let declined = async |by: &Person, rest: &str| {
        let query = format!(
            r#"{{ organization(id: "{id}") {{ events(last: 1{rest}) {{ nodes {{ type actor {{ username }} }} totalCount }} }} }}"#
        );
        by.ask(&query).await.data()["organization"]["events"].clone()
    };
    let event = |actor: Value| json!([{ "type": "INVITATION_DECLINED", "actor": actor }]);
    assert_eq!(declined(&ada, "").await["nodes"], event(Value::Null));
    let by_bob = format!(r#", actorId: "{}""#, bob.id);
    assert_eq!(declined(&ada, &by_bob).await, json!({ "nodes": [], "totalCount": 0 }), "nor by a guess");
    let root = app.admin("root").await;
    assert_eq!(declined(&root, &by_bob).await["nodes"], event(json!({ "username": "bob" })));
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

#[tokio::test]
async fn invitation_token_is_not_found_while_the_organization_is_pending_deletion() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    ada.invites(&id, &bob.email(), "WORKER").await;
    let token = app.token_to(&bob.email()).await;
    app.sql("UPDATE organizations SET status = 'PENDING_DELETION', deletion_scheduled_for = now() + interval '7 d'")
        .await;
    for by in [&bob, &ada] {
        assert_eq!(accept_by_token(by, &token).await.refused(), ["NOT_FOUND"]);
    }
    let input = json!({ "token": token });
    assert_eq!(app.nobody_mutates("declineInvitation", input).await.refused(), ["NOT_FOUND"]);
    let newcomer = json!({ "username": "newcomer", "password": "a long and winding road", "invitationToken": token });
    let refused = app.nobody_mutates("signUp", newcomer).await;
    assert_eq!(refused.body["data"]["signUp"]["userErrors"][0]["path"], json!(["input", "invitationToken"]));
    assert_eq!(refused.refused(), ["NOT_FOUND"]);
    let preview = format!(r#"{{ invitationPreview(token: "{token}") {{ status }} }}"#);
    assert_eq!(app.nobody(&preview).await.data()["invitationPreview"], Value::Null);
    app.close().await;
}
