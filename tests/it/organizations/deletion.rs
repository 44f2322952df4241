//! Deletion of organizations: pending deletion, restoration within the grace period, and the final purge.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures_util::future::join_all;
use guildhall::domain::Clock;
use guildhall::domain::plan_catalog::Plans;
use guildhall::mail::transports::Transport;
use guildhall::mail::worker::send_due;
use guildhall::operations::maintenance::expire_invitations::expire_invitations;
use guildhall::operations::maintenance::purge_organizations::purge_organizations;
use serde_json::{Value, json};

use crate::platform::races::{MANY, at_once, counts, tally};
use crate::support::{Answer, Person, TestApp, graphql};

/// An organization with a member of each role, an invitee, an administrator, and a person who is not a member.
struct Team {
    app: TestApp,
    id: String,
    owner: Person,
    max: Person,
    sue: Person,
    wim: Person,
    guest: Person,
    eve: Person,
    root: Person,
    /// The worker's membership.
    membership: String,
    /// The guest's invitation.
    invitation: String,
}

impl Team {
    async fn new() -> Self {
        Self::on(TestApp::new().await).await
    }

    async fn on(app: TestApp) -> Self {
        let owner = app.person("owner").await;
        let id = owner.creates("team").await;
        let (max, sue, wim) = (app.person("max").await, app.person("sue").await, app.person("wim").await);
        let mut membership = String::new();
        for (person, role) in [(&max, "MAINTAINER"), (&sue, "SUPERVISOR"), (&wim, "WORKER")] {
            membership = person.accepts(&owner.invites(&id, &person.email(), role).await).await;
        }
        let (guest, eve, root) = (app.person("guest").await, app.person("eve").await, app.admin("root").await);
        let invitation = owner.invites(&id, &guest.email(), "WORKER").await;
        Self { id, owner, max, sue, wim, guest, eve, root, membership, invitation, app }
    }

    /// The team after its owner has deleted the organization.
    async fn deleted() -> Self {
        let team = Self::new().await;
        delete(&team.owner, &team.id, "team").await.done();
        team
    }

    /// The people who cannot see an organization that is pending deletion.
    fn others(&self) -> [&Person; 5] {
        [&self.max, &self.sue, &self.wim, &self.guest, &self.eve]
    }

    /// Advances the clock and renews the tokens, which expire with it.
    async fn later(&mut self, by: TimeDelta) {
        self.app.env.clock.advance(by);
        for person in [&mut self.owner, &mut self.max, &mut self.guest, &mut self.root, &mut self.wim] {
            *person = self.app.again(person).await;
        }
    }

    /// The number of rows that belong to an organization, plus the organizations.
    async fn rows(&self) -> i64 {
        let mut rows = 0;
        for table in BELONGINGS {
            rows += self.app.number(&format!("SELECT count(*) FROM {table} WHERE organization_id IS NOT NULL")).await;
        }
        rows + self.app.count("organizations").await
    }

    async fn close(self) {
        self.app.check_invariants().await;
        self.app.close().await;
    }
}

/// Tables whose rows belong to an organization.
const BELONGINGS: [&str; 10] = [
    "memberships",
    "invitations",
    "mails",
    "former_slugs",
    "ownership_offers",
    "plans",
    "cloud_storages",
    "projects",
    "tasks",
    "jobs",
];

async fn delete(by: &Person, organization: &str, slug: &str) -> Answer {
    let input = json!({ "organizationId": organization, "confirmSlug": slug });
    by.mutate("deleteOrganization", input, "organization { slug status deletionScheduledFor version }").await
}

async fn restore(by: &Person, organization: &str) -> Answer {
    let input = json!({ "organizationId": organization });
    by.mutate("restoreOrganization", input, "organization { slug status deletionScheduledFor version }").await
}

/// The organization, its membership and its invitation in each field where the person might see them.
async fn seen(team: &Team, by: &Person) -> Value {
    let query = format!(
        r#"{{ byId: organization(id: "{0}") {{ slug }} bySlug: organization(slug: "TEAM") {{ slug }}
             nodes(ids: ["{0}", "{1}", "{2}"]) {{ __typename }} invitation(id: "{2}") {{ status }}
             viewer {{ organizations {{ totalCount nodes {{ slug }} }} invitations {{ totalCount nodes {{ id }} }} }}
             organizations {{ totalCount nodes {{ slug }} }} }}"#,
        team.id, team.membership, team.invitation
    );
    by.ask(&query).await.data()
}

/// The result of [`seen`] for a person who sees nothing.
fn nothing() -> Value {
    let none = json!({ "totalCount": 0, "nodes": [] });
    json!({ "byId": null, "bySlug": null, "nodes": [null, null, null], "invitation": null,
        "viewer": { "organizations": none, "invitations": none }, "organizations": none })
}

