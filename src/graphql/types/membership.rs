//! Memberships of users in organizations, and their lists.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Lookahead, Object};
use uuid::Uuid;

use super::order_direction::OrderDirection;
use super::organization::Organization;
use super::permission::Permission;
use super::role::Role;
use super::user::User;
use crate::domain::page::{Keyset, PageRows};
use crate::domain::{Error, InternalError, MembershipId, OrganizationId, UserId};
use crate::graphql::Result;
use crate::graphql::connection;
use crate::graphql::connection::{Count, Page, PageArgs, asks_nodes_for, connection};
use crate::graphql::context::ContextExt;
use crate::graphql::fast_list::{FieldWriter, SelectedField, SyncFields, at_hand};
use crate::graphql::loaders::memberships::{MemberData, MemberRow, MembersPage, members_page};
use crate::graphql::scalars::{DateTime, id};
use crate::operations::access::organization::{LockedOrganization, WithAccess};
use crate::operations::accounts::record_activity::record_activity;
use crate::operations::idempotency::Written;
use crate::policy::{AccessContext, Action, Decision, Member, Target, assignable_roles, decide, permissions};
use crate::store::memberships;
use crate::store::memberships::list;
use crate::store::memberships::list::{Filter, Order, Pages};

/// The actions on a member that `viewerPermissions` checks.
const MEMBER_ACTIONS: [Action; 6] = [
    Action::OwnershipOffer,
    Action::MembersView,
    Action::MemberEmailView,
    Action::MemberRoleChange,
    Action::MemberRemove,
    Action::OrganizationLeave,
];

/// A membership, with the viewer's access to its organization.
#[derive(Clone)]
pub struct Membership {
    row: memberships::Membership,
    viewer_access: AccessContext,
    /// The member; `None` if only the names in the membership row are available.
    user: Option<User>,
    /// The organization as the mutation loaded it; `None` if this request did not write the membership.
    written_in: Option<Arc<LockedOrganization>>,
}

impl Membership {
    /// Wraps a row. `viewer_access` is the viewer's access to its organization.
    pub fn new(row: memberships::Membership, viewer_access: AccessContext) -> Self {
        Self { row, viewer_access, user: None, written_in: None }
    }

    /// Wraps a row of a list that `viewer` requested.
    pub fn listed((row, user): MemberRow, viewer_access: AccessContext, viewer: Option<UserId>) -> Self {
        let membership = Self::new(row, viewer_access);
        let user = user.map(|user| User::member(user, membership.shows_email(viewer)));
        let user = user.unwrap_or_else(|| membership.named(viewer));
        Self { user: Some(user), ..membership }
    }

    /// Loads a membership by its ID; `None` unless the viewer may see the members of its organization.
    pub async fn open(ctx: &Context<'_>, id: MembershipId) -> Result<Option<Self>> {
        let row = ctx.request().loader.load_one(id).await?;
        let organization = row.as_ref().map_or_else(|| Uuid::nil().into(), |row| row.organization_id);
        let organization = Organization::open(ctx, organization).await?.filter(Organization::shows_members);
        Ok(row.zip(organization).map(|(row, organization)| Self::new(row, organization.viewer_access())))
    }

    /// Returns a membership that a mutation wrote, now or before a retry; `None` unless the viewer may see the members
    /// of its organization.
    pub async fn written(
        ctx: &Context<'_>,
        written: Written<MembershipId, WithAccess<memberships::Membership>>,
    ) -> Result<Option<Self>> {
        let Some(WithAccess { row, by }) = written.row else { return Self::open(ctx, written.id).await };
        if let Some(own) = &by.membership {
            record_activity(ctx.env(), own);
        }
        let membership = Self { written_in: Some(by.clone()), ..Self::new(row, by.viewer_access()) };
        let decision = decide(&membership.viewer_access, Action::MembersView, &Target::default());
        Ok((decision == Decision::Allow).then_some(membership))
    }

    fn target(&self, viewer: Option<UserId>) -> Target {
        let is_self = viewer == Some(self.row.user_id);
        Target { member: Some(Member { role: self.row.role, is_self }), ..Target::default() }
    }

    /// Returns whether the viewer may see the member's address and last activity.
    fn shows_email(&self, viewer: Option<UserId>) -> bool {
        decide(&self.viewer_access, Action::MemberEmailView, &self.target(viewer)) == Decision::Allow
    }

