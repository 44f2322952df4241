//! Events: the entries of a workspace's log, reduced to the fields that the viewer may see.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject, Union};
use uuid::Uuid;

use super::cloud_storage::CloudStorage;
use super::invitation::Invitation;
use super::job::Job;
use super::membership::Membership;
use super::node::{self, Node};
use super::organization::Organization;
use super::ownership_offer::OwnershipOffer;
use super::personal_workspace::PersonalWorkspace;
use super::project::Project;
use super::task::Task;
use super::user::User;
use super::workspace::Workspace;
use crate::domain::event_epoch::{EpochPosition, EventEpochs};
use crate::domain::ids::TypedId;
use crate::domain::page::{Keyset, PageRequest, PageRows};
use crate::domain::{self, Error, EventId, InternalError, UserId, WorkspaceId};
use crate::graphql::connection::{Count, Page, PageArgs, connection, cursor};
use crate::graphql::context::ContextExt;
use crate::graphql::event_visibility::EventViewer;
use crate::graphql::fast_list::SyncFields;
use crate::graphql::scalars::{DateTime, id};
use crate::graphql::{ApiError, Result};
use crate::operations::AppContext;
use crate::policy::event_visibility::names_actor;
use crate::store::events::list;
use crate::store::events::{self, Entry, EventRange, Filter};

/// Maximum number of entries that one read loads while it searches for entries that the viewer may see.
const MAX_ENTRIES_PER_READ: i64 = 512;

/// Type of an event. New types may be added: clients should skip unknown types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::event::EventType")]
pub enum EventType {
    /// An organization was created. Subject: the organization.
    OrganizationCreated,
    /// An organization's own fields changed. Subject: the organization.
    OrganizationUpdated,
    /// An organization was deleted, and can still be restored. Subject: the organization.
    OrganizationDeletionScheduled,
    /// An organization was restored. Subject: the organization.
    OrganizationRestored,
    /// An organization and all its data were deleted permanently. Subject: null, because it no longer exists.
    OrganizationDeleted,
    /// The ownership was offered to a member. Subject: the offer.
    OwnershipOffered,
    /// An offer of ownership was accepted, declined or cancelled, or expired. Subject: the offer.
    OwnershipOfferResolved,
    /// An organization has a new owner. Subject: the organization.
    OwnershipTransferred,
    /// A user became a member. Subject: the membership.
    MemberJoined,
    /// A member's role changed. Subject: the membership.
    MemberRoleChanged,
    /// A member was removed. Subject: null, because it no longer exists.
    MemberRemoved,
    /// A member left. Subject: null, because it no longer exists.
    MemberLeft,
    /// A user was invited. Subject: the invitation.
    InvitationCreated,
    /// An invitation was sent again. Subject: the invitation.
    InvitationResent,
    /// The mail of an invitation was handed over to the mail server. Subject: the invitation.
    InvitationDelivered,
    /// The mail of an invitation could not be sent. Subject: the invitation.
    InvitationDeliveryFailed,
    /// An invitation was accepted. Subject: the invitation.
    InvitationAccepted,
    /// An invitation was declined. Subject: the invitation.
    InvitationDeclined,
    /// An invitation was revoked. Subject: the invitation.
    InvitationRevoked,
    /// An invitation expired. Subject: the invitation.
    InvitationExpired,
    /// A project was created. Subject: the project.
    ProjectCreated,
    /// A project changed, its assignee and storages included. Subject: the project.
    ProjectUpdated,
    /// A project and its tasks were deleted. Subject: null, because it no longer exists.
    ProjectDeleted,
    /// A task was created. Subject: the task.
    TaskCreated,
    /// A task changed, its assignee, project and storages included. Subject: the task.
    TaskUpdated,
    /// A task and its jobs were deleted. Subject: null, because it no longer exists.
    TaskDeleted,
    /// A job was created. Subject: the job.
    JobCreated,
    /// A job's assignee, stage or state changed. Subject: the job.
    JobUpdated,
    /// A job was deleted. Subject: null, because it no longer exists.
    JobDeleted,
    /// A cloud storage was connected. Subject: the storage.
    CloudStorageCreated,
    /// A cloud storage's name or description changed. Subject: the storage.
    CloudStorageUpdated,
    /// A cloud storage was disconnected. Subject: null, because it no longer exists.
    CloudStorageDeleted,
    /// A project or task was moved from this workspace to another. Subject: the resource, for viewers who may see it
    /// there.
    ResourceMovedOut,
    /// A project or task was moved to this workspace from another. Subject: the resource.
    ResourceMovedIn,
    /// A workspace's plan changed, was cancelled, or ended. Subject: the organization or the personal workspace.
    PlanChanged,
}

