//! Where a write among the resources of a workspace begins: the workspace is held, and who asks is read under that hold.
//!
//! What counts against a limit needs the workspace for itself; what changes one resource shares it with others, and keeps
//! out those who change memberships or the workspace. Resources are locked afterwards.

use crate::auth::Actor;
use crate::domain::resource::{Rows, Ties};
use crate::domain::{Error, Refusal, Result, UserId, WorkspaceId};
use crate::policy::{self, Action, Standing, Target, decide};
use crate::store::users::{self, User};
use crate::store::{Connection, memberships, organizations};

/// How a workspace is held until the transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Not at all: for a look that changes nothing.
    Unheld,
    /// Together with others who share it.
    Shared,
    /// Alone.
    Exclusive,
}

/// A workspace that is held, and who is about to do something in it.
pub struct Ground {
    /// The workspace.
    pub id: WorkspaceId,
    /// Who asks.
    pub actor: User,
    /// The organization's owner, or the user whose workspace it is.
    pub owner_id: UserId,
    /// How the actor stands to it.
    pub standing: Standing,
}

impl Ground {
    /// Holds the workspace and reads how the actor stands to it. `what` names the thing that the caller asked for: it is what
    /// is not found.
    pub async fn enter(tx: &mut Connection, actor: &Actor, id: WorkspaceId, hold: Hold, what: &str) -> Result<Self> {
        match id {
            WorkspaceId::Organization(organization) => {
                let organization = match hold {
                    Hold::Unheld => organizations::find(tx, organization).await?,
                    Hold::Shared => organizations::share(tx, organization).await?,
                    Hold::Exclusive => organizations::lock(tx, organization).await?,
                };
                let actor = users::find(tx, actor.user_id).await?.ok_or(Error::Unauthenticated)?;
                let organization = organization.ok_or_else(|| Refusal::not_found(what))?;
                let membership = memberships::of(tx, organization.id, actor.id).await?;
                let standing = Standing {
                    signed_in: true,
                    is_admin: actor.is_admin,
                    role: membership.map(|membership| membership.role),
                    invited: false,
                    place: organization.status.into(),
                };
                Ok(Self { id, actor, owner_id: organization.owner_id, standing })
            }
            WorkspaceId::Personal(user) => {
                let actor = users::find(tx, actor.user_id).await?.ok_or(Error::Unauthenticated)?;
                let standing = Standing::personal(user == actor.id, actor.is_admin);
                // Nobody holds up an account that is no business of theirs.
                decide(&standing, Action::PlanView, &Target::default()).require(what)?;
                let held = match hold {
                    Hold::Unheld => users::find(tx, user).await?,
                    Hold::Shared => users::share(tx, user).await?,
                    Hold::Exclusive => users::lock(tx, user).await?.map(|login| login.user),
                };
                held.ok_or_else(|| Refusal::not_found(what))?;
                Ok(Self { id, actor, owner_id: user, standing })
            }
        }
    }

    /// Asks the policy, and goes on only if it allows.
    pub fn require(&self, action: Action, target: &Target, what: &str) -> Result<()> {
        decide(&self.standing, action, target).require(what)
    }

    /// Asks the policy about a resource that the actor is tied to like that: who may not even see it is told that it is not
    /// there.
    pub fn require_of(&self, action: Action, ties: Ties, what: &str) -> Result<()> {
        let target = Target { ties, ..Target::default() };
        if self.require(Action::ResourceView, &target, what).is_err() {
            return Err(Refusal::not_found(what).into());
        }
        self.require(action, &target, what)
    }

    /// Which of the workspace's resources the actor may do `action` to.
    pub fn visible(&self, action: Action) -> Rows {
        policy::visible(&self.standing, action)
    }
}
