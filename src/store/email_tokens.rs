//! Tokens that were sent by mail, as hashes: to prove an address, to change it, or to reset a password. One of a kind for each
//! account: a new one takes the place of the last.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Connection;
use super::schema::email_tokens;
use crate::domain::clock::Instant;
use crate::domain::{Email, EmailTokenPurpose, Result, UserId};

/// A token.
#[derive(Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = email_tokens, check_for_backend(diesel::pg::Pg), primary_key(user_id, purpose))]
pub struct EmailToken {
    /// SHA-256 of the token.
    pub token_hash: Vec<u8>,
    /// The account.
    pub user_id: UserId,
    /// What it is good for.
    pub purpose: EmailTokenPurpose,
    /// Where it was sent, and so what it proves.
    pub email: String,
    /// When it was made.
    pub created_at: Instant,
    /// When it runs out.
    pub expires_at: Instant,
}

/// Keeps a token, in the place of the account's last one for the same purpose.
pub async fn put(tx: &mut Connection, token: &EmailToken) -> Result<()> {
    diesel::insert_into(email_tokens::table)
        .values(token)
        .on_conflict((email_tokens::user_id, email_tokens::purpose))
        .do_update()
        .set(token)
        .execute(tx)
        .await?;
    Ok(())
}

/// The token with that hash, for one of those purposes, if it has not run out.
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

/// Uses a token up. Whether it was still there: of two who try at once, one succeeds.
pub async fn take(tx: &mut Connection, token_hash: &[u8]) -> Result<bool> {
    Ok(diesel::delete(email_tokens::table.find(token_hash)).execute(tx).await? > 0)
}

/// Forgets the tokens of an account for those purposes.
pub async fn forget(tx: &mut Connection, user: UserId, purposes: &[EmailTokenPurpose]) -> Result<()> {
    let own = email_tokens::user_id.eq(user).and(email_tokens::purpose.eq_any(purposes));
    diesel::delete(email_tokens::table.filter(own)).execute(tx).await?;
    Ok(())
}

/// Forgets what nobody may use once `user` has proven that `email` is theirs: what was sent there for other accounts, the
/// user's own tokens to prove it, and those that went to a former address.
pub async fn forget_proven(tx: &mut Connection, user: UserId, email: &Email) -> Result<()> {
    let own = email_tokens::user_id.eq(user);
    let there = email_tokens::email.eq(email.as_str());
    let elsewhere = email_tokens::email.ne(email.as_str());
    let needless = there.and(email_tokens::purpose.ne(EmailTokenPurpose::Reset));
    let former = elsewhere.and(email_tokens::purpose.ne(EmailTokenPurpose::Change));
    let others = email_tokens::user_id.ne(user).and(email_tokens::email.eq(email.as_str()));
    diesel::delete(email_tokens::table.filter(others.or(own.and(needless.or(former))))).execute(tx).await?;
    Ok(())
}
