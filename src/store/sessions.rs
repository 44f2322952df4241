//! Table of sessions: families of refresh tokens. Tokens are not stored, only the generation of the newest one.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::schema::sessions;
use super::{Connection, Write};
use crate::domain::clock::Instant;
use crate::domain::session::RefreshTokens;
use crate::domain::{Result, SessionId, UserId};

/// Session.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
pub struct Session {
    /// ID of the session, the `sid` of access tokens.
    pub id: SessionId,
    /// User of the session.
    pub user_id: UserId,
    /// Generation of the newest refresh token.
    pub generation: i32,
    /// Time at which the newest refresh token was issued.
    pub rotated_at: Instant,
    /// Time at which the session expires.
    pub expires_at: Instant,
    /// Time of the sign-in.
    pub began_at: Instant,
    /// Times at which earlier refresh tokens were first used, in the form of [`RefreshTokens`].
    pub first_uses: Vec<Instant>,
}

impl Session {
    /// Returns the refresh tokens of the session.
    pub fn refresh_tokens(&self) -> RefreshTokens {
        let Self { generation: newest, rotated_at, ref first_uses, .. } = *self;
        RefreshTokens { newest, rotated_at, first_uses: first_uses.clone() }
    }
}

/// Inserts a session.
pub async fn insert(tx: &mut Connection, session: &Session) -> Result<()> {
    diesel::insert_into(sessions::table).values(session).execute(tx).await?;
    Ok(())
}

/// Returns the session with an ID.
pub async fn find(connection: &mut Connection, id: SessionId) -> Result<Option<Session>> {
    Ok(sessions::table.find(id).select(Session::as_select()).first(connection).await.optional()?)
}

/// Locks a session until the transaction ends, and returns its row as of the lock.
pub async fn lock(tx: &mut Connection, id: SessionId) -> Result<Option<Session>> {
    let row = sessions::table.find(id).select(Session::as_select());
    Ok(row.for_no_key_update().first(tx).await.optional()?)
}

/// Updates the refresh tokens of a session, which must be locked.
pub fn rotate(session: &Session) -> Write {
    Write::of(diesel::update(sessions::table.find(session.id)).set((
        sessions::generation.eq(session.generation),
        sessions::rotated_at.eq(session.rotated_at),
        sessions::expires_at.eq(session.expires_at),
        sessions::first_uses.eq(session.first_uses.clone()),
    )))
}

/// Ends a session. Does nothing if it has already ended.
pub fn delete(id: SessionId) -> Write {
    Write::of(diesel::delete(sessions::table.find(id)))
}

/// Ends all sessions of a user except `kept`.
pub async fn delete_of_user(tx: &mut Connection, user: UserId, kept: Option<SessionId>) -> Result<()> {
    let others = sessions::id.nullable().is_distinct_from(kept);
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user).and(others))).execute(tx).await?;
    Ok(())
}
