//! Loads rows in batches, one statement for all that a level of the answer needs. Built in one function, since the way
//! loaders are made differs between versions of the library. Nothing is cached: a loader belongs to one request.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::runtime::{Timer, TokioSpawner};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::plan::Plan;
use crate::domain::{
    CloudStorageId, Error, EventId, InternalError, InvitationId, JobId, MembershipId, OrganizationId, OwnershipOfferId,
    ProjectId, Role, TaskId, UserId, WorkspaceId,
};
use crate::policy::{AccessContext, Action, Decision, Target, decide};
use crate::store::cloud_storages::{self, CloudStorage};
use crate::store::events::{self, Entry};
use crate::store::invitations::{self, Invitation};
use crate::store::jobs::{self, JobInTask};
use crate::store::memberships::list;
use crate::store::memberships::list::Pages;
use crate::store::memberships::{self, Membership};
use crate::store::organizations::{self, By, NamedOrganization, OrganizationForViewer};
use crate::store::ownership_offers::{self, OwnershipOffer};
use crate::store::projects::{self, Project};
use crate::store::resource_lists;
use crate::store::resource_lists::{List, ListableResource, ResourcePage};
use crate::store::tasks::{self, TaskInProject};
use crate::store::usage::{self, Usage};
use crate::store::users::{self, Invitee, Profile, User};
use crate::store::{Connection, Database, PooledConnection, plans};

/// Where rows come from, and for whom.
pub struct DbLoader {
    /// The database.
    pub store: Database,
    /// Who asks, once somebody is signed in.
    pub actor: Arc<OnceLock<Actor>>,
    /// The instant as of which the request is answered.
    pub now: Instant,
    /// When the request began. None: it is none, and each of its reads is as if one began.
    pub began: Option<std::time::Instant>,
}

/// A loader of a request.
pub fn new(source: DbLoader) -> DataLoader<DbLoader> {
    DataLoader::new(source, TokioSpawner::current(), Yield)
}

/// Waits for no time at all: tokio rounds any sleep up to a millisecond, which every level of an answer would pay. The
/// batch is complete when the tasks that are ready have had their turn.
struct Yield;

impl Timer for Yield {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        tokio::task::yield_now().boxed()
    }
}

/// Rows by what they were asked for by.
pub type Loaded<K, V> = Result<HashMap<K, V>, Arc<InternalError>>;

/// Loads only fail by faults; whatever else would be one.
pub fn fault(error: Error) -> Arc<InternalError> {
    Arc::new(match error {
        Error::Failed(fault) => fault,
        Error::Refused(_) | Error::Unauthenticated => InternalError::new("a read was refused"),
    })
}

/// The same the other way round, for whoever loads outside of a resolver.
pub fn error(fault: Arc<InternalError>) -> Error {
    Error::Failed(InternalError { passing: fault.passing, cause: fault.cause.to_string().into() })
}

impl DbLoader {
    fn viewer(&self) -> Option<UserId> {
        self.actor.get().map(|actor| actor.user_id)
    }

    async fn connection(&self) -> Result<PooledConnection, Arc<InternalError>> {
        self.store.read_since(self.began.unwrap_or_else(std::time::Instant::now)).await.map_err(fault)
    }
}

impl Loader<UserId> for DbLoader {
    type Value = User;
    type Error = Arc<InternalError>;

    async fn load(&self, ids: &[UserId]) -> Loaded<UserId, User> {
        let users = users::find_many(&mut *self.connection().await?, ids).await.map_err(fault)?;
        Ok(users.into_iter().map(|user| (user.id, user)).collect())
    }
}

/// An organization as the viewer sees it; nothing for nobody.
impl Loader<OrganizationId> for DbLoader {
    type Value = OrganizationForViewer;
    type Error = Arc<InternalError>;

    async fn load(&self, ids: &[OrganizationId]) -> Loaded<OrganizationId, OrganizationForViewer> {
        let Some(viewer) = self.viewer() else { return Ok(HashMap::new()) };
        let connection = &mut *self.connection().await?;
        let seen = organizations::seen(connection, viewer, By::Ids(ids), self.now).await.map_err(fault)?;
        Ok(seen.into_iter().map(|seen| (seen.organization.id, seen)).collect())
    }
}

