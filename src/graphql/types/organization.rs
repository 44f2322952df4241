//! Organizations: workspaces shared by their members.

use async_graphql::{Context, Enum, ID, Object};

use super::cloud_storage::CloudStorageConnection;
use super::event::{EventConnection, EventType};
use super::invitation::InvitationStatus;
use super::invitation_connection::{InvitationConnection, InvitationsArgs};
use super::membership::{MembersArgs, Membership, MembershipConnection, MembershipOrder};
use super::organization_contact::OrganizationContact;
use super::ownership_offer::OwnershipOffer;
use super::permission::Permission;
use super::plan::{self, Billing, Limit, Plan, SeatUsage};
use super::project::ProjectConnection;
use super::role::Role;
use super::task::{TaskConnection, TaskStatus};
use super::user::User;
use crate::domain::{Error, InternalError, OrganizationId, Slug, WorkspaceId};
use crate::graphql::Result;
use crate::graphql::connection::PageArgs;
use crate::graphql::context::ContextExt;
use crate::graphql::guard::{authorize, guarded};
use crate::graphql::scalars::{DateTime, id};
use crate::operations;
use crate::policy::{AccessContext, Action, Decision, Target, assignable_roles, decide, permissions};
use crate::store::organizations::{self, By, OrganizationForViewer};

/// The actions in an organization that `viewerPermissions` checks.
const ORGANIZATION_ACTIONS: &[Action] = &[
    Action::OrganizationView,
    Action::OrganizationUpdate,
    Action::OrganizationDelete,
    Action::OrganizationRestore,
    Action::OwnershipOffer,
    Action::MembersView,
    Action::MemberEmailView,
    Action::MemberRoleChange,
    Action::MemberRemove,
    Action::OrganizationLeave,
    Action::InvitationView,
    Action::InvitationCreate,
    Action::InvitationResend,
    Action::InvitationRevoke,
    Action::AllResourcesView,
    Action::ProjectCreate,
    Action::TaskCreate,
    Action::CloudStorageView,
    Action::CloudStorageCreate,
    Action::EventsView,
    Action::BillingView,
    Action::PlanManage,
];

/// Returns the viewer's access to an organization.
pub fn access_of(organization: &OrganizationForViewer) -> AccessContext {
    AccessContext {
        signed_in: true,
        is_admin: organization.viewer_is_admin,
        role: organization.membership.as_ref().map(|membership| membership.role),
        invited: organization.invited,
        place: organization.organization.status.into(),
    }
}

/// Status of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::organization::OrganizationStatus")]
pub enum OrganizationStatus {
    /// In use.
    Active,
    /// Deleted by its owner, and restorable until `deletionScheduledFor`. Read-only for the owner and not visible to
    /// other members.
    PendingDeletion,
}

/// An organization that the viewer may see, either in full or as an invitee.
#[derive(Clone)]
pub struct Organization(pub(super) OrganizationForViewer);

impl Organization {
    /// Loads an organization by its ID; `None` unless the viewer may see at least its name.
    pub async fn open(ctx: &Context<'_>, id: OrganizationId) -> Result<Option<Self>> {
        let row = ctx.request().loader.load_one(id).await?;
        Ok(row.and_then(|row| Self::if_visible(ctx, row)))
    }

    /// Loads an organization by its slug; `None` unless the viewer may see at least its name.
    pub async fn by_slug(ctx: &Context<'_>, slug: &str) -> Result<Option<Self>> {
        let slug = Slug::lowercase(slug);
        let Some(viewer) = ctx.request().viewer_id().filter(|_| !slug.contains('\0')) else { return Ok(None) };
        let connection = ctx.env().store.read().await?;
        let rows = organizations::seen(&connection, viewer, By::Slug(&slug), ctx.request().now).await?;
        drop(connection);
        Ok(rows.into_iter().next().and_then(|row| Self::if_visible(ctx, row)))
    }

    /// Wraps a row and records the viewer's activity; `None` unless the viewer may see at least its name.
    pub fn if_visible(ctx: &Context<'_>, row: OrganizationForViewer) -> Option<Self> {
        let organization = Self(row);
        if decide(&organization.viewer_access(), Action::OrganizationViewSummary, &Target::default()) != Decision::Allow
        {
            return None;
        }
        // An organization pending deletion is read-only, so opening it is not recorded as activity.
        let in_use = organization.0.organization.deletion_scheduled_for.is_none();
        if let Some(membership) = organization.0.membership.as_ref().filter(|_| in_use) {
            operations::accounts::record_activity::record_activity(ctx.env(), membership);
        }
        Some(organization)
    }

    /// Returns the viewer's access to the organization.
    pub fn viewer_access(&self) -> AccessContext {
        access_of(&self.0)
    }

    /// Returns whether the viewer may see its members.
    pub fn shows_members(&self) -> bool {
        decide(&self.viewer_access(), Action::MembersView, &Target::default()) == Decision::Allow
    }

