//! Invalid input for every field of every mutation and for every list: refused with a code and a path, and nothing is
//! written.
//!
//! The cases are derived from the schema. The test fails if a mutation or field is missing from the table of valid
//! inputs, or if a list is missing from the table of paths.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::org_fixture::{bucket, with};
use crate::support::{Answer, Person, TestApp};

/// The value is valid here, although its kind is invalid in other fields.
const GOOD: &str = "good";
const PASSWORD: &str = "correct horse battery";
/// The code of GraphQL validation for a value of a wrong type, before execution.
const MALFORMED: &str = "GRAPHQL_VALIDATION_FAILED";

/// Exceptions from the usual code of a kind of value: the field (`*` means any mutation), the kinds, the code.
const OTHERWISE: &[(&str, &[&str], &str)] = &[
    // Returned unchanged, neither validated nor stored.
    ("*.clientMutationId", &["empty", "NUL", "bidi"], GOOD),
    // Opaque: any text without control characters.
    ("*.idempotencyKey", &["bidi"], GOOD),
    // Texts that may be empty; an empty text counts as null.
    ("*.description", &["empty"], GOOD),
    ("createOrganization.name", &["empty"], GOOD),
    ("updateOrganization.name", &["empty"], GOOD),
    ("*.contact.email", &["empty"], GOOD),
    ("*.contact.phone", &["empty"], GOOD),
    ("*.contact.location", &["empty"], GOOD),
    ("inviteMembers.message", &["empty"], GOOD),
    ("signUp.displayName", &["empty"], GOOD),
    // Non-members and unknown users get the same code.
    ("*.assigneeId", &["unknown", "foreign"], "ASSIGNEE_NOT_ELIGIBLE"),
    // One of two fields is required.
    ("createTask.projectId", &["null"], "REQUIRED"),
    ("acceptInvitation.token", &["null"], "REQUIRED"),
    ("declineInvitation.token", &["null"], "REQUIRED"),
    ("updateProfile.username", &["null"], "REQUIRED"),
    ("updateOrganization.expectedVersion", &["negative", "zero", "least", "most"], "VERSION_CONFLICT"),
    ("deleteOrganization.confirmSlug", TEXTS, "CONFIRMATION_MISMATCH"),
    ("deleteAccount.confirmUsername", TEXTS, "CONFIRMATION_MISMATCH"),
    // Tokens are opaque: they either exist or not.
    ("acceptInvitation.token", TEXTS, "NOT_FOUND"),
    ("declineInvitation.token", TEXTS, "NOT_FOUND"),
    ("signUp.invitationToken", &["empty"], "REQUIRED"),
    ("signUp.invitationToken", TEXTS, "NOT_FOUND"),
    ("verifyEmail.token", TEXTS, "INVALID_CREDENTIALS"),
    ("resetPassword.token", TEXTS, "INVALID_CREDENTIALS"),
    ("refreshSession.refreshToken", TEXTS, "INVALID_CREDENTIALS"),
    ("signOut.refreshToken", TEXTS, "INVALID_CREDENTIALS"),
    ("signIn.login", TEXTS, "INVALID_CREDENTIALS"),
    ("signIn.password", TEXTS, "INVALID_CREDENTIALS"),
    ("changePassword.currentPassword", TEXTS, "INVALID_CREDENTIALS"),
    ("changeEmail.password", TEXTS, "INVALID_CREDENTIALS"),
    ("deleteAccount.password", TEXTS, "INVALID_CREDENTIALS"),
    // Administrators see every organization and every account.
    ("restoreOrganization.organizationId", &["foreign"], "NOT_PENDING_DELETION"),
    ("restoreOrganization.newOwnerId", &["foreign"], GOOD),
    // A password is never displayed: any characters are allowed if it is hard to guess.
    ("signUp.password", &["bidi"], GOOD),
    ("changePassword.newPassword", &["bidi"], GOOD),
    ("resetPassword.newPassword", &["bidi"], GOOD),
    ("signUp.password", &["empty", "NUL"], "PASSWORD_TOO_WEAK"),
    ("changePassword.newPassword", &["empty", "NUL"], "PASSWORD_TOO_WEAK"),
    ("resetPassword.newPassword", &["empty", "NUL"], "PASSWORD_TOO_WEAK"),
];
/// All kinds of invalid text.
const TEXTS: &[&str] = &["empty", "long", "one too many", "NUL", "bidi"];

/// Exceptions from the path of the tried field: the field, the kinds of values, the path.
const ELSEWHERE: &[(&str, &[&str], &str)] = &[
    // The other one of two fields, one of which is required.
    ("createTask.projectId", &["null"], "input.workspaceId"),
    ("acceptInvitation.token", &["null"], "input.invitationId"),
    ("declineInvitation.token", &["null"], "input.invitationId"),
    ("signUp.invitationToken", &["empty"], "input.email"),
    // The error does not disclose which of the two is wrong.
    ("restoreOrganization.organizationId", &["foreign"], ""),
    ("signIn.login", TEXTS, ""),
    ("signIn.password", TEXTS, ""),
];

