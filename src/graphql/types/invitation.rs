//! Invitations, their lists, and the preview for the holder of a token.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, ID, Lookahead, Object, SimpleObject};
use uuid::Uuid;

use super::enums::{DeliveryState, InvitationStatus, Permission, Role};
use super::organization::access_of;
use super::user::User;
use crate::domain::clock::Instant;
use crate::domain::page::{Keyset, PageRequest, PageRows};
use crate::domain::{self, Error, InternalError, InvitationId, OrganizationId, UserId};
use crate::graphql::Result;
use crate::graphql::connection;
use crate::graphql::connection::{Count, Page, PageArgs, asks_nodes_for, connection};
use crate::graphql::context::ContextExt;
use crate::graphql::fast_list::{FieldWriter, SelectedField, SyncFields, at_hand};
use crate::graphql::loaders::organizations::OrganizationName;
use crate::graphql::loaders::users::ProvenEmail;
use crate::graphql::scalars::{DateTime, id};
use crate::operations::access::organization::WithAccess;
use crate::operations::idempotency::Written;
use crate::operations::invitations::resend;
use crate::policy::{AccessContext, Action, Decision, Member, Target, decide, permissions};
use crate::store::Connection;
use crate::store::invitations;
use crate::store::invitations::list;
use crate::store::invitations::list::{Filter, Inviter, Whose};
use crate::store::organizations::NamedOrganization;
use crate::store::users;

/// The actions on a pending invitation that `viewerPermissions` checks.
const ABOUT_PENDING: [Action; 5] = [
    Action::InvitationView,
    Action::InvitationResend,
    Action::InvitationRevoke,
    Action::InvitationAccept,
    Action::InvitationDecline,
];

/// An invitation that the viewer may see, with the grounds for it.
#[derive(Clone)]
pub struct Invitation {
    row: invitations::Invitation,
    standing: AccessContext,
    /// Whether the viewer is the invitee; `None` if not checked, because the viewer sees the invitation by role.
    is_invitee: Option<bool>,
    /// The inviter, if the account still exists; the outer `None` means not loaded.
    inviter: Option<Option<User>>,
}

impl Invitation {
    /// Loads an invitation by its ID; `None` unless the viewer is the invitee or may see the organization's
    /// invitations.
    pub async fn open(ctx: &Context<'_>, id: InvitationId) -> Result<Option<Self>> {
        if ctx.request().signed_in().is_none() {
            return Ok(None);
        }
        let row = ctx.request().loader.load_one(id).await?;
        Self::found(ctx, row).await
    }

    /// Returns an invitation that a mutation wrote, now or before a retry; `None` unless the viewer is the invitee or
    /// may see the organization's invitations.
    pub async fn written(
        ctx: &Context<'_>,
        written: Written<InvitationId, WithAccess<invitations::Invitation>>,
    ) -> Result<Option<Self>> {
        match written.row {
            Some(WithAccess { row, by }) => {
                let is_invitee = Some(by.is_invitee(&row));
                Ok(Self { row, standing: by.standing(), is_invitee, inviter: None }.allowed())
            }
            None => Self::open(ctx, written.id).await,
        }
    }

    /// Wraps a row; `None` unless the viewer is the invitee or may see the organization's invitations.
    pub async fn seen(ctx: &Context<'_>, row: invitations::Invitation) -> Result<Option<Self>> {
        Self::found(ctx, Some(row)).await
    }

    async fn found(ctx: &Context<'_>, row: Option<invitations::Invitation>) -> Result<Option<Self>> {
        let viewer = ctx.request().viewer().await?;
        let organization = row.as_ref().map_or_else(|| Uuid::nil().into(), |row| row.organization_id);
        let seen = ctx.request().loader.load_one(organization).await?;
        let (Some(row), Some(seen)) = (row, seen) else { return Ok(None) };
        let is_invitee = viewer.verified_email() == Some(row.email.as_str());
        Ok(Self { row, standing: access_of(&seen), is_invitee: Some(is_invitee), inviter: None }.allowed())
    }

