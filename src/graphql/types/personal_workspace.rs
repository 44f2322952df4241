//! Personal workspaces: each belongs to one user and is not shared.

use async_graphql::{Context, ID, Object};

use super::cloud_storage::CloudStorageConnection;
use super::event::{EventConnection, EventType};
use super::permission::Permission;
use super::plan::{self, Billing, Limit, Plan};
use super::project::ProjectConnection;
use super::task::{TaskConnection, TaskStatus};
use super::user::User;
use super::workspace::Workspace;
use crate::domain::{UserId, WorkspaceId};
use crate::graphql::Result;
use crate::graphql::connection::PageArgs;
use crate::graphql::context::ContextExt;
use crate::graphql::guard::guarded;
use crate::policy::{AccessContext, Action, Decision, Target, decide, permissions};
use crate::store::users;

/// The actions in a personal workspace that `viewerPermissions` checks.
const PERSONAL_WORKSPACE_ACTIONS: &[Action] = &[
    Action::AllResourcesView,
    Action::ProjectCreate,
    Action::TaskCreate,
    Action::CloudStorageView,
    Action::CloudStorageCreate,
    Action::EventsView,
    Action::PlanView,
    Action::BillingView,
    Action::PlanManage,
];

/// A personal workspace that the viewer may see, with the viewer's access to it.
#[derive(Clone)]
pub struct PersonalWorkspace {
    owner: users::User,
    viewer_access: AccessContext,
}

impl PersonalWorkspace {
    /// Returns the viewer's own personal workspace.
    pub fn own(viewer: users::User) -> Self {
        let viewer_access = AccessContext::personal(true, viewer.is_admin);
        Self { owner: viewer, viewer_access }
    }

    /// Loads the personal workspace of a user; `None` unless the viewer may see it.
    pub async fn open(ctx: &Context<'_>, user: UserId) -> Result<Option<Self>> {
        let viewer_access = AccessContext::personal(ctx.request().viewer_id() == Some(user), false);
        if decide(&viewer_access, Action::AllResourcesView, &Target::default()) != Decision::Allow {
            return Ok(None);
        }
        ctx.request().viewer().await.map(Self::own).map(Some)
    }

    /// Loads the personal workspace of a user; `None` unless the viewer may see its plan. Administrators can change the
    /// plans of other users.
    pub async fn by_plan(ctx: &Context<'_>, user: UserId) -> Result<Option<Self>> {
        let viewer = ctx.request().viewer().await?;
        let viewer_access = AccessContext::personal(viewer.id == user, viewer.is_admin);
        if decide(&viewer_access, Action::PlanView, &Target::default()) != Decision::Allow {
            return Ok(None);
        }
        Ok(ctx.request().loader.load_one(user).await?.map(|owner| Self { owner, viewer_access }))
    }

    fn workspace(&self) -> WorkspaceId {
        WorkspaceId::Personal(self.owner.id)
    }

    /// Returns the viewer's access to the workspace.
    pub fn viewer_access(&self) -> AccessContext {
        self.viewer_access
    }

    fn workspace_access(&self) -> (WorkspaceId, AccessContext) {
        (self.workspace(), self.viewer_access)
    }
}

/// A workspace that belongs to one user. Its resources cannot be shared.
#[Object]
impl PersonalWorkspace {
    /// Globally unique, stable and opaque ID: a prefix for the type and a UUIDv7, such as `org_01jd…`.
    pub async fn id(&self) -> ID {
        ID(self.workspace().to_string())
    }

    /// The user to whom it belongs.
    async fn owner(&self) -> User {
        self.owner.clone().into()
    }

    /// The user's `displayName`.
    pub async fn display_name(&self) -> &str {
        self.owner.display_name()
    }

    /// Whether it is `Viewer.selectedWorkspace`.
    pub async fn is_selected(&self, ctx: &Context<'_>) -> Result<bool> {
        let selected = Workspace::selected(ctx).await?;
        Ok(matches!(selected, Workspace::PersonalWorkspace(selected) if selected.owner.id == self.owner.id))
    }

