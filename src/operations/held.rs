//! Resources that a write is about, held together with all that the decision on them rests on: the workspace, then the
//! project, the task, the job; a cloud storage last. Who may not even see one is told that it is not there.

use super::ground::{Ground, Hold};
use crate::auth::Actor;
use crate::domain::resource::{People, Ties};
use crate::domain::{CloudStorageId, Error, Fault, JobId, ProjectId, Refusal, Result, TaskId, WorkspaceId};
use crate::policy::{Action, Target};
use crate::store::Connection;
use crate::store::cloud_storages::{self, CloudStorage};
use crate::store::jobs::{self, Job};
use crate::store::projects::{self, Project};
use crate::store::tasks::{self, Task};

const PROJECT: &str = "project";
const TASK: &str = "task";
const JOB: &str = "job";
const STORAGE: &str = "cloud storage";

/// A project that is locked.
pub struct HeldProject {
    /// Its workspace.
    pub ground: Ground,
    /// The project.
    pub project: Project,
}

impl HeldProject {
    /// Locks a project, and shares its workspace.
    pub async fn lock(tx: &mut Connection, actor: &Actor, id: ProjectId) -> Result<Self> {
        let found = projects::find(tx, id).await?.ok_or_else(|| Refusal::not_found(PROJECT))?;
        let ground = Ground::enter(tx, actor, found.workspace(), Hold::Shared, PROJECT).await?;
        let project = projects::lock(tx, id).await?.ok_or_else(|| Refusal::not_found(PROJECT))?;
        Self { ground, project }.seen()
    }

    /// Holds a project as it is, and its workspace alone: for somebody who is about to put something into it.
    pub async fn share(tx: &mut Connection, actor: &Actor, id: ProjectId) -> Result<Self> {
        let found = projects::find(tx, id).await?.ok_or_else(|| Refusal::not_found(PROJECT))?;
        let ground = Ground::enter(tx, actor, found.workspace(), Hold::Exclusive, PROJECT).await?;
        let project = projects::share(tx, id).await?.ok_or_else(|| Refusal::not_found(PROJECT))?;
        Self { ground, project }.seen()
    }

    fn seen(self) -> Result<Self> {
        unmoved(self.ground.id, self.project.workspace())?;
        self.require(Action::ResourceView)?;
        Ok(self)
    }

    /// Goes on only if the actor may do that to it.
    pub fn require(&self, action: Action) -> Result<()> {
        self.ground.require_of(action, Ties::of(self.ground.actor.id, self.project.people(), &[]), PROJECT)
    }
}

/// A task that is locked.
pub struct HeldTask {
    /// Its workspace.
    pub ground: Ground,
    /// The project that it is in, held as it is.
    pub project: Option<Project>,
    /// The task.
    pub task: Task,
}

impl HeldTask {
    /// Locks a task.
    pub async fn lock(tx: &mut Connection, actor: &Actor, id: TaskId, hold: Hold) -> Result<Self> {
        let found = tasks::find(tx, id).await?.ok_or_else(|| Refusal::not_found(TASK))?;
        let ground = Ground::enter(tx, actor, found.workspace(), hold, TASK).await?;
        // Only now it stays in its project: it may have moved while this waited for the workspace.
        let found = tasks::find(tx, id).await?.ok_or_else(|| Refusal::not_found(TASK))?;
        let project = share_project(tx, found.project_id).await?;
        let task = tasks::lock(tx, id).await?.ok_or_else(|| Refusal::not_found(TASK))?;
        unmoved((ground.id, found.project_id), (task.workspace(), task.project_id))?;
        let held = Self { ground, project, task };
        held.require(Action::ResourceView)?;
        Ok(held)
    }

    /// The people of what contains it.
    pub fn containers(&self) -> Vec<People> {
        self.project.iter().map(Project::people).collect()
    }

    /// Goes on only if the actor may do that to it.
    pub fn require(&self, action: Action) -> Result<()> {
        let ties = Ties::of(self.ground.actor.id, self.task.people(), &self.containers());
        self.ground.require_of(action, ties, TASK)
    }
}

