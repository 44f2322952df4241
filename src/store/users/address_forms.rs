//! Converts addresses that were stored with their domain in Unicode to the form in which addresses are compared: the
//! domain as A-labels. Each row is converted in its own transaction, so that other writers wait for one row at most.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::domain::clock::Instant;
use crate::domain::event::EventType;
use crate::domain::invitation::InvitationStatus;
use crate::domain::text_keys;
use crate::domain::{Email, InvitationId, OrganizationId, Result, UserId};
use crate::store::events;
use crate::store::events::NewRow;
use crate::store::schema::{email_tokens, events as event_rows, invitations, users};
use crate::store::{Connection, invitations as offers, organizations, users as accounts};

/// Maximum number of rows read by one statement.
const BATCH: i64 = 500;

/// Returns the condition that the domain of `email` is in Unicode.
fn unconverted() -> diesel::expression::SqlLiteral<Bool> {
    diesel::dsl::sql(r"email ~ '@.*[^\u0001-\u007F]'")
}

/// Converts the addresses of accounts, invitations and tokens. Returns how many accounts and invitations were
/// converted. Safe while other transactions write, and when several processes call it at once.
pub async fn convert(connection: &mut Connection, now: Instant) -> Result<usize> {
    let tokens = email_tokens::table.filter(unconverted()).select(email_tokens::email).distinct();
    let stale: Vec<String> = tokens.load(connection).await?;
    for (stored, address) in parsed(stale) {
        diesel::update(email_tokens::table.filter(email_tokens::email.eq(stored)))
            .set((email_tokens::email.eq(address.as_str()), email_tokens::email_written.eq(address.written())))
            .execute(connection)
            .await?;
    }
    Ok(convert_users(connection, now).await? + convert_invitations(connection, now).await?)
}

/// Converts the addresses in the event log, by which events find their viewers.
pub async fn convert_events(connection: &mut Connection) -> Result<()> {
    let addresses = event_rows::table.filter(event_rows::email.is_not_null().and(unconverted()));
    let stale: Vec<String> = addresses.select(event_rows::email.assume_not_null()).distinct().load(connection).await?;
    for (stored, address) in parsed(stale) {
        diesel::update(event_rows::table.filter(event_rows::email.eq(stored)))
            .set(event_rows::email.eq(address.as_str()))
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Returns each stored address with its converted form. Addresses that cannot be parsed are left out and stay as they
/// are.
fn parsed(stored: Vec<String>) -> Vec<(String, Email)> {
    let parse = |stored: String| Email::parse(&stored).ok().map(|address| (stored, address));
    stored.into_iter().filter_map(parse).collect()
}

async fn convert_users(connection: &mut Connection, now: Instant) -> Result<usize> {
    let (mut last, mut count) = (UserId::from(Uuid::nil()), 0);
    loop {
        let rows: Vec<(UserId, String)> = users::table
            .filter(users::id.gt(last).and(users::email.is_not_null()).and(unconverted()))
            .order_by(users::id)
            .limit(BATCH)
            .select((users::id, users::email.assume_not_null()))
            .load(connection)
            .await?;
        let Some((newest, _)) = rows.last() else { return Ok(count) };
        last = *newest;
        for (id, stored) in rows {
            let Ok(address) = Email::parse(&stored) else { continue };
            let work = async |tx: &mut Connection| convert_user(tx, id, &stored, &address, now).await;
            count += usize::from(connection.transaction(work).await?);
        }
    }
}

/// Converts the address of an account. If another account has proven the same address, the older proof keeps it, and
/// the other account loses its address. Returns false if the account's address has changed since it was read.
async fn convert_user(tx: &mut Connection, id: UserId, stored: &str, address: &Email, now: Instant) -> Result<bool> {
    let involved = accounts::lock_to_prove(tx, id, address).await?;
    let own = involved.iter().find(|(other, email, _)| *other == id && email.as_deref() == Some(stored));
    let Some((_, _, own_proof)) = own else { return Ok(false) };
    let rival =
        involved.iter().find_map(|(other, _, proof)| proof.filter(|_| *other != id).map(|proof| (proof, *other)));
    match (own_proof.map(|proof| (proof, id)), rival) {
        (own_proof, Some(rival)) if own_proof.is_none_or(|own_proof| own_proof > rival) => {
            tracing::warn!(account = %id, kept_by = %rival.1, "two accounts had the same address: the older proof keeps it");
            accounts::clear_email(tx, id).await?;
            return Ok(true);
        }
        (Some(_), Some((_, rival))) => {
            tracing::warn!(account = %rival, kept_by = %id, "two accounts had the same address: the older proof keeps it");
            accounts::clear_email(tx, rival).await?;
        }
        _ => {}
    }
    if own_proof.is_some() {
        accounts::prove_email(tx, id, address, now).await?;
    }
    diesel::update(users::table.find(id))
        .set((
            users::email.eq(address.as_str()),
            users::email_written.eq(address.written()),
            users::email_verified_at.eq(own_proof),
        ))
        .execute(tx)
        .await?;
    Ok(true)
}

async fn convert_invitations(connection: &mut Connection, now: Instant) -> Result<usize> {
    let (mut last, mut count) = (InvitationId::from(Uuid::nil()), 0);
    loop {
        let rows: Vec<(InvitationId, OrganizationId, String)> = invitations::table
            .filter(invitations::id.gt(last).and(unconverted()))
            .order_by(invitations::id)
            .limit(BATCH)
            .select((invitations::id, invitations::organization_id, invitations::email))
            .load(connection)
            .await?;
        let Some((newest, ..)) = rows.last() else { return Ok(count) };
        last = *newest;
        for (id, organization, stored) in rows {
            let Ok(address) = Email::parse(&stored) else { continue };
            let work =
                async |tx: &mut Connection| convert_invitation(tx, (id, organization), &stored, &address, now).await;
            count += usize::from(connection.transaction(work).await?);
        }
    }
}

/// Converts the address of an invitation. If the organization has another pending invitation to the same address, the
/// newer one is revoked. Returns false if the invitation was deleted or its address has changed.
async fn convert_invitation(
    tx: &mut Connection,
    (id, organization): (InvitationId, OrganizationId),
    stored: &str,
    address: &Email,
    now: Instant,
) -> Result<bool> {
    organizations::lock(tx, organization).await?;
    let Some(own) = offers::lock(tx, id).await?.filter(|own| own.email == stored) else { return Ok(false) };
    let rivals = offers::unresolved(tx, organization, &[address.to_string()]).await?;
    let rival = rivals.into_iter().next().filter(|_| own.status == InvitationStatus::Pending);
    if let Some(rival) = rival {
        let newer = if (own.created_at, own.id) > (rival.created_at, rival.id) { &own } else { &rival };
        let revoked = newer.resolved(InvitationStatus::Revoked, now);
        tx.queue(offers::resolve(&revoked));
        let event = NewRow {
            workspace_id: organization.into(),
            kind: EventType::InvitationRevoked.name(),
            at: now,
            actor_id: None,
            subject_id: revoked.id.to_string(),
            person_id: None,
            email: Some(address.to_string()),
            tied_ids: Vec::new(),
            changes: serde_json::json!([]),
        };
        tx.queue(events::append(vec![event]));
    }
    diesel::update(invitations::table.find(id))
        .set((invitations::email.eq(address.as_str()), invitations::email_written.eq(address.written())))
        .execute(tx)
        .await?;
    // A separate statement, because the database clears the key when the address changes.
    diesel::update(invitations::table.find(id))
        .set(invitations::email_key.eq(text_keys::stored(address.shown())))
        .execute(tx)
        .await?;
    Ok(true)
}