/// An entry of the log that the viewer may see.
#[derive(Clone)]
pub struct Event {
    /// The row of the log.
    pub entry: Arc<Entry>,
    /// Type of the event.
    pub kind: domain::event::EventType,
    /// Indexes of the changes that the viewer may not see.
    pub hidden: Vec<usize>,
    /// The user to whose own stream it belongs; `None` for the workspace's stream.
    pub stream_of: Option<UserId>,
}

impl Event {
    /// Loads an event by its ID; `None` unless the viewer may see it.
    pub async fn open(ctx: &Context<'_>, id: EventId) -> Result<Option<Self>> {
        let Some(viewer) = ctx.request().viewer_id() else { return Ok(None) };
        let entry = ctx.request().loader.load_one(id).await?;
        let workspace = entry.as_ref().map_or_else(Uuid::nil, |entry| entry.workspace_id);
        let event_viewer = EventViewer::of(ctx.audience(), viewer, vec![workspace]).await?;
        match entry {
            Some(entry) => event_viewer.see(entry).await,
            None => Ok(None),
        }
    }
}

/// Returns the name, in cursors, of the list of a workspace's events.
pub fn workspace_stream_name(workspace: Uuid) -> String {
    format!("events of {workspace}")
}

/// Returns the name, in cursors, of a user's own stream.
pub fn user_stream_name(user: UserId) -> String {
    format!("events for {user}")
}

fn keyset_of(entry: &Entry, epochs: &EventEpochs) -> Keyset<EpochPosition> {
    Keyset { key: epochs.locate(entry.place), id: entry.id.into() }
}

/// A record of a change, written in the same transaction as the change itself. Events are never changed.
#[Object]
impl Event {
    /// Globally unique, stable and opaque ID: a prefix for the type and a UUIDv7, such as `org_01jd…`.
    pub async fn id(&self) -> ID {
        id(self.entry.id)
    }

    /// Position in its stream. Pass it as `after` to continue from here: to the same subscription, or to `events` of
    /// the same workspace.
    async fn cursor(&self, ctx: &Context<'_>) -> String {
        // Not by the request: the epoch is the same for all subscribers, who share the result.
        let epochs = ctx.data_unchecked::<AppContext>().hub.epochs();
        let list = match self.stream_of {
            Some(user) => user_stream_name(user),
            None => workspace_stream_name(self.entry.workspace_id),
        };
        cursor(&list, &keyset_of(&self.entry, &epochs))
    }

    /// Type of the event.
    #[graphql(name = "type")]
    async fn kind(&self) -> EventType {
        self.kind.into()
    }

    /// Time of the event.
    async fn at(&self) -> DateTime {
        self.entry.at.into()
    }

    /// The user who caused it. Null if the server caused it, for example at an expiry. Null if it is a user who
    /// declined an invitation and does not share an organization with the viewer. A deleted account is shown as
    /// `deleted user`.
    async fn actor(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        let actor = self.entry.actor_id?;
        match names_actor(self.kind) {
            true => Some(User::logged(ctx, actor).await),
            false => User::open(ctx, actor).await.transpose(),
        }
    }