/// A job that is locked, as is its task.
pub struct HeldJob {
    /// Its workspace, which is shared.
    pub ground: Ground,
    /// The project that its task is in, held as it is.
    pub project: Option<Project>,
    /// Its task.
    pub task: Task,
    /// The job.
    pub job: Job,
}

impl HeldJob {
    /// Locks a job.
    pub async fn lock(tx: &mut Connection, actor: &Actor, id: JobId) -> Result<Self> {
        let place = jobs::place(tx, id).await?.ok_or_else(|| Refusal::not_found(JOB))?;
        let ground = Ground::enter(tx, actor, place.workspace(), Hold::Shared, JOB).await?;
        // Only now its task stays in its project: it may have moved while this waited for the workspace.
        let place = jobs::place(tx, id).await?.ok_or_else(|| Refusal::not_found(JOB))?;
        let project = share_project(tx, place.project_id).await?;
        let task = tasks::lock(tx, place.task_id).await?.ok_or_else(|| Refusal::not_found(JOB))?;
        let job = jobs::lock(tx, id).await?.ok_or_else(|| Refusal::not_found(JOB))?;
        unmoved((ground.id, place.project_id), (task.workspace(), task.project_id))?;
        let held = Self { ground, project, task, job };
        held.require(Action::ResourceView)?;
        Ok(held)
    }

    /// The people of what contains it.
    pub fn containers(&self) -> Vec<People> {
        std::iter::once(self.task.people()).chain(self.project.iter().map(Project::people)).collect()
    }

    /// Goes on only if the actor may do that to it.
    pub fn require(&self, action: Action) -> Result<()> {
        let ties = Ties::of(self.ground.actor.id, self.job.people(), &self.containers());
        self.ground.require_of(action, ties, JOB)
    }
}

/// A cloud storage that is locked.
pub struct HeldStorage {
    /// Its workspace.
    pub ground: Ground,
    /// The cloud storage.
    pub storage: CloudStorage,
}

impl HeldStorage {
    /// Locks a cloud storage.
    pub async fn lock(tx: &mut Connection, actor: &Actor, id: CloudStorageId, hold: Hold) -> Result<Self> {
        let found = cloud_storages::find(tx, id).await?.ok_or_else(|| Refusal::not_found(STORAGE))?;
        let ground = Ground::enter(tx, actor, found.workspace(), hold, STORAGE).await?;
        let storage = cloud_storages::lock(tx, id).await?.ok_or_else(|| Refusal::not_found(STORAGE))?;
        let held = Self { ground, storage };
        held.require(Action::CloudStorageView).map_err(|_| Error::from(Refusal::not_found(STORAGE)))?;
        Ok(held)
    }

    /// Goes on only if the actor may do that to it.
    pub fn require(&self, action: Action) -> Result<()> {
        let ties = Ties::of(self.ground.actor.id, self.storage.people(), &[]);
        self.ground.require(action, &Target { ties, ..Target::default() }, STORAGE)
    }
}

/// Holds a workspace alone, for somebody who is about to make something in it.
pub async fn enter_to_create(tx: &mut Connection, actor: &Actor, id: WorkspaceId) -> Result<Ground> {
    let ground = Ground::enter(tx, actor, id, Hold::Exclusive, "workspace").await?;
    if ground.sees() { Ok(ground) } else { Err(Refusal::not_found("workspace").into()) }
}

async fn share_project(tx: &mut Connection, id: Option<ProjectId>) -> Result<Option<Project>> {
    match id {
        Some(id) => projects::share(tx, id).await,
        None => Ok(None),
    }
}

/// What was looked up to know what to hold must still be so once it is held: a transfer may have come in between.
fn unmoved<T: PartialEq>(looked_up: T, held: T) -> Result<()> {
    if looked_up == held {
        return Ok(());
    }
    Err(Fault::passing("the resource was moved to another place just now").into())
}
