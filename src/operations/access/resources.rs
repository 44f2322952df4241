//! Resources that a write is about, held together with all that the decision on them rests on: the workspace, then the
//! project, the task, the job; a cloud storage last. Who may not even see one is told that it is not there.

use futures_util::future::try_join;

use crate::auth::Actor;
use crate::domain::resource::{Participants, Relations};
use crate::domain::{
    CloudStorageId, Error, InternalError, JobId, ProjectId, Refusal, Result, TaskId, UserId, WorkspaceId,
};
use crate::operations::access::workspace::{LockMode, LockedWorkspace};
use crate::policy::{AccessContext, Action, Decision, Target, decide};
use crate::store::Connection;
use crate::store::cloud_storages::{self, CloudStorage};
use crate::store::jobs::{self, Job, JobInTask};
use crate::store::organizations::access;
use crate::store::organizations::access::OrganizationRef;
use crate::store::projects::{self, Project};
use crate::store::tasks::{self, Task, TaskInProject};

const PROJECT: &str = "project";
const TASK: &str = "task";
const JOB: &str = "job";
const STORAGE: &str = "cloud storage";

/// Looks for what an actor asks for by its ID, without holding anything, and returns it if the policy lets them see it. The same
/// statements are sent whether or not it is there, and nothing is locked that is not there for the actor.
pub(crate) async fn look<T>(
    tx: &Connection,
    actor: &Actor,
    of: OrganizationRef,
    found: impl Future<Output = Result<Vec<T>>>,
    about: impl FnOnce(&T) -> (WorkspaceId, Target),
    (view, what): (Action, &str),
) -> Result<T> {
    let (found, entrance) = try_join(found, access::enter(tx, LockMode::Unheld, of, actor)).await?;
    let entrance = entrance.ok_or(Error::Unauthenticated)?;
    let found = found.into_iter().next().ok_or_else(|| Refusal::not_found(what))?;
    let (workspace, target) = about(&found);
    let standing = match (workspace, &entrance.organization) {
        (WorkspaceId::Personal(user), _) => AccessContext::personal(user == actor.user_id, entrance.actor.is_admin),
        (WorkspaceId::Organization(_), None) => AccessContext { signed_in: true, ..AccessContext::default() },
        (WorkspaceId::Organization(_), Some(organization)) => AccessContext {
            signed_in: true,
            is_admin: entrance.actor.is_admin,
            role: entrance.membership.as_ref().map(|membership| membership.role),
            invited: false,
            place: organization.status.into(),
        },
    };
    match decide(&standing, view, &target) {
        Decision::Allow => Ok(found),
        _ => Err(Refusal::not_found(what).into()),
    }
}

/// How the policy looks at a resource that names `people`, inside of `containers`.
fn tied(actor: UserId, people: Participants, containers: &[Participants]) -> Target {
    Target { ties: Relations::of(actor, people, containers), ..Target::default() }
}

/// A project that the actor sees, in whatever workspace, and that is not held.
pub(crate) async fn look_for_project(tx: &Connection, actor: &Actor, id: ProjectId) -> Result<Project> {
    let about = |project: &Project| (project.workspace(), tied(actor.user_id, project.people(), &[]));
    let found = projects::find_many(tx, std::slice::from_ref(&id));
    look(tx, actor, OrganizationRef::Project(id), found, about, (Action::ResourceView, PROJECT)).await
}

/// A cloud storage that the actor sees, in whatever workspace, and that is not held.
pub(crate) async fn look_for_storage(tx: &Connection, actor: &Actor, id: CloudStorageId) -> Result<CloudStorage> {
    let about = |storage: &CloudStorage| (storage.workspace(), tied(actor.user_id, storage.people(), &[]));
    let found = cloud_storages::find_many(tx, std::slice::from_ref(&id));
    look(tx, actor, OrganizationRef::Storage(id), found, about, (Action::CloudStorageView, STORAGE)).await
}

/// A project that is locked.
pub struct LockedProject {
    /// Its workspace.
    pub ground: LockedWorkspace,
    /// The project.
    pub project: Project,
}

impl LockedProject {
    /// Locks a project, and shares its workspace.
    pub async fn lock(tx: &mut Connection, actor: &Actor, id: ProjectId) -> Result<Self> {
        let found = look_for_project(tx, actor, id).await?;
        let ground = LockedWorkspace::enter(tx, actor, found.workspace(), LockMode::Shared, PROJECT).await?;
        let project = projects::lock(tx, id).await?.ok_or_else(|| Refusal::not_found(PROJECT))?;
        Self { ground, project }.seen()
    }

    /// Holds a project as it is, and its workspace alone: for somebody who is about to put something into it.
    pub async fn share(tx: &mut Connection, actor: &Actor, id: ProjectId) -> Result<Self> {
        let found = look_for_project(tx, actor, id).await?;
        let ground = LockedWorkspace::enter(tx, actor, found.workspace(), LockMode::Exclusive, PROJECT).await?;
        let project = projects::share(tx, id).await?.ok_or_else(|| Refusal::not_found(PROJECT))?;
        Self { ground, project }.seen()
    }

    fn seen(self) -> Result<Self> {
        ensure_not_moved(self.ground.id, self.project.workspace())?;
        self.require(Action::ResourceView)?;
        Ok(self)
    }

    /// Goes on only if the actor may do that to it.
    pub fn require(&self, action: Action) -> Result<()> {
        self.ground.require_of(action, Relations::of(self.ground.actor.id, self.project.people(), &[]), PROJECT)
    }
}

/// A task that is locked.
pub struct LockedTask {
    /// Its workspace.
    pub ground: LockedWorkspace,
    /// The project that it is in, held as it is.
    pub project: Option<Project>,
    /// The task.
    pub task: Task,
}

