//! The interface `Workspace`: a place that owns resources.

use async_graphql::{Context, ID, Interface};
use uuid::Uuid;

use super::cloud_storage::CloudStorageConnection;
use super::enums::{EventType, Permission, TaskStatus};
use super::event::EventConnection;
use super::organization::Organization;
use super::personal_workspace::PersonalWorkspace;
use super::plan::{Billing, Limit, Plan};
use super::project::ProjectConnection;
use super::task::TaskConnection;
use crate::domain::{Error, InternalError, WorkspaceId};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::policy::{AccessContext, Action, Decision, Target, decide};

/// A place that owns resources: somebody's personal workspace, or an organization.
#[allow(clippy::duplicated_attributes, reason = "fields may be of one type")]
#[allow(clippy::large_enum_variant, reason = "most workspaces are organizations")]
#[derive(Clone, Interface)]
#[graphql(
    field(
        name = "id",
        ty = "ID",
        desc = "Globally unique, stable and opaque: a prefix for the type and a UUIDv7, such as `org_01jd…`."
    ),
    field(name = "display_name", ty = "String", desc = "`displayName` of the user or of the organization."),
    field(name = "is_selected", ty = "bool", desc = "Whether it is `Viewer.selectedWorkspace`."),
    field(name = "viewer_permissions", ty = "Vec<Permission>", desc = "What the viewer may do here now."),
    field(name = "plan", ty = "Plan", desc = "The plan."),
    field(
        name = "billing",
        ty = "Option<Result<Billing>>",
        desc = "What the plan costs. Null for plans without a price. Null with a FORBIDDEN error unless the viewer has VIEW_BILLING."
    ),
    field(
        name = "limits",
        ty = "Vec<Limit>",
        desc = "What the plan limits here, and how much of it is used: at most one for each LimitKind."
    ),
    field(
        name = "projects",
        ty = "ProjectConnection",
        desc = "The projects that the viewer may open, newest first.",
        arg(
            name = "search",
            ty = "Option<String>",
            desc = "Only those whose name contains this, without regard to case and accents. At most 256 characters; all if absent or empty."
        ),
        arg(
            name = "first",
            ty = "Option<i32>",
            desc = "Pages forward: how many to return, 0 to 100. Not together with `last`."
        ),
        arg(name = "after", ty = "Option<String>", desc = "Pages forward: the cursor after which to begin."),
        arg(
            name = "last",
            ty = "Option<i32>",
            desc = "Pages backward: how many to return, 0 to 100. Not together with `first`."
        ),
        arg(name = "before", ty = "Option<String>", desc = "Pages backward: the cursor before which to end.")
    ),
    field(
        name = "tasks",
        ty = "TaskConnection",
        desc = "The tasks that the viewer may open, alone or in projects, newest first.",
        arg(
            name = "search",
            ty = "Option<String>",
            desc = "Only those whose name contains this, without regard to case and accents. At most 256 characters; all if absent or empty."
        ),
        arg(
            name = "statuses",
            ty = "Option<Vec<TaskStatus>>",
            desc = "Only those in one of these states. All if absent, none if empty."
        ),
        arg(
            name = "assignee_id",
            ty = "Option<ID>",
            desc = "Only those assigned to the user with this ID. All if absent."
        ),
        arg(
            name = "first",
            ty = "Option<i32>",
            desc = "Pages forward: how many to return, 0 to 100. Not together with `last`."
        ),
        arg(name = "after", ty = "Option<String>", desc = "Pages forward: the cursor after which to begin."),
        arg(
            name = "last",
            ty = "Option<i32>",
            desc = "Pages backward: how many to return, 0 to 100. Not together with `first`."
        ),
        arg(name = "before", ty = "Option<String>", desc = "Pages backward: the cursor before which to end.")
    ),
    field(
        name = "cloud_storages",
        ty = "CloudStorageConnection",
        desc = "The cloud storages that the viewer may see, newest first.",
        arg(
            name = "first",
            ty = "Option<i32>",
            desc = "Pages forward: how many to return, 0 to 100. Not together with `last`."
        ),
        arg(name = "after", ty = "Option<String>", desc = "Pages forward: the cursor after which to begin."),
        arg(
            name = "last",
            ty = "Option<i32>",
            desc = "Pages backward: how many to return, 0 to 100. Not together with `first`."
        ),
        arg(name = "before", ty = "Option<String>", desc = "Pages backward: the cursor before which to end.")
    ),
    field(
        name = "events",
        ty = "Option<Result<EventConnection>>",
        desc = "The log, oldest first, as far as the viewer may see it: the same events and cursors as `Subscription.workspaceEvents`. Null with a FORBIDDEN error unless the viewer has VIEW_EVENTS.",
        arg(
            name = "types",
            ty = "Option<Vec<EventType>>",
            desc = "Only events of these types. All if absent, none if empty."
        ),
        arg(name = "actor_id", ty = "Option<ID>", desc = "Only those by the user with this ID. All if absent."),
        arg(
            name = "first",
            ty = "Option<i32>",
            desc = "Pages forward: how many to return, 0 to 100. Not together with `last`."
        ),
        arg(name = "after", ty = "Option<String>", desc = "Pages forward: the cursor after which to begin."),
        arg(
            name = "last",
            ty = "Option<i32>",
            desc = "Pages backward: how many to return, 0 to 100. Not together with `first`."
        ),
        arg(name = "before", ty = "Option<String>", desc = "Pages backward: the cursor before which to end.")
    )
)]
pub enum Workspace {
    /// Of one user alone.
    PersonalWorkspace(PersonalWorkspace),
    /// Shared by members.
    Organization(Organization),
}