impl Loader<MembershipId> for DbLoader {
    type Value = Membership;
    type Error = Arc<InternalError>;

    async fn load(&self, ids: &[MembershipId]) -> Loaded<MembershipId, Membership> {
        let found = memberships::find_many(&mut *self.connection().await?, ids).await.map_err(fault)?;
        Ok(found.into_iter().map(|membership| (membership.id, membership)).collect())
    }
}

impl Loader<InvitationId> for DbLoader {
    type Value = Invitation;
    type Error = Arc<InternalError>;

    async fn load(&self, ids: &[InvitationId]) -> Loaded<InvitationId, Invitation> {
        let found = invitations::find_many(&mut *self.connection().await?, ids).await.map_err(fault)?;
        Ok(found.into_iter().map(|invitation| (invitation.id, invitation)).collect())
    }
}

impl Loader<ProjectId> for DbLoader {
    type Value = Project;
    type Error = Arc<InternalError>;

    async fn load(&self, ids: &[ProjectId]) -> Loaded<ProjectId, Project> {
        let found = projects::find_many(&*self.connection().await?, ids).await.map_err(fault)?;
        Ok(found.into_iter().map(|project| (project.id, project)).collect())
    }
}

impl Loader<TaskId> for DbLoader {
    type Value = TaskInProject;
    type Error = Arc<InternalError>;

    async fn load(&self, ids: &[TaskId]) -> Loaded<TaskId, TaskInProject> {
        let found = tasks::find_many(&*self.connection().await?, ids).await.map_err(fault)?;
        Ok(found.into_iter().map(|found| (found.task.id, found)).collect())
    }
}

impl Loader<JobId> for DbLoader {
    type Value = JobInTask;
    type Error = Arc<InternalError>;

    async fn load(&self, ids: &[JobId]) -> Loaded<JobId, JobInTask> {
        let found = jobs::find_many(&*self.connection().await?, ids).await.map_err(fault)?;
        Ok(found.into_iter().map(|found| (found.job.id, found)).collect())
    }
}

impl Loader<CloudStorageId> for DbLoader {
    type Value = CloudStorage;
    type Error = Arc<InternalError>;

    async fn load(&self, ids: &[CloudStorageId]) -> Loaded<CloudStorageId, CloudStorage> {
        let found = cloud_storages::find_many(&*self.connection().await?, ids).await.map_err(fault)?;
        Ok(found.into_iter().map(|storage| (storage.id, storage)).collect())
    }
}

impl Loader<EventId> for DbLoader {
    type Value = Arc<Entry>;
    type Error = Arc<InternalError>;

    async fn load(&self, ids: &[EventId]) -> Loaded<EventId, Arc<Entry>> {
        let found = events::find_many(&mut *self.connection().await?, ids).await.map_err(fault)?;
        Ok(found.into_iter().map(|entry| (entry.id, Arc::new(entry))).collect())
    }
}

impl Loader<OwnershipOfferId> for DbLoader {
    type Value = OwnershipOffer;
    type Error = Arc<InternalError>;

    async fn load(&self, ids: &[OwnershipOfferId]) -> Loaded<OwnershipOfferId, OwnershipOffer> {
        let found = ownership_offers::find_many(&*self.connection().await?, ids).await.map_err(fault)?;
        Ok(found.into_iter().map(|offer| (offer.id, offer)).collect())
    }
}

/// Asks for the offer of an organization's ownership that is pending.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PendingOffer(pub OrganizationId);

impl Loader<PendingOffer> for DbLoader {
    type Value = OwnershipOffer;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[PendingOffer]) -> Loaded<PendingOffer, OwnershipOffer> {
        let ids: Vec<OrganizationId> = asked.iter().map(|asked| asked.0).collect();
        let connection = &mut *self.connection().await?;
        let found = ownership_offers::pending_of(connection, &ids, self.now).await.map_err(fault)?;
        Ok(found.into_iter().map(|offer| (PendingOffer(offer.organization_id), offer)).collect())
    }
}

/// Asks for the plan of a workspace; without one it is FREE.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PlanOf(pub WorkspaceId);

