//! Users by ID and by verified address, and the keys for what the viewer may see of them.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::{DbLoader, Loaded, fault, load_by_id};
use crate::domain::{InternalError, Role, UserId};
use crate::policy::{AccessContext, Action, Decision, Target, decide};
use crate::store::users::{self, Invitee, User};

load_by_id!(UserId, User, users::find_many, |user: &User| user.id);

/// Key that is present if the viewer shares an organization with a user.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SharesOrganization(pub UserId);

impl Loader<SharesOrganization> for DbLoader {
    type Value = ();
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[SharesOrganization]) -> Loaded<SharesOrganization, ()> {
        self.sharing(asked.iter().map(|asked| asked.0).collect(), &Role::ALL, SharesOrganization).await
    }
}

/// Key that is present if the viewer may see a user's e-mail address in an organization that both are members of.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailVisible(pub UserId);

impl Loader<EmailVisible> for DbLoader {
    type Value = ();
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[EmailVisible]) -> Loaded<EmailVisible, ()> {
        let allows = |role: &Role| {
            let viewer_access = AccessContext { signed_in: true, role: Some(*role), ..AccessContext::default() };
            decide(&viewer_access, Action::MemberEmailView, &Target::default()) == Decision::Allow
        };
        let roles: Vec<Role> = Role::ALL.into_iter().filter(allows).collect();
        self.sharing(asked.iter().map(|asked| asked.0).collect(), &roles, EmailVisible).await
    }
}

impl DbLoader {
    async fn sharing<K: Eq + std::hash::Hash>(
        &self,
        ids: Vec<UserId>,
        roles: &[Role],
        key: fn(UserId) -> K,
    ) -> Loaded<K, ()> {
        let Some(viewer) = self.viewer() else { return Ok(HashMap::new()) };
        let found = users::shared(&mut *self.connection().await?, viewer, &ids, roles).await.map_err(fault)?;
        Ok(found.into_iter().map(|id| (key(id), ())).collect())
    }
}

/// Key of the account with this verified e-mail address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VerifiedEmail(pub String);

impl Loader<VerifiedEmail> for DbLoader {
    type Value = User;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[VerifiedEmail]) -> Loaded<VerifiedEmail, User> {
        let emails: Vec<&str> = asked.iter().map(|asked| asked.0.as_str()).collect();
        let found = users::with_proven_emails(&mut *self.connection().await?, &emails).await.map_err(fault)?;
        Ok(found.into_iter().filter_map(|user| Some((VerifiedEmail(user.email.clone()?), user))).collect())
    }
}

/// The account of an invitee, if the viewer may know it.
impl Loader<Invitee> for DbLoader {
    type Value = UserId;
    type Error = Arc<InternalError>;

    async fn load(&self, invited: &[Invitee]) -> Loaded<Invitee, UserId> {
        let Some(viewer) = self.viewer() else { return Ok(HashMap::new()) };
        let found = users::invitees(&mut *self.connection().await?, viewer, invited).await.map_err(fault)?;
        Ok(found.into_iter().collect())
    }
}
