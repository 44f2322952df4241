//! Invalid input for every field of every mutation and for every list: refused with a code and a path, and nothing is
//! written.
//!
//! The cases are derived from the schema. The test fails if a mutation or field is missing from the table of valid
//! inputs, or if a list is missing from the table of paths.

mod lists;
mod mutations;
mod queries;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::support::org_fixture::{bucket, with};
use crate::support::{Person, TestApp};

const PASSWORD: &str = "correct horse battery";

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
async fn sign_up(app: &TestApp, name: &str) -> (Person, String) {
    let input = json!({ "email": format!("{name}@example.org"), "username": name, "password": PASSWORD });
    let payload =
        app.mutate_anonymously_selecting("signUp", input, "session { accessToken refreshToken }").await.done();
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

        let (pat, pats_session) = sign_up(&app, "pat").await;
        let pats_token = app.token_to("pat@example.org").await;
        let (pia, pias_session) = sign_up(&app, "pia").await;
        let token = json!({ "token": app.token_to("pia@example.org").await });
        pia.mutate("verifyEmail", token, "viewer { email }").await.done();
        app.mutate_anonymously("requestPasswordReset", json!({ "email": "pia@example.org" })).await.done();
        let pias_token = app.token_to("pia@example.org").await;
        let (uma, (dan, _)) = (app.unverified("uma").await, sign_up(&app, "dan").await);
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
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// The fields of an object or interface.
fn fields(kind: &Value) -> impl Iterator<Item = &Value> {
    kind["fields"].as_array().into_iter().flatten()
}
