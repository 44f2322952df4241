//! What the server does unasked, every half minute: it marks what has run out and deletes what nobody needs any more.
//!
//! Every process runs it; they take turns by the rows that they lock, and what one has done the next does not find.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::domain::{Clock, Result};
use crate::operations::idempotency;
use crate::operations::maintenance::expire_invitations::expire_invitations;
use crate::operations::maintenance::expire_ownership_offers::expire_ownership_offers;
use crate::operations::maintenance::expire_plans::expire_plans;
use crate::operations::maintenance::fill_text_keys::fill_text_keys;
use crate::operations::maintenance::purge_organizations::purge_organizations;
use crate::store::sign_in_networks;
use crate::store::users::address_forms;
use crate::store::{Connection, Database, Transactional, events, expiry, mail_counts, mails};

/// How long it rests in between.
const PAUSE: Duration = Duration::from_secs(30);
/// How long mails are kept after they were asked for: the limits on mails count a day back.
const MAILS_KEPT: TimeDelta = TimeDelta::days(30);
/// How long it is known whose account was deleted: longer than the tokens of issuers elsewhere usually last, so that none of
/// them makes another.
const ENDED_IDENTITIES_KEPT: TimeDelta = TimeDelta::days(2);
/// How long counts of mails are kept after their day.
const MAIL_COUNTS_KEPT: TimeDelta = TimeDelta::days(1);
/// How many rows are deleted in one transaction.
const BATCH: usize = 500;

/// Runs the jobs until it is cancelled.
pub async fn run(store: Database, clock: Clock, event_retention: TimeDelta, cancel: CancellationToken) {
    // Processes of the release before may have written some since the migration.
    if let Err(error) = convert_addresses(&store, &clock).await {
        tracing::error!(?error, "cannot convert addresses");
    }
    loop {
        match expire_invitations(&store, &clock).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "marked invitations that have run out"),
            Err(error) => tracing::error!(?error, "cannot mark invitations that have run out"),
        }
        match expire_ownership_offers(&store, &clock).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "marked offers of ownership that have lapsed"),
            Err(error) => tracing::error!(?error, "cannot mark offers of ownership that have lapsed"),
        }
        match fill_text_keys(&store).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "filled text keys"),
            Err(error) => tracing::error!(?error, "cannot fill text keys"),
        }
        match purge_organizations(&store, &clock).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "deleted organizations for good"),
            Err(error) => tracing::error!(?error, "cannot delete organizations for good"),
        }
        match expire_plans(&store, &clock).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "ended plans that were cancelled"),
            Err(error) => tracing::error!(?error, "cannot end plans that were cancelled"),
        }
        if let Err(error) = sweep(&store, &clock).await {
            tracing::error!(?error, "cannot delete what has run out");
        }
        tokio::select! {
            // The first time there may be many; what is deleted by then stays so.
            () = cancel.cancelled() => return,
            pruned = prune_events(&store, &clock, event_retention) => if let Err(error) = pruned {
                tracing::error!(?error, "cannot delete old events");
            }
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn convert_addresses(store: &Database, clock: &Clock) -> Result<()> {
    address_forms::convert(&mut *store.writer().await?, clock.now()).await?;
    Ok(())
}

/// Deletes sessions, tokens and idempotency keys that have run out, slugs that are held no longer, old mails and their counts, and
/// networks that nobody signed in from lately; tells how many rows.
pub async fn sweep(store: &Database, clock: &Clock) -> Result<usize> {
    let mut count = 0;
    loop {
        let now = clock.now();
        let limit = BATCH as i64;
        let deleted = store
            .writer()
            .await?
            .transaction(async |tx| {
                Ok::<_, crate::domain::Error>([
                    expiry::delete_email_tokens(tx, now, limit).await?,
                    expiry::delete_sessions(tx, now, limit).await?,
                    expiry::delete_ended_identities(tx, now - ENDED_IDENTITIES_KEPT, limit).await?,
                    expiry::delete_former_slugs(tx, now, limit).await?,
                    expiry::delete_idempotency_keys(tx, now - idempotency::KEPT, limit).await?,
                    mails::delete_settled_before(tx, now - MAILS_KEPT, limit).await?,
                    mail_counts::delete_before(tx, (now - MAIL_COUNTS_KEPT).date_naive(), limit).await?,
                    sign_in_networks::delete_unused(tx, now - sign_in_networks::KEPT, limit).await?,
                ])
            })
            .await?;
        count += deleted.iter().sum::<usize>();
        if deleted.iter().all(|&deleted| deleted < BATCH) {
            return Ok(count);
        }
    }
}

/// Deletes events that are older than `kept`, from the beginning of the log; tells how many.
pub async fn prune_events(store: &Database, clock: &Clock, kept: TimeDelta) -> Result<usize> {
    let mut count = 0;
    loop {
        let until = clock.now() - kept;
        let work = async |tx: &mut Connection| events::prune(tx, until, BATCH as i64).await;
        let deleted = store.writer().await?.transaction(work).await?;
        count += deleted;
        if deleted < BATCH {
            return Ok(count);
        }
    }
}
