//! An account, as others see it.

use async_graphql::{Context, ID, Object};

use crate::domain::UserId;
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::loaders::{Acquainted, EmailVisible};
use crate::graphql::rows::{Asked, AtHand, Write, at_hand, maybe};
use crate::graphql::scalars::{DateTime, id};
use crate::store::users::Profile;

/// An account, and what is known of whether the viewer may see its address.
#[derive(Clone)]
pub struct User {
    row: Profile,
    email_visible: bool,
}

impl<A: Into<Profile>> From<A> for User {
    fn from(account: A) -> Self {
        Self { row: account.into(), email_visible: false }
    }
}

impl User {
    /// A member whose address the viewer may see, or not on these grounds alone: there may be another organization.
    pub fn member(row: Profile, email_visible: bool) -> Self {
        Self { row, email_visible }
    }

    /// Whether the viewer may see the address as far as is known. If not so, there may be another organization.
    fn shows_email_to(&self, viewer: UserId) -> bool {
        self.email_visible || viewer == self.row.id
    }

    /// An account that an object names; none once it is gone.
    pub async fn named(ctx: &Context<'_>, id: UserId) -> Result<Option<Self>> {
        Ok(ctx.request().loader.load_one(id).await?.map(Self::from))
    }

    /// An account that the log names, whatever has become of it.
    pub async fn logged(ctx: &Context<'_>, id: UserId) -> Result<Self> {
        Ok(Self::named(ctx, id).await?.unwrap_or_else(|| Self::from(Profile::deleted(id))))
    }

    /// An account by its ID: oneself, people with whom one shares an organization, and for administrators everybody.
    pub async fn open(ctx: &Context<'_>, id: UserId) -> Result<Option<Self>> {
        let Some(viewer) = ctx.request().viewer_id() else { return Ok(None) };
        let visible = viewer == id
            || ctx.request().loader.load_one(Acquainted(id)).await?.is_some()
            || ctx.request().viewer().await?.is_admin;
        if visible { Self::named(ctx, id).await } else { Ok(None) }
    }
}

impl AtHand for User {
    fn at_hand<'p>(field: &Asked<'p>) -> Option<Write<'p, Self>>
    where
        Self: 'p,
    {
        Some(match field.name() {
            "id" => at_hand(|user: &Self, _, json| json.id(user.row.id)),
            "username" => at_hand(|user: &Self, _, json| json.text(&user.row.username)),
            "displayName" => at_hand(|user: &Self, _, json| json.text(user.row.display_name())),
            "email" => maybe(|user: &Self, request, json| {
                let (email, viewer) = (user.row.email.as_deref(), request.viewer_id());
                let shown = email.is_none() || viewer.is_none_or(|viewer| user.shows_email_to(viewer));
                shown.then(|| json.optional(email.and(viewer).and(email), |json, email| json.text(email)))
            }),
            "createdAt" => at_hand(|user: &Self, _, json| json.time(user.row.created_at)),
            _ => return None,
        })
    }
}

/// An account, as others see it: those who share an organization with it, or see an object that names it.
#[Object]
impl User {
    /// Globally unique, stable and opaque: a prefix for the type and a UUIDv7, such as `org_01jd…`.
    pub async fn id(&self) -> ID {
        id(self.row.id)
    }

    /// Unique name of the account, without regard to case: 3 to 32 of `a-z`, `0-9`, `.`, `_`, `-`.
    async fn username(&self) -> &str {
        &self.row.username
    }

    /// Name shown to people; the username where none was given. At most 64 characters.
    async fn display_name(&self) -> &str {
        self.row.display_name()
    }

    /// E-mail address. Null, without an error, unless it is the viewer's own, or the viewer has VIEW_MEMBER_EMAILS in an
    /// organization that both are members of. Null as well if the account has none.
    async fn email(&self, ctx: &Context<'_>) -> Option<Result<&str>> {
        let email = self.row.email.as_deref()?;
        let request = ctx.request();
        let viewer = request.viewer_id()?;
        if self.shows_email_to(viewer) {
            return Some(Ok(email));
        }
        let ask = async {
            let shared = request.loader.load_one(EmailVisible(self.row.id)).await?.is_some();
            Ok((shared || request.viewer().await?.is_admin).then_some(email))
        };
        ask.await.transpose()
    }

    /// When the account was made.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }
}
