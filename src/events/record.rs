//! Appends to the event log. An event is recorded by the transaction that makes the change, so that both are committed
//! or neither is.

use crate::domain::clock::Instant;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::{InternalError, Result, UserId, WorkspaceId};
use crate::store::{Connection, events};

/// An event to be recorded.
pub struct NewEvent {
    /// Workspace that the event happened in.
    pub workspace: WorkspaceId,
    /// Type of the event.
    pub kind: EventType,
    /// User who caused the event; `None` for the server itself.
    pub actor: Option<UserId>,
    /// Typed ID of the object that changed.
    pub subject: String,
    /// User that the event is about, such as the member.
    pub person: Option<UserId>,
    /// Email address that the event is about, for invitations.
    pub email: Option<String>,
    /// Users who own, or are assigned to, the resource or one of its parents: they may see the resource.
    pub tied: Vec<UserId>,
    /// Changed fields, with their values before and after.
    pub changes: Vec<FieldChange>,
}

impl NewEvent {
    /// Creates an event without person, email, tied users and changes.
    pub fn new(
        workspace: impl Into<WorkspaceId>,
        kind: EventType,
        actor: Option<UserId>,
        subject: impl ToString,
    ) -> Self {
        Self {
            workspace: workspace.into(),
            kind,
            actor,
            subject: subject.to_string(),
            person: None,
            email: None,
            tied: Vec::new(),
            changes: Vec::new(),
        }
    }
}

/// Queues events for the log, in order, with the time `at`.
pub async fn record(tx: &mut Connection, at: Instant, new_events: Vec<NewEvent>) -> Result<()> {
    let rows = new_events
        .into_iter()
        .map(|event| {
            Ok(events::NewRow {
                workspace_id: event.workspace.uuid(),
                kind: event.kind.name(),
                at,
                actor_id: event.actor,
                subject_id: event.subject,
                person_id: event.person,
                email: event.email,
                tied_ids: event.tied,
                changes: serde_json::to_value(event.changes).map_err(InternalError::new)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    if !rows.is_empty() {
        tx.queue(events::append(rows));
    }
    Ok(())
}
