//! The queries.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::resolver_utils::{ContainerType, resolve_container};
use async_graphql::{
    Context, ContextSelectionSet, ID, Object, ObjectType, OutputType, Positioned, ServerResult, Value,
};

use super::context::ContextExt;
use super::introspection;
use super::types::invitation::Invitation;
use super::types::invitation_preview::InvitationPreview;
use super::types::node::{self, AnyNode};
use super::types::organization::Organization;
use super::types::organization_connection::{OrganizationConnection, OrganizationOrder};
use super::types::role::{Role, RoleDefinition};
use super::types::transfer::{StorageHandling, TransferPlan};
use super::types::user_error::UserErrorCode;
use super::types::viewer::Viewer;
use super::{ApiError, Result};
use crate::domain::ids::TypedId;
use crate::domain::{InvitationId, OrganizationId, Slug, secret};
use crate::graphql::connection;
use crate::graphql::connection::PageArgs;
use crate::graphql::types::slug_availability::SlugAvailability;
use crate::operations::transfers::plan;
use crate::store::invitations;
use crate::store::organizations;
use crate::store::organizations::list::Filter;

/// The root of queries: [`Query`] and the introspection fields.
pub struct Root(pub Query);

impl OutputType for Root {
    fn type_name() -> Cow<'static, str> {
        <Query as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Query as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        resolve_container(ctx, self).await
    }
}

impl ContainerType for Root {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        match ctx.item.node.name.node.as_str() {
            "__schema" | "__type" => introspection::answer(ctx).map(Some),
            _ => self.0.resolve_field(ctx).await,
        }
    }
}

impl ObjectType for Root {}

/// The queries.
pub struct Query;

