//! Decides which events a viewer may see. Each event is checked with the current access and relations of the viewer.
//! These are read through the [`SharedLoader`]: one statement of each kind for all viewers that need them at the same
//! moment.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use uuid::Uuid;

use crate::domain::event::EventType;
use crate::domain::ids::TypedId;
use crate::domain::resource::{Participants, Relations};
use crate::domain::{CloudStorageId, JobId, OwnershipOfferId, ProjectId, TaskId, UserId, WorkspaceId};
use crate::graphql::Result;
use crate::graphql::shared_loader::SharedLoader;
use crate::graphql::types::event::Event;
use crate::operations::access::workspace::access_of;
use crate::operations::ownership_offers::shared;
use crate::policy::event_visibility::{VisibleTypes, reads, sees, sees_any, sees_without_target, visible_types};
use crate::policy::{self, AccessContext, Action, Decision, Member, Target, decide};
use crate::store::Database;
use crate::store::events::list;
use crate::store::events::list::Visible;
use crate::store::events::{self, Entry, Filter};
use crate::store::workspace_access::WorkspaceAccess;

/// A viewer with their current access to some workspaces.
pub struct EventViewer {
    audience: SharedLoader,
    viewer: UserId,
    onlooker: HashMap<Uuid, WorkspaceAccess>,
}

impl EventViewer {
    /// Loads the viewer's access to the workspaces: at least one, of either kind, existing or not. Fails with
    /// UNAUTHENTICATED if the account no longer exists.
    pub async fn of(audience: &SharedLoader, viewer: UserId, workspaces: Vec<Uuid>) -> Result<Self> {
        let onlooker = audience.onlooker(viewer, workspaces).await?;
        Ok(Self { audience: audience.clone(), viewer, onlooker })
    }

    /// Returns the viewer's access to a loaded workspace.
    pub fn viewer_access(&self, workspace: Uuid) -> AccessContext {
        self.onlooker.get(&workspace).map(access_of).unwrap_or_default()
    }

    /// Whether the viewer may subscribe to a loaded workspace.
    pub fn may_listen_to(&self, workspace: Uuid) -> bool {
        decide(&self.viewer_access(workspace), Action::EventsView, &Target::default()) == Decision::Allow
    }

    /// Returns the viewer's access to any workspace, and loads it if necessary.
    async fn viewer_access_elsewhere(&self, workspace: Uuid) -> Result<AccessContext> {
        if self.onlooker.contains_key(&workspace) {
            return Ok(self.viewer_access(workspace));
        }
        Ok(Self::of(&self.audience, self.viewer, vec![workspace]).await?.viewer_access(workspace))
    }

    /// Returns the events that the viewer may see, in the same order, without the changes that they may not read. The
    /// workspaces of the entries must be loaded.
    pub async fn seen(&self, entries: Vec<Arc<Entry>>) -> Result<Vec<Event>> {
        let seen = try_join_all(entries.into_iter().map(|entry| self.see(entry))).await?;
        Ok(seen.into_iter().flatten().collect())
    }

    /// Returns the event of an entry as the viewer may see it; `None` if they may not. The workspace must be loaded.
    pub async fn see(&self, entry: Arc<Entry>) -> Result<Option<Event>> {
        let Some(kind) = entry.kind else { return Ok(None) };
        let viewer_access = self.viewer_access(entry.workspace_id);
        if !sees_any(&viewer_access, kind) {
            return Ok(None);
        }
        let target = if sees_without_target(&viewer_access, kind) {
            Target::default()
        } else {
            self.target(kind, &entry).await?
        };
        if !sees(&viewer_access, kind, &target) {
            return Ok(None);
        }
        let hidden = self.hidden(kind, &entry, &viewer_access, &target).await?;
        Ok(Some(Event { entry, kind, hidden, stream_of: None }))
    }

    /// Whether the viewer may see an entry. The workspace must be loaded.
    async fn allows(&self, entry: &Entry) -> Result<bool> {
        let Some(kind) = entry.kind else { return Ok(false) };
        Ok(sees(&self.viewer_access(entry.workspace_id), kind, &self.target(kind, entry).await?))
    }

    /// Returns the conditions by which statements select the events of a loaded workspace that the viewer may see.
    pub async fn visible(&self, store: &Database, workspace: Uuid) -> Result<Visible> {
        let viewer_access = self.viewer_access(workspace);
        let VisibleTypes { always, to_invitee, of_offers, of_resources } = visible_types(&viewer_access);
        let onlooker = self.onlooker.get(&workspace);
        let visible = Visible {
            workspace,
            viewer: self.viewer,
            always,
            to_invitee,
            email: onlooker.and_then(|onlooker| onlooker.verified_email.clone()),
            of_offers,
            of_resources,
            subjects: Vec::new(),
            read_whole: Vec::new(),
        };
        let (resources, storages) = (
            policy::visible(&viewer_access, Action::ResourceView),
            policy::visible(&viewer_access, Action::CloudStorageView),
        );
        Ok(visible.with_subjects(&mut *store.read().await?, resources, storages).await?)
    }

