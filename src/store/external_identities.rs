//! Table of external identities: users of external OIDC issuers with their accounts.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::domain::clock::Instant;
use crate::domain::{Result, UserId};
use crate::store::Connection;
use crate::store::advisory_locks;
use crate::store::advisory_locks::Kind;
use crate::store::schema::external_identities;

/// User of an external issuer.
#[derive(Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = external_identities, check_for_backend(diesel::pg::Pg), primary_key(issuer, subject))]
pub struct ExternalIdentity {
    /// `iss` of the tokens.
    pub issuer: String,
    /// `sub` of the tokens.
    pub subject: String,
    /// Account of the user; `None` after it was deleted.
    pub user_id: Option<UserId>,
    /// Last claimed username; `None` if none was claimed.
    pub preferred_username: Option<String>,
    /// Time of issue of the token whose claims the account has, or time at which the account was deleted.
    pub claimed_at: Instant,
}

/// Serializes transactions that create or change the account of an external identity. Lock order: before all other
/// locks.
pub async fn lock(tx: &mut Connection, issuer: &str, subject: &str) -> Result<()> {
    advisory_locks::lock(tx, Kind::Identity, &format!("{issuer} {subject}")).await
}

/// Returns the identity with an issuer and a subject.
pub async fn find(connection: &mut Connection, issuer: &str, subject: &str) -> Result<Option<ExternalIdentity>> {
    let found = external_identities::table.find((issuer, subject)).select(ExternalIdentity::as_select());
    Ok(found.first(connection).await.optional()?)
}

/// Inserts an identity, or replaces it.
pub async fn put(tx: &mut Connection, identity: &ExternalIdentity) -> Result<()> {
    diesel::insert_into(external_identities::table)
        .values(identity)
        .on_conflict((external_identities::issuer, external_identities::subject))
        .do_update()
        .set((
            external_identities::user_id.eq(identity.user_id),
            external_identities::preferred_username.eq(&identity.preferred_username),
            external_identities::claimed_at.eq(identity.claimed_at),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// Detaches the identities of an account that is about to be deleted. Tokens issued before `now` then create no new
/// account.
pub async fn end(tx: &mut Connection, user: UserId, now: Instant) -> Result<()> {
    diesel::update(external_identities::table.filter(external_identities::user_id.eq(user)))
        .set((
            external_identities::user_id.eq(None::<UserId>),
            external_identities::preferred_username.eq(None::<String>),
            external_identities::claimed_at.eq(now),
        ))
        .execute(tx)
        .await?;
    Ok(())
}
