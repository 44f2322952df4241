//! The start of each write to the resources of a workspace: locks the workspace, and reads the actor's access under
//! that lock. A write that counts against a limit locks it exclusively. A write that changes one resource shares the
//! lock with others of its kind, and blocks changes of memberships and of the workspace. Resources are locked
//! afterwards.

use uuid::Uuid;

use crate::auth::Actor;
use crate::domain::resource::{Relations, RowScope};
use crate::domain::{Error, Refusal, Result, UserId, WorkspaceId};
use crate::policy::{self, AccessContext, Action, Target, decide};
use crate::store::Connection;
use crate::store::organizations::access;
pub use crate::store::organizations::access::LockMode;
use crate::store::organizations::access::{OrganizationAccess, OrganizationRef};
use crate::store::users::{self, User};
use crate::store::workspace_access::WorkspaceAccess;

/// A locked workspace with the actor's access to it.
pub struct LockedWorkspace {
    /// The workspace's ID.
    pub id: WorkspaceId,
    /// The actor's account.
    pub actor: User,
    /// The organization's owner, or the user whose workspace it is.
    pub owner_id: UserId,
    /// The actor's access to the workspace.
    pub viewer_access: AccessContext,
    /// The actor, as the access token names it.
    pub by: Actor,
}

/// Returns a user's access to a workspace of either kind, whether or not the workspace exists.
pub fn access_of(onlooker: &WorkspaceAccess) -> AccessContext {
    if onlooker.is_personal {
        return AccessContext::personal(onlooker.workspace_id == Uuid::from(onlooker.user_id), onlooker.is_admin);
    }
    AccessContext {
        signed_in: true,
        is_admin: onlooker.is_admin,
        role: onlooker.role,
        invited: onlooker.invited,
        place: onlooker.status.map_or_else(Default::default, Into::into),
    }
}

impl LockedWorkspace {
    /// Locks the workspace and reads the actor's access to it. `what` names the requested object in the NOT_FOUND
    /// error.
    pub async fn enter(tx: &mut Connection, by: &Actor, id: WorkspaceId, hold: LockMode, what: &str) -> Result<Self> {
        match id {
            WorkspaceId::Organization(organization) => {
                let entrance = access::enter(tx, hold, OrganizationRef::Id(organization), by).await?;
                let OrganizationAccess { actor, organization, membership, .. } =
                    entrance.ok_or(Error::Unauthenticated)?;
                let organization = organization.ok_or_else(|| Refusal::not_found(what))?;
                let viewer_access = AccessContext {
                    signed_in: true,
                    is_admin: actor.is_admin,
                    role: membership.map(|membership| membership.role),
                    invited: false,
                    place: organization.status.into(),
                };
                Ok(Self { id, actor, owner_id: organization.owner_id, viewer_access, by: *by })
            }
            WorkspaceId::Personal(user) => {
                // The actor's own account is locked before the session is checked, because the session may end during
                // the wait.
                let own = if user == by.user_id { lock_account(tx, user, hold).await? } else { None };
                let actor = users::find_actor(tx, by).await?.ok_or(Error::Unauthenticated)?;
                let viewer_access = AccessContext::personal(user == actor.id, actor.is_admin);
                // The actor is authorized before the lock, so that an actor without access cannot block another user's
                // account.
                decide(&viewer_access, Action::PlanView, &Target::default()).require(what)?;
                let held = if user == actor.id { own } else { lock_account(tx, user, hold).await? };
                held.ok_or_else(|| Refusal::not_found(what))?;
                Ok(Self { id, actor, owner_id: user, viewer_access, by: *by })
            }
        }
    }

    /// Whether the actor sees the workspace.
    pub fn sees(&self) -> bool {
        self.viewer_access.rank().is_some()
    }

    /// Keeps the actor's account from being deleted until the commit, for an actor who is about to own something:
    /// administrators need not be members, so the lock of the workspace does not protect their accounts.
    pub async fn lock_actor(&self, tx: &mut Connection) -> Result<()> {
        users::keep(tx, self.actor.id).await?.map(|_| ()).ok_or(Error::Unauthenticated)
    }

    /// Returns an error unless the policy allows the action.
    pub fn require(&self, action: Action, target: &Target, what: &str) -> Result<()> {
        decide(&self.viewer_access, action, target).require(what)
    }

    /// Authorizes an action on a resource to which the actor has these relations. NOT_FOUND if the actor may not
    /// see the resource.
    pub fn require_of(&self, action: Action, relations: Relations, what: &str) -> Result<()> {
        let target = Target { relations, ..Target::default() };
        if self.require(Action::ResourceView, &target, what).is_err() {
            return Err(Refusal::not_found(what).into());
        }
        self.require(action, &target, what)
    }

    /// Returns which of the workspace's resources the actor may do `action` to.
    pub fn visible(&self, action: Action) -> RowScope {
        policy::visible(&self.viewer_access, action)
    }
}

/// Reads an account and locks it with the mode `hold`; `None` if the account does not exist.
async fn lock_account(tx: &mut Connection, user: UserId, hold: LockMode) -> Result<Option<User>> {
    match hold {
        LockMode::Unheld => users::find(tx, user).await,
        LockMode::Shared => users::share(tx, user).await,
        LockMode::Exclusive => Ok(users::lock(tx, user).await?.map(|login| login.user)),
    }
}