    fn allowed(self) -> Option<Self> {
        let target = Target { is_invitee: self.is_invitee == Some(true), ..Target::default() };
        let decision = decide(&self.standing, Action::InvitationView, &target);
        (decision == Decision::Allow).then_some(self)
    }

    /// Wraps a row of a list that `viewer` requested.
    fn listed(
        (row, inviter): ListedRow,
        standing: AccessContext,
        is_invitee: Option<bool>,
        viewer: Option<UserId>,
    ) -> Self {
        let named = |inviter: Inviter| {
            let user = inviter.user?;
            let member = inviter.role.map(|role| Member { role, is_self: viewer == Some(user.id) });
            let target = Target { member, ..Target::default() };
            let email_visible =
                member.is_some() && decide(&standing, Action::MemberEmailView, &target) == Decision::Allow;
            Some(User::member(user, email_visible))
        };
        Self { row, standing, is_invitee, inviter: inviter.map(named) }
    }

    async fn target(&self, ctx: &Context<'_>) -> Result<Target> {
        let is_invitee = match self.is_invitee {
            Some(is_invitee) => is_invitee,
            None => ctx.request().viewer().await?.verified_email() == Some(&self.row.email),
        };
        Ok(Target { is_invitee, ..Target::default() })
    }

    fn resolved_at_by(&self, now: Instant) -> Option<DateTime> {
        let overdue = self.row.status_at(now) != self.row.status;
        self.row.resolved_at.or(overdue.then_some(self.row.expires_at)).map(DateTime)
    }

    /// Whether the viewer may see it by role, not only as the invitee.
    fn administered(&self) -> bool {
        decide(&self.standing, Action::InvitationView, &Target::default()) == Decision::Allow
    }
}

impl SyncFields for Invitation {
    fn at_hand<'p>(field: &SelectedField<'p>) -> Option<FieldWriter<'p, Self>>
    where
        Self: 'p,
    {
        Some(match field.name() {
            "id" => at_hand(|it: &Self, _, json| json.id(it.row.id)),
            "email" => at_hand(|it: &Self, _, json| json.text(it.row.shown_email())),
            "role" => at_hand(|it: &Self, _, json| json.name(Role::from(it.row.role))),
            "status" => {
                at_hand(|it: &Self, request, json| json.name(InvitationStatus::from(it.row.status_at(request.now))))
            }
            "inviter" => return field.object(|it: &Self, _| it.inviter.as_ref().map(Option::as_ref)),
            "message" => at_hand(|it: &Self, _, json| {
                json.optional(it.row.message.as_deref(), |json, message| json.text(message));
            }),
            "createdAt" => at_hand(|it: &Self, _, json| json.time(it.row.created_at)),
            "expiresAt" => at_hand(|it: &Self, _, json| json.time(it.row.expires_at)),
            "resolvedAt" => at_hand(|it: &Self, request, json| {
                json.optional(it.resolved_at_by(request.now), |json, at| json.time(at));
            }),
            _ => return None,
        })
    }
}

/// An offer of a role in an organization, sent to an e-mail address. At most one is pending for each organization and
/// address. Visible to members with VIEW_INVITATIONS, and to the invitee once their address is verified.
#[Object]
impl Invitation {
    /// Globally unique, stable and opaque ID: a prefix for the type and a UUIDv7, such as `org_01jd…`.
    pub async fn id(&self) -> ID {
        id(self.row.id)
    }

    /// The fields of the organization that an invitee may see.
    async fn organization(&self, ctx: &Context<'_>) -> Result<OrganizationSummary> {
        OrganizationSummary::load(ctx, self.row.organization_id).await
    }

    /// The invited address.
    async fn email(&self) -> &str {
        self.row.shown_email()
    }