    /// Counts the events of a loaded workspace that the viewer may see. Events of types that are always visible are
    /// counted in the database. The others are grouped by what the policy looks at, and one event of each group is
    /// checked.
    pub async fn count(&self, store: &Database, workspace: Uuid, filter: &Filter) -> Result<i64> {
        let visible = self.visible(store, workspace).await?;
        let asked = |kind: &EventType| filter.kinds.as_ref().is_none_or(|kinds| kinds.contains(kind));
        let always = visible.always.iter().copied().filter(asked).collect();
        let always = Filter { kinds: Some(always), actor: filter.actor };
        let mut count = events::count_of_workspace(&mut *store.read().await?, workspace, &always).await?;
        let alike = list::count_groups(&mut *store.read().await?, &visible, filter).await?;
        let seen = alike.into_iter().map(async |alike| {
            let number = alike.count;
            Result::Ok(if self.allows(&visible.example(alike)).await? { number } else { 0 })
        });
        count += try_join_all(seen).await?.into_iter().sum::<i64>();
        Ok(count)
    }

    /// Returns the subject of an entry, as the policy needs it.
    async fn target(&self, kind: EventType, entry: &Entry) -> Result<Target> {
        let is_concerned = entry.person_id == Some(self.viewer);
        let email = self.onlooker.get(&entry.workspace_id).and_then(|onlooker| onlooker.verified_email.as_deref());
        let is_invitee = entry.email.is_some() && entry.email.as_deref() == email;
        let target = match OwnershipOfferId::parse(&entry.subject_id) {
            Some(offer) => match self.audience.row(offer).await? {
                Some(row) => shared::offer_target(&row, self.viewer),
                None => Target { is_offeree: is_concerned, ..Target::default() },
            },
            None => Target { relations: self.relations(kind, entry).await?, ..Target::default() },
        };
        Ok(Target { is_concerned, is_invitee, ..target })
    }

    /// Returns the viewer's relations to the resource of an entry: the current ones if the resource is still in that
    /// workspace, else those at the time of the event.
    async fn relations(&self, kind: EventType, entry: &Entry) -> Result<Relations> {
        let viewer = self.viewer;
        let found = match self.resource(&entry.subject_id).await? {
            Some((workspace, people, containers)) if workspace.uuid() == entry.workspace_id => {
                Some((people, containers))
            }
            _ => None,
        };
        Ok(match found {
            Some((people, containers)) if kind != EventType::ResourceMovedOut => {
                Relations::of(viewer, people, &containers)
            }
            _ => {
                let tied = entry.tied_ids.contains(&viewer);
                Relations { owner: tied, assignee: tied, container: tied }
            }
        })
    }

    /// Finds a resource by its ID: its workspace, its participants, and the participants of its containers. `None` if
    /// it does not exist.
    async fn resource(&self, id: &str) -> Result<Option<(WorkspaceId, Participants, Vec<Participants>)>> {
        let audience = &self.audience;
        Ok(if let Some(id) = ProjectId::parse(id) {
            audience.row(id).await?.map(|row| (row.workspace(), row.people(), Vec::new()))
        } else if let Some(id) = TaskId::parse(id) {
            audience.row(id).await?.map(|row| (row.task.workspace(), row.task.people(), row.containers()))
        } else if let Some(id) = JobId::parse(id) {
            audience.row(id).await?.map(|row| (row.job.workspace(), row.job.people(), row.containers()))
        } else if let Some(id) = CloudStorageId::parse(id) {
            audience.row(id).await?.map(|row| (row.workspace(), row.people(), Vec::new()))
        } else {
            None
        })
    }

    /// Returns the indexes of the changes that the viewer may not read.
    async fn hidden(
        &self,
        kind: EventType,
        entry: &Entry,
        viewer_access: &AccessContext,
        target: &Target,
    ) -> Result<Vec<usize>> {
        let is_self = entry.person_id == Some(self.viewer);
        let member = viewer_access.role.filter(|_| is_self).map(|role| Member { role, is_self });
        let target = Target { member, ..*target };
        let mut hidden = Vec::new();
        for (n, change) in entry.changes.iter().enumerate() {
            let mut shown = reads(viewer_access, kind, &change.field, &target);
            for id in [&change.before, &change.after].into_iter().flatten() {
                shown = shown && self.shows(&change.field, id, viewer_access).await?;
            }
            if !shown {
                hidden.push(n);
            }
        }
        Ok(hidden)
    }

    /// Whether the viewer may read the reference in a field. A reference that is null elsewhere in the schema is hidden
    /// here as well. A reference to a deleted resource is shown to viewers that may see every resource of the kind.
    async fn shows(&self, field: &str, id: &str, viewer_access: &AccessContext) -> Result<bool> {
        let action = match field {
            "project" => Action::ResourceView,
            "sourceStorage" | "targetStorage" => Action::CloudStorageView,
            "workspace" => {
                let Some(workspace) = WorkspaceId::parse(id) else { return Ok(false) };
                let viewer_access = self.viewer_access_elsewhere(workspace.uuid()).await?;
                return Ok(decide(&viewer_access, Action::EventsView, &Target::default()) == Decision::Allow);
            }
            _ => return Ok(true),
        };
        let Some((workspace, people, containers)) = self.resource(id).await? else {
            return Ok(decide(viewer_access, action, &Target::default()) == Decision::Allow);
        };
        let there = self.viewer_access_elsewhere(workspace.uuid()).await?;
        let relations = Relations::of(self.viewer, people, &containers);
        Ok(decide(&there, action, &Target { relations, ..Target::default() }) == Decision::Allow)
    }
}