/// A valid input of a mutation.
struct Case {
    by: Person,
    mutation: &'static str,
    input: Value,
}

/// An organization with all kinds of objects, and strangers with the same.
struct World {
    app: TestApp,
    ada: Person,
    organization: String,
    project: String,
    task: String,
    cases: Vec<Case>,
    /// An object of the strangers for each ID prefix.
    foreign: HashMap<String, String>,
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Signs up. Returns the person and the refresh token.
async fn signs_up(app: &TestApp, name: &str) -> (Person, String) {
    let input = json!({ "email": format!("{name}@example.org"), "username": name, "password": PASSWORD });
    let payload = app.nobody_gets("signUp", input, "session { accessToken refreshToken }").await.done();
    let session = &payload["session"];
    (app.holder(name, text(&session["accessToken"])), text(&session["refreshToken"]))
}

impl World {
    async fn new() -> Self {
        let app = TestApp::with(|_| {}).await;
        let strangers = Strangers::new(&app).await;
        let (ada, max) = (app.person("ada").await, app.person("max").await);
        let organization = ada.creates("acme").await;
        let member = async |organization: &str, person: &Person, role: &str| {
            person.accepts(&ada.invites(organization, &person.email(), role).await).await
        };
        member(&organization, &max, "MAINTAINER").await;
        let (sue, wim) = (app.person("sue").await, app.person("wim").await);
        let sue_at = member(&organization, &sue, "SUPERVISOR").await;
        let wim_at = member(&organization, &wim, "WORKER").await;
        let offered = async |slug: &str| {
            let organization = ada.creates(slug).await;
            let membership = member(&organization, &max, "MAINTAINER").await;
            let input = json!({ "membershipId": membership });
            let payload = ada.mutate("offerOwnership", input, "ownershipOffer { id }").await.done();
            text(&payload["ownershipOffer"]["id"])
        };
        let offers = [offered("accepted").await, offered("declined").await, offered("cancelled").await];
        let max_elsewhere = member(&ada.creates("offering").await, &max, "WORKER").await;
        let doomed = ada.creates("doomed").await;
        let (root, gone) = (app.admin("root").await, app.person("gone").await);
        let deleted = gone.creates("deleted").await;
        gone.mutate("deleteAccount", json!({ "confirmUsername": "gone" }), "deletedUserId").await.done();

        let here = json!({ "workspaceId": organization, "name": "Name", "assigneeId": ada.id });
        let storage = ada.makes("createCloudStorage", bucket(&organization)).await;
        let project = ada.makes("createProject", here.clone()).await;
        let inside = json!({ "projectId": project, "name": "Task", "assigneeId": ada.id });
        let task = ada.makes("createTask", inside).await;
        let (loose, moving) = (ada.makes("createTask", here.clone()).await, ada.makes("createTask", here).await);
        let at_home = json!({ "workspaceId": ada.workspace(), "name": "At home" });
        ada.makes("createProject", at_home.clone()).await;
        ada.makes("createTask", at_home).await;
        ada.makes("createCloudStorage", bucket(&ada.workspace())).await;
        let jobs = app.texts("SELECT subject_id FROM events WHERE type = 'JOB_CREATED' ORDER BY sequence DESC").await;
        let job = jobs[3].clone();
        let assigned = json!({ "jobId": job, "assigneeId": ada.id });
        ada.mutate("updateJob", assigned, "job { id }").await.done();
        let invitation = async |name: &str| {
            let person = app.person(name).await;
            let invitation = ada.invites(&organization, &person.email(), "WORKER").await;
            (person.clone(), invitation, app.token_to(&person.email()).await)
        };
        let (bob, bobs, _) = invitation("bob").await;
        let (carl, _, carls_token) = invitation("carl").await;
        let (dora, doras, _) = invitation("dora").await;
        let (emil, _, emils_token) = invitation("emil").await;
        let (_, resent, _) = invitation("fred").await;
        let (_, revoked, _) = invitation("gina").await;
        ada.invites(&organization, "new@example.org", "WORKER").await;
        let new_token = app.token_to("new@example.org").await;

        let (pat, pats_session) = signs_up(&app, "pat").await;
        let pats_token = app.token_to("pat@example.org").await;
        let (pia, pias_session) = signs_up(&app, "pia").await;
        let token = json!({ "token": app.token_to("pia@example.org").await });
        pia.mutate("verifyEmail", token, "viewer { email }").await.done();
        app.nobody_mutates("requestPasswordReset", json!({ "email": "pia@example.org" })).await.done();
        let pias_token = app.token_to("pia@example.org").await;
        let (uma, (dan, _)) = (app.unverified("uma").await, signs_up(&app, "dan").await);
        let version = ada.ask(&format!(r#"{{ organization(id: "{organization}") {{ version }} }}"#)).await.data();

        let details = json!({
            "name": "Name", "description": "Words", "contact": { "email": "a@example.org", "phone": "1", "location": "x" },
        });
        let wishes = json!({ "assigneeId": ada.id, "sourceStorageId": storage, "targetStorageId": storage });
        let mut cases = Vec::new();
        let mut case = |by: &Person, mutation, input: Value| {
            cases.push(Case { by: by.clone(), mutation, input });
        };
        case(&ada, "createOrganization", with(json!({ "slug": "nova" }), details.clone()));
        let update = json!({
            "organizationId": organization, "slug": "acme-2", "expectedVersion": version["organization"]["version"],
        });
        case(&ada, "updateOrganization", with(update, details));
        let named = json!({ "name": "Name", "description": "Words" });
        let into = with(json!({ "workspaceId": organization }), wishes.clone());
        case(&ada, "createProject", with(into.clone(), named.clone()));
        case(&ada, "updateProject", with(with(json!({ "projectId": project }), wishes.clone()), named));
        case(&ada, "createTask", with(into, json!({ "name": "Task", "jobCount": 2 })));
        case(&ada, "createTask", json!({ "projectId": project, "name": "Task" }));
        let update = json!({ "taskId": loose, "name": "Task", "projectId": project });
        case(&ada, "updateTask", with(update, wishes));
        let update = json!({ "jobId": job, "assigneeId": wim.id, "stage": "VALIDATION", "state": "NEW" });
        case(&ada, "updateJob", update);
        case(&ada, "createCloudStorage", with(bucket(&organization), json!({ "description": "Words" })));
        let update = json!({ "cloudStorageId": storage, "displayName": "Name", "description": "Words" });
        case(&ada, "updateCloudStorage", update);
        let transfer =
            json!({ "resourceIds": [moving], "destinationWorkspaceId": ada.workspace(), "storage": "DETACH" });
        case(&ada, "transferResources", transfer);
        case(&ada, "deleteResource", json!({ "resourceId": loose }));
        let invitees = json!([{ "email": "hugo@example.org", "role": "WORKER" }]);
        let invite = json!({
            "organizationId": organization, "invitees": invitees, "message": "Come", "onError": "REJECT_ALL",
        });
        case(&ada, "inviteMembers", invite);
        case(&ada, "resendInvitation", json!({ "invitationId": resent }));
        case(&ada, "revokeInvitation", json!({ "invitationId": revoked }));
        case(&bob, "acceptInvitation", json!({ "invitationId": bobs }));
        case(&carl, "acceptInvitation", json!({ "token": carls_token }));
        case(&dora, "declineInvitation", json!({ "invitationId": doras }));
        case(&emil, "declineInvitation", json!({ "token": emils_token }));
        case(&ada, "changeMemberRole", json!({ "membershipId": sue_at, "role": "MAINTAINER" }));
        case(&ada, "offerOwnership", json!({ "membershipId": max_elsewhere }));
        case(&max, "acceptOwnership", json!({ "ownershipOfferId": offers[0] }));
        case(&max, "declineOwnership", json!({ "ownershipOfferId": offers[1] }));
        case(&ada, "cancelOwnershipOffer", json!({ "ownershipOfferId": offers[2] }));
        let plan = json!({ "workspaceId": organization, "tier": "TEAM", "interval": "YEAR", "seats": 50 });
        case(&ada, "changePlan", plan);
        case(&ada, "cancelPlan", json!({ "workspaceId": organization }));
        case(&ada, "selectWorkspace", json!({ "workspaceId": organization }));
        case(&root, "restoreOrganization", json!({ "organizationId": deleted, "newOwnerId": ada.id }));
        case(&ada, "deleteOrganization", json!({ "organizationId": doomed, "confirmSlug": "doomed" }));
        case(&sue, "leaveOrganization", json!({ "organizationId": organization }));
        case(&ada, "removeMember", json!({ "membershipId": wim_at }));

        let account = json!({ "username": "nina", "password": PASSWORD, "displayName": "Nina" });
        case(&ada, "signUp", with(json!({ "email": "nina@example.org" }), account));
        let invited = json!({ "username": "newcomer", "password": PASSWORD, "invitationToken": new_token });
        case(&ada, "signUp", invited);
        case(&ada, "signIn", json!({ "login": "pat", "password": PASSWORD }));
        case(&uma, "resendVerificationEmail", json!({}));
        case(&pat, "verifyEmail", json!({ "token": pats_token }));
        case(&ada, "refreshSession", json!({ "refreshToken": pats_session }));
        case(&pat, "changeEmail", json!({ "email": "pat2@example.org", "password": PASSWORD }));
        let passwords = json!({ "currentPassword": PASSWORD, "newPassword": "another horse battery" });
        case(&pat, "changePassword", passwords);
        case(&pat, "updateProfile", json!({ "displayName": "Pat", "username": "patricia" }));
        case(&ada, "signOut", json!({ "refreshToken": pias_session }));
        case(&ada, "requestPasswordReset", json!({ "email": "max@example.org" }));
        case(&ada, "resetPassword", json!({ "token": pias_token, "newPassword": "another horse battery" }));
        case(&dan, "deleteAccount", json!({ "confirmUsername": "dan", "password": PASSWORD }));
        strangers.invites(&ada).await;
        Self { ada, organization, project, task, cases, foreign: strangers.by_prefix, app }
    }
}

/// People without relation to the others, and one object of each kind.
struct Strangers {
    eve: Person,
    by_prefix: HashMap<String, String>,
}

impl Strangers {
    async fn new(app: &TestApp) -> Self {
        let (eve, zed) = (app.person("eve").await, app.person("zed").await);
        let organization = eve.creates("zeta").await;
        let membership = zed.accepts(&eve.invites(&organization, &zed.email(), "WORKER").await).await;
        let offer = json!({ "membershipId": membership });
        let offer = eve.mutate("offerOwnership", offer, "ownershipOffer { id }").await.done();
        let here = json!({ "workspaceId": organization, "name": "Theirs" });
        let things = [
            eve.id.clone(),
            eve.workspace(),
            organization.clone(),
            membership,
            text(&offer["ownershipOffer"]["id"]),
            eve.invites(&organization, "yan@example.org", "WORKER").await,
            eve.makes("createProject", here.clone()).await,
            eve.makes("createTask", here).await,
            eve.makes("createCloudStorage", bucket(&organization)).await,
            app.texts("SELECT subject_id FROM events WHERE type = 'JOB_CREATED'").await.swap_remove(0),
        ];
        let by_prefix = things.map(|id| (id.split('_').next().expect("a prefix").to_owned(), id)).into();
        Self { eve, by_prefix }
    }

    /// Invites the person to another organization, so that their list of invitations has an entry.
    async fn invites(&self, person: &Person) {
        self.eve.invites(&self.eve.creates("yota").await, &person.email(), "WORKER").await;
    }
}

/// The schema from introspection.
struct Schema {
    types: BTreeMap<String, Value>,
    mutations: BTreeSet<String>,
}

impl Schema {
    async fn read(app: &TestApp) -> Self {
        const TYPE: &str = "type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
        let query = format!(
            "{{ __schema {{ mutationType {{ fields {{ name }} }} types {{ name kind enumValues {{ name }}
                 inputFields {{ name description {TYPE} }} fields {{ name args {{ name {TYPE} }} }} }} }} }}"
        );
        let data = app.nobody(&query).await.data()["__schema"].clone();
        let types = list(&data["types"]).iter().map(|kind| (text(&kind["name"]), kind.clone())).collect();
        let mutations = list(&data["mutationType"]["fields"]).iter().map(|field| text(&field["name"])).collect();
        Self { types, mutations }
    }

    /// The fields of an input, recursively, with their values in `value`.
    fn fields(&self, input: &str, value: &Value) -> Vec<Field> {
        let mut fields = Vec::new();
        for field in list(&self.types[input]["inputFields"]) {
            let name = text(&field["name"]);
            let value = value.get(&name).cloned();
            let about = text(&field["description"]);
            self.field(&mut fields, vec![name], &field["type"], value, about);
        }
        fields
    }

    fn field(&self, found: &mut Vec<Field>, path: Vec<String>, kind: &Value, value: Option<Value>, about: String) {
        let nullable = kind["kind"] != "NON_NULL";
        let inner = if nullable { kind } else { &kind["ofType"] };
        let (shape, name) = (text(&inner["kind"]), inner["name"].as_str().unwrap_or_default().to_owned());
        if shape == "LIST" {
            let item = value.as_ref().and_then(|value| value.get(0)).cloned();
            let path = [path.as_slice(), &["0".to_owned()]].concat();
            self.field(found, path, &inner["ofType"], item, about.clone());
        }
        if shape == "INPUT_OBJECT" {
            for field in list(&self.types[&name]["inputFields"]) {
                let path = [path.as_slice(), &[text(&field["name"])]].concat();
                let value = value.as_ref().and_then(|value| value.get(path.last()?)).cloned();
                self.field(found, path, &field["type"], value, text(&field["description"]));
            }
        }
        found.push(Field { path, shape, name, nullable, value, about });
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// A field of an input, and its valid value.
struct Field {
    path: Vec<String>,
    shape: String,
    name: String,
    nullable: bool,
    value: Option<Value>,
    about: String,
}

/// Kind of invalid value, the value, and the expected code.
type Bad = (&'static str, Value, &'static str);

impl Field {
    /// The name of the field in the tables above, without list positions.
    fn key(&self) -> String {
        self.path.iter().filter(|step| *step != "0").cloned().collect::<Vec<_>>().join(".")
    }

    /// The invalid values for this field.
    fn bad(&self, good: &Value, foreign: &HashMap<String, String>) -> Vec<Bad> {
        let mut bad = vec![("of another shape", json!({ "no": ["such"] }), MALFORMED)];
        if !self.nullable {
            bad.push(("null", Value::Null, MALFORMED));
        } else if self.about.contains("annot be cleared") || self.about.contains("Exactly one of") {
            bad.push(("null", Value::Null, "REQUIRED"));
        } else {
            // Null counts as absent, or clears the field in an update.
            bad.push(("null", Value::Null, GOOD));
        }
        match (self.shape.as_str(), self.name.as_str()) {
            ("LIST", _) => {
                bad.push(("no items", json!([]), "OUT_OF_RANGE"));
                bad.push(("101 items", json!(vec![&good[0]; 101]), "TOO_LONG"));
            }
            ("ENUM", _) => bad.push(("nonsense", json!("NONSENSE"), MALFORMED)),
            ("SCALAR", "ID") => bad.extend(bad_ids(good.as_str().expect("an ID"), foreign)),
            ("SCALAR", "Int") => bad.extend([
                ("negative", json!(-1), "OUT_OF_RANGE"),
                ("zero", json!(0), "OUT_OF_RANGE"),
                ("least", json!(i32::MIN), "OUT_OF_RANGE"),
                ("most", json!(i32::MAX), "OUT_OF_RANGE"),
                ("beyond 32 bits", json!(1_i64 << 31), MALFORMED),
                ("a fraction", json!(1.5), MALFORMED),
            ]),
            ("SCALAR", "String") => {
                let is_email = self.path.last().is_some_and(|name| name == "email");
                let bidi = if is_email { "a\u{202E}b@example.org" } else { "a horse\u{202E} battery" };
                let bidi = if self.about.contains("a-z") { "a\u{202E}bc" } else { bidi };
                bad.extend([
                    ("empty", json!(""), "REQUIRED"),
                    ("long", json!("x".repeat(100_000)), "TOO_LONG"),
                    ("NUL", json!("a\0b"), "INVALID_FORMAT"),
                    ("bidi", json!(bidi), "INVALID_FORMAT"),
                ]);
                bad.extend(self.bound().map(|most| ("one too many", json!("x".repeat(most + 1)), "TOO_LONG")));
            }
            ("INPUT_OBJECT", _) => {}
            other => panic!("Say what is bad for a field of the type {other:?}."),
        }
        bad
    }

    /// The maximum number of characters, parsed from the description.
    fn bound(&self) -> Option<usize> {
        let before = self.about.split(" characters").next().filter(|before| *before != self.about)?;
        before.split(' ').next_back()?.replace(',', "").parse().ok()
    }
}

fn bad_ids(good: &str, foreign: &HashMap<String, String>) -> Vec<Bad> {
    let (prefix, bits) = good.split_once('_').expect("an ID");
    let other = if prefix == "usr" { "mem" } else { "usr" };
    vec![
        ("empty", json!(""), "INVALID_FORMAT"),
        ("nonsense", json!("nonsense"), "INVALID_FORMAT"),
        ("long", json!("x".repeat(100_000)), "INVALID_FORMAT"),
        ("NUL", json!(format!("{good}\0")), "INVALID_FORMAT"),
        ("a number", json!(7), "INVALID_FORMAT"),
        ("of another type", json!(format!("{other}_{bits}")), "INVALID_FORMAT"),
        ("unknown", json!(format!("{prefix}_{}", "0".repeat(26))), "NOT_FOUND"),
        ("foreign", json!(foreign[prefix]), "NOT_FOUND"),
    ]
}

/// The entry of a table for a kind of value in a field.
fn row(table: &[(&str, &[&str], &'static str)], case: &Case, field: &Field, kind: &str) -> Option<&'static str> {
    let (named, anywhere) = (format!("{}.{}", case.mutation, field.key()), format!("*.{}", field.key()));
    let of = |name: &str| table.iter().find(|(field, kinds, _)| *field == name && kinds.contains(&kind));
    of(&named).or_else(|| of(&anywhere)).map(|(_, _, said)| *said)
}

/// Code and path of each user error, or the codes of the top-level errors.
fn told(answer: &Answer) -> Vec<(String, String)> {
    if answer.body.get("errors").is_some() {
        return answer.codes().iter().map(|code| ((*code).to_owned(), String::new())).collect();
    }
    let payload = answer.body["data"].as_object().and_then(|data| data.values().next()).expect("a payload");
    let steps = |error: &Value| list(&error["path"]).iter().map(text).collect::<Vec<_>>().join(".");
    list(&payload["userErrors"]).iter().map(|error| (text(&error["code"]), steps(error))).collect()
}

impl Case {
    /// The input with another value at that path.
    fn with(&self, path: &[String], value: Value) -> Value {
        let mut input = self.input.clone();
        *input.pointer_mut(&format!("/{}", path.join("/"))).expect("a value to replace") = value;
        input
    }

    /// Differences from the expected errors for invalid values of `field`.
    async fn complaints(&self, field: &Field, foreign: &HashMap<String, String>) -> Vec<String> {
        let Some(good) = &field.value else { return Vec::new() };
        let name = format!("{}.{}", self.mutation, field.key());
        let mut complaints = Vec::new();
        for (kind, value, usual) in field.bad(good, foreign) {
            let code = row(OTHERWISE, self, field, kind).unwrap_or(usual);
            let (status, path) = match code {
                GOOD => continue,
                MALFORMED => (400, String::new()),
                _ => {
                    let usual = || format!("input.{}", field.path.join("."));
                    (200, row(ELSEWHERE, self, field, kind).map_or_else(usual, str::to_owned))
                }
            };
            let answer = self.by.mutate(self.mutation, self.with(&field.path, value), "clientMutationId").await;
            let told = told(&answer);
            if answer.status != status || told != [(code.to_owned(), path.clone())] {
                complaints.push(format!("{name}, {kind}: {} {told:?} rather than {code} {path}", answer.status));
            }
        }
        complaints
    }
}

#[tokio::test]
async fn mutations_refuse_invalid_values_of_every_field_and_write_nothing() {
    let mut world = World::new().await;
    let schema = Schema::read(&world.app).await;
    let (mut complaints, mut tried, mut missing) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for (place, case) in world.cases.iter_mut().enumerate() {
        let input = format!("{}{}Input", case.mutation[..1].to_uppercase(), &case.mutation[1..]);
        case.input["clientMutationId"] = json!("mine");
        if list(&schema.types[&input]["inputFields"]).iter().any(|field| field["name"] == "idempotencyKey") {
            // The refused inputs may not use up the key of the valid input below.
            case.input["idempotencyKey"] = json!(format!("key {place}"));
        }
        let before = world.app.snapshot().await;
        for field in schema.fields(&input, &case.input) {
            let name = format!("{}.{}", case.mutation, field.key());
            if field.value.is_some() {
                tried.insert(name)
            } else {
                missing.insert(name)
            };
            complaints.extend(case.complaints(&field, &world.foreign).await);
        }
        if world.app.snapshot().await != before {
            complaints.push(format!("{} wrote something", case.mutation));
        }
    }
    let keys = world.app.count("idempotency_keys").await;
    let tables: Vec<_> = OTHERWISE.iter().chain(ELSEWHERE).map(|(field, _, _)| *field).collect();
    let used = |field: &str| {
        tried.iter().any(|name| name == field || field.strip_prefix('*').is_some_and(|end| name.ends_with(end)))
    };
    complaints.extend(tables.iter().filter(|field| !used(field)).map(|field| format!("There is no {field} any more.")));
    for case in &world.cases {
        let answer = case.by.mutate(case.mutation, case.input.clone(), "clientMutationId").await;
        let told = told(&answer);
        if !told.is_empty() {
            complaints.push(format!("{}: the good input is refused: {told:?}", case.mutation));
        }
    }
    let covered: BTreeSet<_> = world.cases.iter().map(|case| case.mutation.to_owned()).collect();
    complaints.extend(schema.mutations.difference(&covered).map(|name| format!("Give {name} a good input.")));
    complaints.extend(missing.difference(&tried).map(|name| format!("Give {name} a good value.")));
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert_eq!(keys, 0, "what is refused keeps no key");
    world.app.check_invariants().await;
    world.app.close().await;
}

/// The query that leads to the lists of each type; `%` stands for the list.
fn way_to(owner: &str, world: &World) -> Option<String> {
    let node = |id: &str| format!(r#"{{ node(id: "{id}") {{ ... on {owner} {{ % }} }} }}"#);
    Some(match owner {
        "Query" => "{ % }".to_owned(),
        "Viewer" => "{ viewer { % } }".to_owned(),
        "PersonalWorkspace" => "{ viewer { personalWorkspace { % } } }".to_owned(),
        "Workspace" => "{ viewer { selectedWorkspace { % } } }".to_owned(),
        "Organization" => node(&world.organization),
        "Project" => node(&world.project),
        "Task" => node(&world.task),
        _ => return None,
    })
}

/// Text orders, whose cursors accept any text.
const BY_TEXT: [&str; 3] = ["SLUG", "NAME", "USERNAME"];

/// A list in one of its orders.
struct List {
    name: String,
    /// The query, with `#` for the arguments.
    query: String,
    /// `orderBy: …`, or empty.
    order: String,
    by_text: bool,
    /// Invalid values of its other arguments.
    filters: Vec<String>,
}

impl List {
    /// Requests a page.
    async fn ask(&self, by: &Person, arguments: &str) -> Answer {
        let order = if arguments.starts_with("orderBy") { "" } else { &self.order };
        by.ask(&self.query.replace('#', &format!("{order} {arguments}"))).await
    }

    /// The cursor of its first entry.
    async fn cursor(&self, by: &Person) -> String {
        let data = self.ask(by, "first: 1").await.data();
        let found =
            data.to_string().split(r#""cursor":""#).nth(1).map(|rest| rest.split('"').next().map(str::to_owned));
        found.flatten().unwrap_or_else(|| panic!("{} needs an entry to page behind", self.name))
    }
}

impl Schema {
    /// Every paginated list in each of its orders, and complaints about lists that are missing from the tables.
    fn lists(&self, world: &World) -> (Vec<List>, Vec<String>) {
        let (mut lists, mut complaints) = (Vec::new(), Vec::new());
        for (owner, field) in self.types.iter().flat_map(|(name, kind)| fields(kind).map(move |field| (name, field))) {
            let named = |name: &str| list(&field["args"]).iter().find(|argument| argument["name"] == name);
            if named("first").is_none() {
                continue;
            }
            let name = format!("{owner}.{}", field["name"].as_str().expect("a name"));
            let Some(way) = way_to(owner, world) else {
                complaints.push(format!("Say how to get to {name}."));
                continue;
            };
            let query = way.replace('%', &format!("{}(#) {{ edges {{ cursor }} }}", text(&field["name"])));
            let filters: Vec<_> = list(&field["args"]).iter().flat_map(bad_filters).collect();
            let orders = named("orderBy").map_or(vec![(String::new(), false)], |order| self.orders(order));
            for (order, by_text) in orders {
                let (name, query, filters) = (format!("{name} {order}"), query.clone(), filters.clone());
                lists.push(List { name, query, order, by_text, filters });
            }
        }
        (lists, complaints)
    }

    fn orders(&self, argument: &Value) -> Vec<(String, bool)> {
        let by = format!("{}Field", text(&argument["type"]["name"]));
        let fields = list(&self.types[&by]["enumValues"]).iter().map(|field| text(&field["name"]));
        let both = fields.flat_map(|field| ["ASC", "DESC"].map(|way| (field.clone(), way)));
        both.map(|(field, way)| {
            let by_text = BY_TEXT.contains(&field.as_str());
            (format!("orderBy: {{ field: {field}, direction: {way} }}"), by_text)
        })
        .collect()
    }
}

/// The fields of an object or interface.
fn fields(kind: &Value) -> impl Iterator<Item = &Value> {
    kind["fields"].as_array().into_iter().flatten()
}

/// Invalid values for an argument of a list.
fn bad_filters(argument: &Value) -> Vec<String> {
    let name = text(&argument["name"]);
    let values = match name.as_str() {
        "search" => vec![json!("a\0b").to_string(), json!("x".repeat(257)).to_string(), json!("a\u{202E}").to_string()],
        "roles" | "statuses" | "states" | "types" => {
            vec!["[NONSENSE]".to_owned(), "[7]".to_owned(), "[null]".to_owned()]
        }
        "orderBy" => vec!["{ field: NONSENSE, direction: ASC }".to_owned(), "{ direction: ASC }".to_owned()],
        "first" | "last" => vec!["1.5".to_owned(), (1_i64 << 31).to_string(), "-1".to_owned(), "101".to_owned()],
        "after" | "before" => vec!["7".to_owned()],
        "assigneeId" | "actorId" => vec!["{}".to_owned()],
        other => panic!("Say what is bad for the argument {other}."),
    };
    values.into_iter().map(|value| format!("{name}: {value}")).collect()
}

/// The cursor with another key, as forged by a client that knows the format.
fn forged(cursor: &str, key: &str) -> String {
    let made = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).expect("base 64")).expect("a text");
    URL_SAFE_NO_PAD.encode(format!("{}{key}", &made[..40]))
}

#[tokio::test]
async fn lists_refuse_invalid_pages_filters_and_foreign_cursors() {
    const REFUSED: [&str; 2] = ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"];
    let world = World::new().await;
    let (lists, mut complaints) = Schema::read(&world.app).await.lists(&world);
    assert!(lists.len() > 20, "there are lists: {}", lists.len());
    let by = &world.ada;
    let before = world.app.snapshot().await;
    let mut cursors = Vec::new();
    for list in &lists {
        cursors.push(list.cursor(by).await);
    }
    for (place, list) in lists.iter().enumerate() {
        let (own, others) = (&cursors[place], &cursors[(place + 1) % cursors.len()]);
        let mut tried: Vec<(String, &[&str])> =
            list.filters.iter().map(|bad| (bad.clone(), REFUSED.as_slice())).collect();
        for mixed in
            ["first: 1, last: 1".to_owned(), format!("first: 1, before: {own:?}"), format!("last: 1, after: {own:?}")]
        {
            tried.push((mixed, &REFUSED[..1]));
        }
        // `selectedWorkspace` is a workspace, too, and shares the cursors of its lists.
        let another = if others == own { "nonsense" } else { others };
        let cut = &own[..own.len() / 2];
        let times = ["soon", "", "-1", "9223372036854775807", "253402300800000000"].map(|key| forged(own, key));
        let mut cursors =
            vec![another.to_owned(), "nonsense".to_owned(), String::new(), cut.to_owned(), forged(own, "\0")];
        cursors.extend(times.iter().filter(|_| !list.by_text).cloned());
        for argument in ["after", "before"] {
            tried.extend(
                cursors.iter().map(|cursor| (format!("{argument}: {cursor:?}"), ["INVALID_CURSOR"].as_slice())),
            );
            // Text orders accept any text as a key and return a page.
            let any = times.iter().filter(|_| list.by_text);
            tried.extend(any.map(|cursor| (format!("{argument}: {cursor:?}"), [].as_slice())));
        }
        for (arguments, codes) in tried {
            let answer = list.ask(by, &arguments).await;
            let told = answer.codes();
            let right = if codes.is_empty() { told.is_empty() } else { told.len() == 1 && codes.contains(&told[0]) };
            if !right {
                complaints.push(format!("{} with {arguments}: {told:?} rather than {codes:?}", list.name));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert_eq!(world.app.snapshot().await, before);
    world.app.close().await;
}

#[tokio::test]
async fn queries_handle_invalid_arguments() {
    let app = TestApp::with(|_| {}).await;
    let (ada, eve) = (app.person("ada").await, app.person("eve").await);
    let (own, foreign) = (ada.creates("acme").await, eve.creates("zeta").await);
    let theirs = eve.makes("createProject", json!({ "workspaceId": foreign, "name": "Theirs" })).await;
    let mine = ada.makes("createProject", json!({ "workspaceId": own, "name": "Mine" })).await;
    let invitation = eve.invites(&foreign, "zed@example.org", "WORKER").await;
    let before = app.snapshot().await;
    let unknown = |prefix: &str| format!("{prefix}_{}", "0".repeat(26));
    let (long, many) = ("x".repeat(4000), vec![mine.clone(); 101]);
    let nothing = ["", "nonsense", "org_", "a\0b", "a\u{202E}b", &long];
    let plan = |resources: Value, destination: &str| {
        format!(
            "transferPlan(resourceIds: {resources}, destinationWorkspaceId: {}, storage: DETACH) {{ possible }}",
            json!(destination)
        )
    };
    // Each result is null: with that error code, or without an error if the object does not exist.
    let mut tried = vec![
        (format!("nodes(ids: {}) {{ id }}", json!(many)), "BAD_USER_INPUT"),
        ("organization { id }".to_owned(), "BAD_USER_INPUT"),
        (format!(r#"organization(slug: "acme", id: "{own}") {{ id }}"#), "BAD_USER_INPUT"),
        ("organization(slug: null, id: null) { id }".to_owned(), "BAD_USER_INPUT"),
        (plan(json!([]), &own), "BAD_USER_INPUT"),
        (plan(json!(many), &own), "BAD_USER_INPUT"),
        (plan(json!([mine, mine]), &own), "BAD_USER_INPUT"),
        (plan(json!([own]), &own), "BAD_USER_INPUT"),
        (plan(json!([mine]), &ada.id), "BAD_USER_INPUT"),
        (plan(json!([theirs]), &own), ""),
        (plan(json!([unknown("tsk")]), &own), ""),
        (plan(json!([mine]), &foreign), ""),
        (plan(json!([mine]), &unknown("pws")), ""),
        (format!(r#"invitation(id: "{invitation}") {{ id }}"#), ""),
        (format!(r#"organization(id: "{foreign}") {{ id }}"#), ""),
        (r#"organization(slug: "zeta") { id }"#.to_owned(), ""),
    ];
    for prefix in ["usr", "org", "mem", "inv", "off", "pws", "prj", "tsk", "job", "sto", "evt", "mail", "ses"] {
        tried.push((format!(r#"node(id: "{}") {{ id }}"#, unknown(prefix)), ""));
    }
    for bad in nothing.map(|bad| json!(bad)) {
        tried.push((format!("node(id: {bad}) {{ id }}"), ""));
        tried.push((format!("organization(id: {bad}) {{ id }}"), ""));
        tried.push((format!("organization(slug: {bad}) {{ id }}"), ""));
        tried.push((format!("invitation(id: {bad}) {{ id }}"), ""));
        tried.push((format!("invitationPreview(token: {bad}) {{ email }}"), ""));
        tried.push((plan(json!([bad]), &own), "BAD_USER_INPUT"));
        tried.push((plan(json!([mine]), bad.as_str().expect("a text")), "BAD_USER_INPUT"));
    }
    for (query, code) in &tried {
        let answer = ada.ask(&format!("{{ it: {query} }}")).await;
        let codes: &[&str] = if code.is_empty() { &[] } else { &[code] };
        let shown: String = query.chars().take(120).collect();
        assert_eq!((answer.status.as_u16(), answer.codes().as_slice()), (200, codes), "{shown}");
        assert_eq!(answer.body["data"]["it"], Value::Null, "{shown}");
    }
    let schema = Schema::read(&app).await;
    for field in fields(&schema.types["Query"]).filter(|field| !list(&field["args"]).is_empty()) {
        let name = text(&field["name"]);
        let begun = |query: &str| query.split(['(', ' ']).next() == Some(&name);
        // `organizations` is covered by the lists test; `slugAvailability` is never null and follows below.
        let elsewhere = ["organizations", "slugAvailability"].contains(&name.as_str());
        assert!(elsewhere || tried.iter().any(|(query, _)| begun(query)), "Try {name} with bad arguments.");
    }
    let slugs = nothing.iter().filter(|slug| **slug != "nonsense");
    for slug in slugs {
        let query = format!("{{ slugAvailability(slug: {}) {{ available problem }} }}", json!(slug));
        let told = ada.ask(&query).await.data()["slugAvailability"].clone();
        assert_eq!(told["available"], false, "{told}");
        assert!(told["problem"].is_string(), "{told}");
    }
    let ids = json!(["", "nonsense", theirs, mine, unknown("prj")]);
    let nodes = ada.ask(&format!("{{ nodes(ids: {ids}) {{ id }} }}")).await.data();
    assert_eq!(nodes["nodes"], json!([null, null, null, { "id": mine }, null]));
    assert_eq!(app.snapshot().await, before);
    app.close().await;
}