    /// The account of the invitee. Null, without an error, until the invitation is accepted, unless the viewer is the
    /// invitee or shares an organization with them. Null as well if no account has verified the address.
    async fn invitee(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        let load = async {
            match invitee_of(ctx, &self.row).await? {
                Some(id) => User::named(ctx, id).await,
                None => Ok(None),
            }
        };
        load.await.transpose()
    }

    /// The offered role; never OWNER.
    async fn role(&self) -> Role {
        self.row.role.into()
    }

    /// Present status. The invitation expires at `expiresAt`, exactly to the millisecond.
    async fn status(&self, ctx: &Context<'_>) -> InvitationStatus {
        self.row.status_at(ctx.request().now).into()
    }

    /// The user who sent it last. Null if that account is gone.
    async fn inviter(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        match &self.inviter {
            Some(inviter) => inviter.clone().map(Ok),
            None => User::named(ctx, self.row.inviter_id?).await.transpose(),
        }
    }

    /// The inviter's message, as sent in the mail: plain text, at most 1,000 characters. Null if there is none.
    async fn message(&self) -> Option<&str> {
        self.row.message.as_deref()
    }

    /// Time of creation.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// Time at which it expires or expired. A resend sets a new time.
    async fn expires_at(&self) -> DateTime {
        self.row.expires_at.into()
    }

    /// Time at which it was accepted, declined or revoked, or expired. Null while pending.
    async fn resolved_at(&self, ctx: &Context<'_>) -> Option<DateTime> {
        self.resolved_at_by(ctx.request().now)
    }

    /// Delivery of the mail. Null, without an error, unless the viewer has VIEW_INVITATIONS.
    async fn delivery(&self, ctx: &Context<'_>) -> Option<InvitationDelivery> {
        let status = self.row.status_at(ctx.request().now);
        let resendable = matches!(
            status,
            domain::invitation::InvitationStatus::Pending | domain::invitation::InvitationStatus::Expired
        );
        let available_at = (self.row.sent_requested_at + resend::PAUSE).max(ctx.request().now);
        self.administered().then(|| InvitationDelivery {
            state: self.row.delivery.into(),
            send_count: self.row.send_count,
            last_sent_at: self.row.last_sent_at.map(DateTime),
            failure: self.row.failure.clone(),
            resend_available_at: resendable.then_some(DateTime(available_at)),
        })
    }

    /// The viewer's present permissions on this invitation.
    async fn viewer_permissions(&self, ctx: &Context<'_>) -> Result<Vec<Permission>> {
        use domain::invitation::InvitationStatus;
        let about: &[Action] = match self.row.status_at(ctx.request().now) {
            InvitationStatus::Pending => &ABOUT_PENDING,
            InvitationStatus::Expired => &[Action::InvitationView, Action::InvitationResend],
            _ => &[Action::InvitationView],
        };
        let permissions = permissions(&self.standing, &self.target(ctx).await?, about);
        Ok(permissions.into_iter().map(Into::into).collect())
    }
}

/// Returns the account of the invitee; `None` if there is none or the viewer may not know of it.
async fn invitee_of(ctx: &Context<'_>, row: &invitations::Invitation) -> Result<Option<UserId>> {
    let accepted = row.status == domain::invitation::InvitationStatus::Accepted;
    let invitee = users::Invitee { email: row.email.clone(), organization: row.organization_id, accepted };
    Ok(ctx.request().loader.load_one(invitee).await?)
}

/// The fields of an organization that an invitee who is not a member may see.
#[derive(SimpleObject)]
pub struct OrganizationSummary {
    /// ID of the organization. `Query.node` returns the organization to its members.
    id: ID,
    /// `slug` of the organization.
    slug: String,
    /// `displayName` of the organization.
    display_name: String,
}

impl From<NamedOrganization> for OrganizationSummary {
    fn from(named: NamedOrganization) -> Self {
        let display_name = named.name.unwrap_or_else(|| named.slug.clone());
        Self { id: id(named.id), slug: named.slug, display_name }
    }
}

