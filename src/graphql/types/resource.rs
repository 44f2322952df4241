//! The interface `Resource`, and the viewer's access to a project, task, job or cloud storage.

use async_graphql::{Context, ID, Interface};

use super::cloud_storage::CloudStorage;
use super::permission::Permission;
use super::project::Project;
use super::task::Task;
use super::user::User;
use super::workspace::Workspace;
use crate::domain::resource::{Participants, Relations, ResourceId};
use crate::domain::{Error, InternalError, UserId};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::scalars::DateTime;
use crate::policy::{AccessContext, Action, Decision, Target, decide, permissions};

/// A project or a task. It can be owned, assigned, and moved between workspaces.
#[allow(clippy::duplicated_attributes, reason = "fields may be of one type")]
#[derive(Clone, Interface)]
#[graphql(
    field(
        name = "id",
        ty = "ID",
        desc = "Globally unique, stable and opaque ID: a prefix for the type and a UUIDv7, such as `org_01jd…`."
    ),
    field(name = "name", ty = "String", desc = "Name, 1 to 256 characters."),
    field(name = "workspace", ty = "Workspace", desc = "The workspace to which it belongs."),
    field(
        name = "owner",
        ty = "User",
        desc = "The user who created it or moved it here. After that user has left, the owner of the workspace."
    ),
    field(
        name = "assignee",
        ty = "Option<Result<User>>",
        desc = "The user who is responsible for the work. Null if it is not assigned."
    ),
    field(
        name = "source_storage",
        ty = "Option<Result<CloudStorage>>",
        desc = "The storage from which its data is read. Null if there is none, or if the viewer may not see the storage."
    ),
    field(
        name = "target_storage",
        ty = "Option<Result<CloudStorage>>",
        desc = "The storage to which its results are written. Null if there is none, or if the viewer may not see the storage."
    ),
    field(name = "created_at", ty = "DateTime", desc = "Time of creation."),
    field(name = "updated_at", ty = "DateTime", desc = "Time of the last change of its own fields."),
    field(
        name = "viewer_permissions",
        ty = "Vec<Permission>",
        desc = "The viewer's present permissions on this resource."
    )
)]
pub enum Resource {
    /// A project.
    Project(Project),
    /// A task.
    Task(Task),
}

impl Resource {
    /// Loads a project or a task by its ID; `None` unless the viewer may see it.
    pub async fn open(ctx: &Context<'_>, id: ResourceId) -> Result<Option<Self>> {
        Ok(match id {
            ResourceId::Project(id) => Project::open(ctx, id).await?.map(Self::Project),
            ResourceId::Task(id) => Task::open(ctx, id).await?.map(Self::Task),
        })
    }
}

/// The viewer's access to a project, task, job or cloud storage.
#[derive(Clone, Copy)]
pub struct ResourceAccess {
    /// The viewer's access to the workspace of the resource.
    pub viewer_access: AccessContext,
    /// The viewer's relations to the resource itself, such as owner or assignee.
    pub relations: Relations,
}

impl ResourceAccess {
    /// Returns the viewer's access to a resource; `None` if it does not allow `action`. `participants` are those of the
    /// resource, `containers` those of the resources that contain it.
    pub fn of(
        ctx: &Context<'_>,
        viewer_access: AccessContext,
        action: Action,
        participants: Participants,
        containers: &[Participants],
    ) -> Option<Self> {
        let relations = Relations::of(ctx.request().viewer_id()?, participants, containers);
        let access = Self { viewer_access, relations };
        (decide(&viewer_access, action, &access.target()) == Decision::Allow).then_some(access)
    }

    fn target(&self) -> Target {
        Target { relations: self.relations, ..Target::default() }
    }

    /// Returns the permissions of those `actions` that the viewer may do.
    pub fn permissions(&self, actions: &[Action]) -> Vec<Permission> {
        permissions(&self.viewer_access, &self.target(), actions).into_iter().map(Into::into).collect()
    }
}

/// Loads the owner of a resource; fails with an internal error if the account does not exist.
pub async fn owner(ctx: &Context<'_>, id: UserId) -> Result<User> {
    let owner = User::named(ctx, id).await?;
    Ok(owner.ok_or_else(|| Error::from(InternalError::transient("resource has no owner account")))?)
}

/// Loads the assignee of a resource; `None` if it is not assigned.
pub async fn assignee(ctx: &Context<'_>, id: Option<UserId>) -> Option<Result<User>> {
    User::named(ctx, id?).await.transpose()
}
