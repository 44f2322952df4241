//! Deletion of organizations: pending deletion, restoration within the grace period, and the final purge.

mod delete;
mod invitations;
mod pending;
mod purge;
mod races;
mod restore;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp};

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
async fn visible_objects(team: &Team, by: &Person) -> Value {
    let query = format!(
        r#"{{ byId: organization(id: "{0}") {{ slug }} bySlug: organization(slug: "TEAM") {{ slug }}
             nodes(ids: ["{0}", "{1}", "{2}"]) {{ __typename }} invitation(id: "{2}") {{ status }}
             viewer {{ organizations {{ totalCount nodes {{ slug }} }} invitations {{ totalCount nodes {{ id }} }} }}
             organizations {{ totalCount nodes {{ slug }} }} }}"#,
        team.id, team.membership, team.invitation
    );
    by.ask(&query).await.data()
}
