//! Whom an issuer elsewhere calls what, and whose account that is.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::domain::clock::Instant;
use crate::domain::{Result, UserId};
use crate::store::Connection;
use crate::store::advisory_locks;
use crate::store::advisory_locks::Kind;
use crate::store::schema::external_identities;

/// Somebody by the name that an issuer gives them.
#[derive(Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = external_identities, check_for_backend(diesel::pg::Pg), primary_key(issuer, subject))]
pub struct ExternalIdentity {
    /// `iss` of the tokens.
    pub issuer: String,
    /// `sub` of the tokens.
    pub subject: String,
    /// The account. None: it was deleted.
    pub user_id: Option<UserId>,
    /// The username claimed last.
    pub preferred_username: Option<String>,
    /// When the token was made whose claims the account has, or when the account was deleted.
    pub claimed_at: Instant,
}

/// Lets only one transaction at a time make or change the account of somebody. Taken before anything else is locked.
pub async fn lock(tx: &mut Connection, issuer: &str, subject: &str) -> Result<()> {
    advisory_locks::lock(tx, Kind::Identity, &format!("{issuer} {subject}")).await
}

/// Whoever the issuer calls so.
pub async fn find(connection: &mut Connection, issuer: &str, subject: &str) -> Result<Option<ExternalIdentity>> {
    let found = external_identities::table.find((issuer, subject)).select(ExternalIdentity::as_select());
    Ok(found.first(connection).await.optional()?)
}

/// Writes down who somebody is, in the place of what was known of them.
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

/// Takes an account, which is about to be deleted, from whoever it belongs to: tokens from before `now` make no other.
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
