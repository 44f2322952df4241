//! Writes events in a separate process, which notifies the server like another server process, and records when each
//! commit returned.

use std::env;
use std::process::Stdio;
use std::time::Duration;

use guildhall::domain::event::EventType;
use guildhall::domain::ids::TypedId;
use guildhall::domain::{Clock, OrganizationId};
use guildhall::events::dispatcher;
use guildhall::events::hub::Hub;
use guildhall::events::record;
use guildhall::events::record::NewEvent;
use guildhall::store::{Connector, Database, Transactional};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use crate::{Load, Outcome, nanos};

/// Starts the writer, and returns the commit times in nanoseconds since 1970.
pub async fn write(database_url: &str, organization: &str, load: Load) -> Outcome<Vec<u64>> {
    let writer = Command::new(env::current_exe()?)
        .env("DATABASE_URL", database_url)
        .env("BENCH_WRITER", format!("{organization} {} {}", load.rate, load.seconds))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = String::from_utf8(writer.wait_with_output().await?.stdout)?;
    Ok(output.lines().map(str::parse).collect::<Result<_, _>>()?)
}

/// Writes the events, in the process that was started for this.
pub async fn run(database_url: &str, plan: &str) -> Outcome {
    let [organization, rate, seconds] = plan.split(' ').collect::<Vec<_>>()[..] else {
        return Err("BENCH_WRITER has no plan".into());
    };
    let organization = OrganizationId::parse(organization).ok_or("no organization")?;
    let (rate, seconds): (u32, u32) = (rate.parse()?, seconds.parse()?);
    let (store, hub, cancel, clock) = (
        Database::connect(&Connector::to_url(database_url)?, 4)?,
        Hub::default(),
        CancellationToken::new(),
        Clock::default(),
    );
    let dispatcher = tokio::spawn(dispatcher::run(store.clone(), hub, cancel.clone()));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut interval = tokio::time::interval(Duration::from_secs(1) / rate);
    let mut committed = Vec::new();
    for n in 0..rate * seconds {
        interval.tick().await;
        // The subject ID contains the number of the event.
        let event = NewEvent::new(organization, EventType::OrganizationUpdated, None, format!("n{n}."));
        let mut writer = store.writer().await.map_err(|error| format!("{error:?}"))?;
        let now = clock.now();
        let done = writer.transaction(async |tx| record::record(tx, now, vec![event]).await).await;
        done.map_err(|error| format!("{error:?}"))?;
        committed.push(nanos());
    }
    // The last events are still being dispatched.
    tokio::time::sleep(Duration::from_millis(500)).await;
    cancel.cancel();
    dispatcher.await?;
    committed.iter().for_each(|nanos| println!("{nanos}"));
    Ok(())
}
