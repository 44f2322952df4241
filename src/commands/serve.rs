//! `guildhall serve`: runs the server on the database of DATABASE_URL or on a private PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::database::CommandDatabase;
use crate::app::{App, AppConfig};
use crate::auth::key_ring::KeyRing;
use crate::auth::oidc::OidcIssuer;
use crate::commands::error::CliError;
use crate::commands::http;
use crate::commands::reload::Reload;
use crate::config::{
    ConfigError, DataDirSettings, DatabaseSettings, DatabaseSource, DocumentSettings, HttpPolicy, HttpSettings,
    IssuerSettings, KeySettings, LifeCycleSettings, LinkSettings, LogSettings, MailSettings, PlanManagement, PlanRules,
    RuleSettings,
};
use crate::domain::Clock;
use crate::graphql::documents::{DocumentRules, PreparedDocument, TrustedDocuments};
use crate::graphql::schema;
use crate::graphql::validation::Exposure;
use crate::mail::transports::Transport;
use crate::operations::maintenance::signing_keys;
use crate::server::shutdown::Shutdown;
use crate::store::installation;
use crate::telemetry;

/// Arguments of the command.
#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    folders: DataDirSettings,
    #[command(flatten)]
    life_cycle: LifeCycleSettings,
    #[command(flatten)]
    http: HttpSettings,
    #[command(flatten)]
    keys: KeySettings,
    #[command(flatten)]
    issuer: IssuerSettings,
    #[command(flatten)]
    links: LinkSettings,
    #[command(flatten)]
    mail: MailSettings,
    #[command(flatten)]
    rules: RuleSettings,
    #[command(flatten)]
    documents: DocumentSettings,
    #[command(flatten)]
    log: LogSettings,
}

/// Components that are built from the settings before the database is opened.
struct Components {
    keys: KeyRing,
    transport: Transport,
    plans: PlanRules,
    issuer: Option<OidcIssuer>,
    documents: DocumentRules,
}

impl Serve {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CliError> {
        telemetry::start(&self.log)?;
        // Settings are checked first, so that errors appear before a database is started.
        let components = Components {
            keys: read_keys(&self.database.source()?, &self.keys, &self.folders)?,
            transport: self.mail.transport(&self.folders.data_dir)?,
            plans: self.rules.plan_rules(PlanManagement::Admin)?,
            issuer: self.issuer.issuer()?,
            documents: self.documents.rules()?,
        };
        let shutdown = Shutdown::default();
        shutdown.listen_to_signals(Duration::from_secs(self.life_cycle.shutdown_delay))?;
        let database = match self.database.connector()? {
            None => CommandDatabase::start(&self.folders).await?,
            Some(connector) => {
                let wait = Duration::from_secs(self.life_cycle.database_wait_seconds);
                tokio::select! {
                    opened = CommandDatabase::wait_for(connector, wait, self.life_cycle.migrate) => opened?,
                    () = shutdown.soft.cancelled() => return Ok(()),
                }
            }
        };
        let served = self.serve(&database, components, shutdown).await;
        database.stop().await?;
        served
    }

    async fn serve(
        &self,
        database: &CommandDatabase,
        components: Components,
        shutdown: Shutdown,
    ) -> Result<(), CliError> {
        let Components { keys, transport, plans, issuer, documents } = components;
        let store = database.connect_to_serve(&self.http)?;
        if installation::is_demo(&mut *store.read().await?).await? {
            return Err(CliError::new(
                "This database holds the demo data, whose passwords are public: only `guildhall demo` serves it. Choose \
                 another DATABASE_URL or GUILDHALL_DATA_DIR.",
            ));
        }
        if !signing_keys::join(&store, &keys, &Clock::default()).await? {
            return Err(CliError::new(
                "Other processes use this database, and share no signing key with this one: their tokens would be refused \
                 here, and mails would fail. Set GUILDHALL_SIGNING_KEY_FILE to a list with one of their keys. If the keys \
                 are lost, run `guildhall keys retire --lost FINGERPRINT` for each fingerprint in the table signing_keys.",
            ));
        }
        let (listener, public_url) = http::listen(&self.http).await?;
        let mut settings = AppConfig::new(&self.rules, plans, self.links.links(&public_url)?);
        settings.issuer = issuer.map(Arc::new);
        settings.documents = documents;
        settings.access = HttpPolicy::new(&self.http, &self.rules, &public_url);
        let app = App::build_with_shutdown(shutdown, settings, store, keys, Clock::default());
        if self.mail.mail_worker.into() {
            if self.mail.smtp()?.is_none() {
                let folder = self.folders.data_dir.join("mail");
                tracing::warn!(folder = %folder.display(), "no SMTP server is set: mails are only written to a folder");
            }
            app.spawn_mail_worker(transport);
        }
        self.reload_at_hangup(&app, database)?;
        tracing::info!(public_url, "listening");
        http::serve(listener, app).await
    }
}

impl Serve {
    fn reload_at_hangup(&self, app: &App, database: &CommandDatabase) -> Result<(), CliError> {
        let (source, keys, folders) = (self.database.source()?, self.keys.clone(), self.folders.clone());
        let documents = self.documents.clone();
        let reload = Reload {
            keys: app.env.keys.clone(),
            read_keys: move || read_keys(&source, &keys, &folders),
            documents: app.documents.clone(),
            read_documents: move || documents.rules().map(|rules| rules.trusted),
            connector: database.connector.clone(),
        };
        Ok(reload.spawn(app.shutdown.soft.clone())?)
    }
}

fn read_keys(source: &DatabaseSource, keys: &KeySettings, folders: &DataDirSettings) -> Result<KeyRing, ConfigError> {
    match source {
        DatabaseSource::Embedded => keys.load_or_create(&folders.data_dir),
        DatabaseSource::Url { .. } => keys.required(),
    }
}

impl DocumentSettings {
    /// Returns the rules for documents: exposure of the schema, and the trusted documents.
    fn rules(&self) -> Result<DocumentRules, ConfigError> {
        let exposure = if self.introspection.into() { Exposure::Open } else { Exposure::Hidden };
        // Documents of the manifest may use introspection.
        let prepare = |text: &str| {
            PreparedDocument::new(text, schema::definitions(), Exposure::Open).map_err(|bad| bad.to_string())
        };
        let read = |file: &std::path::PathBuf| -> Result<Arc<TrustedDocuments>, ConfigError> {
            let wrong = |why| ConfigError::new(format!("GUILDHALL_TRUSTED_DOCUMENTS: {}: {why}.", file.display()));
            let text = std::fs::read_to_string(file).map_err(|cause| wrong(format!("it cannot be read: {cause}")))?;
            Ok(Arc::new(TrustedDocuments::parse(&text, prepare).map_err(wrong)?))
        };
        Ok(DocumentRules { exposure, trusted: self.trusted_documents.as_ref().map(read).transpose()? })
    }
}

impl MailSettings {
    /// Returns the transport of mails: SMTP, or a folder.
    fn transport(&self, data_dir: &std::path::Path) -> Result<Transport, ConfigError> {
        let transport = match self.smtp()? {
            Some(url) => Transport::smtp(&url, &self.mail_from),
            None => Transport::folder(data_dir.join("mail"), &self.mail_from, None),
        };
        transport.map_err(|bad| ConfigError::new(format!("SMTP_URL, MAIL_FROM: {bad}.")))
    }
}
