//! Every query field and mutation, called with every kind of access: each checks the actions of the table of root
//! fields. A hidden object cannot be distinguished from a missing one: not by the response, the statements or the
//! locks.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Duration;

use guildhall::policy::Action;
use guildhall::policy::action::ROOT_FIELDS;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use uuid::Uuid;

use crate::support::graphql::send;
use crate::support::org_fixture::bucket;
use crate::support::statements::{count_statements, take_statements};
use crate::support::stream::text;
use crate::support::{Answer, Office, Person, TestApp};

thread_local! {
    /// The actions that the policy checked on this thread, which is the thread of the test.
    static CHECKED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// Records the decisions that the policy traces.
struct Recorder;

impl<S: tracing::Subscriber> Layer<S> for Recorder {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        event.record(&mut Noted);
    }
}

struct Noted;

impl Visit for Noted {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "action" {
            CHECKED.with_borrow_mut(|checked| checked.insert(format!("{value:?}")));
        }
    }
}

/// An office with one object of each kind, none visible to the worker `wes`, and an invitee.
struct World {
    office: Office,
    invitee: Person,
    /// IDs by their prefix, and `slug` and `token`.
    ids: BTreeMap<&'static str, String>,
}

impl World {
    async fn new() -> Self {
        let office = Office::over(TestApp::with(|settings| settings.rules.rate_limits = false).await).await;
        let Office { app, owner, maintainer, supervisor, worker, .. } = &office;
        let invitee = app.person("ivy").await;
        owner.invites(&office.id, &invitee.email(), "WORKER").await;
        let storage = office.storage(owner).await;
        let project = office.project(owner, json!({ "assigneeId": supervisor.id, "sourceStorageId": storage })).await;
        owner.makes("createTask", json!({ "projectId": project, "name": "Inner" })).await;
        let task = office.task(owner, json!({ "assigneeId": worker.id })).await;
        let job = office.jobs().await.pop().expect("a job");
        let member = office.membership(maintainer).await;
        let offer = owner.mutate("offerOwnership", json!({ "membershipId": member }), "ownershipOffer { id }").await;
        let invitation = owner.invites(&office.id, "guest@example.org", "WORKER").await;
        app.sql("UPDATE memberships SET last_active_on = '2100-01-01'").await;
        app.log_settles().await;
        let event = app.event_ids("type = 'INVITATION_CREATED'").await.pop().expect("an event");
        let ids = [
            ("org", office.id.clone()),
            ("slug", "office".to_owned()),
            ("token", app.token_to("guest@example.org").await),
            ("mem", office.membership(worker).await),
            ("inv", invitation),
            ("off", text(&offer.done()["ownershipOffer"], "id")),
            ("prj", project),
            ("tsk", task),
            ("job", job),
            ("sto", storage),
            ("evt", event),
            ("usr", owner.id.clone()),
            ("pws", owner.workspace()),
        ];
        Self { ids: ids.into(), office, invitee }
    }

    /// All kinds of callers, from the least access to the most.
    fn standings(&self) -> Vec<(&'static str, Option<&Person>)> {
        let Office { owner, maintainer, supervisor, other, stranger, admin, .. } = &self.office;
        let people = [
            ("outsider", stranger),
            ("invitee", &self.invitee),
            ("worker", other),
            ("supervisor", supervisor),
            ("maintainer", maintainer),
            ("owner", owner),
            ("admin", admin),
        ];
        std::iter::once(("nobody", None)).chain(people.map(|(name, person)| (name, Some(person)))).collect()
    }

    async fn ask(&self, person: Option<&Person>, request: &Request, id: &str) -> Answer {
        let (document, variables) = request.of(&self.office, id);
        let token = person.map(|person| person.token.as_str());
        send(&self.office.app.router, token, &document, variables).await
    }
}

/// A request for one root field with a target of one kind.
struct Request {
    field: &'static str,
    /// Prefix of the target's ID; empty if the field has no target.
    target: &'static str,
    /// The argument, or the input field, that contains the target's ID.
    place: &'static str,
    /// The other arguments, or the other input fields.
    rest: Value,
}

