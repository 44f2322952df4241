//! Where a write among the resources of a workspace begins: the workspace is held, and who asks is read under that hold.
//!
//! What counts against a limit needs the workspace for itself; what changes one resource shares it with others, and keeps
//! out those who change memberships or the workspace. Resources are locked afterwards.

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

/// A workspace that is held, and who is about to do something in it.
pub struct LockedWorkspace {
    /// The workspace.
    pub id: WorkspaceId,
    /// Who asks.
    pub actor: User,
    /// The organization's owner, or the user whose workspace it is.
    pub owner_id: UserId,
    /// How the actor stands to it.
    pub standing: AccessContext,
    /// The actor, as the access token names it.
    pub by: Actor,
}

/// How somebody stands to a workspace of either kind, whether or not it is there.
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
    /// Holds the workspace and reads how the actor stands to it. `what` names the thing that the caller asked for: it is what
    /// is not found.
    pub async fn enter(tx: &mut Connection, by: &Actor, id: WorkspaceId, hold: LockMode, what: &str) -> Result<Self> {
        match id {
            WorkspaceId::Organization(organization) => {
                let entrance = access::enter(tx, hold, OrganizationRef::Id(organization), by).await?;
                let OrganizationAccess { actor, organization, membership, .. } =
                    entrance.ok_or(Error::Unauthenticated)?;
                let organization = organization.ok_or_else(|| Refusal::not_found(what))?;
                let standing = AccessContext {
                    signed_in: true,
                    is_admin: actor.is_admin,
                    role: membership.map(|membership| membership.role),
                    invited: false,
                    place: organization.status.into(),
                };
                Ok(Self { id, actor, owner_id: organization.owner_id, standing, by: *by })
            }
            WorkspaceId::Personal(user) => {
                // An actor's own account is held before the session is asked about, which may end while this waits.
                let own = if user == by.user_id { lock_account(tx, user, hold).await? } else { None };
                let actor = users::find_actor(tx, by).await?.ok_or(Error::Unauthenticated)?;
                let standing = AccessContext::personal(user == actor.id, actor.is_admin);
                // Nobody holds up an account that is no business of theirs.
                decide(&standing, Action::PlanView, &Target::default()).require(what)?;
                let held = if user == actor.id { own } else { lock_account(tx, user, hold).await? };
                held.ok_or_else(|| Refusal::not_found(what))?;
                Ok(Self { id, actor, owner_id: user, standing, by: *by })
            }
        }
    }

    /// Whether the workspace is there for the actor.
    pub fn sees(&self) -> bool {
        self.standing.rank().is_some()
    }

    /// Keeps the actor's account there until the commit, for somebody who is about to own something: administrators need not
    /// be members, so the hold of the workspace does not do that.
    pub async fn lock_actor(&self, tx: &mut Connection) -> Result<()> {
        users::keep(tx, self.actor.id).await?.map(|_| ()).ok_or(Error::Unauthenticated)
    }

    /// Asks the policy, and goes on only if it allows.
    pub fn require(&self, action: Action, target: &Target, what: &str) -> Result<()> {
        decide(&self.standing, action, target).require(what)
    }

    /// Asks the policy about a resource that the actor is tied to like that: who may not even see it is told that it is not
    /// there.
    pub fn require_of(&self, action: Action, ties: Relations, what: &str) -> Result<()> {
        let target = Target { ties, ..Target::default() };
        if self.require(Action::ResourceView, &target, what).is_err() {
            return Err(Refusal::not_found(what).into());
        }
        self.require(action, &target, what)
    }

    /// Which of the workspace's resources the actor may do `action` to.
    pub fn visible(&self, action: Action) -> RowScope {
        policy::visible(&self.standing, action)
    }
}

/// Holds an account.
async fn lock_account(tx: &mut Connection, user: UserId, hold: LockMode) -> Result<Option<User>> {
    match hold {
        LockMode::Unheld => users::find(tx, user).await,
        LockMode::Shared => users::share(tx, user).await,
        LockMode::Exclusive => Ok(users::lock(tx, user).await?.map(|login| login.user)),
    }
}