    /// The workspace in which it happened. Null if the workspace no longer exists or the viewer may not see it.
    async fn workspace(&self, ctx: &Context<'_>) -> Option<Result<Workspace>> {
        let id = self.entry.workspace_id;
        let is_own = ctx.request().viewer_id().map(Uuid::from) == Some(id);
        let workspace = if is_own { WorkspaceId::Personal(id.into()) } else { WorkspaceId::Organization(id.into()) };
        Workspace::open(ctx, workspace).await.transpose()
    }

    /// ID of the object that changed. It is kept after the object is deleted.
    async fn subject_id(&self) -> ID {
        ID(self.entry.subject_id.clone())
    }

    /// The object that changed, in its present state. Null if it no longer exists or the viewer may not see it.
    async fn subject(&self, ctx: &Context<'_>) -> Option<Result<EventSubject>> {
        let node = node::find(ctx, &self.entry.subject_id).await;
        node.map(|node| node.and_then(EventSubject::of)).transpose()
    }

    /// The changed fields: at most one entry for each field of the subject. Empty if the type alone describes the
    /// change.
    async fn changes(&self) -> Vec<FieldChange> {
        let changes = self.entry.changes.iter().enumerate();
        changes.filter(|(n, _)| !self.hidden.contains(n)).map(|(_, change)| change.clone().into()).collect()
    }
}

/// An object that can be the subject of an event.
#[derive(Union)]
pub enum EventSubject {
    /// A personal workspace.
    PersonalWorkspace(PersonalWorkspace),
    /// An organization.
    Organization(Organization),
    /// A membership.
    Membership(Membership),
    /// An invitation.
    Invitation(Invitation),
    /// An offer of ownership.
    OwnershipOffer(OwnershipOffer),
    /// A project.
    Project(Project),
    /// A task.
    Task(Task),
    /// A job.
    Job(Job),
    /// A cloud storage.
    CloudStorage(CloudStorage),
}

impl EventSubject {
    fn of(node: Node) -> Option<Self> {
        Some(match node {
            Node::PersonalWorkspace(subject) => Self::PersonalWorkspace(subject),
            Node::Organization(subject) => Self::Organization(subject),
            Node::Membership(subject) => Self::Membership(subject),
            Node::Invitation(subject) => Self::Invitation(subject),
            Node::OwnershipOffer(subject) => Self::OwnershipOffer(subject),
            Node::Project(subject) => Self::Project(subject),
            Node::Task(subject) => Self::Task(subject),
            Node::Job(subject) => Self::Job(subject),
            Node::CloudStorage(subject) => Self::CloudStorage(subject),
            Node::User(_) | Node::Event(_) => return None,
        })
    }
}

/// One field before and after a change. Fields that the viewer may not see are omitted.
#[derive(SimpleObject)]
pub struct FieldChange {
    /// Name of the field in this schema, such as `role` or `contact.email`.
    field: String,
    /// The value before, as text: a string, number, enum value, time or ID. Null if there was none.
    before: Option<String>,
    /// The value after, in the same form. Null if there is none.
    after: Option<String>,
}

impl From<domain::event::FieldChange> for FieldChange {
    fn from(change: domain::event::FieldChange) -> Self {
        let domain::event::FieldChange { field, before, after } = change;
        Self { field, before, after }
    }
}

impl SyncFields for Event {}

connection!(
    Event,
    EventConnection: "A page of a list of events.",
    EventEdge: "One entry of a list of events."
);