impl OrganizationSummary {
    async fn load(ctx: &Context<'_>, organization: OrganizationId) -> Result<Self> {
        let named = ctx.request().loader.load_one(OrganizationName(organization)).await?;
        let named = named
            .ok_or_else(|| Error::from(InternalError::passing("an invitation to an organization that is not there")))?;
        Ok(named.into())
    }
}

/// An invitation of a list, with its inviter if the query selects `inviter`.
type ListedRow = (invitations::Invitation, Option<Inviter>);

connection!(
    Invitation,
    InvitationConnection: "A page of a list of invitations.",
    InvitationEdge: "One entry of a list of invitations."
);

/// Arguments of `Organization.invitations`.
pub struct InvitationsArgs {
    /// Text that the address must contain; `None` for all.
    pub search: Option<String>,
    /// Statuses to include; `None` for all.
    pub statuses: Option<Vec<InvitationStatus>>,
    /// Offered roles to include; `None` for all.
    pub roles: Option<Vec<Role>>,
    /// The page to load.
    pub page: PageArgs,
}

impl InvitationsArgs {
    fn filter(&self, whose: Whose, now: Instant) -> Result<Filter> {
        Ok(Filter {
            whose,
            search: connection::search(self.search.as_deref())?,
            statuses: self.statuses.as_ref().map(|statuses| statuses.iter().copied().map(Into::into).collect()),
            roles: self.roles.as_ref().map(|roles| roles.iter().copied().map(Into::into).collect()),
            now,
        })
    }
}

/// Reads a page of invitations, with the inviters if `field` selects them.
async fn read_page(
    connection: &Connection,
    filter: &Filter,
    window: &PageRequest<Instant>,
    field: &Lookahead<'_>,
) -> Result<PageRows<ListedRow>> {
    if asks_nodes_for(field, &["inviter"]) {
        let PageRows { rows, more } = list::page_with_inviters(connection, filter, window).await?;
        return Ok(PageRows { rows: rows.into_iter().map(|(row, inviter)| (row, Some(inviter))).collect(), more });
    }
    let PageRows { rows, more } = list::page(connection, filter, window).await?;
    Ok(PageRows { rows: rows.into_iter().map(|row| (row, None)).collect(), more })
}

impl InvitationConnection {
    /// Loads a page of an organization's invitations. The caller must have checked that the viewer may see them.
    pub async fn of_organization(
        ctx: &Context<'_>,
        organization: OrganizationId,
        standing: AccessContext,
        args: &InvitationsArgs,
    ) -> Result<Self> {
        let filter = args.filter(Whose::Organization(organization), ctx.request().now)?;
        let list = format!("invitations of {organization}");
        Self::load(ctx, &list, filter, &args.page, Some(standing)).await
    }

    /// Loads a page of the invitations to the viewer's verified address.
    pub async fn of_viewer(
        ctx: &Context<'_>,
        viewer: &users::User,
        statuses: Option<Vec<InvitationStatus>>,
        args: PageArgs,
    ) -> Result<Self> {
        let statuses = statuses.unwrap_or_else(|| vec![InvitationStatus::Pending]);
        let filter = Filter {
            whose: Whose::Invitee {
                email: viewer.verified_email().unwrap_or_default().to_owned(),
                user: viewer.id,
                is_admin: viewer.is_admin,
            },
            search: None,
            statuses: Some(statuses.into_iter().map(Into::into).collect()),
            roles: None,
            now: ctx.request().now,
        };
        Self::load(ctx, &format!("invitations to {}", viewer.id), filter, &args, None).await
    }