    /// Returns the row; fails with FORBIDDEN if the viewer may see only the fields that are visible to invitees.
    pub(super) fn require_row(&self) -> Result<&organizations::Organization> {
        authorize(&self.viewer_access(), Action::OrganizationView, &Target::default())?;
        Ok(&self.0.organization)
    }

    /// Returns the viewer's membership; `None` if the viewer is not a member.
    pub(super) fn own_membership(&self) -> Option<Membership> {
        self.0.membership.clone().map(|row| Membership::new(row, self.viewer_access()))
    }

    /// Returns the workspace and the viewer's access to it; fails like [`require_row`](Self::require_row).
    fn workspace_access(&self) -> Result<(WorkspaceId, AccessContext)> {
        Ok((self.require_row()?.id.into(), self.viewer_access()))
    }

    /// Returns whether the viewer's own address is unverified, in which case the viewer cannot invite.
    async fn viewer_is_unverified(ctx: &Context<'_>) -> Result<bool> {
        Ok(ctx.request().viewer().await?.verified_email().is_none())
    }
}

/// A workspace shared by its members, each with a role. It does not exist for other viewers, with two exceptions: site
/// administrators, and users with a pending invitation to it, who may read `id`, `slug`, `name`, `displayName`,
/// `description` and `viewerPermissions` and get a FORBIDDEN error for any other field.
#[Object]
impl Organization {
    /// Globally unique, stable and opaque ID: a prefix for the type and a UUIDv7, such as `org_01jd…`.
    pub async fn id(&self) -> ID {
        id(self.0.organization.id)
    }

    /// Short name, used in URLs and menus: 1 to 16 of `a-z`, `0-9`, `-`, beginning and ending with a letter or digit.
    /// Unique regardless of case.
    async fn slug(&self) -> &str {
        &self.0.organization.slug
    }

    /// Full name, 1 to 64 characters. The slug if no name was given.
    async fn name(&self) -> &str {
        self.0.organization.display_name()
    }

    /// The same as `name`.
    pub async fn display_name(&self) -> &str {
        self.0.organization.display_name()
    }

    /// Purpose of the organization, at most 4,096 characters. Null if none was given.
    async fn description(&self) -> Option<&str> {
        self.0.organization.description.as_deref()
    }

    /// Contact details of the organization.
    async fn contact(&self) -> Result<OrganizationContact> {
        Ok(self.require_row()?.into())
    }

    /// The owner. Every organization has exactly one.
    async fn owner(&self, ctx: &Context<'_>) -> Result<User> {
        let owner = User::named(ctx, self.require_row()?.owner_id).await?;
        Ok(owner.ok_or_else(|| Error::from(InternalError::transient("organization has no owner account")))?)
    }

    /// Whether it is active or pending deletion.
    async fn status(&self) -> Result<OrganizationStatus> {
        Ok(self.require_row()?.status.into())
    }

    /// Time at which the data is deleted permanently. Null while active.
    async fn deletion_scheduled_for(&self) -> Option<Result<DateTime>> {
        self.require_row().map(|organization| organization.deletion_scheduled_for.map(DateTime)).transpose()
    }

    /// Starts at 1 and increases by one with every change of the organization's own fields. See
    /// `UpdateOrganizationInput.expectedVersion`.
    async fn version(&self) -> Result<i32> {
        Ok(self.require_row()?.version)
    }

    /// Time of creation.
    async fn created_at(&self) -> Result<DateTime> {
        Ok(self.require_row()?.created_at.into())
    }

    /// Time of the last change of its own fields.
    async fn updated_at(&self) -> Result<DateTime> {
        Ok(self.require_row()?.updated_at.into())
    }

    /// The viewer's membership. Null for a site administrator who is not a member.
    async fn viewer_membership(&self) -> Option<Result<Membership>> {
        self.require_row().map(|_| self.own_membership()).transpose()
    }

    /// Whether it is `Viewer.selectedWorkspace`.
    pub async fn is_selected(&self, ctx: &Context<'_>) -> Result<bool> {
        let id = self.require_row()?.id;
        // `require_row` has checked the viewer's access, and only a member can have selected the organization.
        Ok(ctx.request().viewer().await?.selected_organization_id == Some(id))
    }

    /// The viewer's present permissions in this workspace.
    pub async fn viewer_permissions(&self, ctx: &Context<'_>) -> Result<Vec<Permission>> {
        let viewer_access = self.viewer_access();
        let unverified = viewer_access.rank().is_some() && Self::viewer_is_unverified(ctx).await?;
        let owners_manage_plans = ctx.env().rules.owners_manage_plans;
        let target = Target { unverified, owners_manage_plans, ..Target::default() };
        let permissions = permissions(&viewer_access, &target, ORGANIZATION_ACTIONS);
        Ok(permissions.into_iter().map(Into::into).collect())
    }

