//! Ownership transfer: the owner offers, a member accepts, and the organization has exactly one owner at any time.

mod races;

use chrono::TimeDelta;
use guildhall::operations::maintenance::expire_ownership_offers::expire_ownership_offers;
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp};

/// An organization with an owner, two maintainers, a worker, and people who are not members.
struct Team {
    app: TestApp,
    id: String,
    owner: Person,
    max: (Person, String),
    mia: (Person, String),
    wim: (Person, String),
    eve: Person,
    root: Person,
}

impl Team {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let owner = app.person("owner").await;
        let id = owner.creates("team").await;
        let join = async |name: &str, role: &str| {
            let person = app.person(name).await;
            let membership = person.accepts(&owner.invites(&id, &person.email(), role).await).await;
            (person, membership)
        };
        let (max, mia) = (join("max", "MAINTAINER").await, join("mia", "MAINTAINER").await);
        let wim = join("wim", "WORKER").await;
        let (eve, root) = (app.person("eve").await, app.admin("root").await);
        Self { id, owner, max, mia, wim, eve, root, app }
    }

    /// The owner offers the ownership to the worker. Returns the ID of the offer.
    async fn offered(&self) -> String {
        id_of(&offer(&self.owner, &self.wim.1).await.done())
    }

    /// Count of members, owner, and the role of each member.
    async fn roles(&self) -> Value {
        let query = format!(
            r#"{{ organization(id: "{}") {{ memberCount owner {{ username }}
                 members(orderBy: {{ field: USERNAME, direction: ASC }}) {{ nodes {{ role user {{ username }} }} }} }} }}"#,
            self.id
        );
        let data = self.max.0.ask(&query).await.data()["organization"].clone();
        let nodes = data["members"]["nodes"].as_array().expect("members").clone();
        let roles: Vec<_> =
            nodes.iter().map(|node| format!("{} {}", text(&node["user"]["username"]), text(&node["role"]))).collect();
        json!({ "count": data["memberCount"], "owner": data["owner"]["username"], "roles": roles })
    }

    /// The status of an offer, as the owner sees it.
    async fn status(&self, offer: &str) -> Value {
        offer_for(&self.app.again(&self.owner).await, offer).await["status"].clone()
    }

    /// The number of events for resolved offers.
    async fn ends(&self) -> i64 {
        self.app.number("SELECT count(*) FROM events WHERE type = 'OWNERSHIP_OFFER_RESOLVED'").await
    }

    async fn close(self) {
        self.app.check_invariants().await;
        self.app.close().await;
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn id_of(payload: &Value) -> String {
    text(&payload["ownershipOffer"]["id"]).to_owned()
}

async fn offer(by: &Person, membership: &str) -> Answer {
    let fields = "ownershipOffer { id status from { username } to { username } organization { slug } createdAt expiresAt viewerPermissions }";
    by.mutate("offerOwnership", json!({ "membershipId": membership }), fields).await
}

async fn answer(by: &Person, mutation: &str, offer: &str) -> Answer {
    by.mutate(mutation, json!({ "ownershipOfferId": offer }), "ownershipOffer { status viewerPermissions }").await
}

/// The offer through `node`.
async fn offer_for(by: &Person, offer: &str) -> Value {
    let query = format!(r#"{{ node(id: "{offer}") {{ ... on OwnershipOffer {{ status viewerPermissions }} }} }}"#);
    by.ask(&query).await.data()["node"].clone()
}

#[tokio::test]
async fn accept_ownership_makes_the_recipient_the_owner() {
    let team = Team::new().await;
    let (wim, wim_id) = &team.wim;
    let made = offer(&team.owner, wim_id).await.done()["ownershipOffer"].clone();
    assert!(text(&made["id"]).starts_with("off_"));
    assert_eq!((&made["status"], &made["organization"]["slug"]), (&json!("PENDING"), &json!("team")));
    assert_eq!((&made["from"]["username"], &made["to"]["username"]), (&json!("owner"), &json!("wim")));
    assert_eq!(made["viewerPermissions"], json!(["OFFER_OWNERSHIP"]));
    let instant = |field: &str| chrono::DateTime::parse_from_rfc3339(text(&made[field])).expect("an instant");
    assert_eq!(instant("expiresAt") - instant("createdAt"), TimeDelta::days(7));
    let second = offer(&team.owner, &team.max.1).await;
    assert_eq!(second.refused(), ["OFFER_ALREADY_PENDING"], "one at a time");
    assert_eq!(team.roles().await["owner"], "owner", "nothing has changed hands yet");

    let id = text(&made["id"]);
    let fields = "ownershipOffer { status viewerPermissions } organization { memberCount viewerMembership { role } }";
    let accepted = wim.mutate("acceptOwnership", json!({ "ownershipOfferId": id }), fields).await.done();
    assert_eq!(accepted["ownershipOffer"], json!({ "status": "ACCEPTED", "viewerPermissions": [] }));
    assert_eq!(accepted["organization"], json!({ "memberCount": 4, "viewerMembership": { "role": "OWNER" } }));
    assert_eq!(
        team.roles().await,
        json!({ "count": 4, "owner": "wim", "roles": ["max MAINTAINER", "mia MAINTAINER", "owner MAINTAINER", "wim OWNER"] })
    );
    assert_eq!(
        team.app.log_after("OWNERSHIP_OFFERED").await,
        ["OWNERSHIP_OFFER_RESOLVED", "OWNERSHIP_TRANSFERRED", "MEMBER_ROLE_CHANGED", "MEMBER_ROLE_CHANGED"]
    );
    assert_eq!(answer(wim, "acceptOwnership", id).await.refused(), ["OFFER_NOT_PENDING"], "once");
    assert_eq!(answer(wim, "declineOwnership", id).await.refused(), ["OFFER_NOT_PENDING"]);
    assert_eq!(answer(wim, "cancelOwnershipOffer", id).await.refused(), ["OFFER_NOT_PENDING"]);
    assert_eq!(offer_for(&team.owner, id).await["status"], "ACCEPTED", "the former owner sees the outcome");
    assert_eq!(answer(&team.owner, "cancelOwnershipOffer", id).await.refused(), ["FORBIDDEN"]);
    let leave = team.owner.mutate("leaveOrganization", json!({ "organizationId": team.id }), "leftMembershipId").await;
    leave.done();
    assert_eq!(offer_for(&team.owner, id).await, Value::Null, "no longer a member");
    team.close().await;
}

#[tokio::test]
async fn decline_ownership_and_cancel_ownership_offer_allow_a_new_offer() {
    let team = Team::new().await;
    let wim = &team.wim.0;
    let first = team.offered().await;
    let declined = answer(wim, "declineOwnership", &first).await.done();
    assert_eq!(declined["ownershipOffer"], json!({ "status": "DECLINED", "viewerPermissions": [] }));
    assert_eq!(answer(wim, "acceptOwnership", &first).await.refused(), ["OFFER_NOT_PENDING"]);
    let second = team.offered().await;
    assert_eq!(
        answer(&team.owner, "cancelOwnershipOffer", &second).await.done()["ownershipOffer"]["status"],
        "CANCELLED"
    );
    assert_eq!(answer(&team.owner, "cancelOwnershipOffer", &second).await.refused(), ["OFFER_NOT_PENDING"]);
    assert_eq!(answer(wim, "acceptOwnership", &second).await.refused(), ["OFFER_NOT_PENDING"]);
    team.offered().await;
    assert_eq!(team.roles().await["owner"], "owner");
    assert_eq!(team.ends().await, 2);
    team.close().await;
}

#[tokio::test]
async fn expire_ownership_offers_records_offers_that_expired_after_seven_days() {
    let team = Team::new().await;
    let first = team.offered().await;
    team.app.env.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(5));
    assert_eq!(team.status(&first).await, "PENDING");
    team.app.env.clock.advance(TimeDelta::seconds(5));
    assert_eq!(team.status(&first).await, "EXPIRED");
    let (owner, wim) = (team.app.again(&team.owner).await, team.app.again(&team.wim.0).await);
    assert_eq!(answer(&wim, "acceptOwnership", &first).await.refused(), ["OFFER_NOT_PENDING"]);
    assert_eq!(answer(&wim, "declineOwnership", &first).await.refused(), ["OFFER_NOT_PENDING"]);
    assert_eq!(answer(&owner, "cancelOwnershipOffer", &first).await.refused(), ["OFFER_NOT_PENDING"]);
    let pending = format!(
        r#"{{ viewer {{ ownershipOffers {{ id }} }} organization(id: "{}") {{ ownershipOffer {{ id }} }} }}"#,
        team.id
    );
    let none = json!({ "viewer": { "ownershipOffers": [] }, "organization": { "ownershipOffer": null } });
    assert_eq!(owner.ask(&pending).await.data(), none);
    assert_eq!(offer_for(&wim, &first).await, json!({ "status": "EXPIRED", "viewerPermissions": [] }));

    let env = &team.app.env;
    assert_eq!(team.ends().await, 0);
    assert_eq!(expire_ownership_offers(&env.store, &env.clock).await.expect("it runs"), 1);
    assert_eq!(expire_ownership_offers(&env.store, &env.clock).await.expect("it runs"), 0, "once");
    assert_eq!(team.ends().await, 1);
    // An overdue offer that the job has not processed does not block the next one, and is resolved then.
    let second = id_of(&offer(&owner, &team.wim.1).await.done());
    env.clock.advance(TimeDelta::days(8));
    let third = id_of(&offer(&team.app.again(&owner).await, &team.wim.1).await.done());
    assert_eq!(team.status(&second).await, "EXPIRED");
    assert_eq!(team.status(&third).await, "PENDING");
    assert_eq!(team.ends().await, 2);
    // Leaving does not cancel an offer that has expired.
    env.clock.advance(TimeDelta::days(8));
    let (wim, leave) = (team.app.again(&team.wim.0).await, json!({ "organizationId": team.id }));
    wim.mutate("leaveOrganization", leave, "leftMembershipId").await.done();
    assert_eq!(team.status(&third).await, "EXPIRED");
    assert_eq!(team.ends().await, 3);
    let late = "SELECT count(*) FROM ownership_offers WHERE resolved_at <> expires_at";
    assert_eq!(team.app.number(late).await, 0, "resolved when they lapsed");
    team.close().await;
}

#[tokio::test]
async fn ownership_offer_ends_when_its_recipient_is_removed_leaves_or_deletes_the_account() {
    let team = Team::new().await;
    let (owner, wim) = (&team.owner, &team.wim);
    let first = team.offered().await;
    owner.mutate("removeMember", json!({ "membershipId": team.mia.1 }), "removedMembershipId").await.done();
    assert_eq!(team.status(&first).await, "PENDING", "another member left");
    owner.mutate("removeMember", json!({ "membershipId": wim.1 }), "removedMembershipId").await.done();
    assert_eq!(team.status(&first).await, "CANCELLED");
    assert_eq!(answer(&wim.0, "acceptOwnership", &first).await.refused(), ["NOT_FOUND"]);
    assert_eq!(team.app.log_after("MEMBER_REMOVED").await, [] as [&str; 0], "the offer ended before");

    // A member who joins again does not get the offer back.
    let again = wim.0.accepts(&owner.invites(&team.id, &wim.0.email(), "WORKER").await).await;
    assert_eq!(answer(&wim.0, "acceptOwnership", &first).await.refused(), ["OFFER_NOT_PENDING"]);
    let second = id_of(&offer(owner, &again).await.done());
    wim.0.mutate("leaveOrganization", json!({ "organizationId": team.id }), "leftMembershipId").await.done();
    assert_eq!(team.status(&second).await, "CANCELLED");

    let third = id_of(&offer(owner, &team.max.1).await.done());
    team.max.0.mutate("deleteAccount", json!({ "confirmUsername": "max" }), "deletedUserId").await.done();
    assert_eq!(offer_for(owner, &third).await, Value::Null, "the offer was deleted with the account");
    assert_eq!(team.ends().await, 3);
    let query = format!(
        r#"{{ organization(id: "{}") {{ memberCount ownershipOffer {{ id }} owner {{ username }} }} }}"#,
        team.id
    );
    assert_eq!(
        owner.ask(&query).await.data()["organization"],
        json!({ "memberCount": 1, "ownershipOffer": null, "owner": { "username": "owner" } })
    );
    team.close().await;
}

#[tokio::test]
async fn ownership_offer_is_visible_to_owner_recipient_and_administrators() {
    let team = Team::new().await;
    let id = team.offered().await;
    let (owner, wim) = (&team.owner, &team.wim.0);
    let field = format!(r#"{{ organization(id: "{}") {{ slug ownershipOffer {{ id }} }} }}"#, team.id);
    let mine = "{ viewer { ownershipOffers { id to { username } } } }";

    assert_eq!(offer_for(owner, &id).await, json!({ "status": "PENDING", "viewerPermissions": ["OFFER_OWNERSHIP"] }));
    let offered = json!({ "status": "PENDING", "viewerPermissions": ["ACCEPT_OWNERSHIP", "DECLINE_OWNERSHIP"] });
    assert_eq!(offer_for(wim, &id).await, offered);
    for person in [owner, wim, &team.root] {
        assert_eq!(person.ask(&field).await.data()["organization"]["ownershipOffer"]["id"], id, "{}", person.name);
    }
    assert_eq!(offer_for(&team.root, &id).await["viewerPermissions"], json!(["OFFER_OWNERSHIP"]));
    assert_eq!(
        wim.ask(mine).await.data()["viewer"]["ownershipOffers"],
        json!([{ "id": id, "to": { "username": "wim" } }])
    );
    assert_eq!(owner.ask(mine).await.data()["viewer"]["ownershipOffers"], json!([]));

    let refused = team.max.0.ask(&field).await;
    assert_eq!(refused.codes(), ["FORBIDDEN"]);
    let extensions = &refused.body["errors"][0]["extensions"];
    assert_eq!((&extensions["permission"], &extensions["requiredRole"]), (&json!("OFFER_OWNERSHIP"), &json!("OWNER")));
    assert_eq!(refused.body["data"]["organization"], json!({ "slug": "team", "ownershipOffer": null }));
    assert_eq!(team.eve.ask(&field).await.data()["organization"], Value::Null);
    for person in [&team.max.0, &team.eve] {
        assert_eq!(offer_for(person, &id).await, Value::Null, "{}", person.name);
    }
    let query = format!(r#"{{ node(id: "{id}") {{ id }} }}"#);
    assert_eq!(team.app.nobody(&query).await.data()["node"], Value::Null);

    answer(wim, "declineOwnership", &id).await.done();
    assert_eq!(wim.ask(&field).await.codes(), ["FORBIDDEN"], "after the offer has ended");
    assert_eq!(owner.ask(&field).await.data()["organization"]["ownershipOffer"], Value::Null);
    assert_eq!(offer_for(wim, &id).await, json!({ "status": "DECLINED", "viewerPermissions": [] }));
    team.close().await;
}

#[tokio::test]
async fn offer_ownership_requires_the_owner_and_answers_require_the_recipient() {
    let team = Team::new().await;
    let (wim, wim_id) = &team.wim;
    for person in [&team.max.0, wim] {
        assert_eq!(offer(person, &team.mia.1).await.refused(), ["FORBIDDEN"], "{}", person.name);
    }
    assert_eq!(offer(&team.eve, wim_id).await.refused(), ["NOT_FOUND"]);
    assert_eq!(offer(&team.owner, "mem_00000000000000000000000000").await.refused(), ["NOT_FOUND"]);
    assert_eq!(offer(&team.owner, "nonsense").await.refused(), ["INVALID_FORMAT"]);
    let query = format!(r#"{{ organization(id: "{}") {{ viewerMembership {{ id }} }} }}"#, team.id);
    let own = team.owner.ask(&query).await.data();
    let own = text(&own["organization"]["viewerMembership"]["id"]);
    for person in [&team.owner, &team.root] {
        assert_eq!(offer(person, own).await.refused(), ["OWNER_CANNOT_BE_CHANGED"], "{}", person.name);
    }
    let elsewhere = team.eve.creates("elsewhere").await;
    let query = format!(r#"{{ organization(id: "{elsewhere}") {{ viewerMembership {{ id }} }} }}"#);
    let foreign = team.eve.ask(&query).await.data();
    let foreign = text(&foreign["organization"]["viewerMembership"]["id"]);
    assert_eq!(offer(&team.owner, foreign).await.refused(), ["NOT_FOUND"], "a member of another organization");

    let id = team.offered().await;
    for mutation in ["acceptOwnership", "declineOwnership"] {
        for (person, code) in [
            (&team.owner, "FORBIDDEN"),
            (&team.root, "FORBIDDEN"),
            (&team.max.0, "NOT_FOUND"),
            (&team.eve, "NOT_FOUND"),
        ] {
            assert_eq!(answer(person, mutation, &id).await.refused(), [code], "{} {mutation}", person.name);
        }
    }
    for (person, code) in [(wim, "FORBIDDEN"), (&team.max.0, "NOT_FOUND"), (&team.eve, "NOT_FOUND")] {
        assert_eq!(answer(person, "cancelOwnershipOffer", &id).await.refused(), [code], "{}", person.name);
    }
    for mutation in ["acceptOwnership", "declineOwnership", "cancelOwnershipOffer"] {
        let nobody = team.app.mutate_anonymously(mutation, json!({ "ownershipOfferId": id })).await;
        assert_eq!(nobody.codes(), ["UNAUTHENTICATED"]);
        let unknown = answer(wim, mutation, "off_00000000000000000000000000").await;
        assert_eq!(unknown.refused(), ["NOT_FOUND"]);
        assert_eq!(answer(wim, mutation, "nonsense").await.refused(), ["INVALID_FORMAT"]);
    }
    assert_eq!(team.status(&id).await, "PENDING", "no attempt changed the offer");
    team.close().await;
}

#[tokio::test]
async fn offer_ownership_by_an_administrator_names_the_owner_as_sender() {
    let team = Team::new().await;
    let made = offer(&team.root, &team.max.1).await.done()["ownershipOffer"].clone();
    assert_eq!((&made["from"]["username"], &made["to"]["username"]), (&json!("owner"), &json!("max")));
    let by_root = "SELECT count(*) FROM events e JOIN users u ON u.id = e.actor_id
        WHERE e.type = 'OWNERSHIP_OFFERED' AND u.username = 'root'";
    assert_eq!(team.app.number(by_root).await, 1, "the event names the actor");
    answer(&team.max.0, "acceptOwnership", text(&made["id"])).await.done();
    assert_eq!(team.roles().await["owner"], "max");
    let next = id_of(&offer(&team.root, &team.mia.1).await.done());
    answer(&team.root, "cancelOwnershipOffer", &next).await.done();
    team.close().await;
}

#[tokio::test]
async fn viewer_permissions_include_offer_ownership_for_owner_and_administrators_only() {
    let team = Team::new().await;
    let query = r#"{ organization(slug: "team") { viewerPermissions members { nodes { user { username } viewerPermissions } } } }"#;
    let offers =
        |data: &Value| data["viewerPermissions"].as_array().expect("permissions").contains(&json!("OFFER_OWNERSHIP"));
    for (person, expected) in [(&team.owner, true), (&team.root, true), (&team.max.0, false), (&team.wim.0, false)] {
        let organization = person.ask(query).await.data()["organization"].clone();
        assert_eq!(offers(&organization), expected, "{}", person.name);
        for row in organization["members"]["nodes"].as_array().expect("members") {
            let to_another = row["user"]["username"] != "owner";
            assert_eq!(offers(row), expected && to_another, "{} to {}", person.name, row["user"]["username"]);
        }
    }
    team.close().await;
}
