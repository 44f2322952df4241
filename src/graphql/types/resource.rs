//! The interface `Resource`, and what projects, tasks, jobs and storages have in common: people, and ties to the viewer.

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

/// A project or a task: what can be owned, assigned, and moved between workspaces.
#[allow(clippy::duplicated_attributes, reason = "fields may be of one type")]
#[derive(Clone, Interface)]
#[graphql(
    field(
        name = "id",
        ty = "ID",
        desc = "Globally unique, stable and opaque: a prefix for the type and a UUIDv7, such as `org_01jd…`."
    ),
    field(name = "name", ty = "String", desc = "Name, 1 to 256 characters."),
    field(name = "workspace", ty = "Workspace", desc = "The workspace it belongs to."),
    field(
        name = "owner",
        ty = "User",
        desc = "Who made it, or moved it here; the workspace's owner after that person has left. Null once that account is gone."
    ),
    field(
        name = "assignee",
        ty = "Option<Result<User>>",
        desc = "Who is responsible for the work. Null if nobody is."
    ),
    field(
        name = "source_storage",
        ty = "Option<Result<CloudStorage>>",
        desc = "Where its data are read from. Null if nowhere, or if the viewer may not see the storage."
    ),
    field(
        name = "target_storage",
        ty = "Option<Result<CloudStorage>>",
        desc = "Where its results are written to. Null if nowhere, or if the viewer may not see the storage."
    ),
    field(name = "created_at", ty = "DateTime", desc = "When it was created."),
    field(name = "updated_at", ty = "DateTime", desc = "When its own fields last changed."),
    field(
        name = "viewer_permissions",
        ty = "Vec<Permission>",
        desc = "What the viewer may do with this resource now."
    )
)]
pub enum Resource {
    /// A project.
    Project(Project),
    /// A task.
    Task(Task),
}

impl Resource {
    /// A project or a task by its ID, if the viewer may see it.
    pub async fn open(ctx: &Context<'_>, id: ResourceId) -> Result<Option<Self>> {
        Ok(match id {
            ResourceId::Project(id) => Project::open(ctx, id).await?.map(Self::Project),
            ResourceId::Task(id) => Task::open(ctx, id).await?.map(Self::Task),
        })
    }
}

/// On which grounds the viewer sees something.
#[derive(Clone, Copy)]
pub struct Grounds {
    /// How they stand to its workspace.
    pub standing: AccessContext,
    /// How they are tied to the thing itself.
    pub ties: Relations,
}

impl Grounds {
    /// The grounds on which the viewer may do `action` to what names those people, in something that names those
    /// `containers`; none if they may not.
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

    /// What the viewer may do, of `about`.
    pub fn permissions(&self, about: &[Action]) -> Vec<Permission> {
        permissions(&self.standing, &self.target(), about).into_iter().map(Into::into).collect()
    }
}

/// Somebody whom a thing cannot be without.
pub async fn owner(ctx: &Context<'_>, id: UserId) -> Result<User> {
    let owner = User::named(ctx, id).await?;
    Ok(owner.ok_or_else(|| Error::from(InternalError::passing("a resource without its owner")))?)
}

/// Somebody who may be named or not.
pub async fn assignee(ctx: &Context<'_>, id: Option<UserId>) -> Option<Result<User>> {
    User::named(ctx, id?).await.transpose()
}
