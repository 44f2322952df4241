//! `guildhall demo`: serves example data without any setup, and prints the accounts and the next steps.

use std::time::Duration;

use clap::Args;
use tokio::sync::mpsc;

use super::database::CommandDatabase;
use crate::app::{App, AppConfig};
use crate::commands::error::CliError;
use crate::commands::http;
use crate::config::{
    ConfigError, DataDirSettings, HttpPolicy, HttpSettings, KeySettings, LinkSettings, LogSettings, PlanManagement,
    PlanRules, RuleSettings,
};
use crate::domain::Clock;
use crate::mail::transports::{SentMail, Transport};
use crate::seed::demo;
use crate::seed::demo::{DemoUser, PASSWORD, PEOPLE};
use crate::server::shutdown::Shutdown;
use crate::telemetry;

/// Sender of the demo's mails, which are only written to files.
const SENDER: &str = "Guildhall demo <demo@localhost>";

/// Arguments of the command.
#[derive(Args)]
pub struct Demo {
    #[command(flatten)]
    folders: DataDirSettings,
    #[command(flatten)]
    http: HttpSettings,
    #[command(flatten)]
    links: LinkSettings,
    #[command(flatten)]
    rules: RuleSettings,
    #[command(flatten)]
    log: LogSettings,
}

impl Demo {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CliError> {
        telemetry::start(&self.log)?;
        let plans = self.rules.plan_rules(PlanManagement::Owners)?;
        let shutdown = Shutdown::default();
        shutdown.listen_to_signals(Duration::ZERO)?;
        let database = CommandDatabase::start(&self.folders).await?;
        let served = self.serve(&database, plans, shutdown).await;
        database.stop().await?;
        served
    }

    async fn serve(&self, database: &CommandDatabase, plans: PlanRules, shutdown: Shutdown) -> Result<(), CliError> {
        let keys = KeySettings::default().load_or_create(&self.folders.data_dir)?;
        let store = database.connect_to_serve(&self.http)?;
        let (listener, public_url) = http::listen(&self.http).await?;
        let mut settings = AppConfig::new(&self.rules, plans, self.links.links(&public_url)?);
        settings.access = HttpPolicy::new(&self.http, &self.rules, &public_url);
        let app = App::build_with_shutdown(shutdown, settings, store, keys, Clock::default());
        demo::load(&app.env).await?;

        let mails = self.folders.data_dir.join("mail");
        let (sender, sent_mails) = mpsc::unbounded_channel();
        let transport = Transport::folder(mails.clone(), SENDER, Some(sender))
            .map_err(|bad| ConfigError::new(format!("Mails cannot be written to the data folder: {bad}.")))?;
        println!("{}", introduction(&public_url, &mails.display().to_string()));
        app.spawn_mail_worker(transport);
        tokio::spawn(announce(sent_mails));
        http::serve(listener, app).await
    }
}

/// Prints the links of mails, so that a new user can follow them without a mail server.
async fn announce(mut sent_mails: mpsc::UnboundedReceiver<SentMail>) {
    while let Some(SentMail { recipient, subject, link }) = sent_mails.recv().await {
        println!("Mail to {recipient}: {subject}");
        if let Some(link) = link {
            println!("    {link}");
        }
    }
}

fn introduction(public_url: &str, mails: &str) -> String {
    // Accounts with only a first name are listed; the others are a team of annotators.
    let known: Vec<&DemoUser> = PEOPLE.iter().filter(|person| !person.username.contains('.')).collect();
    let others = PEOPLE.len() - known.len();
    let people: String = known.into_iter().map(line).collect();
    format!(
        r#"
Guildhall, with demo data.

  GraphiQL   {public_url}/graphiql
  GraphQL    {public_url}/graphql
  Mails      {mails} (mails stay on this machine; their links are printed here)

All accounts have the password `{PASSWORD}`:

{people}  and {others} more workers.

Sign in with this mutation in GraphiQL, and paste the token into the field "Access token":

  mutation {{ signIn(input: {{ login: "mira", password: "{PASSWORD}" }}) {{ session {{ accessToken }} userErrors {{ message }} }} }}

Ctrl-C stops the server. Changes are kept.
"#
    )
}

fn line(person: &DemoUser) -> String {
    let mut roles: Vec<String> = person.roles.iter().map(|(slug, role)| format!("{} of {slug}", role.name())).collect();
    if person.admin {
        roles.push("site administrator".to_owned());
    }
    format!("  {:<10} {:<22} {}\n", person.username, person.display_name, roles.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn introduction_lists_urls_accounts_and_roles() {
        let text = introduction("http://127.0.0.1:4000", "folder/mail");
        for expected in
            ["http://127.0.0.1:4000/graphiql", PASSWORD, "signIn", "folder/mail", "OWNER of", "administrator"]
        {
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }
}
