//! Sessions: families of refresh tokens. No token is stored, only which generation is the newest.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::schema::sessions;
use super::{Connection, Write};
use crate::domain::clock::Instant;
use crate::domain::session::RefreshTokens;
use crate::domain::{Result, SessionId, UserId};

/// A session.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
pub struct Session {
    /// Its ID, the `sid` of access tokens.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// Generation of the newest refresh token.
    pub generation: i32,
    /// When that token was made.
    pub rotated_at: Instant,
    /// When it runs out.
    pub expires_at: Instant,
    /// When its user signed in.
    pub began_at: Instant,
    /// When earlier refresh tokens were first used, as [`RefreshTokens`] keeps them.
    pub first_uses: Vec<Instant>,
}

impl Session {
    /// Its refresh tokens.
    pub fn refresh_tokens(&self) -> RefreshTokens {
        let Self { generation: newest, rotated_at, ref first_uses, .. } = *self;
        RefreshTokens { newest, rotated_at, first_uses: first_uses.clone() }
    }
}

/// Begins a session.
pub async fn insert(tx: &mut Connection, session: &Session) -> Result<()> {
    diesel::insert_into(sessions::table).values(session).execute(tx).await?;
    Ok(())
}

/// The session with that ID.
pub async fn find(connection: &mut Connection, id: SessionId) -> Result<Option<Session>> {
    Ok(sessions::table.find(id).select(Session::as_select()).first(connection).await.optional()?)
}

/// Locks a session until the transaction ends.
pub async fn lock(tx: &mut Connection, id: SessionId) -> Result<Option<Session>> {
    let row = sessions::table.find(id).select(Session::as_select());
    Ok(row.for_no_key_update().first(tx).await.optional()?)
}

/// Writes the refresh tokens of a session, as they are in `session`. The session must be locked.
pub fn rotate(session: &Session) -> Write {
    Write::of(diesel::update(sessions::table.find(session.id)).set((
        sessions::generation.eq(session.generation),
        sessions::rotated_at.eq(session.rotated_at),
        sessions::expires_at.eq(session.expires_at),
        sessions::first_uses.eq(session.first_uses.clone()),
    )))
}

/// Ends a session, if it has not ended.
pub fn delete(id: SessionId) -> Write {
    Write::of(diesel::delete(sessions::table.find(id)))
}

/// Ends the sessions of a user, all but `kept`.
pub async fn delete_of_user(tx: &mut Connection, user: UserId, kept: Option<SessionId>) -> Result<()> {
    let others = sessions::id.nullable().is_distinct_from(kept);
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user).and(others))).execute(tx).await?;
    Ok(())
}
