//! Tokens that were sent by mail, as hashes: to prove an address, to change it, or to reset a password. An account has one
//! unused token that proves its address and one that changes it: a new one takes the place of the last. Tokens that reset a
//! password belong to the address that they went to, so that only its reader makes them worthless: requests for
//! another one do not, nor does anything that becomes of the accounts that claim the address.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::domain::clock::Instant;
use crate::domain::{Email, EmailTokenPurpose, Result, UserId};
use crate::store::Connection;
use crate::store::schema::email_tokens;

/// How long a token is kept that has proven its address.
const USED_KEPT: TimeDelta = TimeDelta::days(30);

/// A token.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = email_tokens, check_for_backend(diesel::pg::Pg))]
pub struct EmailToken {
    /// SHA-256 of the token.
    pub token_hash: Vec<u8>,
    /// The account. `None`: the one that has proven the address when the token is used, or else claims it.
    pub user_id: Option<UserId>,
    /// What it is good for.
    pub purpose: EmailTokenPurpose,
    /// Where it was sent, and so what it proves.
    pub email: String,
    /// The address as it was written, if that is not `email`.
    pub email_written: Option<String>,
    /// When it was made.
    pub created_at: Instant,
    /// When it runs out, or is forgotten if it was used.
    pub expires_at: Instant,
    /// When it proved the address. `None`: it is unused.
    pub used_at: Option<Instant>,
}

impl EmailToken {
    /// The address that it proves.
    pub fn address(&self) -> Email {
        Email::stored(self.email.clone(), self.email_written.clone())
    }
}

/// Keeps a token, in the place of the account's unused one for the same purpose, if it is that of an account. The account must be
/// locked.
pub async fn put(tx: &mut Connection, token: &EmailToken) -> Result<()> {
    if let Some(user) = token.user_id {
        forget(tx, user, token.purpose).await?;
    }
    diesel::insert_into(email_tokens::table).values(token).execute(tx).await?;
    Ok(())
}

/// The token with that hash, for one of those purposes, used or not, if it has not run out.
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

/// Marks an unused token as used. Returns whether it was unused: of two requests at once, one succeeds.
pub async fn use_up(tx: &mut Connection, token_hash: &[u8], now: Instant) -> Result<bool> {
    let unused = email_tokens::table.find(token_hash).filter(email_tokens::used_at.is_null());
    let used = (email_tokens::used_at.eq(now), email_tokens::expires_at.eq(now + USED_KEPT));
    Ok(diesel::update(unused).set(used).execute(tx).await? > 0)
}

/// Forgets the unused token of an account for that purpose.
pub async fn forget(tx: &mut Connection, user: UserId, purpose: EmailTokenPurpose) -> Result<()> {
    let own = email_tokens::user_id.eq(user).and(email_tokens::purpose.eq(purpose));
    diesel::delete(email_tokens::table.filter(own.and(email_tokens::used_at.is_null()))).execute(tx).await?;
    Ok(())
}

/// Forgets the tokens that reset a password through that address.
pub async fn forget_resets(tx: &mut Connection, email: &str) -> Result<()> {
    let resets = email_tokens::email.eq(email).and(email_tokens::purpose.eq(EmailTokenPurpose::Reset));
    diesel::delete(email_tokens::table.filter(resets)).execute(tx).await?;
    Ok(())
}

/// Settles what can no longer be used once `user` has proven `email`: tokens that prove it for other accounts and the user's own
/// tokens that prove a former address are forgotten; the user's own tokens that prove this one count as used.
pub async fn settle_proven(tx: &mut Connection, user: UserId, email: &Email, now: Instant) -> Result<()> {
    let own = email_tokens::user_id.eq(user);
    let there = email_tokens::email.eq(email.as_str());
    let others = email_tokens::user_id.ne(user).and(there).and(email_tokens::purpose.ne(EmailTokenPurpose::Reset));
    let former = email_tokens::email.ne(email.as_str()).and(email_tokens::purpose.eq(EmailTokenPurpose::Verify));
    // Two statements, each by an index.
    diesel::delete(email_tokens::table.filter(others)).execute(tx).await?;
    diesel::delete(email_tokens::table.filter(own.and(former))).execute(tx).await?;
    let needless = own.and(there).and(email_tokens::purpose.ne(EmailTokenPurpose::Reset));
    diesel::update(email_tokens::table.filter(needless.and(email_tokens::used_at.is_null())))
        .set((email_tokens::used_at.eq(now), email_tokens::expires_at.eq(now + USED_KEPT)))
        .execute(tx)
        .await?;
    Ok(())
}
