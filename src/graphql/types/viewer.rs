//! The signed-in caller, and the tokens of a session.

use std::borrow::Cow;

use async_graphql::{Context, Object, SimpleObject};

use super::invitation::InvitationStatus;
use super::invitation_connection::InvitationConnection;
use super::job::{JobConnection, JobState};
use super::organization_connection::{OrganizationConnection, OrganizationOrder};
use super::ownership_offer::OwnershipOffer;
use super::personal_workspace::PersonalWorkspace;
use super::role::Role;
use super::task::{TaskConnection, TaskStatus};
use super::user::User;
use super::workspace::Workspace;
use crate::domain::UserId;
use crate::graphql::Result;
use crate::graphql::connection;
use crate::graphql::connection::PageArgs;
use crate::graphql::context::ContextExt;
use crate::graphql::scalars::DateTime;
use crate::operations::sessions::open::Tokens;
use crate::store::organizations::list::Filter;
use crate::store::users;

/// The signed-in caller, with the fields that only the caller may see.
pub struct Viewer {
    id: UserId,
    /// The account; `None` if not loaded, because the query selects no field that needs it.
    row: Option<users::User>,
}

impl From<users::User> for Viewer {
    fn from(row: users::User) -> Self {
        Self { id: row.id, row: Some(row) }
    }
}

impl Viewer {
    /// Loads the viewer's account, unless the query selects only `organizations`: that list checks by itself that the
    /// account still exists.
    pub async fn open(ctx: &Context<'_>, id: UserId) -> Result<Self> {
        if ctx.field().selection_set().all(|field| field.name() == "organizations") {
            return Ok(Self { id, row: None });
        }
        Ok(ctx.request().viewer().await?.into())
    }

    async fn row(&self, ctx: &Context<'_>) -> Result<Cow<'_, users::User>> {
        match &self.row {
            Some(row) => Ok(Cow::Borrowed(row)),
            None => Ok(Cow::Owned(ctx.request().viewer().await?)),
        }
    }
}

/// The signed-in caller, with the fields that only the caller may see.
#[Object]
impl Viewer {
    /// The viewer's account, as other users see it.
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        Ok(self.row(ctx).await?.into_owned().into())
    }

    /// E-mail address of the account. Null if there is none: an external issuer gave no verified address, or another
    /// account has verified the address that was unverified here.
    async fn email(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        self.row(ctx).await.map(|row| row.shown_email().map(str::to_owned)).transpose()
    }

    /// Whether the viewer has verified the address. This is required to invite, to see invitations, and to accept them
    /// by ID.
    async fn email_verified(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.row(ctx).await?.email_verified_at.is_some())
    }

    /// Whether the viewer is a site administrator, who satisfies every rule that requires a role, in every
    /// organization.
    async fn is_admin(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.row(ctx).await?.is_admin)
    }

    /// The workspace that belongs to the viewer alone.
    async fn personal_workspace(&self, ctx: &Context<'_>) -> Result<PersonalWorkspace> {
        Ok(PersonalWorkspace::own(self.row(ctx).await?.into_owned()))
    }

    /// The selected workspace, for menus. The personal workspace at first, and again if the viewer loses the selected
    /// one. It neither grants nor limits access: every operation names its workspace.
    async fn selected_workspace(&self, ctx: &Context<'_>) -> Result<Workspace> {
        Workspace::selected(ctx).await
    }

    /// The organizations that the viewer is a member of. Those pending deletion are listed for their owner only.
    #[allow(clippy::too_many_arguments, reason = "the arguments of the schema")]
    async fn organizations(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Only organizations whose slug or name contains this text, regardless of case and accents. At most 256 characters; all if absent or empty."
        )]
        search: Option<String>,
        #[graphql(desc = "Only organizations where the viewer has one of these roles. All if absent, none if empty.")]
        roles: Option<Vec<Role>>,
        #[graphql(desc = "Default: JOINED_AT, ASC.")] order_by: Option<OrganizationOrder>,
        #[graphql(desc = "Forward paging: number of entries, 0 to 100. Not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Forward paging: cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Backward paging: number of entries, 0 to 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Backward paging: cursor before which the page ends.")] before: Option<String>,
    ) -> Result<OrganizationConnection> {
        let roles = roles.map(|roles| roles.into_iter().map(Into::into).collect());
        let filter = Filter { search: connection::search(search.as_deref())?, roles, all_organizations: false };
        let order = order_by.unwrap_or_else(OrganizationOrder::by_joining);
        OrganizationConnection::load(ctx, self.id, filter, order, PageArgs { first, after, last, before }).await
    }

    /// Invitations to the viewer's verified address, newest first. Empty while the address is not verified.
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those with one of these statuses. Pending ones if absent, none if empty.")]
        statuses: Option<Vec<InvitationStatus>>,
        #[graphql(desc = "Forward paging: number of entries, 0 to 100. Not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Forward paging: cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Backward paging: number of entries, 0 to 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Backward paging: cursor before which the page ends.")] before: Option<String>,
    ) -> Result<InvitationConnection> {
        InvitationConnection::of_viewer(ctx, &*self.row(ctx).await?, statuses, PageArgs { first, after, last, before })
            .await
    }

    /// Tasks assigned to the viewer, in every workspace, newest first.
    async fn assigned_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those with one of these statuses. All if absent, none if empty.")] statuses: Option<
            Vec<TaskStatus>,
        >,
        #[graphql(desc = "Forward paging: number of entries, 0 to 100. Not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Forward paging: cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Backward paging: number of entries, 0 to 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Backward paging: cursor before which the page ends.")] before: Option<String>,
    ) -> Result<TaskConnection> {
        TaskConnection::assigned(ctx, &*self.row(ctx).await?, statuses, PageArgs { first, after, last, before }).await
    }

    /// Jobs assigned to the viewer, in every workspace, newest first.
    async fn assigned_jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those with one of these statuses. All if absent, none if empty.")] states: Option<
            Vec<JobState>,
        >,
        #[graphql(desc = "Forward paging: number of entries, 0 to 100. Not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Forward paging: cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Backward paging: number of entries, 0 to 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Backward paging: cursor before which the page ends.")] before: Option<String>,
    ) -> Result<JobConnection> {
        JobConnection::assigned(ctx, &*self.row(ctx).await?, states, PageArgs { first, after, last, before }).await
    }

    /// Pending offers of ownership to the viewer, newest first: at most one for each organization of which the viewer
    /// is a member.
    async fn ownership_offers(&self, ctx: &Context<'_>) -> Result<Vec<OwnershipOffer>> {
        OwnershipOffer::to_viewer(ctx, self.id).await
    }
}

/// Tokens of a signed-in user.
#[derive(SimpleObject)]
pub struct Session {
    /// JWT for `Authorization: Bearer …`, and for `connection_init` on a WebSocket.
    pub access_token: String,
    /// Time at which the access token expires: 15 minutes after it was issued.
    pub access_token_expires_at: DateTime,
    /// Opaque single-use token for `refreshSession`. Keep it secret.
    pub refresh_token: String,
    /// Time at which the refresh token expires.
    pub refresh_token_expires_at: DateTime,
}

impl From<Tokens> for Session {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access,
            access_token_expires_at: tokens.access_expires_at.into(),
            refresh_token: tokens.refresh,
            refresh_token_expires_at: tokens.refresh_expires_at.into(),
        }
    }
}