    /// Roles that the viewer can give to an invitee. Empty if the viewer cannot invite.
    async fn viewer_assignable_roles(&self, ctx: &Context<'_>) -> Result<Vec<Role>> {
        self.require_row()?;
        let target = Target { unverified: Self::viewer_is_unverified(ctx).await?, ..Target::default() };
        let roles = assignable_roles(&self.viewer_access(), Action::InvitationCreate, &target);
        Ok(roles.into_iter().map(Into::into).collect())
    }

    /// The plan of the workspace.
    pub async fn plan(&self, ctx: &Context<'_>) -> Result<Plan> {
        plan::plan_of(ctx, self.0.organization.id.into(), &self.viewer_access()).await
    }

    /// The limits of the plan and their present use: at most one entry for each LimitKind.
    pub async fn limits(&self, ctx: &Context<'_>) -> Result<Vec<Limit>> {
        plan::limits_of(ctx, self.0.organization.id.into(), &self.viewer_access()).await
    }

    /// The seats of the organization.
    async fn seats(&self, ctx: &Context<'_>) -> Result<SeatUsage> {
        plan::seats_of(ctx, &self.0.organization, &self.viewer_access()).await
    }

    /// Price of the plan. Null for plans without a price. Null with a FORBIDDEN error unless the viewer has
    /// VIEW_BILLING.
    pub async fn billing(&self, ctx: &Context<'_>) -> Option<Result<Billing>> {
        let organization = &self.0.organization;
        plan::billing_of(ctx, organization.id.into(), organization.member_count, &self.viewer_access()).await
    }

    /// Number of members, the owner included.
    async fn member_count(&self) -> Result<i32> {
        Ok(self.require_row()?.member_count)
    }

    /// The members, by default in the order of joining.
    #[allow(clippy::too_many_arguments, reason = "the arguments of the schema")]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Only members whose username or displayName contains this text, regardless of case and accents. At most 256 characters; all if absent or empty."
        )]
        search: Option<String>,
        #[graphql(desc = "Only members with one of these roles. All if absent, none if empty.")] roles: Option<
            Vec<Role>,
        >,
        #[graphql(desc = "Default: JOINED_AT, ASC.")] order_by: Option<MembershipOrder>,
        #[graphql(desc = "Forward paging: number of entries, 0 to 100. Not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Forward paging: cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Backward paging: number of entries, 0 to 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Backward paging: cursor before which the page ends.")] before: Option<String>,
    ) -> Result<MembershipConnection> {
        authorize(&self.viewer_access(), Action::MembersView, &Target::default())?;
        let organization = (self.0.organization.id, self.0.organization.member_count);
        let args = MembersArgs { search, roles, order_by, page: PageArgs { first, after, last, before } };
        MembershipConnection::load(ctx, organization, self.viewer_access(), &args).await
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
        ProjectConnection::of_workspace(ctx, self.workspace_access()?, search, PageArgs { first, after, last, before })
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
        TaskConnection::of_workspace(ctx, self.workspace_access()?, (search, statuses, assignee_id), args).await
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
        CloudStorageConnection::of_workspace(ctx, self.workspace_access()?, PageArgs { first, after, last, before })
            .await
    }

    /// The invitations, newest first. Null with a FORBIDDEN error unless the viewer has VIEW_INVITATIONS.
    #[allow(clippy::too_many_arguments, reason = "the arguments of the schema")]
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Only those whose address contains this text, regardless of case and accents. At most 256 characters; all if absent or empty."
        )]
        search: Option<String>,
        #[graphql(desc = "Only those with one of these statuses. All if absent, none if empty.")] statuses: Option<
            Vec<InvitationStatus>,
        >,
        #[graphql(desc = "Only those that offer one of these roles. All if absent, none if empty.")] roles: Option<
            Vec<Role>,
        >,
        #[graphql(desc = "Forward paging: number of entries, 0 to 100. Not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Forward paging: cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Backward paging: number of entries, 0 to 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Backward paging: cursor before which the page ends.")] before: Option<String>,
    ) -> Option<Result<InvitationConnection>> {
        let viewer_access = self.viewer_access();
        guarded(&viewer_access, Action::InvitationView, async {
            let args = InvitationsArgs { search, statuses, roles, page: PageArgs { first, after, last, before } };
            InvitationConnection::of_organization(ctx, self.0.organization.id, viewer_access, &args).await.map(Some)
        })
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
        guarded(&self.viewer_access(), Action::EventsView, async {
            let args = PageArgs { first, after, last, before };
            EventConnection::load(ctx, WorkspaceId::Organization(self.0.organization.id), (types, actor_id), args)
                .await
                .map(Some)
        })
        .await
    }

    /// The pending offer of ownership. Null if there is none. Null with a FORBIDDEN error unless the viewer is the
    /// owner or the member to whom the pending offer is made.
    async fn ownership_offer(&self, ctx: &Context<'_>) -> Option<Result<OwnershipOffer>> {
        OwnershipOffer::pending_of(ctx, self.0.organization.id, self.viewer_access()).await.transpose()
    }
}