#[tokio::test]
async fn delete_organization_hides_it_from_all_but_the_owner_and_administrators() {
    let team = Team::new().await;
    let before = seen(&team, &team.owner).await;
    assert_eq!(seen(&team, &team.guest).await["viewer"]["invitations"]["totalCount"], 1);
    let deleted = delete(&team.owner, &team.id, " Team ").await.done()["organization"].clone();
    assert_eq!((&deleted["status"], &deleted["version"]), (&json!("PENDING_DELETION"), &json!(1)));
    let at = chrono::DateTime::parse_from_rfc3339(deleted["deletionScheduledFor"].as_str().expect("a time"));
    let left = at.expect("a time").to_utc() - team.app.env.clock.now();
    assert!(left <= TimeDelta::days(7) && left > TimeDelta::days(7) - TimeDelta::minutes(1), "{left}");
    assert_eq!(team.app.log_after("INVITATION_CREATED").await, ["ORGANIZATION_DELETION_SCHEDULED"]);

    assert_eq!(seen(&team, &team.owner).await, before, "all is there to be looked at");
    for person in team.others() {
        assert_eq!(seen(&team, person).await, nothing(), "{}", person.name);
    }
    let administrator = seen(&team, &team.root).await;
    assert_eq!((&administrator["byId"], &administrator["nodes"]), (&before["byId"], &before["nodes"]));
    assert_eq!(administrator["organizations"], before["organizations"]);
    assert_eq!(administrator["viewer"]["organizations"]["totalCount"], 0, "not theirs");
    let query = format!(r#"{{ organization(id: "{}") {{ slug }} node(id: "{}") {{ id }} }}"#, team.id, team.membership);
    assert_eq!(team.app.nobody(&query).await.data(), json!({ "organization": null, "node": null }));

    let query = format!(
        r#"{{ organization(id: "{}") {{ status memberCount viewerPermissions viewerAssignableRoles
             members {{ totalCount nodes {{ viewerPermissions user {{ email }} }} }}
             invitations {{ nodes {{ viewerPermissions organization {{ slug }} }} }} }} }}"#,
        team.id
    );
    let read_only = team.owner.ask(&query).await.data()["organization"].clone();
    assert_eq!((&read_only["memberCount"], &read_only["members"]["totalCount"]), (&json!(4), &json!(4)));
    assert_eq!(read_only["members"]["nodes"][3]["user"]["email"], "wim@example.org");
    assert_eq!(read_only["viewerAssignableRoles"], json!([]));
    let permissions = read_only["viewerPermissions"].as_array().expect("permissions");
    let writes = permissions.iter().filter(|name| !name.as_str().expect("a name").starts_with("VIEW_"));
    assert_eq!(writes.collect::<Vec<_>>(), ["RESTORE_ORGANIZATION"]);
    assert_eq!(read_only["members"]["nodes"][3]["viewerPermissions"], json!(["VIEW_MEMBERS", "VIEW_MEMBER_EMAILS"]));
    assert_eq!(
        read_only["invitations"]["nodes"][0],
        json!({ "viewerPermissions": ["VIEW_INVITATIONS"], "organization": { "slug": "team" } })
    );
    team.close().await;
}

#[tokio::test]
async fn delete_organization_and_restore_require_the_owner_or_an_administrator() {
    let team = Team::new().await;
    for person in [&team.max, &team.sue, &team.wim] {
        assert_eq!(delete(person, &team.id, "team").await.refused(), ["FORBIDDEN"], "{}", person.name);
        assert_eq!(restore(person, &team.id).await.refused(), ["FORBIDDEN"], "{}", person.name);
    }
    for person in [&team.guest, &team.eve] {
        let (refused, missing) = (delete(person, &team.id, "team").await, "org_00000000000000000000000000");
        let unknown = delete(person, missing, "team").await;
        if person.name == "eve" {
            assert_eq!(refused.body, unknown.body, "the same answer as for what is not there");
        } else {
            assert_eq!(refused.refused(), ["FORBIDDEN"], "an invitee knows that it is there");
        }
    }
    assert_eq!(restore(&team.owner, &team.id).await.refused(), ["NOT_PENDING_DELETION"]);
    assert_eq!(delete(&team.owner, "nonsense", "team").await.refused(), ["INVALID_FORMAT"]);
    for slug in ["", "teams", "owner"] {
        let refused = delete(&team.owner, &team.id, slug).await;
        let error = &refused.body["data"]["deleteOrganization"]["userErrors"][0];
        assert_eq!(error["code"], "CONFIRMATION_MISMATCH");
        assert_eq!(error["path"], json!(["input", "confirmSlug"]));
    }
    assert_eq!(team.app.log_after("INVITATION_CREATED").await, [] as [&str; 0]);

    delete(&team.owner, &team.id, "TEAM").await.done();
    assert_eq!(delete(&team.owner, &team.id, "team").await.refused(), ["ORGANIZATION_PENDING_DELETION"]);
    for person in team.others() {
        assert_eq!(delete(person, &team.id, "team").await.refused(), ["NOT_FOUND"], "{}", person.name);
        assert_eq!(restore(person, &team.id).await.refused(), ["NOT_FOUND"], "{}", person.name);
    }
    let restored = restore(&team.root, &team.id).await.done();
    assert_eq!(
        restored["organization"],
        json!({ "slug": "team", "status": "ACTIVE", "deletionScheduledFor": null, "version": 1 })
    );
    delete(&team.root, &team.id, "team").await.done();
    restore(&team.owner, &team.id).await.done();
    assert_eq!(
        team.app.log_after("INVITATION_CREATED").await,
        [
            "ORGANIZATION_DELETION_SCHEDULED",
            "ORGANIZATION_RESTORED",
            "ORGANIZATION_DELETION_SCHEDULED",
            "ORGANIZATION_RESTORED"
        ]
    );
    let nobody = team
        .app
        .nobody_mutates("deleteOrganization", json!({ "organizationId": team.id, "confirmSlug": "team" }))
        .await;
    assert_eq!(nobody.codes(), ["UNAUTHENTICATED"]);
    team.close().await;
}