impl LockedTask {
    /// Locks a task.
    pub async fn lock(tx: &mut Connection, actor: &Actor, id: TaskId, hold: LockMode) -> Result<Self> {
        let about = |found: &TaskInProject| {
            (found.task.workspace(), tied(actor.user_id, found.task.people(), &found.containers()))
        };
        let found = tasks::find_many(tx, std::slice::from_ref(&id));
        let found = look(tx, actor, OrganizationRef::Task(id), found, about, (Action::ResourceView, TASK)).await?;
        let ground = LockedWorkspace::enter(tx, actor, found.task.workspace(), hold, TASK).await?;
        // Only now it stays in its project: it may have moved while this waited for the workspace.
        let found = tasks::find(tx, id).await?.ok_or_else(|| Refusal::not_found(TASK))?;
        let project = lock_project_shared(tx, found.project_id).await?;
        let task = tasks::lock(tx, id).await?.ok_or_else(|| Refusal::not_found(TASK))?;
        ensure_not_moved((ground.id, found.project_id), (task.workspace(), task.project_id))?;
        let held = Self { ground, project, task };
        held.require(Action::ResourceView)?;
        Ok(held)
    }

    /// The people of what contains it.
    pub fn containers(&self) -> Vec<Participants> {
        self.project.iter().map(Project::people).collect()
    }

    /// Goes on only if the actor may do that to it.
    pub fn require(&self, action: Action) -> Result<()> {
        let ties = Relations::of(self.ground.actor.id, self.task.people(), &self.containers());
        self.ground.require_of(action, ties, TASK)
    }
}

/// A job that is locked, as is its task.
pub struct LockedJob {
    /// Its workspace, which is shared.
    pub ground: LockedWorkspace,
    /// The project that its task is in, held as it is.
    pub project: Option<Project>,
    /// Its task.
    pub task: Task,
    /// The job.
    pub job: Job,
}

impl LockedJob {
    /// Locks a job.
    pub async fn lock(tx: &mut Connection, actor: &Actor, id: JobId) -> Result<Self> {
        let about =
            |found: &JobInTask| (found.job.workspace(), tied(actor.user_id, found.job.people(), &found.containers()));
        let found = jobs::find_many(tx, std::slice::from_ref(&id));
        let found = look(tx, actor, OrganizationRef::Job(id), found, about, (Action::ResourceView, JOB)).await?;
        let ground = LockedWorkspace::enter(tx, actor, found.job.workspace(), LockMode::Shared, JOB).await?;
        // Only now its task stays in its project: it may have moved while this waited for the workspace.
        let place = jobs::place(tx, id).await?.ok_or_else(|| Refusal::not_found(JOB))?;
        let project = lock_project_shared(tx, place.project_id).await?;
        let task = tasks::lock(tx, place.task_id).await?.ok_or_else(|| Refusal::not_found(JOB))?;
        let job = jobs::lock(tx, id).await?.ok_or_else(|| Refusal::not_found(JOB))?;
        ensure_not_moved((ground.id, place.project_id), (task.workspace(), task.project_id))?;
        let held = Self { ground, project, task, job };
        held.require(Action::ResourceView)?;
        Ok(held)
    }

    /// The people of what contains it.
    pub fn containers(&self) -> Vec<Participants> {
        std::iter::once(self.task.people()).chain(self.project.iter().map(Project::people)).collect()
    }

    /// Goes on only if the actor may do that to it.
    pub fn require(&self, action: Action) -> Result<()> {
        let ties = Relations::of(self.ground.actor.id, self.job.people(), &self.containers());
        self.ground.require_of(action, ties, JOB)
    }
}

/// A cloud storage that is locked.
pub struct LockedStorage {
    /// Its workspace.
    pub ground: LockedWorkspace,
    /// The cloud storage.
    pub storage: CloudStorage,
}

impl LockedStorage {
    /// Locks a cloud storage.
    pub async fn lock(tx: &mut Connection, actor: &Actor, id: CloudStorageId, hold: LockMode) -> Result<Self> {
        let found = look_for_storage(tx, actor, id).await?;
        let ground = LockedWorkspace::enter(tx, actor, found.workspace(), hold, STORAGE).await?;
        let storage = cloud_storages::lock(tx, id).await?.ok_or_else(|| Refusal::not_found(STORAGE))?;
        let held = Self { ground, storage };
        held.require(Action::CloudStorageView).map_err(|_| Error::from(Refusal::not_found(STORAGE)))?;
        Ok(held)
    }

    /// Goes on only if the actor may do that to it.
    pub fn require(&self, action: Action) -> Result<()> {
        let ties = Relations::of(self.ground.actor.id, self.storage.people(), &[]);
        self.ground.require(action, &Target { ties, ..Target::default() }, STORAGE)
    }
}

/// Holds a workspace alone, for somebody who is about to make something in it.
pub async fn lock_to_create(tx: &mut Connection, actor: &Actor, id: WorkspaceId) -> Result<LockedWorkspace> {
    let ground = LockedWorkspace::enter(tx, actor, id, LockMode::Exclusive, "workspace").await?;
    if ground.sees() { Ok(ground) } else { Err(Refusal::not_found("workspace").into()) }
}

async fn lock_project_shared(tx: &mut Connection, id: Option<ProjectId>) -> Result<Option<Project>> {
    match id {
        Some(id) => projects::share(tx, id).await,
        None => Ok(None),
    }
}

/// What was looked up to know what to hold must still be so once it is held: a transfer may have come in between.
fn ensure_not_moved<T: PartialEq>(looked_up: T, held: T) -> Result<()> {
    if looked_up == held {
        return Ok(());
    }
    Err(InternalError::passing("the resource was moved to another place just now").into())
}
