//! The log of events.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Connection;
use super::schema::events;
use crate::domain::clock::Instant;
use crate::domain::{EventId, Result, UserId};

/// A row of the log, as it is written.
#[derive(Insertable)]
#[diesel(table_name = events)]
pub struct NewRow {
    /// Its ID.
    pub id: EventId,
    /// Organization or personal workspace where it happened.
    pub workspace_id: Uuid,
    /// What happened.
    pub kind: &'static str,
    /// When it happened.
    pub at: Instant,
    /// Who did it.
    pub actor_id: Option<UserId>,
    /// Typed ID of what it happened to.
    pub subject_id: String,
    /// The user whom it concerns personally.
    pub person_id: Option<UserId>,
    /// The address whom it concerns.
    pub email: Option<String>,
    /// Users who could see the resource that it is about by owning it or being assigned.
    pub tied_ids: Vec<UserId>,
    /// Fields before and after.
    pub changes: serde_json::Value,
}

/// Rows in one statement: it has a parameter for each value, of which there may be 65,535.
const BATCH: usize = 1_000;

/// Appends rows to the log.
pub async fn append(connection: &mut Connection, rows: &[NewRow]) -> Result<()> {
    for batch in rows.chunks(BATCH) {
        diesel::insert_into(events::table).values(batch).execute(connection).await?;
    }
    Ok(())
}