/// The mutations whose input names the organization or a part of it, each with such an input.
async fn writes(team: &Team, offer: &str) -> BTreeMap<String, Value> {
    let query = "{ __schema { mutationType { fields { name args { type { ofType {
        inputFields { name defaultValue type { kind } } } } } } } } }";
    let data = team.app.nobody(query).await.data();
    let known = json!({
        "organizationId": team.id, "membershipId": team.membership, "invitationId": team.invitation,
        "ownershipOfferId": offer, "workspaceId": team.id, "tier": "TEAM", "name": "x", "displayName": "x", "provider": "AWS_S3",
        "resource": "bucket", "confirmSlug": "team", "role": "SUPERVISOR",
        "invitees": [{ "email": "new@example.org", "role": "WORKER" }],
    });
    let named = ["organizationId", "membershipId", "invitationId", "ownershipOfferId", "workspaceId"];
    let mut writes = BTreeMap::new();
    for field in data["__schema"]["mutationType"]["fields"].as_array().expect("fields") {
        let name = field["name"].as_str().expect("a name").to_owned();
        let parts = field["args"][0]["type"]["ofType"]["inputFields"].as_array().expect("an input").clone();
        let mut input = json!({});
        for part in &parts {
            let part_name = part["name"].as_str().expect("a name");
            let needed = part["type"]["kind"] == "NON_NULL" && part["defaultValue"] == Value::Null;
            if needed || named.contains(&part_name) {
                input[part_name] = known[part_name].clone();
            }
        }
        // `selectWorkspace` writes nothing in the workspace.
        if name != "selectWorkspace" && named.iter().any(|name| input.get(name).is_some()) {
            let values = input.as_object().expect("an object").values();
            assert!(!values.clone().any(Value::is_null), "say what {name} takes: {input}");
            writes.insert(name, input);
        }
    }
    writes
}

#[tokio::test]
async fn pending_deletion_refuses_every_write_in_the_organization() {
    let team = Team::new().await;
    let offered =
        team.owner.mutate("offerOwnership", json!({ "membershipId": team.membership }), "ownershipOffer { id }");
    let offer = offered.await.done()["ownershipOffer"]["id"].as_str().expect("an ID").to_owned();
    let writes = writes(&team, &offer).await;
    assert!(writes.len() >= 17, "{:?}", writes.keys());
    delete(&team.owner, &team.id, "team").await.done();
    let log = team.app.log().await;
    // Mutations that are reserved for the invitee or the recipient of the offer, in any state of the organization.
    let personal = ["acceptInvitation", "declineInvitation", "acceptOwnership", "declineOwnership"];
    for (name, input) in writes.iter().filter(|(name, _)| *name != "restoreOrganization") {
        let of_the_owner = team.owner.mutate(name, input.clone(), "clientMutationId").await.refused();
        let expected = if personal.contains(&name.as_str()) { "FORBIDDEN" } else { "ORGANIZATION_PENDING_DELETION" };
        assert_eq!(of_the_owner, [expected], "{name}");
        let of_root = team.root.mutate(name, input.clone(), "clientMutationId").await.refused();
        let expected = if name == "leaveOrganization" { "FORBIDDEN" } else { expected };
        assert_eq!(of_root, [expected], "{name} by an administrator");
        let missing = input.to_string();
        let missing = [&team.id, &team.membership, &team.invitation, &offer].into_iter().fold(missing, |text, id| {
            let (prefix, _) = id.split_once('_').expect("a prefix");
            text.replace(id.as_str(), &format!("{prefix}_00000000000000000000000000"))
        });
        let missing: Value = serde_json::from_str(&missing).expect("an input");
        for person in team.others() {
            let refused = person.mutate(name, input.clone(), "clientMutationId").await;
            let unknown = person.mutate(name, missing.clone(), "clientMutationId").await;
            assert_eq!(refused.body, unknown.body, "{name} by {}", person.name);
            assert_eq!(refused.refused(), ["NOT_FOUND"], "{name} by {}", person.name);
        }
    }
    assert_eq!(team.app.log().await, log, "nothing happened");
    team.close().await;
}

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
    let nobody = team.app.nobody_mutates("declineInvitation", json!({ "token": token })).await;
    assert_eq!(nobody.refused(), ["NOT_FOUND"]);
    let account = json!({ "username": "newcomer", "password": "correct horse battery", "invitationToken": of_new });
    let signed_up = team.app.nobody_mutates("signUp", account.clone()).await;
    assert_eq!(signed_up.body["data"]["signUp"]["userErrors"][0]["path"], json!(["input", "invitationToken"]));
    assert_eq!(signed_up.refused(), ["NOT_FOUND"]);
    let all = "{ viewer { invitations(statuses: [PENDING, ACCEPTED, DECLINED, REVOKED, EXPIRED]) { totalCount nodes { id } } } }";
    for person in [&team.guest, &team.max] {
        let data = person.ask(all).await.data();
        assert_eq!(data["viewer"]["invitations"], json!({ "totalCount": 0, "nodes": [] }), "{}", person.name);
    }
    assert_eq!((team.app.count("users").await, team.app.log().await), (users, log), "nothing happened");

    // Invitations still expire during the deletion.
    team.later(TimeDelta::days(6)).await;
    restore(&team.owner, &team.id).await.done();
    assert!(team.app.nobody(&preview).await.data()["invitationPreview"]["status"] == "PENDING");
    team.app.nobody_mutates("signUp", account).await.done();
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
    assert_eq!(send().await, 0, "all of them wait");
    restore(&team.owner, &team.id).await.done();
    assert_eq!(send().await, 4);
    assert_eq!(team.app.number("SELECT count(*) FROM mails WHERE state = 'SENT'").await, 1, "the others have joined");
    let later = team.owner.invites(&team.id, "later@example.org", "WORKER").await;
    delete(&team.owner, &team.id, "team").await.done();
    team.later(TimeDelta::days(8)).await;
    assert_eq!(send().await, 0);
    assert_eq!(purge_organizations(&env.store, &env.clock).await.expect("it runs"), 1);
    assert_eq!((send().await, team.app.count("mails").await), (0, 0), "{later} is never sent");
    std::fs::remove_dir_all(folder).expect("the folder");
    team.close().await;
}

