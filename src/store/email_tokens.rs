//! Table of tokens sent by mail, as hashes: to prove an address, to change it, or to reset a password. An account has
//! at most one unused token that proves its address and one that changes it; a new token replaces the previous one.
//! Tokens that reset a password belong to their address, so only a user who reads its mails can invalidate them:
//! requests for another token and changes of accounts that claim the address do not.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::domain::clock::Instant;
use crate::domain::{Email, EmailTokenPurpose, Result, UserId};
use crate::store::Connection;
use crate::store::schema::email_tokens;

/// Time for which a token is stored after its use.
const USED_KEPT: TimeDelta = TimeDelta::days(30);

/// Token.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = email_tokens, check_for_backend(diesel::pg::Pg))]
pub struct EmailToken {
    /// SHA-256 of the token.
    pub token_hash: Vec<u8>,
    /// Account of the token; `None` for a reset, which applies to the account that has proven the address when the
    /// token is used, or else claims it.
    pub user_id: Option<UserId>,
    /// Purpose of the token.
    pub purpose: EmailTokenPurpose,
    /// Address that the token was sent to, and that it proves.
    pub email: String,
    /// Address as the user wrote it; `None` if it equals `email`.
    pub email_written: Option<String>,
    /// Time of creation.
    pub created_at: Instant,
    /// Time at which the token expires or, after its use, is deleted.
    pub expires_at: Instant,
    /// Time of use; `None` if the token is unused.
    pub used_at: Option<Instant>,
}

impl EmailToken {
    /// Returns the address that the token proves.
    pub fn address(&self) -> Email {
        Email::stored(self.email.clone(), self.email_written.clone())
    }
}

/// Inserts a token. A token of an account replaces the account's unused token with the same purpose. The account must
/// be locked.
pub async fn put(tx: &mut Connection, token: &EmailToken) -> Result<()> {
    if let Some(user) = token.user_id {
        forget(tx, user, token.purpose).await?;
    }
    diesel::insert_into(email_tokens::table).values(token).execute(tx).await?;
    Ok(())
}

/// Returns the token with a hash and one of these purposes, used or not; `None` if it does not exist or has expired.
pub async fn find(
    connection: &mut Connection,
    token_hash: &[u8],
    purposes: &[EmailTokenPurpose],
    now: Instant,
) -> Result<Option<EmailToken>> {
    Ok(email_tokens::table
        .find(token_hash)
        .filter(email_tokens::purpose.eq_any(purposes).and(email_tokens::expires_at.gt(now)))
        .select(EmailToken::as_select())
        .first(connection)
        .await
        .optional()?)
}

/// Marks an unused token as used. Returns false if it was already used: of two concurrent requests, one succeeds.
pub async fn use_up(tx: &mut Connection, token_hash: &[u8], now: Instant) -> Result<bool> {
    let unused = email_tokens::table.find(token_hash).filter(email_tokens::used_at.is_null());
    let used = (email_tokens::used_at.eq(now), email_tokens::expires_at.eq(now + USED_KEPT));
    Ok(diesel::update(unused).set(used).execute(tx).await? > 0)
}

/// Deletes the unused token of an account with this purpose.
pub async fn forget(tx: &mut Connection, user: UserId, purpose: EmailTokenPurpose) -> Result<()> {
    let own = email_tokens::user_id.eq(user).and(email_tokens::purpose.eq(purpose));
    diesel::delete(email_tokens::table.filter(own.and(email_tokens::used_at.is_null()))).execute(tx).await?;
    Ok(())
}

/// Deletes the tokens that reset a password through this address.
pub async fn forget_resets(tx: &mut Connection, email: &str) -> Result<()> {
    let resets = email_tokens::email.eq(email).and(email_tokens::purpose.eq(EmailTokenPurpose::Reset));
    diesel::delete(email_tokens::table.filter(resets)).execute(tx).await?;
    Ok(())
}

/// Updates tokens after `user` has proven `email`. Deletes tokens of other accounts that prove it, and the user's own
/// tokens that prove a former address. Marks the user's own tokens that prove it as used.
pub async fn invalidate_after_proof(tx: &mut Connection, user: UserId, email: &Email, now: Instant) -> Result<()> {
    let own = email_tokens::user_id.eq(user);
    let to_address = email_tokens::email.eq(email.as_str());
    let others = email_tokens::user_id.ne(user).and(to_address).and(email_tokens::purpose.ne(EmailTokenPurpose::Reset));
    let former = email_tokens::email.ne(email.as_str()).and(email_tokens::purpose.eq(EmailTokenPurpose::Verify));
    // Two statements, each of which uses an index.
    diesel::delete(email_tokens::table.filter(others)).execute(tx).await?;
    diesel::delete(email_tokens::table.filter(own.and(former))).execute(tx).await?;
    let proving = own.and(to_address).and(email_tokens::purpose.ne(EmailTokenPurpose::Reset));
    diesel::update(email_tokens::table.filter(proving.and(email_tokens::used_at.is_null())))
        .set((email_tokens::used_at.eq(now), email_tokens::expires_at.eq(now + USED_KEPT)))
        .execute(tx)
        .await?;
    Ok(())
}
