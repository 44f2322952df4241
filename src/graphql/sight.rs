//! What of the log the viewer sees: each event is asked about with today's standing and ties, by the loaders of one request,
//! so that for any number of them each kind of thing is read once.

use std::sync::Arc;

use futures_util::future::try_join_all;
use uuid::Uuid;

use super::Result;
use super::context::RequestContext;
use super::types::event::Event;
use super::types::organization::standing_of;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::ids::TypedId;
use crate::domain::resource::{People, Ties};
use crate::domain::{CloudStorageId, JobId, OrganizationId, OwnershipOfferId, ProjectId, TaskId, UserId, WorkspaceId};
use crate::operations::ownership;
use crate::policy::events::{reads, sees, sees_all};
use crate::policy::{Action, Decision, Member, Standing, Target, decide};
use crate::store::events::Entry;

/// How the viewer stands to a workspace of either kind, whether or not it is there any more. UNAUTHENTICATED if nobody is
/// signed in, or the account is gone.
pub async fn standing(request: &RequestContext, workspace: Uuid) -> Result<Standing> {
    let viewer = request.viewer().await?;
    if workspace == Uuid::from(viewer.id) {
        return Ok(Standing::personal(true, viewer.is_admin));
    }
    if let Some(seen) = request.loader.load_one(OrganizationId::from(workspace)).await? {
        return Ok(standing_of(&seen));
    }
    Ok(match request.loader.load_one(UserId::from(workspace)).await? {
        Some(_) => Standing::personal(false, viewer.is_admin),
        None => Standing { signed_in: true, is_admin: viewer.is_admin, ..Standing::default() },
    })
}

/// Those of the entries that the viewer may see, as they may see them, in the same order.
pub async fn seen(request: &RequestContext, entries: Vec<Arc<Entry>>) -> Result<Vec<Event>> {
    let seen = try_join_all(entries.into_iter().map(|entry| see(request, entry))).await?;
    Ok(seen.into_iter().flatten().collect())
}

/// An entry as the viewer may see it, if they may.
pub async fn see(request: &RequestContext, entry: Arc<Entry>) -> Result<Option<Event>> {
    let Some(kind) = entry.kind else { return Ok(None) };
    let standing = standing(request, entry.workspace_id).await?;
    let target = if sees_all(&standing, kind) { Target::default() } else { target(request, kind, &entry).await? };
    if !sees(&standing, kind, &target) {
        return Ok(None);
    }
    let changes = changes(request, kind, &entry, &standing, &target).await?;
    Ok(Some(Event { entry, kind, changes, personal: false }))
}

/// What an entry is about, as the policy looks at it.
async fn target(request: &RequestContext, kind: EventType, entry: &Entry) -> Result<Target> {
    let viewer = request.viewer().await?;
    let is_concerned = entry.person_id == Some(viewer.id);
    let is_invitee = entry.email.is_some() && entry.email.as_deref() == viewer.verified_email();
    let target = match OwnershipOfferId::parse(&entry.subject_id) {
        Some(offer) => match request.loader.load_one(offer).await? {
            Some(row) => ownership::about(&row, viewer.id),
            None => Target { is_offeree: is_concerned, ..Target::default() },
        },
        None => Target { ties: ties(request, viewer.id, kind, entry).await?, ..Target::default() },
    };
    Ok(Target { is_concerned, is_invitee, ..target })
}

/// How the viewer is tied to the resource that an entry is about: today, if it is still in that workspace, else as it was
/// when it happened.
async fn ties(request: &RequestContext, viewer: UserId, kind: EventType, entry: &Entry) -> Result<Ties> {
    let found = match resource(request, &entry.subject_id).await? {
        Some((workspace, people, containers)) if workspace.uuid() == entry.workspace_id => Some((people, containers)),
        _ => None,
    };
    Ok(match found {
        Some((people, containers)) if kind != EventType::ResourceMovedOut => Ties::of(viewer, people, &containers),
        _ => {
            let tied = entry.tied_ids.contains(&viewer);
            Ties { owner: tied, assignee: tied, container: tied }
        }
    })
}

/// A resource by its ID, if it is there: its workspace, its people, and those of what contains it.
async fn resource(request: &RequestContext, id: &str) -> Result<Option<(WorkspaceId, People, Vec<People>)>> {
    let loader = &request.loader;
    Ok(if let Some(id) = ProjectId::parse(id) {
        loader.load_one(id).await?.map(|row| (row.workspace(), row.people(), Vec::new()))
    } else if let Some(id) = TaskId::parse(id) {
        loader.load_one(id).await?.map(|row| (row.task.workspace(), row.task.people(), row.containers()))
    } else if let Some(id) = JobId::parse(id) {
        loader.load_one(id).await?.map(|row| (row.job.workspace(), row.job.people(), row.containers()))
    } else if let Some(id) = CloudStorageId::parse(id) {
        loader.load_one(id).await?.map(|row| (row.workspace(), row.people(), Vec::new()))
    } else {
        None
    })
}

/// The changes that the viewer may read.
async fn changes(
    request: &RequestContext,
    kind: EventType,
    entry: &Entry,
    standing: &Standing,
    target: &Target,
) -> Result<Vec<FieldChange>> {
    let is_self = entry.person_id.is_some() && entry.person_id == request.viewer_id();
    let member = standing.role.filter(|_| is_self).map(|role| Member { role, is_self });
    let target = Target { member, ..*target };
    let mut readable = Vec::new();
    for change in entry.changes.iter().filter(|change| reads(standing, kind, &change.field, &target)) {
        let mut shown = true;
        for id in [&change.before, &change.after].into_iter().flatten() {
            shown = shown && shows(request, &change.field, id, entry, standing).await?;
        }
        if shown {
            readable.push(change.clone());
        }
    }
    Ok(readable)
}

/// Whether the viewer may be told what a field refers to: where the schema has null for what they may not see, so have they
/// here. What is gone is told to those who would see any such thing.
async fn shows(request: &RequestContext, field: &str, id: &str, entry: &Entry, standing: &Standing) -> Result<bool> {
    let action = match field {
        "project" => Action::ResourceView,
        "sourceStorage" | "targetStorage" => Action::CloudStorageView,
        "workspace" => {
            let Some(workspace) = WorkspaceId::parse(id) else { return Ok(false) };
            let standing = self::standing(request, workspace.uuid()).await?;
            return Ok(decide(&standing, Action::EventsView, &Target::default()) == Decision::Allow);
        }
        _ => return Ok(true),
    };
    let Some((workspace, people, containers)) = resource(request, id).await? else {
        return Ok(decide(standing, action, &Target::default()) == Decision::Allow);
    };
    let there = if workspace.uuid() == entry.workspace_id {
        *standing
    } else {
        self::standing(request, workspace.uuid()).await?
    };
    let ties = request.viewer_id().map(|viewer| Ties::of(viewer, people, &containers)).unwrap_or_default();
    Ok(decide(&there, action, &Target { ties, ..Target::default() }) == Decision::Allow)
}
