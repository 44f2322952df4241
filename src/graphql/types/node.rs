//! The interface `Node`: objects that can be loaded by their ID.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{Context, ContextSelectionSet, ID, Interface, OutputType, Positioned, ServerResult, Value};

use super::cloud_storage::CloudStorage;
use super::event::Event;
use super::invitation::Invitation;
use super::job::Job;
use super::membership::Membership;
use super::organization::Organization;
use super::ownership_offer::OwnershipOffer;
use super::personal_workspace::PersonalWorkspace;
use super::project::Project;
use super::resource::Resource;
use super::task::Task;
use super::user::User;
use super::workspace::Workspace;
use crate::domain::ids::TypedId;
use crate::domain::resource::ResourceId;
use crate::domain::{
    CloudStorageId, EventId, InvitationId, JobId, MembershipId, OwnershipOfferId, UserId, WorkspaceId,
};
use crate::graphql::Result;

/// An object that `Query.node` can load by its ID.
#[derive(Interface)]
#[graphql(field(
    name = "id",
    ty = "ID",
    desc = "Globally unique, stable and opaque ID: a prefix for the type and a UUIDv7, such as `org_01jd…`."
))]
pub enum Node {
    /// An account.
    User(User),
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
    /// An entry of the log.
    Event(Event),
}

impl From<Workspace> for Node {
    fn from(workspace: Workspace) -> Self {
        match workspace {
            Workspace::PersonalWorkspace(workspace) => Node::PersonalWorkspace(workspace),
            Workspace::Organization(organization) => Node::Organization(organization),
        }
    }
}

impl From<Resource> for Node {
    fn from(resource: Resource) -> Self {
        match resource {
            Resource::Project(project) => Node::Project(project),
            Resource::Task(task) => Node::Task(task),
        }
    }
}

/// A [`Node`] that registers in the schema that the interfaces `Workspace` and `Resource` implement `Node`. They cannot
/// be variants of `Node`, because the possible types of an interface must be objects.
pub struct AnyNode(Node);

impl OutputType for AnyNode {
    fn type_name() -> Cow<'static, str> {
        <Node as OutputType>::type_name()
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        self.0.introspection_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let node = Self::type_name();
        registry.add_implements(&<Workspace as OutputType>::type_name(), &node);
        registry.add_implements(&<Resource as OutputType>::type_name(), &node);
        <Node as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        self.0.resolve(ctx, field).await
    }
}

/// Loads an object by its ID; `None` if the viewer may not see it or the ID has no known prefix.
pub async fn open(ctx: &Context<'_>, id: &str) -> Result<Option<AnyNode>> {
    Ok(find(ctx, id).await?.map(AnyNode))
}

/// Loads an object like [`open`], but returns the concrete [`Node`].
pub async fn find(ctx: &Context<'_>, id: &str) -> Result<Option<Node>> {
    Ok(if let Some(id) = UserId::parse(id) {
        User::open(ctx, id).await?.map(Node::User)
    } else if let Some(id) = WorkspaceId::parse(id) {
        Workspace::open(ctx, id).await?.map(Node::from)
    } else if let Some(id) = MembershipId::parse(id) {
        Membership::open(ctx, id).await?.map(Node::Membership)
    } else if let Some(id) = InvitationId::parse(id) {
        Invitation::open(ctx, id).await?.map(Node::Invitation)
    } else if let Some(id) = OwnershipOfferId::parse(id) {
        OwnershipOffer::open(ctx, id).await?.map(Node::OwnershipOffer)
    } else if let Some(id) = ResourceId::parse(id) {
        Resource::open(ctx, id).await?.map(Node::from)
    } else if let Some(id) = JobId::parse(id) {
        Job::open(ctx, id).await?.map(Node::Job)
    } else if let Some(id) = CloudStorageId::parse(id) {
        CloudStorage::open(ctx, id).await?.map(Node::CloudStorage)
    } else if let Some(id) = EventId::parse(id) {
        Event::open(ctx, id).await?.map(Node::Event)
    } else {
        None
    })
}