impl EventConnection {
    /// Loads a page of a workspace's log, filtered by event types and actor. Fails with CURSOR_EXPIRED if the page may
    /// lack entries after the cursor that were already deleted.
    pub async fn load(
        ctx: &Context<'_>,
        workspace: WorkspaceId,
        (kinds, actor): (Option<Vec<EventType>>, Option<ID>),
        args: PageArgs,
    ) -> Result<Self> {
        let workspace = workspace.uuid();
        let list = workspace_stream_name(workspace);
        let window = args.page_request::<EpochPosition>(&list)?;
        let epochs = ctx.env().hub.epochs();
        if window.from.as_ref().is_some_and(|from| !epochs.contains(from.key)) {
            return Err(ApiError::CursorExpired);
        }
        // An invalid ID becomes the nil UUID, which matches no event.
        let actor = actor.map(|id| UserId::parse(&id).unwrap_or_else(|| Uuid::nil().into()));
        let mut kinds: Option<Vec<domain::event::EventType>> =
            kinds.map(|kinds| kinds.into_iter().map(Into::into).collect());
        if let Some(actor) = actor
            && User::open(ctx, actor).await?.is_none()
        {
            // If the viewer may not see the actor, event types that hide their actor are excluded, so that a client
            // cannot find them with a guessed ID.
            let all = kinds.unwrap_or_else(|| domain::event::EventType::ALL.to_vec());
            kinds = Some(all.into_iter().filter(|kind| names_actor(*kind)).collect());
        }
        let filter = Filter { kinds, actor };
        let page_rows = read(ctx, workspace, &filter, &window).await?;
        let (store, audience, viewer) =
            (ctx.env().store.clone(), ctx.audience().clone(), ctx.request().actor()?.user_id);
        let count: Count = Arc::new(move || {
            let (store, audience, filter) = (store.clone(), audience.clone(), filter.clone());
            Box::pin(async move {
                let counted = async {
                    let event_viewer = EventViewer::of(&audience, viewer, vec![workspace]).await?;
                    event_viewer.count(&store, workspace, &filter).await
                };
                counted.await.map_err(|error| match error {
                    ApiError::Failed(fault) => Error::Failed(InternalError {
                        transient: fault.transient,
                        ..InternalError::new(fault.cause.to_string())
                    }),
                    _ => Error::Unauthenticated,
                })
            })
        });
        Ok(Self(Page::new(
            &list,
            &window,
            page_rows,
            |event: &Event| keyset_of(&event.entry, &epochs),
            |event| event,
            count,
        )))
    }
}

/// Reads a page of the events that the viewer may see. Repeats the read, each time with up to twice as many entries,
/// until the page is full or the log ends.
async fn read(
    ctx: &Context<'_>,
    workspace: Uuid,
    filter: &Filter,
    window: &PageRequest<EpochPosition>,
) -> Result<PageRows<Event>> {
    let store = &ctx.env().store;
    let event_viewer = EventViewer::of(ctx.audience(), ctx.request().actor()?.user_id, vec![workspace]).await?;
    let visible = event_viewer.visible(store, workspace).await?;
    let wanted = window.limit as usize + 1;
    let mut from = window.from.as_ref().map(|place| place.key.position);
    let mut limit = wanted as i64;
    let mut found = Vec::new();
    loop {
        let (after, before) = if window.backward { (None, from) } else { (from, None) };
        let range = EventRange { after, before, backward: window.backward, limit };
        let mut connection = store.read().await?;
        let entries = list::page(&mut connection, &visible, filter, range).await?;
        if found.is_empty() && from.is_some() {
            // The extent of the log is read after the page, so that it covers every entry that was deleted before the
            // page was read.
            let extent = events::extent(&mut connection).await?;
            if from < Some(extent.pruned) {
                return Err(ApiError::CursorExpired);
            }
        }
        drop(connection);
        let is_last = (entries.len() as i64) < limit;
        from = entries.last().map_or(from, |last| Some(last.place));
        found.extend(event_viewer.seen(entries.into_iter().map(Arc::new).collect()).await?);
        if is_last || found.len() >= wanted {
            break;
        }
        limit = (limit * 2).min(MAX_ENTRIES_PER_READ);
    }
    found.truncate(wanted);
    Ok(PageRows::from_read(found, window))
}
