//! Invitations, the delivery of their mails, and the organization as an invitee sees it.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use uuid::Uuid;

use super::invitation_connection::InvitationRow;
use super::organization::access_of;
use super::permission::Permission;
use super::role::Role;
use super::user::User;
use crate::domain::clock::Instant;
use crate::domain::{self, Error, InternalError, InvitationId, OrganizationId, UserId};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::fast_list::{FieldWriter, SelectedField, SyncFields, at_hand};
use crate::graphql::loaders::organizations::OrganizationName;
use crate::graphql::scalars::{DateTime, id};
use crate::operations::access::organization::WithAccess;
use crate::operations::idempotency::Written;
use crate::operations::invitations::resend;
use crate::policy::{AccessContext, Action, Decision, Member, Target, decide, permissions};
use crate::store::invitations;
use crate::store::invitations::list::Inviter;
use crate::store::organizations::NamedOrganization;
use crate::store::users;

/// The actions on a pending invitation that `viewerPermissions` checks.
const PENDING_INVITATION_ACTIONS: [Action; 5] = [
    Action::InvitationView,
    Action::InvitationResend,
    Action::InvitationRevoke,
    Action::InvitationAccept,
    Action::InvitationDecline,
];

/// Status of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::invitation::InvitationStatus")]
pub enum InvitationStatus {
    /// It can be accepted, declined, resent and revoked.
    Pending,
    /// The invitee has become a member.
    Accepted,
    /// The invitee declined it.
    Declined,
    /// A user with REVOKE_INVITATION revoked it.
    Revoked,
    /// It expired without an answer. A resend makes it pending again.
    Expired,
}

/// State of the sending of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::invitation::DeliveryState")]
pub enum DeliveryState {
    /// Waiting to be sent, or to be retried.
    Queued,
    /// Handed over to the mail server.
    Sent,
    /// Failed permanently: it is not retried. See `InvitationDelivery.failure`.
    Failed,
}

/// Effect on the other invitees if one of them cannot be invited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum InviteErrorPolicy {
    /// The other invitees are invited.
    Skip,
    /// None of the invitees is invited.
    RejectAll,
}

/// An invitation that the viewer may see, with the viewer's access to it.
#[derive(Clone)]
pub struct Invitation {
    row: invitations::Invitation,
    /// The viewer's access to the organization.
    viewer_access: AccessContext,
    /// Whether the viewer is the invitee; `None` if not checked, because the viewer may see the invitation by role.
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
        Self::from_row(ctx, row).await
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
                Ok(Self { row, viewer_access: by.viewer_access(), is_invitee, inviter: None }.if_visible())
            }
            None => Self::open(ctx, written.id).await,
        }
    }

    /// Wraps a row; `None` unless the viewer is the invitee or may see the organization's invitations.
    pub async fn seen(ctx: &Context<'_>, row: invitations::Invitation) -> Result<Option<Self>> {
        Self::from_row(ctx, Some(row)).await
    }

    /// Wraps a row that was looked up by its ID. Sends the same statements if there is none, so that a hidden
    /// invitation cannot be detected.
    async fn from_row(ctx: &Context<'_>, row: Option<invitations::Invitation>) -> Result<Option<Self>> {
        let viewer = ctx.request().viewer().await?;
        let organization = row.as_ref().map_or_else(|| Uuid::nil().into(), |row| row.organization_id);
        let organization = ctx.request().loader.load_one(organization).await?;
        let (Some(row), Some(organization)) = (row, organization) else { return Ok(None) };
        let is_invitee = viewer.verified_email() == Some(row.email.as_str());
        Ok(Self { row, viewer_access: access_of(&organization), is_invitee: Some(is_invitee), inviter: None }
            .if_visible())
    }

    /// Returns the invitation if the viewer may see it.
    fn if_visible(self) -> Option<Self> {
        let target = Target { is_invitee: self.is_invitee == Some(true), ..Target::default() };
        let decision = decide(&self.viewer_access, Action::InvitationView, &target);
        (decision == Decision::Allow).then_some(self)
    }

    /// Wraps a row of a list that `viewer` requested.
    pub(super) fn listed(
        (row, inviter): InvitationRow,
        viewer_access: AccessContext,
        is_invitee: Option<bool>,
        viewer: Option<UserId>,
    ) -> Self {
        let to_user = |inviter: Inviter| {
            let user = inviter.user?;
            let member = inviter.role.map(|role| Member { role, is_self: viewer == Some(user.id) });
            let target = Target { member, ..Target::default() };
            let email_visible =
                member.is_some() && decide(&viewer_access, Action::MemberEmailView, &target) == Decision::Allow;
            Some(User::member(user, email_visible))
        };
        Self { row, viewer_access, is_invitee, inviter: inviter.map(to_user) }
    }

    async fn target(&self, ctx: &Context<'_>) -> Result<Target> {
        let is_invitee = match self.is_invitee {
            Some(is_invitee) => is_invitee,
            None => ctx.request().viewer().await?.verified_email() == Some(&self.row.email),
        };
        Ok(Target { is_invitee, ..Target::default() })
    }

    /// Returns the time of the resolution, or of the expiry if the expiry is not recorded yet; `None` while pending.
    fn resolved_at_by(&self, now: Instant) -> Option<DateTime> {
        let overdue = self.row.status_at(now) != self.row.status;
        self.row.resolved_at.or(overdue.then_some(self.row.expires_at)).map(DateTime)
    }

    /// Returns whether the viewer may see it by role, not only as the invitee.
    fn is_visible_by_role(&self) -> bool {
        decide(&self.viewer_access, Action::InvitationView, &Target::default()) == Decision::Allow
    }
}

