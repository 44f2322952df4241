//! Accounts, as other users see them.

use std::borrow::Cow;

use async_graphql::{Context, ID, Object};

use crate::domain::{UserId, Username};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::fast_list::{FieldWriter, SelectedField, SyncFields, at_hand, maybe};
use crate::graphql::loaders::users::{EmailVisible, SharesOrganization};
use crate::graphql::scalars::{DateTime, id};
use crate::policy::{AccessContext, Action, Decision, Target, decide};
use crate::store::memberships::Membership;
use crate::store::users::{self, Profile};

/// An account as other users see it.
#[derive(Clone)]
pub struct User {
    data: UserData,
    /// Whether the viewer may see the address. If false, a check of the shared organizations may still allow it.
    email_visible: bool,
}

/// The loaded data of an account.
#[derive(Clone)]
enum UserData {
    /// The ID and the names, from a membership row.
    Names { id: UserId, username: String, shown_name: String },
    /// All fields that other users may see.
    Profile(Profile),
}

impl<A: Into<Profile>> From<A> for User {
    fn from(account: A) -> Self {
        Self { data: UserData::Profile(account.into()), email_visible: false }
    }
}

impl User {
    /// The fields that membership rows do not contain.
    pub const FIELDS_NEEDING_PROFILE: [&str; 2] = ["email", "createdAt"];

    /// Returns a member with a full profile. `email_visible` is whether this membership allows the viewer to see the
    /// address. If not, another shared organization may still allow it.
    pub fn member(account: Profile, email_visible: bool) -> Self {
        Self { data: UserData::Profile(account), email_visible }
    }

    /// Returns a member with the names in the membership row. See [`Self::member`] for `email_visible`.
    pub fn named_member(membership: &Membership, email_visible: bool) -> Self {
        let Membership { user_id: id, username, shown_name, .. } = membership.clone();
        Self { data: UserData::Names { id, username, shown_name }, email_visible }
    }

    fn user_id(&self) -> UserId {
        match &self.data {
            UserData::Names { id, .. } => *id,
            UserData::Profile(profile) => profile.id,
        }
    }

    /// Returns whether the account is deleted. Its row remains while the account owns an organization.
    fn is_deleted(&self) -> bool {
        Username::is_of_deleted(match &self.data {
            UserData::Names { username, .. } => username,
            UserData::Profile(profile) => &profile.username,
        })
    }

    fn shown_username(&self) -> &str {
        match &self.data {
            _ if self.is_deleted() => users::DELETED,
            UserData::Names { username, .. } => username,
            UserData::Profile(profile) => &profile.username,
        }
    }

    fn shown_name(&self) -> &str {
        match &self.data {
            _ if self.is_deleted() => users::DELETED,
            UserData::Names { shown_name, .. } => shown_name,
            UserData::Profile(profile) => profile.display_name(),
        }
    }

    /// Returns all fields that other users may see; `None` if they are not loaded.
    fn profile(&self) -> Option<&Profile> {
        match &self.data {
            UserData::Names { .. } => None,
            UserData::Profile(profile) => Some(profile),
        }
    }

    /// Returns all fields that other users may see, and loads them if necessary.
    async fn load(&self, ctx: &Context<'_>) -> Result<Cow<'_, Profile>> {
        if let Some(profile) = self.profile() {
            return Ok(Cow::Borrowed(profile));
        }
        let user = ctx.request().loader.load_one(self.user_id()).await?;
        Ok(Cow::Owned(user.map_or_else(|| Profile::deleted(self.user_id()), Profile::from)))
    }

    /// Returns whether the viewer may see the address, as far as this can be said without a statement. If not, another
    /// shared organization may still allow it.
    fn shows_email_to(&self, viewer: UserId) -> bool {
        self.email_visible || viewer == self.user_id()
    }

    /// Loads an account that a visible object refers to; `None` if it no longer exists.
    pub async fn named(ctx: &Context<'_>, id: UserId) -> Result<Option<Self>> {
        Ok(ctx.request().loader.load_one(id).await?.map(Self::from))
    }

    /// Loads an account that the log refers to, or a placeholder if it no longer exists.
    pub async fn logged(ctx: &Context<'_>, id: UserId) -> Result<Self> {
        Ok(Self::named(ctx, id).await?.unwrap_or_else(|| Self::from(Profile::deleted(id))))
    }

    /// Loads an account by its ID; `None` unless it is the viewer's own, it shares an organization with the viewer, or
    /// the viewer is a site administrator.
    pub async fn open(ctx: &Context<'_>, id: UserId) -> Result<Option<Self>> {
        let Some(viewer) = ctx.request().viewer_id() else { return Ok(None) };
        let is_acquaintance = viewer == id || ctx.request().loader.load_one(SharesOrganization(id)).await?.is_some();
        let is_admin = !is_acquaintance && ctx.request().viewer().await?.is_admin;
        let viewer_access = AccessContext { signed_in: true, is_admin, ..AccessContext::default() };
        let target = Target { is_acquaintance, ..Target::default() };
        match decide(&viewer_access, Action::PersonView, &target) {
            Decision::Allow => Self::named(ctx, id).await,
            _ => Ok(None),
        }
    }
}

impl SyncFields for User {
    fn sync_field<'p>(field: &SelectedField<'p>) -> Option<FieldWriter<'p, Self>>
    where
        Self: 'p,
    {
        Some(match field.name() {
            "id" => at_hand(|user: &Self, _, json| json.id(user.user_id())),
            "username" => at_hand(|user: &Self, _, json| json.text(user.shown_username())),
            "displayName" => at_hand(|user: &Self, _, json| json.text(user.shown_name())),
            "email" => maybe(|user: &Self, request, json| {
                let (email, viewer) = (user.profile()?.shown_email(), request.viewer_id());
                let shown = email.is_none() || viewer.is_none_or(|viewer| user.shows_email_to(viewer));
                shown.then(|| json.optional(email.and(viewer).and(email), |json, email| json.text(email)))
            }),
            "createdAt" => maybe(|user: &Self, _, json| user.profile().map(|profile| json.time(profile.created_at))),
            _ => return None,
        })
    }
}

/// An account, as other users see it. It is visible to users who share an organization with it or may see an object
/// that refers to it.
#[Object]
impl User {
    /// Globally unique, stable and opaque ID: a prefix for the type and a UUIDv7, such as `org_01jd…`.
    pub async fn id(&self) -> ID {
        id(self.user_id())
    }

    /// Unique name of the account, regardless of case: 3 to 32 of `a-z`, `0-9`, `.`, `_`, `-`.
    async fn username(&self) -> &str {
        self.shown_username()
    }

    /// Display name, at most 64 characters. The username if none was given.
    async fn display_name(&self) -> &str {
        self.shown_name()
    }

    /// E-mail address. Null, without an error, unless it is the viewer's own, the viewer has VIEW_MEMBER_EMAILS in an
    /// organization that both are members of, or the viewer is a site administrator. Null as well if the account has no
    /// address.
    async fn email(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        let request = ctx.request();
        let viewer = request.viewer_id()?;
        let load_email = async {
            let Some(email) = self.load(ctx).await?.shown_email().map(str::to_owned) else { return Ok(None) };
            if self.shows_email_to(viewer) {
                return Ok(Some(email));
            }
            let shared = request.loader.load_one(EmailVisible(self.user_id())).await?.is_some();
            Ok((shared || request.viewer().await?.is_admin).then_some(email))
        };
        load_email.await.transpose()
    }

    /// Time of creation.
    async fn created_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(self.load(ctx).await?.created_at.into())
    }
}