#[tokio::test]
async fn delete_organization_hides_members_who_share_no_other_organization() {
    let team = Team::deleted().await;
    let open = |id: &str| format!(r#"{{ node(id: "{id}") {{ ... on User {{ username email }} }} }}"#);
    let wim = json!({ "username": "wim", "email": "wim@example.org" });
    assert_eq!(team.max.ask(&open(&team.wim.id)).await.data()["node"], Value::Null);
    assert_eq!(team.max.ask(&open(&team.owner.id)).await.data()["node"], Value::Null);
    assert_eq!(team.owner.ask(&open(&team.wim.id)).await.data()["node"], wim);
    restore(&team.owner, &team.id).await.done();
    assert_eq!(team.max.ask(&open(&team.wim.id)).await.data()["node"], wim);

    // Another shared organization gives access according to the role in it.
    let second = team.wim.creates("second").await;
    team.max.accepts(&team.wim.invites(&second, &team.max.email(), "WORKER").await).await;
    delete(&team.owner, &team.id, "team").await.done();
    assert_eq!(
        team.max.ask(&open(&team.wim.id)).await.data()["node"],
        json!({ "username": "wim", "email": null }),
        "a maintainer only there"
    );
    team.close().await;
}

#[tokio::test]
async fn delete_organization_resets_the_selected_workspace_of_other_members() {
    let team = Team::new().await;
    let other = team.max.creates("other").await;
    team.app.settle().await;
    team.app
        .sql(
            "UPDATE users SET selected_organization_id = (SELECT id FROM organizations WHERE slug = 'team')
              WHERE username IN ('owner', 'sue', 'wim');
              UPDATE users SET selected_organization_id = (SELECT id FROM organizations WHERE slug = 'other')
              WHERE username = 'max'",
        )
        .await;
    delete(&team.owner, &team.id, "team").await.done();
    let selected = "SELECT count(*) FROM users u JOIN organizations o ON o.id = u.selected_organization_id
        WHERE (u.username, o.slug) IN (('owner', 'team'), ('max', 'other'))";
    let all = "SELECT count(*) FROM users WHERE selected_organization_id IS NOT NULL";
    assert_eq!((team.app.number(selected).await, team.app.number(all).await), (2, 2), "{other}");
    restore(&team.owner, &team.id).await.done();
    assert_eq!(team.app.number(all).await, 2, "a choice is not brought back");
    team.close().await;
}

#[tokio::test]
async fn delete_organization_cancels_a_pending_ownership_offer() {
    let team = Team::new().await;
    let offered =
        team.owner.mutate("offerOwnership", json!({ "membershipId": team.membership }), "ownershipOffer { id }");
    let offer = offered.await.done()["ownershipOffer"]["id"].as_str().expect("an ID").to_owned();
    let query = format!(
        r#"{{ viewer {{ ownershipOffers {{ id }} }} node(id: "{offer}") {{ ... on OwnershipOffer {{ status }} }} }}"#
    );
    assert_eq!(team.wim.ask(&query).await.data()["node"]["status"], "PENDING");
    delete(&team.owner, &team.id, "team").await.done();
    assert_eq!(
        team.app.log_after("OWNERSHIP_OFFERED").await,
        ["OWNERSHIP_OFFER_RESOLVED", "ORGANIZATION_DELETION_SCHEDULED"]
    );
    assert_eq!(team.wim.ask(&query).await.data(), json!({ "viewer": { "ownershipOffers": [] }, "node": null }));
    assert_eq!(team.owner.ask(&query).await.data()["node"]["status"], "CANCELLED");
    restore(&team.owner, &team.id).await.done();
    assert_eq!(team.wim.ask(&query).await.data()["node"]["status"], "CANCELLED");
    team.close().await;
}

#[tokio::test]
async fn restore_organization_brings_back_members_and_invitations_unchanged() {
    let mut team = Team::new().await;
    let query = format!(
        r#"{{ organization(id: "{}") {{ slug version updatedAt memberCount owner {{ username }}
             members {{ nodes {{ id role joinedAt user {{ username }} }} }}
             invitations {{ nodes {{ id status expiresAt email role }} }} }} }}"#,
        team.id
    );
    let before = team.max.ask(&query).await.data();
    delete(&team.owner, &team.id, "team").await.done();
    team.later(TimeDelta::days(6)).await;
    restore(&team.owner, &team.id).await.done();
    assert_eq!(team.max.ask(&query).await.data(), before);
    team.guest.accepts(&team.invitation).await;
    team.owner
        .mutate("updateOrganization", json!({ "organizationId": team.id, "name": "T" }), "organization { version }")
        .await
        .done();
    team.close().await;
}

