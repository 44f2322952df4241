//! The interface `Workspace`: a personal workspace or an organization.

use async_graphql::{Context, ID, Interface};
use uuid::Uuid;

use super::cloud_storage::CloudStorageConnection;
use super::event::{EventConnection, EventType};
use super::organization::Organization;
use super::permission::Permission;
use super::personal_workspace::PersonalWorkspace;
use super::plan::{Billing, Limit, Plan};
use super::project::ProjectConnection;
use super::task::{TaskConnection, TaskStatus};
use crate::domain::{Error, InternalError, WorkspaceId};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::policy::{AccessContext, Action, Decision, Target, decide};

/// A container of resources: the personal workspace of a user, or an organization.
#[allow(clippy::duplicated_attributes, reason = "fields may be of one type")]
#[allow(clippy::large_enum_variant, reason = "most workspaces are organizations")]
#[derive(Clone, Interface)]
#[graphql(
    field(
        name = "id",
        ty = "ID",
        desc = "Globally unique, stable and opaque ID: a prefix for the type and a UUIDv7, such as `org_01jd…`."
    ),
    field(name = "display_name", ty = "String", desc = "`displayName` of the user or the organization."),
    field(name = "is_selected", ty = "bool", desc = "Whether it is `Viewer.selectedWorkspace`."),
    field(
        name = "viewer_permissions",
        ty = "Vec<Permission>",
        desc = "The viewer's present permissions in this workspace."
    ),
    field(name = "plan", ty = "Plan", desc = "The plan of the workspace."),
    field(
        name = "billing",
        ty = "Option<Result<Billing>>",
        desc = "Price of the plan. Null for plans without a price. Null with a FORBIDDEN error unless the viewer has VIEW_BILLING."
    ),
    field(
        name = "limits",
        ty = "Vec<Limit>",
        desc = "The limits of the plan and their present use: at most one entry for each LimitKind."
    ),
    field(
        name = "projects",
        ty = "ProjectConnection",
        desc = "The projects that the viewer may open, newest first.",
        arg(
            name = "search",
            ty = "Option<String>",
            desc = "Only those whose name contains this text, regardless of case and accents. At most 256 characters; all if absent or empty."
        ),
        arg(
            name = "first",
            ty = "Option<i32>",
            desc = "Forward paging: number of entries, 0 to 100. Not together with `last`."
        ),
        arg(name = "after", ty = "Option<String>", desc = "Forward paging: cursor after which the page begins."),
        arg(
            name = "last",
            ty = "Option<i32>",
            desc = "Backward paging: number of entries, 0 to 100. Not together with `first`."
        ),
        arg(name = "before", ty = "Option<String>", desc = "Backward paging: cursor before which the page ends.")
    ),
    field(
        name = "tasks",
        ty = "TaskConnection",
        desc = "The tasks that the viewer may open, in projects or without one, newest first.",
        arg(
            name = "search",
            ty = "Option<String>",
            desc = "Only those whose name contains this text, regardless of case and accents. At most 256 characters; all if absent or empty."
        ),
        arg(
            name = "statuses",
            ty = "Option<Vec<TaskStatus>>",
            desc = "Only those with one of these statuses. All if absent, none if empty."
        ),
        arg(
            name = "assignee_id",
            ty = "Option<ID>",
            desc = "Only those assigned to the user with this ID. All if absent."
        ),
        arg(
            name = "first",
            ty = "Option<i32>",
            desc = "Forward paging: number of entries, 0 to 100. Not together with `last`."
        ),
        arg(name = "after", ty = "Option<String>", desc = "Forward paging: cursor after which the page begins."),
        arg(
            name = "last",
            ty = "Option<i32>",
            desc = "Backward paging: number of entries, 0 to 100. Not together with `first`."
        ),
        arg(name = "before", ty = "Option<String>", desc = "Backward paging: cursor before which the page ends.")
    ),
    field(
        name = "cloud_storages",
        ty = "CloudStorageConnection",
        desc = "The cloud storages that the viewer may see, newest first.",
        arg(
            name = "first",
            ty = "Option<i32>",
            desc = "Forward paging: number of entries, 0 to 100. Not together with `last`."
        ),
        arg(name = "after", ty = "Option<String>", desc = "Forward paging: cursor after which the page begins."),
        arg(
            name = "last",
            ty = "Option<i32>",
            desc = "Backward paging: number of entries, 0 to 100. Not together with `first`."
        ),
        arg(name = "before", ty = "Option<String>", desc = "Backward paging: cursor before which the page ends.")
    ),
    field(
        name = "events",
        ty = "Option<Result<EventConnection>>",
        desc = "The events that the viewer may see, oldest first: the same events and cursors as in `Subscription.workspaceEvents`. Null with a FORBIDDEN error unless the viewer has VIEW_EVENTS.",
        arg(
            name = "types",
            ty = "Option<Vec<EventType>>",
            desc = "Only events of these types. All if absent, none if empty."
        ),
        arg(
            name = "actor_id",
            ty = "Option<ID>",
            desc = "Only events caused by the user with this ID. All if absent."
        ),
        arg(
            name = "first",
            ty = "Option<i32>",
            desc = "Forward paging: number of entries, 0 to 100. Not together with `last`."
        ),
        arg(name = "after", ty = "Option<String>", desc = "Forward paging: cursor after which the page begins."),
        arg(
            name = "last",
            ty = "Option<i32>",
            desc = "Backward paging: number of entries, 0 to 100. Not together with `first`."
        ),
        arg(name = "before", ty = "Option<String>", desc = "Backward paging: cursor before which the page ends.")
    )
)]
pub enum Workspace {
    /// A workspace that belongs to one user.
    PersonalWorkspace(PersonalWorkspace),
    /// A workspace shared by its members.
    Organization(Organization),
}