impl Loader<PlanOf> for DbLoader {
    type Value = Plan;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[PlanOf]) -> Loaded<PlanOf, Plan> {
        let ids: Vec<Uuid> = asked.iter().map(|asked| asked.0.uuid()).collect();
        let found = plans::find_many(&mut *self.connection().await?, &ids, self.now).await.map_err(fault)?;
        Ok(found.into_iter().map(|(workspace, plan)| (PlanOf(workspace), plan)).collect())
    }
}

/// Asks what is counted in a workspace.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UsageOf(pub WorkspaceId);

impl Loader<UsageOf> for DbLoader {
    type Value = Usage;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[UsageOf]) -> Loaded<UsageOf, Usage> {
        let ids: Vec<Uuid> = asked.iter().map(|asked| asked.0.uuid()).collect();
        let found = usage::of_many(&mut *self.connection().await?, &ids, self.now).await.map_err(fault)?;
        let found: HashMap<Uuid, Usage> = found.into_iter().map(|usage| (usage.workspace_id, usage)).collect();
        Ok(asked.iter().filter_map(|key| Some((key.clone(), *found.get(&key.0.uuid())?))).collect())
    }
}

/// Asks how many seats of an organization pending invitations hold; nothing if it is none.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ReservedSeats(pub OrganizationId);

impl Loader<ReservedSeats> for DbLoader {
    type Value = i64;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[ReservedSeats]) -> Loaded<ReservedSeats, i64> {
        let ids: Vec<OrganizationId> = asked.iter().map(|asked| asked.0).collect();
        let connection = &mut *self.connection().await?;
        let found = usage::pending_invitations_of(connection, &ids, self.now).await.map_err(fault)?;
        Ok(found.into_iter().map(|(id, count)| (ReservedSeats(id), count)).collect())
    }
}

/// Asks whether the viewer shares an organization with a user.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SharesOrganization(pub UserId);

impl Loader<SharesOrganization> for DbLoader {
    type Value = ();
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[SharesOrganization]) -> Loaded<SharesOrganization, ()> {
        self.sharing(asked.iter().map(|asked| asked.0).collect(), &Role::ALL, SharesOrganization).await
    }
}

/// Asks whether the viewer may see a user's e-mail address, in any organization that both are members of.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailVisible(pub UserId);

impl Loader<EmailVisible> for DbLoader {
    type Value = ();
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[EmailVisible]) -> Loaded<EmailVisible, ()> {
        let allows = |role: &Role| {
            let standing = AccessContext { signed_in: true, role: Some(*role), ..AccessContext::default() };
            decide(&standing, Action::MemberEmailView, &Target::default()) == Decision::Allow
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

/// Asks for the account that has proven an address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProvenEmail(pub String);

impl Loader<ProvenEmail> for DbLoader {
    type Value = User;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[ProvenEmail]) -> Loaded<ProvenEmail, User> {
        let emails: Vec<&str> = asked.iter().map(|asked| asked.0.as_str()).collect();
        let found = users::with_proven_emails(&mut *self.connection().await?, &emails).await.map_err(fault)?;
        Ok(found.into_iter().filter_map(|user| Some((ProvenEmail(user.email.clone()?), user))).collect())
    }
}

/// The account of an invitee, as far as the viewer may know it.
impl Loader<Invitee> for DbLoader {
    type Value = UserId;
    type Error = Arc<InternalError>;

    async fn load(&self, invited: &[Invitee]) -> Loaded<Invitee, UserId> {
        let Some(viewer) = self.viewer() else { return Ok(HashMap::new()) };
        let found = users::invitees(&mut *self.connection().await?, viewer, invited).await.map_err(fault)?;
        Ok(found.into_iter().collect())
    }
}

/// Asks for the names of an organization, which those who hold an invitation to it may know.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct OrganizationName(pub OrganizationId);

impl Loader<OrganizationName> for DbLoader {
    type Value = NamedOrganization;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[OrganizationName]) -> Loaded<OrganizationName, NamedOrganization> {
        let ids: Vec<OrganizationId> = asked.iter().map(|asked| asked.0).collect();
        let found = organizations::names(&mut *self.connection().await?, &ids).await.map_err(fault)?;
        Ok(found.into_iter().map(|named| (OrganizationName(named.id), named)).collect())
    }
}

