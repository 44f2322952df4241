//! Composition root: builds the application from configuration, database, signing keys and clock, for the executable
//! and for tests. Background tasks are started separately, so that tests choose which of them run.

use std::sync::Arc;

use axum::Router;
use chrono::TimeDelta;

use crate::auth::key_ring::KeyRing;
use crate::auth::oidc::OidcIssuer;
use crate::auth::passwords::{Argon2Cost, Passwords};
use crate::auth::throttle::Throttle;
use crate::config::{HttpPolicy, PlanRules, RuleSettings};
use crate::domain::plan_catalog::Plans;
use crate::domain::{Clock, Result};
use crate::events::dispatcher;
use crate::events::hub::Hub;
use crate::graphql::documents::{DocumentRules, Documents};
use crate::graphql::schema::{self, Schema};
use crate::mail;
use crate::mail::queue::{Links, Outbox};
use crate::mail::transports::Transport;
use crate::operations::maintenance::schedule;
use crate::operations::{AppContext, InstallationSettings, SignUp};
use crate::server::admission::Admission;
use crate::server::router;
use crate::server::shutdown::Shutdown;
use crate::server::state::{ServerState, TimeLimits};
use crate::store::{Database, events};

/// Configuration of an application.
#[derive(Clone, Debug)]
pub struct AppConfig {
    /// Links in mails.
    pub links: Links,
    /// Rules that operations apply.
    pub rules: InstallationSettings,
    /// Cost of hashing a password.
    pub password_cost: Argon2Cost,
    /// External OIDC issuer; `None` if this server manages the accounts itself.
    pub issuer: Option<Arc<OidcIssuer>>,
    /// Which documents may be executed, and whether clients may read the schema.
    pub documents: DocumentRules,
    /// Origins, proxies and limits of the HTTP server.
    pub access: HttpPolicy,
    /// Timeouts of operations.
    pub time_limits: TimeLimits,
}

impl AppConfig {
    /// Creates the configuration from the operator's settings.
    pub fn new(rules: &RuleSettings, plans: PlanRules, links: Links) -> Self {
        let rules = InstallationSettings {
            sign_up: rules.sign_up,
            invitation_expiry: TimeDelta::days(i64::from(rules.invitation_expiry_days)),
            event_retention: TimeDelta::days(i64::from(rules.event_retention_days)),
            deletion_grace: TimeDelta::days(i64::from(rules.deletion_grace_days)),
            rate_limits: rules.rate_limits.into(),
            owners_manage_plans: plans.owners_manage_plans,
            plans: plans.plans,
        };
        Self {
            links,
            rules,
            password_cost: Argon2Cost::PRODUCTION,
            issuer: None,
            access: HttpPolicy::default(),
            time_limits: TimeLimits::default(),
            documents: DocumentRules::default(),
        }
    }

    /// Creates a configuration for tests: open sign-up, no limits, cheap password hashes.
    pub fn for_tests() -> Self {
        let link = |key| format!("http://localhost:4000/graphiql#{key}={{token}}");
        Self {
            links: Links {
                invitation: link("invitation"),
                verification: link("verify"),
                password_reset: link("reset"),
            },
            rules: InstallationSettings {
                sign_up: SignUp::Open,
                invitation_expiry: TimeDelta::days(7),
                event_retention: TimeDelta::days(90),
                deletion_grace: TimeDelta::days(7),
                rate_limits: false,
                owners_manage_plans: true,
                plans: Plans::unlimited(),
            },
            password_cost: Argon2Cost::TEST,
            issuer: None,
            documents: DocumentRules::default(),
            access: HttpPolicy::default(),
            time_limits: TimeLimits::default(),
        }
    }
}

/// An application that is ready to serve requests.
#[derive(Clone)]
pub struct App {
    /// Context of operations.
    pub env: AppContext,
    /// GraphQL schema.
    pub schema: Schema,
    /// Documents that requests may run.
    pub documents: Arc<Documents>,
    /// HTTP routes.
    pub router: Router,
    /// Limits of connections, streams and request rates.
    pub admission: Admission,
    /// Handle that stops the application.
    pub shutdown: Shutdown,
}

impl App {
    /// Builds an application with a shutdown handle of its own. Neither queries the database nor starts tasks.
    pub fn build(settings: AppConfig, store: Database, keys: impl Into<KeyRing>, clock: Clock) -> Self {
        Self::build_with_shutdown(Shutdown::default(), settings, store, keys, clock)
    }

    /// Builds an application that stops with `shutdown`.
    pub fn build_with_shutdown(
        shutdown: Shutdown,
        settings: AppConfig,
        store: Database,
        keys: impl Into<KeyRing>,
        clock: Clock,
    ) -> Self {
        let keys = Arc::new(keys.into());
        let env = AppContext {
            outbox: Outbox::new(settings.links, keys.clone()),
            passwords: Passwords::new(settings.password_cost),
            hub: Hub::default(),
            throttle: Throttle::new(settings.rules.rate_limits),
            rules: Arc::new(settings.rules),
            tasks: shutdown.tasks.clone(),
            unrevoked: Arc::default(),
            keys,
            issuer: settings.issuer,
            store,
            clock,
        };
        let schema = schema::build(env.clone());
        let admission = Admission::new(settings.access);
        let documents = Arc::new(Documents::new(settings.documents));
        let router = router::router(ServerState {
            schema: schema.clone(),
            documents: documents.clone(),
            admission: admission.clone(),
            time_limits: settings.time_limits,
            env: env.clone(),
            tasks: shutdown.tasks.clone(),
            announced: shutdown.announced.clone(),
            stopping: shutdown.soft.clone(),
        });
        Self { env, schema, documents, router, admission, shutdown }
    }

    /// Reads the epochs of the event log, by which cursors are judged. To be called before requests are served.
    pub async fn load_epochs(&self) -> Result<()> {
        let epochs = events::epochs(&mut *self.env.store.read().await?).await?;
        self.env.hub.set_epochs(epochs);
        Ok(())
    }

    /// Spawns the worker that sends queued mails until the shutdown.
    pub fn spawn_mail_worker(&self, transport: Transport) {
        let AppContext { store, outbox, clock, .. } = self.env.clone();
        let worker = mail::worker::run(store, outbox, transport, clock, self.shutdown.soft.clone());
        self.shutdown.tasks.spawn(worker);
    }

    /// Spawns the dispatcher that sends events to subscribers until the shutdown.
    pub fn spawn_event_dispatcher(&self) {
        let AppContext { store, hub, .. } = self.env.clone();
        self.shutdown.tasks.spawn(dispatcher::run(store, hub, self.shutdown.soft.clone()));
    }

    /// Spawns the task that refreshes the external issuer's keys until the shutdown. Does nothing without an issuer.
    pub fn spawn_jwks_refresh(&self) {
        if let Some(issuer) = &self.env.issuer {
            self.shutdown.tasks.spawn(issuer.jwks().clone().run(self.shutdown.soft.clone()));
        }
    }

    /// Spawns the periodic maintenance, which marks expired rows and purges old ones until the shutdown.
    pub fn spawn_maintenance(&self) {
        let AppContext { store, clock, rules, keys, .. } = self.env.clone();
        let cancel = self.shutdown.soft.clone();
        self.shutdown.tasks.spawn(schedule::run(store, clock, keys, rules.event_retention, cancel));
    }
}