impl Workspace {
    /// Loads a workspace by its ID; `None` unless the viewer may see it.
    pub async fn open(ctx: &Context<'_>, id: WorkspaceId) -> Result<Option<Self>> {
        Ok(match id {
            WorkspaceId::Organization(id) => Organization::open(ctx, id).await?.map(Self::Organization),
            WorkspaceId::Personal(user) => PersonalWorkspace::open(ctx, user).await?.map(Self::PersonalWorkspace),
        })
    }

    /// Loads the workspace of an object that was looked up by its ID; `None` if the object was not found or the viewer
    /// may not see its workspace. The same statements are sent in both cases, so that a hidden object cannot be
    /// detected.
    pub async fn of_found(ctx: &Context<'_>, found: Option<WorkspaceId>) -> Result<Option<Self>> {
        match found {
            Some(WorkspaceId::Personal(user)) if ctx.request().viewer_id() == Some(user) => {
                Self::open(ctx, WorkspaceId::Personal(user)).await
            }
            _ => {
                let id = found.and_then(WorkspaceId::organization).unwrap_or_else(|| Uuid::nil().into());
                Ok(Organization::open(ctx, id).await?.map(Self::Organization))
            }
        }
    }

    /// Loads a workspace by its ID; `None` unless the viewer may see its plan.
    pub async fn by_plan(ctx: &Context<'_>, id: WorkspaceId) -> Result<Option<Self>> {
        Ok(match id {
            WorkspaceId::Organization(id) => Organization::open(ctx, id).await?.map(Self::Organization),
            WorkspaceId::Personal(user) => PersonalWorkspace::by_plan(ctx, user).await?.map(Self::PersonalWorkspace),
        })
    }

    /// Loads the workspace of a visible object; fails with an internal error if the viewer may not see the workspace.
    pub async fn of(ctx: &Context<'_>, id: WorkspaceId) -> Result<Self> {
        let workspace = Self::open(ctx, id).await?;
        Ok(workspace
            .ok_or_else(|| Error::from(InternalError::transient("workspace of a visible resource not found")))?)
    }

    /// Returns the viewer's access to the workspace.
    pub fn viewer_access(&self) -> AccessContext {
        match self {
            Self::PersonalWorkspace(workspace) => workspace.viewer_access(),
            Self::Organization(organization) => organization.viewer_access(),
        }
    }

    /// Loads the viewer's selected workspace. Returns the personal workspace if none is selected or the viewer has lost
    /// access to the selected one.
    pub async fn selected(ctx: &Context<'_>) -> Result<Self> {
        let viewer = ctx.request().viewer().await?;
        if let Some(id) = viewer.selected_organization_id
            && let Some(organization) = Organization::open(ctx, id).await?
            && decide(&organization.viewer_access(), Action::WorkspaceSelect, &Target::default()) == Decision::Allow
        {
            return Ok(Self::Organization(organization));
        }
        Ok(Self::PersonalWorkspace(PersonalWorkspace::own(viewer)))
    }
}