    /// Returns the member with the names in the membership row.
    fn named(&self, viewer: Option<UserId>) -> User {
        User::named_member(&self.row, self.shows_email(viewer))
    }

    fn last_active(&self, viewer: Option<UserId>) -> Option<DateTime> {
        let day = self.row.last_active_on.filter(|_| self.shows_email(viewer))?;
        Some(day.and_time(chrono::NaiveTime::MIN).and_utc().into())
    }

    fn permissions(&self, viewer: Option<UserId>) -> Vec<Permission> {
        let target = self.target(viewer);
        let is_self = target.member.is_some_and(|member| member.is_self);
        let actions = MEMBER_ACTIONS.into_iter().filter(|action| is_self || *action != Action::OrganizationLeave);
        permissions(&self.viewer_access, &target, &actions.collect::<Vec<_>>()).into_iter().map(Into::into).collect()
    }

    fn assignable_roles(&self, viewer: Option<UserId>) -> Vec<Role> {
        let roles = assignable_roles(&self.viewer_access, Action::MemberRoleChange, &self.target(viewer));
        roles.into_iter().map(Into::into).collect()
    }
}

impl SyncFields for Membership {
    fn sync_field<'p>(field: &SelectedField<'p>) -> Option<FieldWriter<'p, Self>>
    where
        Self: 'p,
    {
        Some(match field.name() {
            "id" => at_hand(|member: &Self, _, json| json.id(member.row.id)),
            "user" => return field.object(|member: &Self, _| member.user.as_ref().map(Some)),
            "role" => at_hand(|member: &Self, _, json| json.name(Role::from(member.row.role))),
            "joinedAt" => at_hand(|member: &Self, _, json| json.time(member.row.joined_at)),
            "lastActiveAt" => at_hand(|member: &Self, request, json| {
                json.optional(member.last_active(request.viewer_id()), |json, day| json.time(day));
            }),
            "viewerPermissions" => {
                at_hand(|member: &Self, request, json| json.names(member.permissions(request.viewer_id())))
            }
            "viewerAssignableRoles" => {
                at_hand(|member: &Self, request, json| json.names(member.assignable_roles(request.viewer_id())))
            }
            _ => return None,
        })
    }
}

/// The membership of one user in one organization, with one role.
#[Object]
impl Membership {
    /// Globally unique, stable and opaque ID: a prefix for the type and a UUIDv7, such as `org_01jd…`.
    pub async fn id(&self) -> ID {
        id(self.row.id)
    }

    /// The organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        let organization = match &self.written_in {
            Some(organization) => Organization::if_visible(ctx, organization.seen()),
            None => Organization::open(ctx, self.row.organization_id).await?,
        };
        Ok(organization
            .ok_or_else(|| Error::from(InternalError::transient("organization of a visible membership not found")))?)
    }

    /// The member.
    async fn user(&self, ctx: &Context<'_>) -> User {
        self.user.clone().unwrap_or_else(|| self.named(ctx.request().viewer_id()))
    }

    /// The member's role.
    async fn role(&self) -> Role {
        self.row.role.into()
    }

    /// Time at which the member joined, or created the organization.
    async fn joined_at(&self) -> DateTime {
        self.row.joined_at.into()
    }

    /// Day on which the member was last active, at 00:00 UTC. Null if the member was never active. Null, without an
    /// error, unless it is the viewer's own membership or the viewer has VIEW_MEMBER_EMAILS.
    async fn last_active_at(&self, ctx: &Context<'_>) -> Option<DateTime> {
        self.last_active(ctx.request().viewer_id())
    }

    /// The user who invited the member. Null for the creator, and if that account no longer exists.
    async fn invited_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::named(ctx, self.row.invited_by?).await.transpose()
    }

    /// The viewer's present permissions on this member, for example for the menu of the member's row.
    async fn viewer_permissions(&self, ctx: &Context<'_>) -> Vec<Permission> {
        self.permissions(ctx.request().viewer_id())
    }

    /// Roles that the viewer can give to this member now, the present role included. Empty if the viewer cannot change
    /// the role.
    async fn viewer_assignable_roles(&self, ctx: &Context<'_>) -> Vec<Role> {
        self.assignable_roles(ctx.request().viewer_id())
    }
}