impl Request {
    fn of(&self, office: &Office, id: &str) -> (String, Value) {
        let (root, field) = self.field.split_once('.').expect("a root field");
        let mut rest: Value =
            serde_json::from_str(&self.rest.to_string().replace("$office", &office.id)).expect("JSON");
        if !self.place.is_empty() {
            let listed = self.place.ends_with('s') && self.place != "types";
            rest[self.place] = if listed { json!([id]) } else { json!(id) };
        }
        if root == "Mutation" {
            let input = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
            let document = format!(
                "mutation M($input: {input}!) {{ {field}(input: $input) {{ userErrors {{ code message path permission requiredRole }} }} }}"
            );
            return (document, json!({ "input": rest }));
        }
        let arguments: Vec<String> = rest
            .as_object()
            .expect("arguments")
            .iter()
            .map(|(name, value)| match value.as_str() {
                Some("DETACH") => format!("{name}: DETACH"),
                _ => format!("{name}: {value}"),
            })
            .collect();
        let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
        (format!("{{ {field}{arguments} {{ __typename }} }}"), json!({}))
    }
}

/// Requests for every query field and mutation, one for each kind of target.
fn requests() -> Vec<Request> {
    let request = |field, target, place, rest| Request { field, target, place, rest };
    let mut requests = Vec::new();
    for kind in ["org", "mem", "inv", "off", "prj", "tsk", "job", "sto", "evt", "usr", "pws"] {
        requests.push(request("Query.node", kind, "id", json!({})));
        requests.push(request("Query.nodes", kind, "ids", json!({})));
    }
    for kind in ["prj", "tsk"] {
        requests.push(request(
            "Query.transferPlan",
            kind,
            "resourceIds",
            json!({ "destinationWorkspaceId": "$office", "storage": "DETACH" }),
        ));
    }
    // Deletions come last.
    requests.extend([
        request("Query.viewer", "", "", json!({})),
        request("Query.organizations", "", "", json!({})),
        request("Query.organization", "org", "id", json!({})),
        request("Query.organization", "slug", "slug", json!({})),
        request("Query.invitation", "inv", "id", json!({})),
        request("Query.invitationPreview", "token", "token", json!({})),
        request("Query.slugAvailability", "", "", json!({ "slug": "free" })),
        request("Query.roles", "", "", json!({})),
        request("Mutation.signUp", "", "", json!({ "username": "x", "password": "y" })),
        request("Mutation.signIn", "", "", json!({ "login": "nobody-1", "password": "a long and winding road" })),
        request("Mutation.refreshSession", "", "", json!({ "refreshToken": "nonsense" })),
        request("Mutation.signOut", "", "", json!({ "refreshToken": "nonsense" })),
        request("Mutation.verifyEmail", "", "", json!({ "token": "nonsense" })),
        request("Mutation.resendVerificationEmail", "", "", json!({})),
        request("Mutation.requestPasswordReset", "", "", json!({ "email": "absent@example.org" })),
        request("Mutation.resetPassword", "", "", json!({ "token": "x", "newPassword": "a long and winding road" })),
        request(
            "Mutation.changePassword",
            "",
            "",
            json!({ "currentPassword": "x", "newPassword": "a long and winding road" }),
        ),
        request("Mutation.updateProfile", "", "", json!({ "displayName": "Name" })),
        request("Mutation.changeEmail", "", "", json!({ "email": "new@example.org", "password": "x" })),
        request("Mutation.deleteAccount", "", "", json!({ "confirmUsername": "another" })),
        request("Mutation.createOrganization", "", "", json!({ "slug": "office" })),
        request(
            "Mutation.inviteMembers",
            "org",
            "organizationId",
            json!({ "invitees": [{ "email": "p@example.org", "role": "WORKER" }] }),
        ),
        request("Mutation.updateOrganization", "org", "organizationId", json!({ "name": "Name" })),
        request("Mutation.offerOwnership", "mem", "membershipId", json!({})),
        request("Mutation.acceptOwnership", "off", "ownershipOfferId", json!({})),
        request("Mutation.declineOwnership", "off", "ownershipOfferId", json!({})),
        request("Mutation.cancelOwnershipOffer", "off", "ownershipOfferId", json!({})),
        request("Mutation.resendInvitation", "inv", "invitationId", json!({})),
        request("Mutation.acceptInvitation", "inv", "invitationId", json!({})),
        request("Mutation.declineInvitation", "inv", "invitationId", json!({})),
        request("Mutation.revokeInvitation", "inv", "invitationId", json!({})),
        request("Mutation.createProject", "org", "workspaceId", json!({ "name": "Name" })),
        request("Mutation.createProject", "pws", "workspaceId", json!({ "name": "Name" })),
        request(
            "Mutation.createProject",
            "sto",
            "sourceStorageId",
            json!({ "workspaceId": "$office", "name": "Name" }),
        ),
        request("Mutation.updateProject", "prj", "projectId", json!({ "name": "Name" })),
        request("Mutation.createTask", "org", "workspaceId", json!({ "name": "Name" })),
        request("Mutation.createTask", "prj", "projectId", json!({ "name": "Name" })),
        request("Mutation.updateTask", "tsk", "taskId", json!({ "name": "Name" })),
        request("Mutation.updateJob", "job", "jobId", json!({ "state": "IN_PROGRESS" })),
        request("Mutation.createCloudStorage", "org", "workspaceId", bucket("")),
        request("Mutation.updateCloudStorage", "sto", "cloudStorageId", json!({ "displayName": "Name" })),
        request("Mutation.changePlan", "org", "workspaceId", json!({ "tier": "TEAM" })),
        request("Mutation.changePlan", "pws", "workspaceId", json!({ "tier": "SOLO" })),
        request("Mutation.cancelPlan", "org", "workspaceId", json!({})),
        request("Mutation.selectWorkspace", "org", "workspaceId", json!({})),
        request("Mutation.selectWorkspace", "pws", "workspaceId", json!({})),
        request(
            "Mutation.transferResources",
            "tsk",
            "resourceIds",
            json!({ "destinationWorkspaceId": "$office", "storage": "DETACH" }),
        ),
        request("Mutation.deleteResource", "tsk", "resourceId", json!({})),
        request("Mutation.deleteResource", "prj", "resourceId", json!({})),
        request("Mutation.deleteResource", "sto", "resourceId", json!({})),
        request("Mutation.changeMemberRole", "mem", "membershipId", json!({ "role": "SUPERVISOR" })),
        request("Mutation.removeMember", "mem", "membershipId", json!({})),
        request("Mutation.deleteOrganization", "org", "organizationId", json!({ "confirmSlug": "another" })),
        request("Mutation.restoreOrganization", "org", "organizationId", json!({})),
        request("Mutation.leaveOrganization", "org", "organizationId", json!({})),
    ]);
    requests
}

