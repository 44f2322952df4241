//! Sessions: families of refresh tokens. No token is stored, only which generation is the newest.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Connection;
use super::schema::sessions;
use crate::domain::clock::Instant;
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

/// Puts the next generation in the place of `generation`, if that is the newest one and has not run out. Of several that try
/// at once, one succeeds.
pub async fn rotate(
    connection: &mut Connection,
    id: SessionId,
    generation: i32,
    now: Instant,
    expires_at: Instant,
) -> Result<Option<Session>> {
    let newest = sessions::generation.eq(generation).and(sessions::expires_at.gt(now));
    Ok(diesel::update(sessions::table.find(id).filter(newest))
        .set((
            sessions::generation.eq(sessions::generation + 1),
            sessions::rotated_at.eq(now),
            sessions::expires_at.eq(expires_at),
        ))
        .returning(Session::as_returning())
        .get_result(connection)
        .await
        .optional()?)
}

/// Ends a session, if it has not ended.
pub async fn delete(connection: &mut Connection, id: SessionId) -> Result<()> {
    diesel::delete(sessions::table.find(id)).execute(connection).await?;
    Ok(())
}

/// Ends the sessions of a user, all but `kept`.
pub async fn delete_of_user(tx: &mut Connection, user: UserId, kept: Option<SessionId>) -> Result<()> {
    let others = sessions::id.nullable().is_distinct_from(kept);
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user).and(others))).execute(tx).await?;
    Ok(())
}