connection!(
    Membership,
    MembershipConnection: "A page of a list of memberships.",
    MembershipEdge: "One entry of a list of memberships."
);

/// Field by which members are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum MembershipOrderField {
    /// Time at which the member joined.
    JoinedAt,
    /// Username, alphabetically, regardless of case.
    Username,
    /// Role; ascending: from WORKER to OWNER.
    Role,
}

/// Order of a list of members. Ties are broken by ID, so that pages are stable.
#[derive(Clone, InputObject)]
pub struct MembershipOrder {
    /// Field to order by.
    pub field: MembershipOrderField,
    /// Direction of the order.
    pub direction: OrderDirection,
}

impl MembershipOrder {
    /// Orders by time of joining, earliest first.
    fn by_joining() -> Self {
        Self { field: MembershipOrderField::JoinedAt, direction: OrderDirection::Asc }
    }
}

/// Arguments of `Organization.members`.
pub struct MembersArgs {
    /// Text that the username or display name must contain; `None` for all.
    pub search: Option<String>,
    /// Roles to include; `None` for all.
    pub roles: Option<Vec<Role>>,
    /// Order of the list; `None` for the order of joining.
    pub order_by: Option<MembershipOrder>,
    /// The page to load.
    pub page: PageArgs,
}

impl MembersArgs {
    /// Returns the name of the list in cursors, and the page of an organization's members to read.
    fn pages(&self, organization: OrganizationId) -> Result<(String, Pages)> {
        let MembershipOrder { field, direction } = self.order_by.clone().unwrap_or_else(MembershipOrder::by_joining);
        let descending = direction == OrderDirection::Desc;
        let list = format!("members of {organization} by {field:?}, {descending}");
        let order = match field {
            MembershipOrderField::JoinedAt => Order::JoinedAt,
            MembershipOrderField::Username => Order::Username,
            MembershipOrderField::Role => Order::Role,
        };
        let roles = self.roles.as_ref().map(|roles| roles.iter().copied().map(Into::into).collect());
        let filter = Filter { search: connection::search(self.search.as_deref())?, roles };
        let window = self.page.page_request_where(&list, |key: &String| order.has_key(key))?;
        Ok((list, Pages { filter, order, descending, window }))
    }
}

/// Returns the rows that a list of members has to load. Membership rows contain the names; other fields of the user
/// need the accounts.
fn depth(connection: &Lookahead<'_>) -> MemberData {
    let is_selected = |field| asks_nodes_for(connection, &["user", field]);
    if User::FIELDS_NEEDING_PROFILE.into_iter().any(is_selected) {
        MemberData::Accounts
    } else {
        MemberData::Memberships
    }
}

impl MembershipConnection {
    /// Loads a page of the members of an organization to which the viewer has access `viewer_access`. The pages of all
    /// organizations in one response are loaded together.
    pub async fn load(
        ctx: &Context<'_>,
        (organization, member_count): (OrganizationId, i32),
        viewer_access: AccessContext,
        args: &MembersArgs,
    ) -> Result<Self> {
        let (list, pages) = args.pages(organization)?;
        let (order, filter, window) = (pages.order, pages.filter.clone(), pages.window.clone());
        let depth = depth(&ctx.look_ahead());
        let store = ctx.env().store.clone();
        let rows = if ctx.is_in_list() {
            let key = MembersPage { organization, pages: Arc::new(pages), depth };
            ctx.request().loader.load_one(key).await?.unwrap_or_default()
        } else {
            members_page(&*store.read().await?, &[organization], &pages, depth).await?
        };
        let count: Count = Arc::new(move || {
            let (store, filter) = (store.clone(), filter.clone());
            Box::pin(async move {
                if filter == Filter::default() {
                    return Ok(i64::from(member_count));
                }
                list::count(&mut *store.read().await?, organization, &filter).await
            })
        });
        let viewer = ctx.request().viewer_id();
        Ok(Self(Page::new(
            &list,
            &window,
            PageRows::from_read(rows, &window),
            |(row, _)| Keyset { key: list::key_of(order, row), id: row.id.into() },
            |row| Membership::listed(row, viewer_access, viewer),
            count,
        )))
    }
}
