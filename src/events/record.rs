//! Writes the log. An event is recorded on the connection of the transaction that makes the change: it is there if and only
//! if the change is.

use crate::domain::clock::Instant;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::{InternalError, Result, UserId, WorkspaceId};
use crate::store::{Connection, events};

/// Something that happened in a workspace.
pub struct NewEvent {
    /// Where.
    pub workspace: WorkspaceId,
    /// What.
    pub kind: EventType,
    /// Who did it. None: the server itself.
    pub actor: Option<UserId>,
    /// Typed ID of what it happened to.
    pub subject: String,
    /// The user whom it concerns personally, such as the member.
    pub person: Option<UserId>,
    /// The address whom it concerns, for invitations.
    pub email: Option<String>,
    /// Users who can see the resource that it is about by owning it or being assigned, to it or to what contains it.
    pub tied: Vec<UserId>,
    /// Fields before and after.
    pub changes: Vec<FieldChange>,
}

impl NewEvent {
    /// An event without persons or changes; set the fields that it has besides.
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

/// Records events that happened at `at`, in order.
pub async fn record(tx: &mut Connection, at: Instant, happened: Vec<NewEvent>) -> Result<()> {
    let rows = happened
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