/// Asks for a page of an organization's members.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MembersPage {
    /// Whose members.
    pub organization: OrganizationId,
    /// Which of them.
    pub pages: Arc<Pages>,
    /// How much of them.
    pub depth: Depth,
}

/// How much is read of members.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Depth {
    /// Their memberships alone.
    Memberships,
    /// Their accounts with them.
    Accounts,
}

/// A member: an account only if it was asked for.
pub type MemberRow = (Membership, Option<Profile>);

/// One statement for all organizations of which the same page is asked for.
impl Loader<MembersPage> for DbLoader {
    type Value = Vec<MemberRow>;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[MembersPage]) -> Loaded<MembersPage, Vec<MemberRow>> {
        let mut alike: HashMap<(&Arc<Pages>, Depth), Vec<OrganizationId>> = HashMap::new();
        for page in asked {
            alike.entry((&page.pages, page.depth)).or_default().push(page.organization);
        }
        let mut found: HashMap<MembersPage, Vec<MemberRow>> = HashMap::new();
        let connection = &mut *self.connection().await?;
        for ((pages, depth), organizations) in alike {
            for row in members_page(connection, &organizations, pages, depth).await.map_err(fault)? {
                let key = MembersPage { organization: row.0.organization_id, pages: pages.clone(), depth };
                found.entry(key).or_default().push(row);
            }
        }
        Ok(found)
    }
}

/// The same page of the members of several organizations.
pub async fn members_page(
    connection: &Connection,
    organizations: &[OrganizationId],
    pages: &Pages,
    depth: Depth,
) -> crate::domain::Result<Vec<MemberRow>> {
    Ok(match depth {
        Depth::Memberships => {
            let rows = list::pages(connection, organizations, pages).await?;
            rows.into_iter().map(|membership| (membership, None)).collect()
        }
        Depth::Accounts => {
            let rows = list::pages_with_users(connection, organizations, pages).await?;
            rows.into_iter().map(|(membership, user)| (membership, Some(user))).collect()
        }
    })
}

/// Asks for a part of a list of resources within one thing, of the kind that `I` names.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ListPage<I> {
    /// Within what.
    parent: Uuid,
    /// Which part of which list.
    part: Arc<ResourcePage>,
    kind: PhantomData<I>,
}

impl<I> ListPage<I> {
    /// The part of the list within `parent`.
    pub fn new(parent: Uuid, part: Arc<ResourcePage>) -> Self {
        Self { parent, part, kind: PhantomData }
    }
}

/// One statement for all of which the same part is asked for, by the same rights.
impl<I: ListableResource> Loader<ListPage<I>> for DbLoader {
    type Value = Vec<I::Row>;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[ListPage<I>]) -> Loaded<ListPage<I>, Vec<I::Row>> {
        let mut alike: HashMap<&Arc<ResourcePage>, Vec<Uuid>> = HashMap::new();
        for page in asked {
            alike.entry(&page.part).or_default().push(page.parent);
        }
        let mut found: HashMap<ListPage<I>, Vec<I::Row>> = HashMap::new();
        let connection = &mut *self.connection().await?;
        for (part, parents) in alike {
            for (parent, row) in resource_lists::pages::<I>(connection, &parents, part).await.map_err(fault)? {
                found.entry(ListPage::new(parent, part.clone())).or_default().push(row);
            }
        }
        Ok(found)
    }
}

/// Asks how many entries a list of resources within one thing has.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ListCount {
    /// Within what.
    pub parent: Uuid,
    /// Which list.
    pub list: Arc<List>,
}

/// One statement for all of which the same list is asked for, by the same rights.
impl Loader<ListCount> for DbLoader {
    type Value = i64;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[ListCount]) -> Loaded<ListCount, i64> {
        let mut alike: HashMap<&Arc<List>, Vec<Uuid>> = HashMap::new();
        for count in asked {
            alike.entry(&count.list).or_default().push(count.parent);
        }
        let mut found = HashMap::new();
        let connection = &mut *self.connection().await?;
        for (list, parents) in alike {
            let counts = resource_lists::counts(connection, &parents, list).await.map_err(fault)?;
            found.extend(counts.into_iter().map(|(parent, count)| (ListCount { parent, list: list.clone() }, count)));
        }
        Ok(found)
    }
}