impl SyncFields for Invitation {
    fn sync_field<'p>(field: &SelectedField<'p>) -> Option<FieldWriter<'p, Self>>
    where
        Self: 'p,
    {
        Some(match field.name() {
            "id" => at_hand(|invitation: &Self, _, json| json.id(invitation.row.id)),
            "email" => at_hand(|invitation: &Self, _, json| json.text(invitation.row.shown_email())),
            "role" => at_hand(|invitation: &Self, _, json| json.name(Role::from(invitation.row.role))),
            "status" => at_hand(|invitation: &Self, request, json| {
                json.name(InvitationStatus::from(invitation.row.status_at(request.now)))
            }),
            "inviter" => return field.object(|invitation: &Self, _| invitation.inviter.as_ref().map(Option::as_ref)),
            "message" => at_hand(|invitation: &Self, _, json| {
                json.optional(invitation.row.message.as_deref(), |json, message| json.text(message));
            }),
            "createdAt" => at_hand(|invitation: &Self, _, json| json.time(invitation.row.created_at)),
            "expiresAt" => at_hand(|invitation: &Self, _, json| json.time(invitation.row.expires_at)),
            "resolvedAt" => at_hand(|invitation: &Self, request, json| {
                json.optional(invitation.resolved_at_by(request.now), |json, at| json.time(at));
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

    /// The user who sent it last. Null if that account no longer exists.
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

    /// Time at which it was accepted, declined or revoked, or at which it expired. Null while pending.
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
        self.is_visible_by_role().then(|| InvitationDelivery {
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
        let actions: &[Action] = match self.row.status_at(ctx.request().now) {
            InvitationStatus::Pending => &PENDING_INVITATION_ACTIONS,
            InvitationStatus::Expired => &[Action::InvitationView, Action::InvitationResend],
            _ => &[Action::InvitationView],
        };
        let permissions = permissions(&self.viewer_access, &self.target(ctx).await?, actions);
        Ok(permissions.into_iter().map(Into::into).collect())
    }
}

/// Returns the account of the invitee; `None` if there is none or the viewer may not know of it.
pub(super) async fn invitee_of(ctx: &Context<'_>, row: &invitations::Invitation) -> Result<Option<UserId>> {
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
    pub(super) slug: String,
    /// `displayName` of the organization.
    pub(super) display_name: String,
}

impl From<NamedOrganization> for OrganizationSummary {
    fn from(organization: NamedOrganization) -> Self {
        let display_name = organization.name.unwrap_or_else(|| organization.slug.clone());
        Self { id: id(organization.id), slug: organization.slug, display_name }
    }
}

impl OrganizationSummary {
    async fn load(ctx: &Context<'_>, organization: OrganizationId) -> Result<Self> {
        let organization = ctx.request().loader.load_one(OrganizationName(organization)).await?;
        let organization = organization
            .ok_or_else(|| Error::from(InternalError::transient("organization of a visible invitation not found")))?;
        Ok(organization.into())
    }
}

/// Delivery of an invitation's mail, for example to find out why an invitee has not received it.
#[derive(SimpleObject)]
pub struct InvitationDelivery {
    /// State of the last attempt to send it.
    state: DeliveryState,
    /// Number of times that the mail was handed over to the mail server, resends included. 0 until the first.
    send_count: i32,
    /// Last time that the mail was handed over to the mail server. Null until the first time.
    last_sent_at: Option<DateTime>,
    /// Reason why the last attempt failed, as text for people. Null unless it failed.
    failure: Option<String>,
    /// Earliest time of the next resend. Null if the invitation cannot be resent.
    resend_available_at: Option<DateTime>,
}
