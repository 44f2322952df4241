//! What of the log the viewer sees: each event is asked about with today's standing and ties, which are read for all who look
//! at the same moment in one statement of each kind.

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

/// The viewer, looking at workspaces as things are now.
pub struct EventViewer {
    audience: SharedLoader,
    viewer: UserId,
    onlooker: HashMap<Uuid, WorkspaceAccess>,
}

impl EventViewer {
    /// Looks at those workspaces, of either kind, whether or not they are there; at least one. UNAUTHENTICATED if the account
    /// is gone.
    pub async fn of(audience: &SharedLoader, viewer: UserId, workspaces: Vec<Uuid>) -> Result<Self> {
        let onlooker = audience.onlooker(viewer, workspaces).await?;
        Ok(Self { audience: audience.clone(), viewer, onlooker })
    }

    /// How the viewer stands to a workspace that they look at.
    pub fn standing(&self, workspace: Uuid) -> AccessContext {
        self.onlooker.get(&workspace).map(access_of).unwrap_or_default()
    }

    /// Whether the viewer may listen to a workspace that they look at.
    pub fn may_listen_to(&self, workspace: Uuid) -> bool {
        decide(&self.standing(workspace), Action::EventsView, &Target::default()) == Decision::Allow
    }

    /// How the viewer stands to another workspace.
    async fn standing_elsewhere(&self, workspace: Uuid) -> Result<AccessContext> {
        if self.onlooker.contains_key(&workspace) {
            return Ok(self.standing(workspace));
        }
        Ok(Self::of(&self.audience, self.viewer, vec![workspace]).await?.standing(workspace))
    }

    /// Those of the entries, of workspaces looked at, that the viewer may see, as they may see them, in the same order.
    pub async fn seen(&self, entries: Vec<Arc<Entry>>) -> Result<Vec<Event>> {
        let seen = try_join_all(entries.into_iter().map(|entry| self.see(entry))).await?;
        Ok(seen.into_iter().flatten().collect())
    }

    /// An entry of a workspace looked at as the viewer may see it, if they may.
    pub async fn see(&self, entry: Arc<Entry>) -> Result<Option<Event>> {
        let Some(kind) = entry.kind else { return Ok(None) };
        let standing = self.standing(entry.workspace_id);
        if !sees_any(&standing, kind) {
            return Ok(None);
        }
        let target =
            if sees_without_target(&standing, kind) { Target::default() } else { self.target(kind, &entry).await? };
        if !sees(&standing, kind, &target) {
            return Ok(None);
        }
        let hidden = self.hidden(kind, &entry, &standing, &target).await?;
        Ok(Some(Event { entry, kind, hidden, stream_of: None }))
    }

    /// Whether the viewer may see an entry of a workspace looked at.
    async fn allows(&self, entry: &Entry) -> Result<bool> {
        let Some(kind) = entry.kind else { return Ok(false) };
        Ok(sees(&self.standing(entry.workspace_id), kind, &self.target(kind, entry).await?))
    }

    /// What the viewer may see of the log of a workspace that they look at, for the statements that read it.
    pub async fn visible(&self, store: &Database, workspace: Uuid) -> Result<Visible> {
        let standing = self.standing(workspace);
        let VisibleTypes { always, to_invitee, of_offers, of_resources } = visible_types(&standing);
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
        let (resources, storages) =
            (policy::visible(&standing, Action::ResourceView), policy::visible(&standing, Action::CloudStorageView));
        Ok(visible.with_subjects(&mut *store.read().await?, resources, storages).await?)
    }

    /// How many events of a workspace that they look at the viewer may see: those of types that they see in any case are
    /// counted, of the others one of each that look the same to the policy is asked about.
    pub async fn count(&self, store: &Database, workspace: Uuid, filter: &Filter) -> Result<i64> {
        let visible = self.visible(store, workspace).await?;
        let asked = |kind: &EventType| filter.kinds.as_ref().is_none_or(|kinds| kinds.contains(kind));
        let always = visible.always.iter().copied().filter(asked).collect();
        let always = Filter { kinds: Some(always), actor: filter.actor };
        let mut count = events::count_of_workspace(&mut *store.read().await?, workspace, &always).await?;
        let alike = list::count_alike(&mut *store.read().await?, &visible, filter).await?;
        let seen = alike.into_iter().map(async |alike| {
            let number = alike.count;
            Result::Ok(if self.allows(&visible.example(alike)).await? { number } else { 0 })
        });
        count += try_join_all(seen).await?.into_iter().sum::<i64>();
        Ok(count)
    }

    /// What an entry is about, as the policy looks at it.
    async fn target(&self, kind: EventType, entry: &Entry) -> Result<Target> {
        let is_concerned = entry.person_id == Some(self.viewer);
        let email = self.onlooker.get(&entry.workspace_id).and_then(|onlooker| onlooker.verified_email.as_deref());
        let is_invitee = entry.email.is_some() && entry.email.as_deref() == email;
        let target = match OwnershipOfferId::parse(&entry.subject_id) {
            Some(offer) => match self.audience.row(offer).await? {
                Some(row) => shared::about(&row, self.viewer),
                None => Target { is_offeree: is_concerned, ..Target::default() },
            },
            None => Target { ties: self.ties(kind, entry).await?, ..Target::default() },
        };
        Ok(Target { is_concerned, is_invitee, ..target })
    }

    /// How the viewer is tied to the resource that an entry is about: today, if it is still in that workspace, else as it was
    /// when it happened.
    async fn ties(&self, kind: EventType, entry: &Entry) -> Result<Relations> {
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

    /// A resource by its ID, if it is there: its workspace, its people, and those of what contains it.
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

    /// Which of the changes the viewer may not read.
    async fn hidden(
        &self,
        kind: EventType,
        entry: &Entry,
        standing: &AccessContext,
        target: &Target,
    ) -> Result<Vec<usize>> {
        let is_self = entry.person_id == Some(self.viewer);
        let member = standing.role.filter(|_| is_self).map(|role| Member { role, is_self });
        let target = Target { member, ..*target };
        let mut hidden = Vec::new();
        for (n, change) in entry.changes.iter().enumerate() {
            let mut shown = reads(standing, kind, &change.field, &target);
            for id in [&change.before, &change.after].into_iter().flatten() {
                shown = shown && self.shows(&change.field, id, standing).await?;
            }
            if !shown {
                hidden.push(n);
            }
        }
        Ok(hidden)
    }

    /// Whether the viewer may be told what a field refers to: where the schema has null for what they may not see, so have they
    /// here. What is gone is told to those who would see any such thing.
    async fn shows(&self, field: &str, id: &str, standing: &AccessContext) -> Result<bool> {
        let action = match field {
            "project" => Action::ResourceView,
            "sourceStorage" | "targetStorage" => Action::CloudStorageView,
            "workspace" => {
                let Some(workspace) = WorkspaceId::parse(id) else { return Ok(false) };
                let standing = self.standing_elsewhere(workspace.uuid()).await?;
                return Ok(decide(&standing, Action::EventsView, &Target::default()) == Decision::Allow);
            }
            _ => return Ok(true),
        };
        let Some((workspace, people, containers)) = self.resource(id).await? else {
            return Ok(decide(standing, action, &Target::default()) == Decision::Allow);
        };
        let there = self.standing_elsewhere(workspace.uuid()).await?;
        let ties = Relations::of(self.viewer, people, &containers);
        Ok(decide(&there, action, &Target { ties, ..Target::default() }) == Decision::Allow)
    }
}
