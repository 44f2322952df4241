//! The interface `Resource`, and the access that projects, tasks, jobs and storages have in common: participants, and
//! the viewer's relations to them.

use async_graphql::{Context, ID, Interface};

use super::cloud_storage::CloudStorage;
use super::enums::Permission;
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
    field(name = "workspace", ty = "Workspace", desc = "The workspace it belongs to."),
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

/// The grounds on which the viewer may see a resource.
#[derive(Clone, Copy)]
pub struct Grounds {
    /// The viewer's access to its workspace.
    pub standing: AccessContext,
    /// The viewer's relations to the resource itself.
    pub ties: Relations,
}

impl Grounds {
    /// Returns the grounds on which the viewer may do `action` to a resource; `None` if the viewer may not. `people`
    /// are the participants of the resource, `containers` those of the resources that contain it.
    pub fn of(
        ctx: &Context<'_>,
        standing: AccessContext,
        action: Action,
        people: Participants,
        containers: &[Participants],
    ) -> Option<Self> {
        let ties = Relations::of(ctx.request().viewer_id()?, people, containers);
        let grounds = Self { standing, ties };
        (decide(&standing, action, &grounds.target()) == Decision::Allow).then_some(grounds)
    }

    fn target(&self) -> Target {
        Target { ties: self.ties, ..Target::default() }
    }

    /// Returns the viewer's permissions among the actions in `about`.
    pub fn permissions(&self, about: &[Action]) -> Vec<Permission> {
        permissions(&self.standing, &self.target(), about).into_iter().map(Into::into).collect()
    }
}

/// Loads the owner of a resource; an internal error if the account is missing.
pub async fn owner(ctx: &Context<'_>, id: UserId) -> Result<User> {
    let owner = User::named(ctx, id).await?;
    Ok(owner.ok_or_else(|| Error::from(InternalError::passing("a resource without its owner")))?)
}

/// Loads the assignee of a resource; `None` if there is none.
pub async fn assignee(ctx: &Context<'_>, id: Option<UserId>) -> Option<Result<User>> {
    User::named(ctx, id?).await.transpose()
}