    /// Loads a page of `filter`. `standing` is the viewer's access to the organization of the list; `None` for the
    /// invitee's own list, which may cover several organizations.
    async fn load(
        ctx: &Context<'_>,
        list: &str,
        filter: Filter,
        page: &PageArgs,
        standing: Option<AccessContext>,
    ) -> Result<Self> {
        let window = page.window(list)?;
        let store = ctx.env().store.clone();
        let slice = read_page(&*store.read().await?, &filter, &window, &ctx.look_ahead()).await?;
        let seen = match standing {
            Some(_) => HashMap::new(),
            None => ctx.request().loader.load_many(slice.rows.iter().map(|(row, _)| row.organization_id)).await?,
        };
        let viewer = ctx.request().viewer_id();
        let is_invitee = standing.is_none().then_some(true);
        let node = |row: ListedRow| {
            let standing = standing.or_else(|| seen.get(&row.0.organization_id).map(access_of));
            Invitation::listed(row, standing.unwrap_or_default(), is_invitee, viewer)
        };
        let count: Count = Arc::new(move || {
            let (store, filter) = (store.clone(), filter.clone());
            Box::pin(async move { list::count(&mut *store.read().await?, &filter).await })
        });
        let place = |(row, _): &ListedRow| Keyset { key: row.created_at, id: row.id.into() };
        Ok(Self(Page::new(list, &window, slice, place, node, count)))
    }
}

/// Delivery of an invitation's mail. It helps to answer a complaint that the mail was not received.
#[derive(SimpleObject)]
pub struct InvitationDelivery {
    /// State of the last sending.
    state: DeliveryState,
    /// Number of times that the mail was handed over to the mail server, resends included. 0 until the first.
    send_count: i32,
    /// Last time that the mail was handed over to the mail server. Null until the first time.
    last_sent_at: Option<DateTime>,
    /// Why the last sending failed, as text for people. Null unless it failed.
    failure: Option<String>,
    /// Earliest time of the next resend. Null if the invitation cannot be resent.
    resend_available_at: Option<DateTime>,
}

/// The fields of an invitation that the holder of its token may see before signing in.
#[derive(SimpleObject)]
pub struct InvitationPreview {
    /// `displayName` of the organization.
    organization_name: String,
    /// `slug` of the organization.
    organization_slug: String,
    /// `displayName` of the inviter. Null if that account is gone.
    inviter_name: Option<String>,
    /// The offered role.
    role: Role,
    /// Present status of the invitation.
    status: InvitationStatus,
    /// Time at which it expires or expired.
    expires_at: DateTime,
    /// The invited address.
    email: String,
    /// Whether an account with that verified address exists, so that the invitee should sign in and not sign up. For a
    /// signed-in viewer it is true only if they may see `Invitation.invitee`.
    account_exists: bool,
}

impl InvitationPreview {
    /// Loads the preview of an invitation whose token the caller has shown; `None` if the organization is gone or
    /// pending deletion.
    pub async fn load(ctx: &Context<'_>, row: invitations::Invitation) -> Result<Option<Self>> {
        let loader = &ctx.request().loader;
        let Some(organization) = loader.load_one(OrganizationName(row.organization_id)).await? else { return Ok(None) };
        let standing = AccessContext { place: organization.status.into(), ..AccessContext::default() };
        let holder = Target { holds_token: true, ..Target::default() };
        if decide(&standing, Action::InvitationPreview, &holder) != Decision::Allow {
            return Ok(None);
        }
        let organization = OrganizationSummary::from(organization);
        let inviter = match row.inviter_id {
            Some(inviter) => loader.load_one(inviter).await?,
            None => None,
        };
        // For a signed-in viewer this reveals no more than `Invitation.invitee`.
        let account_exists = match ctx.request().viewer_id() {
            Some(_) => invitee_of(ctx, &row).await?.is_some(),
            None => loader.load_one(ProvenEmail(row.email.clone())).await?.is_some(),
        };
        Ok(Some(Self {
            organization_name: organization.display_name,
            organization_slug: organization.slug,
            inviter_name: inviter.map(|inviter| inviter.display_name().to_owned()),
            role: row.role.into(),
            status: row.status_at(ctx.request().now).into(),
            expires_at: row.expires_at.into(),
            email: row.shown_email().to_owned(),
            account_exists,
        }))
    }
}