    /// The viewer's present permissions in this workspace.
    pub async fn viewer_permissions(&self, ctx: &Context<'_>) -> Vec<Permission> {
        let owners_manage_plans = ctx.env().rules.owners_manage_plans;
        let target = Target { owners_manage_plans, ..Target::default() };
        permissions(&self.viewer_access, &target, PERSONAL_WORKSPACE_ACTIONS).into_iter().map(Into::into).collect()
    }

    /// The plan of the workspace.
    pub async fn plan(&self, ctx: &Context<'_>) -> Result<Plan> {
        plan::plan_of(ctx, self.workspace(), &self.viewer_access).await
    }

    /// Price of the plan. Null for plans without a price. Null with a FORBIDDEN error unless the viewer has
    /// VIEW_BILLING.
    pub async fn billing(&self, ctx: &Context<'_>) -> Option<Result<Billing>> {
        plan::billing_of(ctx, self.workspace(), 1, &self.viewer_access).await
    }

    /// The limits of the plan and their present use: at most one entry for each LimitKind.
    pub async fn limits(&self, ctx: &Context<'_>) -> Result<Vec<Limit>> {
        plan::limits_of(ctx, self.workspace(), &self.viewer_access).await
    }

    /// The projects that the viewer may open, newest first.
    #[allow(clippy::too_many_arguments, reason = "the arguments of the schema")]
    pub async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Only those whose name contains this text, regardless of case and accents. At most 256 characters; all if absent or empty."
        )]
        search: Option<String>,
        #[graphql(desc = "Forward paging: number of entries, 0 to 100. Not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Forward paging: cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Backward paging: number of entries, 0 to 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Backward paging: cursor before which the page ends.")] before: Option<String>,
    ) -> Result<ProjectConnection> {
        ProjectConnection::of_workspace(ctx, self.workspace_access(), search, PageArgs { first, after, last, before })
            .await
    }

    /// The tasks that the viewer may open, in projects or without one, newest first.
    #[allow(clippy::too_many_arguments, reason = "the arguments of the schema")]
    pub async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Only those whose name contains this text, regardless of case and accents. At most 256 characters; all if absent or empty."
        )]
        search: Option<String>,
        #[graphql(desc = "Only those with one of these statuses. All if absent, none if empty.")] statuses: Option<
            Vec<TaskStatus>,
        >,
        #[graphql(desc = "Only those assigned to the user with this ID. All if absent.")] assignee_id: Option<ID>,
        #[graphql(desc = "Forward paging: number of entries, 0 to 100. Not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Forward paging: cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Backward paging: number of entries, 0 to 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Backward paging: cursor before which the page ends.")] before: Option<String>,
    ) -> Result<TaskConnection> {
        let args = PageArgs { first, after, last, before };
        TaskConnection::of_workspace(ctx, self.workspace_access(), (search, statuses, assignee_id), args).await
    }

    /// The cloud storages that the viewer may see, newest first.
    pub async fn cloud_storages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Forward paging: number of entries, 0 to 100. Not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Forward paging: cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Backward paging: number of entries, 0 to 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Backward paging: cursor before which the page ends.")] before: Option<String>,
    ) -> Result<CloudStorageConnection> {
        CloudStorageConnection::of_workspace(ctx, self.workspace_access(), PageArgs { first, after, last, before })
            .await
    }

    /// The events that the viewer may see, oldest first: the same events and cursors as in
    /// `Subscription.workspaceEvents`. Null with a FORBIDDEN error unless the viewer has VIEW_EVENTS.
    #[allow(clippy::too_many_arguments, reason = "the arguments of the schema")]
    pub async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only events of these types. All if absent, none if empty.")] types: Option<Vec<EventType>>,
        #[graphql(desc = "Only events caused by the user with this ID. All if absent.")] actor_id: Option<ID>,
        #[graphql(desc = "Forward paging: number of entries, 0 to 100. Not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Forward paging: cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Backward paging: number of entries, 0 to 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Backward paging: cursor before which the page ends.")] before: Option<String>,
    ) -> Option<Result<EventConnection>> {
        guarded(&self.viewer_access, Action::EventsView, async {
            let args = PageArgs { first, after, last, before };
            EventConnection::load(ctx, WorkspaceId::Personal(self.owner.id), (types, actor_id), args).await.map(Some)
        })
        .await
    }
}
