//! Locks the resources that a write is about, with all rows that the decision depends on. The lock order is: workspace,
//! project, task, job, cloud storage. An actor who may not see a resource gets NOT_FOUND.

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

/// Finds an object by its ID without locking it. NOT_FOUND if the object does not exist or the actor may not see it. It
/// sends the same statements whether or not the object exists. Callers lock after this check, so an actor never locks
/// an object that is hidden from the actor.
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
    let viewer_access = match (workspace, &entrance.organization) {
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
    match decide(&viewer_access, view, &target) {
        Decision::Allow => Ok(found),
        _ => Err(Refusal::not_found(what).into()),
    }
}

/// Returns the policy target of a resource that names `people` and is inside of `containers`.
fn tied(actor: UserId, people: Participants, containers: &[Participants]) -> Target {
    Target { relations: Relations::of(actor, people, containers), ..Target::default() }
}

/// Finds a project that the actor sees, in any workspace, without a lock.
pub(crate) async fn look_for_project(tx: &Connection, actor: &Actor, id: ProjectId) -> Result<Project> {
    let about = |project: &Project| (project.workspace(), tied(actor.user_id, project.people(), &[]));
    let found = projects::find_many(tx, std::slice::from_ref(&id));
    look(tx, actor, OrganizationRef::Project(id), found, about, (Action::ResourceView, PROJECT)).await
}

/// Finds a cloud storage that the actor sees, in any workspace, without a lock.
pub(crate) async fn look_for_storage(tx: &Connection, actor: &Actor, id: CloudStorageId) -> Result<CloudStorage> {
    let about = |storage: &CloudStorage| (storage.workspace(), tied(actor.user_id, storage.people(), &[]));
    let found = cloud_storages::find_many(tx, std::slice::from_ref(&id));
    look(tx, actor, OrganizationRef::Storage(id), found, about, (Action::CloudStorageView, STORAGE)).await
}

/// A locked project.
pub struct LockedProject {
    /// The project's workspace, locked.
    pub locked: LockedWorkspace,
    /// The project, locked.
    pub project: Project,
}

impl LockedProject {
    /// Locks a project exclusively and its workspace in shared mode.
    pub async fn lock(tx: &mut Connection, actor: &Actor, id: ProjectId) -> Result<Self> {
        let found = look_for_project(tx, actor, id).await?;
        let locked = LockedWorkspace::enter(tx, actor, found.workspace(), LockMode::Shared, PROJECT).await?;
        let project = projects::lock(tx, id).await?.ok_or_else(|| Refusal::not_found(PROJECT))?;
        Self { locked, project }.seen()
    }

    /// Locks a project in shared mode and its workspace exclusively, for an operation that adds something to the
    /// project.
    pub async fn share(tx: &mut Connection, actor: &Actor, id: ProjectId) -> Result<Self> {
        let found = look_for_project(tx, actor, id).await?;
        let locked = LockedWorkspace::enter(tx, actor, found.workspace(), LockMode::Exclusive, PROJECT).await?;
        let project = projects::share(tx, id).await?.ok_or_else(|| Refusal::not_found(PROJECT))?;
        Self { locked, project }.seen()
    }

    fn seen(self) -> Result<Self> {
        ensure_not_moved(self.locked.id, self.project.workspace())?;
        self.require(Action::ResourceView)?;
        Ok(self)
    }

    /// Returns an error unless the actor may do `action` to the project.
    pub fn require(&self, action: Action) -> Result<()> {
        self.locked.require_of(action, Relations::of(self.locked.actor.id, self.project.people(), &[]), PROJECT)
    }
}

/// A locked task.
pub struct LockedTask {
    /// The task's workspace, locked.
    pub locked: LockedWorkspace,
    /// The project that contains the task, locked in shared mode; `None` if the task is in no project.
    pub project: Option<Project>,
    /// The task, locked.
    pub task: Task,
}

impl LockedTask {
    /// Locks a task, and its workspace with the mode `hold`.
    pub async fn lock(tx: &mut Connection, actor: &Actor, id: TaskId, hold: LockMode) -> Result<Self> {
        let about = |found: &TaskInProject| {
            (found.task.workspace(), tied(actor.user_id, found.task.people(), &found.containers()))
        };
        let found = tasks::find_many(tx, std::slice::from_ref(&id));
        let found = look(tx, actor, OrganizationRef::Task(id), found, about, (Action::ResourceView, TASK)).await?;
        let locked = LockedWorkspace::enter(tx, actor, found.task.workspace(), hold, TASK).await?;
        // The task may have moved while this waited for the workspace. From here on it stays in its project.
        let found = tasks::find(tx, id).await?.ok_or_else(|| Refusal::not_found(TASK))?;
        let project = lock_project_shared(tx, found.project_id).await?;
        let task = tasks::lock(tx, id).await?.ok_or_else(|| Refusal::not_found(TASK))?;
        ensure_not_moved((locked.id, found.project_id), (task.workspace(), task.project_id))?;
        let held = Self { locked, project, task };
        held.require(Action::ResourceView)?;
        Ok(held)
    }