/// An ID of the same kind that does not exist.
fn missing(kind: &str) -> String {
    match kind {
        "slug" | "token" => "absent".to_owned(),
        _ => {
            let id = guildhall::domain::UserId::from(Uuid::new_v4()).to_string();
            id.replace("usr_", &format!("{kind}_"))
        }
    }
}

/// The response without the ID.
fn comparable(answer: &Answer, id: &str) -> String {
    format!("{} {}", answer.status, answer.body.to_string().replace(id, "it"))
}

#[tokio::test]
async fn root_fields_check_the_actions_of_the_table() {
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(Recorder));
    // With a single dispatcher, a thread without one would disable the trace events for all threads.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let world = World::new().await;
    let mut met = BTreeSet::new();
    let mut wrong = Vec::new();
    for request in requests() {
        let lines = ROOT_FIELDS.iter().filter(|(field, _)| *field == request.field).map(|(_, action)| *action);
        let expected: Vec<Action> = lines.collect();
        let is_public = expected == [Action::PublicUse];
        for (standing, person) in world.standings() {
            let absent = missing(request.target);
            let compared = match request.target {
                "" => None,
                _ => Some(comparable(&world.ask(person, &request, &absent).await, &absent)),
            };
            let id = world.ids.get(request.target).cloned().unwrap_or_default();
            CHECKED.take();
            let answer = world.ask(person, &request, &id).await;
            let checked = CHECKED.take();
            let is_hidden = compared.is_some_and(|absent| absent == comparable(&answer, &id));
            let is_unauthenticated = answer.codes().contains(&"UNAUTHENTICATED");
            let found: Vec<Action> =
                expected.iter().copied().filter(|action| checked.contains(&format!("{action:?}"))).collect();
            // The policy must be called if the target is visible or the request has no target.
            if !is_public && !is_hidden && !is_unauthenticated && found.is_empty() {
                wrong.push(format!(
                    "{} {} as {standing}: checks {checked:?}, not {expected:?}",
                    request.field, request.target
                ));
            }
            if is_public && is_unauthenticated {
                wrong.push(format!("{} is public, but not for {standing}", request.field));
            }
            met.extend(found.into_iter().map(|action| (request.field, action)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let lines: BTreeSet<_> =
        ROOT_FIELDS.iter().copied().filter(|(field, _)| !field.starts_with("Subscription.")).collect();
    let unmet: Vec<_> =
        lines.iter().filter(|(_, action)| *action != Action::PublicUse).filter(|line| !met.contains(*line)).collect();
    assert!(unmet.is_empty(), "required by no field: {unmet:?}");
    let driven: BTreeSet<&str> = requests().iter().map(|request| request.field).collect();
    let undriven: Vec<_> = lines.iter().filter(|(field, _)| !driven.contains(field)).collect();
    assert!(undriven.is_empty(), "not driven: {undriven:?}");
    world.office.app.close().await;
}

#[tokio::test]
async fn hidden_objects_take_the_same_statements_as_missing_ones() {
    count_statements();
    let world = World::new().await;
    let statements = || -> Vec<String> {
        let texts = take_statements().into_iter();
        texts.map(|text| text.split(" -- binds: ").next().unwrap_or_default().to_owned()).collect()
    };
    let (mut compared, mut wrong) = (0, Vec::new());
    // Targets that are found by a token are excluded: the token itself gives access.
    let hidden = |request: &&Request| !["", "token"].contains(&request.target);
    for request in requests().iter().filter(hidden) {
        for (standing, person) in world.standings().into_iter().take(4) {
            if standing == "worker" && request.field == "Mutation.leaveOrganization" {
                continue;
            }
            let id = world.ids[request.target].clone();
            let absent = missing(request.target);
            // The first request prepares all statements.
            world.ask(person, request, &missing(request.target)).await;
            world.office.app.settle().await;
            world.office.app.open_all().await;
            statements();
            let nothing = world.ask(person, request, &absent).await;
            let of_nothing = statements();
            let hidden = world.ask(person, request, &id).await;
            let of_hidden = statements();
            let is_outside = ["nobody", "outsider"].contains(&standing);
            let is_same = comparable(&nothing, &absent) == comparable(&hidden, &id);
            if is_outside && !is_same {
                wrong.push(format!(
                    "{} {} as {standing}: {} {}",
                    request.field, request.target, nothing.body, hidden.body
                ));
            }
            if is_same {
                compared += 1;
                if of_nothing != of_hidden {
                    wrong.push(format!(
                        "{} {} as {standing}:\n  not there {of_nothing:#?}\n  hidden {of_hidden:#?}",
                        request.field, request.target
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 150, "{compared} were compared");
    world.office.app.close().await;
}

#[tokio::test]
async fn hidden_objects_are_refused_without_waiting_for_locks() {
    let world = World::new().await;
    let app = &world.office.app;
    let (mut client, connection) =
        tokio_postgres::connect(&app.url, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let locks = client.transaction().await.expect("a transaction");
    let people = ["eve", "ivy"].map(|name| format!("'{name}'")).join(", ");
    let lock = format!(
        "SELECT FROM organizations FOR UPDATE; SELECT FROM memberships FOR UPDATE; SELECT FROM projects FOR UPDATE;
         SELECT FROM tasks FOR UPDATE; SELECT FROM jobs FOR UPDATE; SELECT FROM cloud_storages FOR UPDATE;
         SELECT FROM ownership_offers FOR UPDATE; SELECT FROM invitations FOR UPDATE;
         SELECT FROM users WHERE username NOT IN ({people}) FOR UPDATE"
    );
    locks.batch_execute(&lock).await.expect("locks");
    for request in requests().iter().filter(|request| !request.target.is_empty()) {
        for person in [None, Some(&world.office.stranger)] {
            let answer = world.ask(person, request, &world.ids[request.target]);
            let answer = tokio::time::timeout(Duration::from_secs(3), answer).await;
            assert!(answer.is_ok(), "{} {} waits", request.field, request.target);
        }
    }
    locks.rollback().await.expect("the end");
    world.office.app.close().await;
}