impl Workspace {
    /// A workspace by its ID, if it is there for the viewer.
    pub async fn open(ctx: &Context<'_>, id: WorkspaceId) -> Result<Option<Self>> {
        Ok(match id {
            WorkspaceId::Organization(id) => Organization::open(ctx, id).await?.map(Self::Organization),
            WorkspaceId::Personal(user) => PersonalWorkspace::open(ctx, user).await?.map(Self::PersonalWorkspace),
        })
    }

    /// The workspace of what was looked for by its ID, if anything was found and its workspace is there for the viewer. The same
    /// statements are sent in either case, so that they do not tell what is hidden.
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

    /// A workspace by its ID, for whoever may see its plan.
    pub async fn by_plan(ctx: &Context<'_>, id: WorkspaceId) -> Result<Option<Self>> {
        Ok(match id {
            WorkspaceId::Organization(id) => Organization::open(ctx, id).await?.map(Self::Organization),
            WorkspaceId::Personal(user) => PersonalWorkspace::by_plan(ctx, user).await?.map(Self::PersonalWorkspace),
        })
    }

    /// The workspace of something that the viewer sees.
    pub async fn of(ctx: &Context<'_>, id: WorkspaceId) -> Result<Self> {
        let workspace = Self::open(ctx, id).await?;
        Ok(workspace
            .ok_or_else(|| Error::from(InternalError::passing("a visible resource of a workspace that is not")))?)
    }

    /// How the viewer stands to it.
    pub fn standing(&self) -> AccessContext {
        match self {
            Self::PersonalWorkspace(workspace) => workspace.standing(),
            Self::Organization(organization) => organization.standing(),
        }
    }

    /// The workspace that the viewer has chosen: their personal one if none is, or the chosen one is lost.
    pub async fn selected(ctx: &Context<'_>) -> Result<Self> {
        let viewer = ctx.request().viewer().await?;
        if let Some(id) = viewer.selected_organization_id
            && let Some(organization) = Organization::open(ctx, id).await?
            && decide(&organization.standing(), Action::WorkspaceSelect, &Target::default()) == Decision::Allow
        {
            return Ok(Self::Organization(organization));
        }
        Ok(Self::PersonalWorkspace(PersonalWorkspace::own(viewer)))
    }
}
