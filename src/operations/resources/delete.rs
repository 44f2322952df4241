//! Deletes a project with its tasks, a task with its jobs, or disconnects a cloud storage.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::error::FieldError;
use crate::domain::event::EventType;
use crate::domain::ids::TypedId;
use crate::domain::resource::Participants;
use crate::domain::validation::Validator;
use crate::domain::{CloudStorageId, Code, ProjectId, Result, TaskId, UserId};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::operations::AppContext;
use crate::operations::access::resources::{LockedProject, LockedStorage, LockedTask};
use crate::operations::access::workspace::LockMode;
use crate::operations::idempotency::Idempotency;
use crate::operations::resources::events::{of_job, of_project, of_storage, of_task, project_updated, task_updated};
use crate::policy::Action;
use crate::store::jobs::Job;
use crate::store::projects::Project;
use crate::store::tasks::Task;
use crate::store::{Connection, cloud_storages, jobs, projects, tasks};

/// The resource to delete.
pub struct Input {
    /// ID of a project, a task or a cloud storage.
    pub resource_id: String,
}

/// The ID of a resource that can be deleted.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Deletable {
    /// A project.
    Project(ProjectId),
    /// A task.
    Task(TaskId),
    /// A cloud storage.
    Storage(CloudStorageId),
}

impl Deletable {
    fn parse(text: &str) -> Option<Self> {
        let task = || TaskId::parse(text).map(Self::Task);
        let storage = || CloudStorageId::parse(text).map(Self::Storage);
        ProjectId::parse(text).map(Self::Project).or_else(task).or_else(storage)
    }
}

impl std::fmt::Display for Deletable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Project(id) => id.fmt(f),
            Self::Task(id) => id.fmt(f),
            Self::Storage(id) => id.fmt(f),
        }
    }
}

/// Deletes the resource, and returns its ID. The event of a container comes before the events of its content.
pub async fn delete_resource(env: &AppContext, actor: &Actor, input: Input, retry: &Idempotency) -> Result<Deletable> {
    let mut check = Validator::default();
    let wrong = || {
        let forms = [ProjectId::PREFIX, TaskId::PREFIX, CloudStorageId::PREFIX].map(|prefix| format!("{prefix}_…"));
        FieldError::new(Code::InvalidFormat, format!("This is not an ID of the form {}.", forms.join(" or ")))
    };
    let resource = Deletable::parse(&input.resource_id).ok_or_else(wrong);
    let Some(resource) = check.field("resourceId", resource) else { return Err(check.refuse()) };
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let events = match resource {
            Deletable::Project(id) => delete_project(tx, actor, id).await,
            Deletable::Task(id) => delete_task(tx, actor, id).await,
            Deletable::Storage(id) => delete_storage(tx, actor, id, now).await,
        };
        record::record(tx, now, events.map_err(|error| error.not_found_at("resourceId"))?).await?;
        Ok(resource)
    })
    .await
}

async fn delete_project(tx: &mut Connection, actor: &Actor, id: ProjectId) -> Result<Vec<NewEvent>> {
    let held = LockedProject::lock(tx, actor, id).await?;
    held.require(Action::ResourceDelete)?;
    let within = tasks::lock_of(tx, id).await?;
    let mut parts = jobs_of(tx, &within).await?;
    tx.queue(projects::delete(id));
    let (by, project) = (held.locked.actor.id, held.project);
    let mut events = vec![of_project(EventType::ProjectDeleted, Some(by), &project)];
    for task in &within {
        events.extend(with_jobs(by, task, &parts.remove(&task.id).unwrap_or_default(), &[project.people()]));
    }
    Ok(events)
}

async fn delete_task(tx: &mut Connection, actor: &Actor, id: TaskId) -> Result<Vec<NewEvent>> {
    let held = LockedTask::lock(tx, actor, id, LockMode::Shared).await?;
    held.require(Action::ResourceDelete)?;
    let parts = jobs::of_tasks(tx, &[id]).await?;
    tx.queue(tasks::delete(id));
    Ok(with_jobs(held.locked.actor.id, &held.task, &parts, &held.containers()))
}

/// Deletes a cloud storage. Locks the workspace exclusively, so that no new link to the storage appears meanwhile.
async fn delete_storage(tx: &mut Connection, actor: &Actor, id: CloudStorageId, now: Instant) -> Result<Vec<NewEvent>> {
    let held = LockedStorage::lock(tx, actor, id, LockMode::Exclusive).await?;
    held.require(Action::CloudStorageManage)?;
    let by = Some(held.locked.actor.id);
    let (linked, linked_tasks) = (projects::linked_to(tx, id).await?, tasks::linked_to(tx, id).await?);
    tx.queue(projects::unlink(id, now));
    tx.queue(tasks::unlink(id, now));
    tx.queue(cloud_storages::delete(id));

    let cut = |link: Option<CloudStorageId>| link.filter(|link| *link != id);
    let mut events = vec![of_storage(EventType::CloudStorageDeleted, by, &held.storage)];
    for before in &linked {
        let (source_storage_id, target_storage_id) = (cut(before.source_storage_id), cut(before.target_storage_id));
        events.extend(project_updated(by, before, &Project { source_storage_id, target_storage_id, ..before.clone() }));
    }
    let ids: Vec<_> = linked_tasks.iter().map(|task| task.id).collect();
    let places: HashMap<_, _> =
        tasks::find_many(tx, &ids).await?.into_iter().map(|found| (found.task.id, found.containers())).collect();
    for before in &linked_tasks {
        let (source_storage_id, target_storage_id) = (cut(before.source_storage_id), cut(before.target_storage_id));
        let outer = places.get(&before.id).map(Vec::as_slice).unwrap_or_default();
        let after = Task { source_storage_id, target_storage_id, ..before.clone() };
        events.extend(task_updated(by, before, &after, outer));
    }
    Ok(events)
}

/// Returns the jobs of the tasks, by task.
async fn jobs_of(tx: &mut Connection, tasks: &[Task]) -> Result<HashMap<TaskId, Vec<Job>>> {
    let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    let mut by_task: HashMap<TaskId, Vec<Job>> = HashMap::new();
    for job in jobs::of_tasks(tx, &ids).await? {
        by_task.entry(job.task_id).or_default().push(job);
    }
    Ok(by_task)
}

/// Returns the events of a task that is deleted with its jobs.
fn with_jobs(by: UserId, task: &Task, jobs: &[Job], containers: &[Participants]) -> Vec<NewEvent> {
    let inner = [&[task.people()], containers].concat();
    let gone = jobs.iter().map(|job| of_job(EventType::JobDeleted, Some(by), job, &inner));
    std::iter::once(of_task(EventType::TaskDeleted, Some(by), task, containers)).chain(gone).collect()
}