/// The queries.
#[Object]
impl Query {
    /// The caller. Null if the caller is not signed in. A bad token is refused and never treated as no token.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Result<Viewer>> {
        let id = ctx.request().actor().ok()?.user_id;
        Some(Viewer::open(ctx, id).await)
    }

    /// Any object by its ID. Null if the object does not exist or the viewer cannot see it.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "ID of the object.")] id: ID) -> Option<Result<AnyNode>> {
        node::open(ctx, &id).await.transpose()
    }

    /// Objects by their IDs, in the order of `ids`. The entry is null for each object that the viewer cannot see.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "IDs of the objects: 0 to 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Result<AnyNode>>>> {
        if ids.len() > 100 {
            return Err(ApiError::BadUserInput("Ask for at most 100 objects at a time.".to_owned()));
        }
        let opened = ids.iter().map(|id| node::open(ctx, id));
        Ok(futures_util::future::join_all(opened).await.into_iter().map(Result::transpose).collect())
    }

    /// One organization, by slug or by ID. Null if it does not exist or the viewer cannot see it. Exactly one of the
    /// two arguments must be given: BAD_USER_INPUT otherwise.
    async fn organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The slug, in upper or lower case.")] slug: Option<String>,
        #[graphql(desc = "ID of the organization.")] id: Option<ID>,
    ) -> Option<Result<Organization>> {
        match (slug, id) {
            (Some(slug), None) => Organization::by_slug(ctx, &slug).await,
            (None, Some(id)) => match OrganizationId::parse(&id) {
                Some(id) => Organization::open(ctx, id).await,
                None => Ok(None),
            },
            _ => Err(ApiError::BadUserInput("Exactly one of the arguments must be given.".to_owned())),
        }
        .transpose()
    }

    /// All organizations for site administrators; for other viewers, their own. Needs a signed-in viewer:
    /// UNAUTHENTICATED otherwise.
    #[allow(clippy::too_many_arguments, reason = "the arguments of the schema")]
    async fn organizations(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Only organizations whose slug or name contains this text, regardless of case and accents. At most 256 characters; all if absent or empty."
        )]
        search: Option<String>,
        #[graphql(desc = "Default: SLUG, ASC.")] order_by: Option<OrganizationOrder>,
        #[graphql(desc = "Forward paging: number of entries, 0 to 100. Not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Forward paging: cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Backward paging: number of entries, 0 to 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Backward paging: cursor before which the page ends.")] before: Option<String>,
    ) -> Result<OrganizationConnection> {
        let viewer = ctx.request().viewer().await?;
        let filter =
            Filter { search: connection::search(search.as_deref())?, roles: None, all_organizations: viewer.is_admin };
        let order = order_by.unwrap_or_else(OrganizationOrder::by_slug);
        OrganizationConnection::load(ctx, viewer.id, filter, order, PageArgs { first, after, last, before }).await
    }

    /// One invitation. Null unless the viewer is the invitee, or has VIEW_INVITATIONS.
    async fn invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "ID of the invitation.")] id: ID,
    ) -> Option<Result<Invitation>> {
        Invitation::open(ctx, InvitationId::parse(&id)?).await.transpose()
    }

    /// An invitation, for the holder of its token. Works without signing in: the token is the credential. Null if no
    /// invitation has this token, for example because a resend replaced it.
    async fn invitation_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Token from the link in the mail.")] token: String,
    ) -> Option<Result<InvitationPreview>> {
        let load = async {
            let connection = ctx.env().store.read().await?;
            let found = invitations::find_by_token(&connection, &secret::hash(&token)).await?;
            drop(connection);
            match found {
                Some(invitation) => InvitationPreview::load(ctx, invitation).await,
                None => Ok(None),
            }
        };
        load.await.transpose()
    }

    /// Whether a slug is available, and alternatives if not. Needs a signed-in viewer: UNAUTHENTICATED otherwise.
    async fn slug_availability(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The slug to check.")] slug: String,
    ) -> Result<SlugAvailability> {
        ctx.request().viewer().await?;
        let asked = Slug::lowercase(&slug);
        let wished = match Slug::parse(&slug) {
            Ok(wished) => wished,
            Err(problem) => return Ok(SlugAvailability::impossible(asked, problem.code.into())),
        };
        let similar = wished.similar(20);
        let candidates: Vec<&str> = std::iter::once(&wished).chain(&similar).map(Slug::as_str).collect();
        let mut connection = ctx.env().store.read().await?;
        let taken = organizations::taken_slugs(&mut connection, &candidates, None, ctx.request().now).await?;
        if !taken.contains(&asked) {
            return Ok(SlugAvailability::free(asked));
        }
        let free = similar.iter().map(Slug::to_string).filter(|slug| !taken.contains(slug)).take(5).collect();
        Ok(SlugAvailability { suggestions: free, ..SlugAvailability::impossible(asked, UserErrorCode::SlugTaken) })
    }

    /// The effects of `transferResources` with the same arguments. Changes nothing. Null if the viewer cannot see the
    /// destination or one of the resources; other obstacles are in the `problems` of the plan's items.
    async fn transfer_plan(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "IDs of projects, and of tasks without a project: 1 to 100, each once.")] resource_ids: Vec<
            ID,
        >,
        #[graphql(desc = "ID of the destination workspace.")] destination_workspace_id: ID,
        #[graphql(desc = "How to handle their links to cloud storages.")] storage: StorageHandling,
    ) -> Option<Result<TransferPlan>> {
        let input = plan::Input {
            resource_ids: resource_ids.into_iter().map(|id| id.0).collect(),
            destination_workspace_id: destination_workspace_id.0,
            storage: storage.into(),
        };
        let actor = ctx.request().signed_in()?;
        let plan = async { Ok(plan::plan_transfer(ctx.env(), actor, input).await?.map(TransferPlan)) };
        plan.await.transpose()
    }

    /// The permissions of each role, as the server enforces them, from WORKER to OWNER: at most one entry for each
    /// Role. Works without signing in.
    async fn roles(&self) -> Vec<RoleDefinition> {
        crate::domain::Role::ALL.into_iter().map(Role::from).map(RoleDefinition).collect()
    }
}