#[tokio::test]
async fn restore_organization_checks_the_limit_of_owned_organizations() {
    let app = TestApp::with(|settings| settings.rules.plans = Plans::default()).await;
    let (ada, root) = (app.person("ada").await, app.admin("root").await);
    let first = ada.creates("first").await;
    delete(&ada, &first, "first").await.done();
    let second = ada.creates("second").await;
    assert_eq!(restore(&ada, &first).await.refused(), ["LIMIT_EXCEEDED"]);
    assert_eq!(restore(&root, &first).await.refused(), ["LIMIT_EXCEEDED"], "nor for somebody else");
    delete(&ada, &second, "second").await.done();
    let answers = at_once(|n| {
        let (ada, id) = (ada.clone(), [first.clone(), second.clone()][n % 2].clone());
        async move { restore(&ada, &id).await }
    });
    let tally = tally(answers.await);
    assert_eq!((tally["ok"], tally["NOT_PENDING_DELETION"] + tally["LIMIT_EXCEEDED"]), (1, MANY - 1), "{tally:?}");
    assert_eq!(app.number("SELECT count(*) FROM organizations WHERE status = 'ACTIVE'").await, 1);
    app.close().await;
}

/// Adds rows of each kind that an organization can have.
async fn furnish(team: &Team) {
    let renamed = json!({ "organizationId": team.id, "slug": "crew" });
    team.owner.mutate("updateOrganization", renamed, "organization { slug }").await.done();
    let offered = json!({ "membershipId": team.membership });
    team.owner.mutate("offerOwnership", offered, "ownershipOffer { id }").await.done();
    team.app
        .sql("BEGIN;
              INSERT INTO plans (workspace_id, organization_id, tier, anchor) SELECT id, id, 'TEAM', now() FROM organizations;
              INSERT INTO cloud_storages (id, workspace_id, organization_id, owner_id, display_name, provider, resource, created_at)
                SELECT gen_random_uuid(), id, id, owner_id, 's', 'AWS_S3', 'bucket', now() FROM organizations;
              INSERT INTO projects (id, workspace_id, organization_id, owner_id, assignee_id, name, source_storage_id, created_at, updated_at)
                SELECT gen_random_uuid(), o.id, o.id, m.user_id, m.user_id, 'p', s.id, now(), now()
                FROM organizations o JOIN memberships m ON m.organization_id = o.id AND m.role = 'WORKER', cloud_storages s;
              INSERT INTO tasks (id, workspace_id, organization_id, project_id, owner_id, assignee_id, name, target_storage_id, created_at, updated_at)
                SELECT gen_random_uuid(), workspace_id, organization_id, id, owner_id, assignee_id, 't', source_storage_id, now(), now() FROM projects;
              INSERT INTO jobs (id, workspace_id, organization_id, task_id, assignee_id, created_at, updated_at)
                SELECT gen_random_uuid(), workspace_id, organization_id, id, assignee_id, now(), now() FROM tasks;
              UPDATE users SET selected_organization_id = (SELECT id FROM organizations) WHERE username IN ('owner', 'wim');
              COMMIT")
        .await;
    for table in BELONGINGS {
        assert!(team.app.count(table).await > 0, "nothing in {table}");
    }
}

/// Checks that nothing of the organization is left but its events.
async fn assert_gone(team: &Team) {
    assert_eq!(team.rows().await, 0);
    let uuid = "(SELECT workspace_id FROM events ORDER BY transaction_id, sequence LIMIT 1)";
    let told = format!(
        "SELECT count(*) FROM events e JOIN users u ON u.id = e.person_id WHERE e.type = 'ORGANIZATION_DELETED'
         AND u.username = 'owner' AND e.workspace_id = {uuid} AND e.changes @> '[{{\"field\": \"slug\", \"before\": \"crew\", \"after\": null}}]'"
    );
    assert_eq!(team.app.number(&told).await, 1);
    assert_eq!(team.app.number("SELECT count(*) FROM users WHERE selected_organization_id IS NOT NULL").await, 0);
    assert_eq!(team.app.count("users").await, 7);
    for slug in ["team", "crew"] {
        let query = format!(r#"{{ slugAvailability(slug: "{slug}") {{ available }} }}"#);
        assert_eq!(team.app.again(&team.eve).await.ask(&query).await.data()["slugAvailability"]["available"], true);
    }
    assert_eq!(delete(&team.app.again(&team.owner).await, &team.id, "crew").await.refused(), ["NOT_FOUND"]);
    assert_eq!(restore(&team.app.again(&team.root).await, &team.id).await.refused(), ["NOT_FOUND"]);
    team.app.again(&team.eve).await.creates("crew").await;
}

#[tokio::test]
async fn delete_organization_without_a_grace_period_deletes_immediately() {
    let team = Team::on(TestApp::with(|settings| settings.rules.deletion_grace = TimeDelta::zero()).await).await;
    furnish(&team).await;
    let gone = json!({ "organizationId": team.id, "confirmSlug": "crew", "idempotencyKey": "k" });
    for _ in 0..2 {
        let payload = team.owner.mutate("deleteOrganization", gone.clone(), "organization { slug }").await.done();
        assert_eq!(payload["organization"], Value::Null);
    }
    assert_eq!(team.app.log_after("OWNERSHIP_OFFERED").await, ["OWNERSHIP_OFFER_RESOLVED", "ORGANIZATION_DELETED"]);
    assert_gone(&team).await;
    team.close().await;
}

#[tokio::test]
async fn purge_organizations_deletes_all_rows_after_the_grace_period() {
    let mut team = Team::new().await;
    furnish(&team).await;
    delete(&team.owner, &team.id, "crew").await.done();
    let purge =
        async |team: &Team| purge_organizations(&team.app.env.store, &team.app.env.clock).await.expect("it runs");
    let rows = team.rows().await;
    team.later(TimeDelta::days(7) - TimeDelta::seconds(20)).await;
    assert_eq!((purge(&team).await, team.rows().await), (0, rows));
    for slug in ["crew", "team"] {
        let query = format!(r#"{{ slugAvailability(slug: "{slug}") {{ available problem }} }}"#);
        let taken = json!({ "available": false, "problem": "SLUG_TAKEN" });
        assert_eq!(team.guest.ask(&query).await.data()["slugAvailability"], taken);
        let create = team.guest.mutate("createOrganization", json!({ "slug": slug }), "organization { id }").await;
        assert_eq!(create.refused(), ["SLUG_TAKEN"]);
    }
    team.later(TimeDelta::seconds(20)).await;
    assert_eq!(restore(&team.owner, &team.id).await.refused(), ["NOT_FOUND"], "its time is over");
    assert_eq!(purge(&team).await, 1);
    assert_eq!(purge(&team).await, 0, "once");
    let told = "SELECT count(*) FROM events WHERE type = 'ORGANIZATION_DELETED' AND actor_id IS NULL";
    assert_eq!(team.app.number(told).await, 1, "the server itself");
    assert_gone(&team).await;
    team.close().await;
}

#[tokio::test]
async fn delete_organization_and_restore_repeats_with_the_same_key_change_nothing() {
    let team = Team::new().await;
    let input = json!({ "organizationId": team.id, "confirmSlug": "team", "idempotencyKey": "k" });
    let first = team.owner.mutate("deleteOrganization", input.clone(), "organization { status }").await.done();
    assert_eq!(first["organization"]["status"], "PENDING_DELETION");
    assert_eq!(team.owner.mutate("deleteOrganization", input.clone(), "organization { status }").await.done(), first);
    let back = json!({ "organizationId": team.id, "idempotencyKey": "k" });
    let restored = team.owner.mutate("restoreOrganization", back.clone(), "organization { status }").await.done();
    assert_eq!(restored["organization"]["status"], "ACTIVE");
    assert_eq!(team.owner.mutate("restoreOrganization", back, "organization { status }").await.done(), restored);
    assert_eq!(team.owner.mutate("deleteOrganization", input, "organization { status }").await.done(), restored);
    assert_eq!(
        team.app.log_after("INVITATION_CREATED").await,
        ["ORGANIZATION_DELETION_SCHEDULED", "ORGANIZATION_RESTORED"]
    );
    team.close().await;
}

#[tokio::test]
async fn pending_deletion_records_no_member_activity() {
    let mut team = Team::deleted().await;
    team.app.settle().await;
    team.later(TimeDelta::days(2)).await;
    let noted = "SELECT count(*) FROM memberships WHERE last_active_on > now() + interval '1 day'";
    for person in [&team.owner, &team.max, &team.wim] {
        seen(&team, person).await;
    }
    team.app.settle().await;
    assert_eq!(team.app.number(noted).await, 0);
    restore(&team.owner, &team.id).await.done();
    seen(&team, &team.max).await;
    team.app.settle().await;
    assert_eq!(team.app.number(noted).await, 2, "the owner who restored it, and the maintainer");
    team.close().await;
}

#[tokio::test]
async fn delete_account_during_pending_deletion_is_refused_to_the_owner_only() {
    let mut team = Team::deleted().await;
    let end = |person: &Person| {
        let (person, input) = (person.clone(), json!({ "confirmUsername": person.name }));
        async move { person.mutate("deleteAccount", input, "deletedUserId").await }
    };
    // Members can delete their accounts; the owner cannot while the organization can still be restored.
    end(&team.wim).await.done();
    let refused = end(&team.owner).await;
    let message = refused.body["data"]["deleteAccount"]["userErrors"][0]["message"].to_string();
    assert!(message.contains("can be restored until 20"), "{message}");
    assert_eq!(refused.refused(), ["OWNER_CANNOT_LEAVE"]);
    restore(&team.owner, &team.id).await.done();
    let query = format!(r#"{{ organization(id: "{}") {{ memberCount }} }}"#, team.id);
    assert_eq!(team.max.ask(&query).await.data()["organization"]["memberCount"], 3);
    delete(&team.owner, &team.id, "team").await.done();
    let alone = team.eve.creates("alone").await;
    delete(&team.eve, &alone, "alone").await.done();
    end(&team.eve).await.done();
    assert_eq!(team.app.count("organizations").await, 2, "what is theirs alone goes in its time");
    assert_eq!(team.app.log_after("ORGANIZATION_DELETION_SCHEDULED").await, [] as [&str; 0]);
    team.app.env.clock.advance(TimeDelta::days(7));
    purge_organizations(&team.app.env.store, &team.app.env.clock).await.expect("it runs");
    assert_eq!(team.app.log_after("ORGANIZATION_DELETION_SCHEDULED").await, ["ORGANIZATION_DELETED"; 2]);
    assert_eq!(team.app.count("users WHERE deleted_at IS NOT NULL").await, 0);
    team.owner = team.app.again(&team.owner).await;
    end(&team.owner).await.done();
    team.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn purge_organizations_in_eight_concurrent_runs_deletes_each_organization_once() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    for n in 0..20 {
        let id = ada.creates(&format!("org-{n}")).await;
        delete(&ada, &id, &format!("org-{n}")).await.done();
    }
    let stays = ada.creates("stays").await;
    app.env.clock.advance(TimeDelta::days(8));
    let purges = (0..8).map(|_| {
        let env = app.env.clone();
        tokio::spawn(async move { purge_organizations(&env.store, &env.clock).await.expect("it runs") })
    });
    let counts: Vec<usize> = join_all(purges).await.into_iter().map(|count| count.expect("a count")).collect();
    assert_eq!(counts.iter().sum::<usize>(), 20, "{counts:?}");
    let told = "SELECT count(DISTINCT subject_id) FROM events WHERE type = 'ORGANIZATION_DELETED'";
    let events = "SELECT count(*) FROM events WHERE type = 'ORGANIZATION_DELETED'";
    assert_eq!((app.number(told).await, app.number(events).await), (20, 20));
    let left = app.again(&ada).await.ask("{ viewer { organizations { nodes { id } } } }").await.data();
    assert_eq!(left["viewer"]["organizations"]["nodes"], json!([{ "id": stays }]));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delete_organization_fifty_times_concurrently_deletes_once() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let answers = at_once(|_| {
        let (ada, id) = (ada.clone(), id.clone());
        async move { delete(&ada, &id, "acme").await }
    });
    assert_eq!(tally(answers.await), counts([("ok", 1), ("ORGANIZATION_PENDING_DELETION", MANY - 1)]));
    assert_eq!(app.log_after("MEMBER_JOINED").await, ["ORGANIZATION_DELETION_SCHEDULED"]);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delete_organization_and_restore_alternate_under_concurrency() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let answers = at_once(|n| {
        let (ada, id) = (ada.clone(), id.clone());
        async move { if n % 2 == 0 { delete(&ada, &id, "acme").await } else { restore(&ada, &id).await } }
    });
    let tally = tally(answers.await);
    let clean = ["ok", "ORGANIZATION_PENDING_DELETION", "NOT_PENDING_DELETION"];
    assert!(tally.keys().all(|code| clean.contains(&code.as_str())), "{tally:?}");
    let log = app.log_after("MEMBER_JOINED").await;
    assert_eq!(log.len(), tally["ok"]);
    let turns = ["ORGANIZATION_DELETION_SCHEDULED", "ORGANIZATION_RESTORED"];
    assert!(log.iter().enumerate().all(|(n, kind)| kind == turns[n % 2]), "{log:?}");
    let pending = "SELECT count(*) FROM organizations WHERE status = 'PENDING_DELETION'";
    assert_eq!(app.number(pending).await, (log.len() % 2) as i64);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accept_invitation_during_deletion_joins_before_it_or_is_not_found() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    for round in 0..3 {
        let slug = format!("org-{round}");
        let id = ada.creates(&slug).await;
        let mut invited = Vec::new();
        for n in 0..20 {
            let person = app.person(&format!("p{round}-{n}")).await;
            let invitation = ada.invites(&id, &person.email(), "WORKER").await;
            let token = app.token_to(&person.email()).await;
            invited.push((person, [json!({ "invitationId": invitation }), json!({ "token": token })][n % 2].clone()));
        }
        let accepts = invited.iter().cloned().map(|(person, input)| {
            tokio::spawn(async move { person.mutate("acceptInvitation", input, "membership { id }").await })
        });
        let deletes = {
            let (ada, id) = (ada.clone(), id.clone());
            tokio::spawn(async move { delete(&ada, &id, &slug).await })
        };
        let accepts = join_all(accepts).await.into_iter().map(|answer| answer.expect("an answer")).collect();
        deletes.await.expect("an answer").done();
        let tally = tally(accepts);
        let joined = tally.get("ok").copied().unwrap_or(0);
        assert_eq!(joined + tally.get("NOT_FOUND").copied().unwrap_or(0), 20, "{tally:?}");
        assert!(!app.log_after("ORGANIZATION_DELETION_SCHEDULED").await.contains(&"MEMBER_JOINED".to_owned()));
        let query = format!(
            r#"{{ organization(id: "{id}") {{ memberCount invitations(statuses: [PENDING]) {{ totalCount }} }} }}"#
        );
        let left = json!({ "memberCount": joined + 1, "invitations": { "totalCount": 20 - joined } });
        assert_eq!(ada.ask(&query).await.data()["organization"], left);
        app.check_invariants().await;
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restore_organization_during_the_purge_wins_entirely_or_is_not_found() {
    let team = Team::new().await;
    // The clock of another process is ahead: for that process, the grace period is over.
    let ahead = Clock::default();
    ahead.advance(TimeDelta::days(8));
    for round in 0..20 {
        let slug = format!("org-{round}");
        let id = team.owner.creates(&slug).await;
        team.owner.invites(&id, &team.guest.email(), "WORKER").await;
        delete(&team.owner, &id, &slug).await.done();
        let (owner, restored) = (team.owner.clone(), id.clone());
        let restores = tokio::spawn(async move { restore(&owner, &restored).await });
        let (store, ahead) = (team.app.env.store.clone(), ahead.clone());
        let purges = tokio::spawn(async move { purge_organizations(&store, &ahead).await.expect("it runs") });
        let codes = restores.await.expect("an answer").refused();
        purges.await.expect("a count");
        let query = format!(r#"{{ organization(id: "{id}") {{ status memberCount invitations {{ totalCount }} }} }}"#);
        let left = team.owner.ask(&query).await.data()["organization"].clone();
        if codes.is_empty() {
            let whole = json!({ "status": "ACTIVE", "memberCount": 1, "invitations": { "totalCount": 1 } });
            assert_eq!(left, whole);
        } else {
            assert_eq!((codes, left), (vec!["NOT_FOUND".to_owned()], Value::Null));
        }
    }
    let gone = team.app.number("SELECT count(*) FROM events WHERE type = 'ORGANIZATION_DELETED'").await;
    let back = team.app.number("SELECT count(*) FROM events WHERE type = 'ORGANIZATION_RESTORED'").await;
    assert_eq!(gone + back, 20, "{gone} purged, {back} restored");
    println!("{gone} purged, {back} restored");
    team.close().await;
}

#[tokio::test]
async fn organizations_list_fills_pages_although_some_are_pending_deletion() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    for n in 0..6 {
        let id = ada.creates(&format!("org-{n}")).await;
        bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
        if n % 2 == 0 {
            delete(&ada, &id, &format!("org-{n}")).await.done();
        }
    }
    let query = "query($first: Int) { viewer { organizations(first: $first, search: \"org\") { totalCount pageInfo { hasNextPage } nodes { slug } } } }";
    let of = async |person: &Person, first: i32| {
        let answer = graphql::send(&app.router, Some(&person.token), query, json!({ "first": first })).await;
        answer.data()["viewer"]["organizations"].clone()
    };
    let nodes = json!([{ "slug": "org-1" }, { "slug": "org-3" }]);
    assert_eq!(of(&bob, 2).await, json!({ "totalCount": 3, "pageInfo": { "hasNextPage": true }, "nodes": nodes }));
    assert_eq!(of(&bob, 3).await["pageInfo"]["hasNextPage"], false);
    assert_eq!(of(&ada, 6).await["totalCount"], 6);
    app.close().await;
}
