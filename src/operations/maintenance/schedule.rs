//! Runs the periodic jobs every 30 seconds: they mark expired rows and delete rows that are not needed any more.
//!
//! Every process runs the jobs. Row locks keep the processes apart, and rows that one process has handled are not found
//! by the next.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::auth::key_ring::KeyRing;
use crate::domain::{Clock, Result};
use crate::operations::idempotency;
use crate::operations::maintenance::expire_invitations::expire_invitations;
use crate::operations::maintenance::expire_ownership_offers::expire_ownership_offers;
use crate::operations::maintenance::expire_plans::expire_plans;
use crate::operations::maintenance::fill_text_keys::fill_text_keys;
use crate::operations::maintenance::purge_organizations::purge_organizations;
use crate::operations::maintenance::signing_keys;
use crate::store::sign_in_networks;
use crate::store::users::address_forms;
use crate::store::{Connection, Database, Transactional, events, expiry, mail_counts, mails};

/// Pause between two runs.
const PAUSE: Duration = Duration::from_secs(30);
/// How long mails are kept after they were requested: the mail limits count one day back.
const MAILS_KEPT: TimeDelta = TimeDelta::days(30);
/// How long the identities of deleted accounts are kept: longer than tokens of external issuers are usually valid, so
/// that no such token creates the account again.
const ENDED_IDENTITIES_KEPT: TimeDelta = TimeDelta::days(2);
/// How long mail counts are kept after their day.
const MAIL_COUNTS_KEPT: TimeDelta = TimeDelta::days(1);
/// Number of rows that are deleted in one transaction.
const BATCH: usize = 500;

/// Runs the jobs until `cancel` is cancelled.
pub async fn run(
    store: Database,
    clock: Clock,
    keys: Arc<KeyRing>,
    event_retention: TimeDelta,
    cancel: CancellationToken,
) {
    // Processes of the previous release may have written such rows since the migration.
    if let Err(error) = convert_addresses(&store, &clock).await {
        tracing::error!(?error, "converting addresses failed");
    }
    loop {
        if let Err(error) = signing_keys::report(&store, &keys, &clock).await {
            tracing::error!(?error, "reporting signing keys failed");
        }
        match expire_invitations(&store, &clock).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "expired invitations"),
            Err(error) => tracing::error!(?error, "expiring invitations failed"),
        }
        match expire_ownership_offers(&store, &clock).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "expired ownership offers"),
            Err(error) => tracing::error!(?error, "expiring ownership offers failed"),
        }
        match fill_text_keys(&store).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "filled text keys"),
            Err(error) => tracing::error!(?error, "filling text keys failed"),
        }
        match purge_organizations(&store, &clock).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "purged organizations"),
            Err(error) => tracing::error!(?error, "purging organizations failed"),
        }
        match expire_plans(&store, &clock).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "expired cancelled plans"),
            Err(error) => tracing::error!(?error, "expiring cancelled plans failed"),
        }
        if let Err(error) = sweep(&store, &clock).await {
            tracing::error!(?error, "deleting expired rows failed");
        }
        tokio::select! {
            // The first run may have many events to delete; a cancellation keeps what is already deleted.
            () = cancel.cancelled() => return,
            pruned = prune_events(&store, &clock, event_retention) => if let Err(error) = pruned {
                tracing::error!(?error, "deleting old events failed");
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

/// Deletes expired sessions, tokens and idempotency keys, identities of deleted accounts, slugs that are no longer
/// reserved, old mails and mail counts, and networks without a recent sign-in. Returns the number of rows.
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

/// Deletes events that are older than `kept`, oldest first, and returns their number.
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