    /// Returns the participants of the project that contains the task.
    pub fn containers(&self) -> Vec<Participants> {
        self.project.iter().map(Project::people).collect()
    }

    /// Returns an error unless the actor may do `action` to the task.
    pub fn require(&self, action: Action) -> Result<()> {
        let relations = Relations::of(self.locked.actor.id, self.task.people(), &self.containers());
        self.locked.require_of(action, relations, TASK)
    }
}

/// A locked job, with its locked task.
pub struct LockedJob {
    /// The job's workspace, locked in shared mode.
    pub locked: LockedWorkspace,
    /// The project that contains the task, locked in shared mode; `None` if the task is in no project.
    pub project: Option<Project>,
    /// The job's task, locked.
    pub task: Task,
    /// The job, locked.
    pub job: Job,
}

impl LockedJob {
    /// Locks a job and its task, and their workspace in shared mode.
    pub async fn lock(tx: &mut Connection, actor: &Actor, id: JobId) -> Result<Self> {
        let about =
            |found: &JobInTask| (found.job.workspace(), tied(actor.user_id, found.job.people(), &found.containers()));
        let found = jobs::find_many(tx, std::slice::from_ref(&id));
        let found = look(tx, actor, OrganizationRef::Job(id), found, about, (Action::ResourceView, JOB)).await?;
        let locked = LockedWorkspace::enter(tx, actor, found.job.workspace(), LockMode::Shared, JOB).await?;
        // The task may have moved while this waited for the workspace. From here on it stays in its project.
        let place = jobs::place(tx, id).await?.ok_or_else(|| Refusal::not_found(JOB))?;
        let project = lock_project_shared(tx, place.project_id).await?;
        let task = tasks::lock(tx, place.task_id).await?.ok_or_else(|| Refusal::not_found(JOB))?;
        let job = jobs::lock(tx, id).await?.ok_or_else(|| Refusal::not_found(JOB))?;
        ensure_not_moved((locked.id, place.project_id), (task.workspace(), task.project_id))?;
        let held = Self { locked, project, task, job };
        held.require(Action::ResourceView)?;
        Ok(held)
    }

    /// Returns the participants of the task and the project that contain the job.
    pub fn containers(&self) -> Vec<Participants> {
        std::iter::once(self.task.people()).chain(self.project.iter().map(Project::people)).collect()
    }

    /// Returns an error unless the actor may do `action` to the job.
    pub fn require(&self, action: Action) -> Result<()> {
        let relations = Relations::of(self.locked.actor.id, self.job.people(), &self.containers());
        self.locked.require_of(action, relations, JOB)
    }
}

/// A locked cloud storage.
pub struct LockedStorage {
    /// The storage's workspace, locked.
    pub locked: LockedWorkspace,
    /// The cloud storage, locked.
    pub storage: CloudStorage,
}

impl LockedStorage {
    /// Locks a cloud storage, and its workspace with the mode `hold`.
    pub async fn lock(tx: &mut Connection, actor: &Actor, id: CloudStorageId, hold: LockMode) -> Result<Self> {
        let found = look_for_storage(tx, actor, id).await?;
        let locked = LockedWorkspace::enter(tx, actor, found.workspace(), hold, STORAGE).await?;
        let storage = cloud_storages::lock(tx, id).await?.ok_or_else(|| Refusal::not_found(STORAGE))?;
        let held = Self { locked, storage };
        held.require(Action::CloudStorageView).map_err(|_| Error::from(Refusal::not_found(STORAGE)))?;
        Ok(held)
    }

    /// Returns an error unless the actor may do `action` to the cloud storage.
    pub fn require(&self, action: Action) -> Result<()> {
        let relations = Relations::of(self.locked.actor.id, self.storage.people(), &[]);
        self.locked.require(action, &Target { relations, ..Target::default() }, STORAGE)
    }
}

/// Locks a workspace exclusively, for an operation that creates something in it. NOT_FOUND if the actor does not see
/// the workspace.
pub async fn lock_to_create(tx: &mut Connection, actor: &Actor, id: WorkspaceId) -> Result<LockedWorkspace> {
    let locked = LockedWorkspace::enter(tx, actor, id, LockMode::Exclusive, "workspace").await?;
    if locked.sees() { Ok(locked) } else { Err(Refusal::not_found("workspace").into()) }
}

async fn lock_project_shared(tx: &mut Connection, id: Option<ProjectId>) -> Result<Option<Project>> {
    match id {
        Some(id) => projects::share(tx, id).await,
        None => Ok(None),
    }
}

/// Returns a transient error if the values read before the lock differ from those under the lock: a transfer may have
/// moved the resource in between.
fn ensure_not_moved<T: PartialEq>(looked_up: T, held: T) -> Result<()> {
    if looked_up == held {
        return Ok(());
    }
    Err(InternalError::transient("the resource was moved to another place just now").into())
}
