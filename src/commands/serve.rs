//! `guildhall serve`: runs the server on the database of DATABASE_URL or on a private PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::database::CommandDatabase;
use crate::app::{App, AppConfig};
use crate::auth::oidc::OidcIssuer;
use crate::auth::tokens::TokenSigner;
use crate::commands::error::CliError;
use crate::commands::http;
use crate::config::{
    ConfigError, DataDirSettings, DatabaseSettings, DatabaseSource, DocumentSettings, HttpPolicy, HttpSettings,
    IssuerSettings, KeySettings, LinkSettings, LogSettings, MailSettings, PlanManagement, PlanRules, RuleSettings,
};
use crate::domain::Clock;
use crate::graphql::documents::{DocumentRules, PreparedDocument, TrustedDocuments};
use crate::graphql::schema;
use crate::graphql::validation::Exposure;
use crate::mail::transports::Transport;
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
    /// Migrates the database before serving.
    #[arg(long, env = "GUILDHALL_MIGRATE", value_parser = clap::builder::BoolishValueParser::new())]
    migrate: bool,
    /// How long the start waits for a database that cannot be reached, in seconds.
    #[arg(long, env = "DATABASE_WAIT_SECONDS", value_name = "SECONDS", default_value_t = 30)]
    database_wait_seconds: u64,
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
    keys: TokenSigner,
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
            keys: match self.database.source()? {
                DatabaseSource::Embedded => self.keys.load_or_create(&self.folders.data_dir)?,
                DatabaseSource::Url { .. } => self.keys.required()?,
            },
            transport: self.mail.transport(&self.folders.data_dir)?,
            plans: self.rules.plan_rules(PlanManagement::Admin)?,
            issuer: self.issuer.issuer()?,
            documents: self.documents.rules()?,
        };
        let shutdown = Shutdown::default();
        shutdown.listen_to_signals()?;
        let database = match self.database.connector()? {
            None => CommandDatabase::start(&self.folders).await?,
            Some(connector) => {
                let wait = Duration::from_secs(self.database_wait_seconds);
                tokio::select! {
                    opened = CommandDatabase::wait_for(connector, wait, self.migrate) => opened?,
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
        let (listener, public_url) = http::listen(&self.http).await?;
        let mut settings = AppConfig::new(&self.rules, plans, self.links.links(&public_url)?);
        settings.issuer = issuer.map(Arc::new);
        settings.documents = documents;
        settings.access = HttpPolicy::new(&self.http, &self.rules, &public_url);
        let app = App::build_with_shutdown(shutdown, settings, store, keys, Clock::default());
        if self.mail.mail_worker.into() {
            app.spawn_mail_worker(transport);
        }
        tracing::info!(public_url, "listening");
        http::serve(listener, app).await
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
        let transport = match self.smtp() {
            Some(url) => Transport::smtp(url, &self.mail_from),
            None => Transport::folder(data_dir.join("mail"), &self.mail_from, None),
        };
        transport.map_err(|bad| ConfigError::new(format!("SMTP_URL, MAIL_FROM: {bad}.")))
    }
}
