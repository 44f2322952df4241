//! The events of resources: the changes, the person concerned, and the users who could see the resource at that time.

use std::fmt::Display;

use crate::domain::UserId;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::resource::Participants;
use crate::events::record::NewEvent;
use crate::store::cloud_storages::CloudStorage;
use crate::store::jobs::Job;
use crate::store::projects::Project;
use crate::store::tasks::Task;

/// Returns an event about a project.
pub fn of_project(kind: EventType, actor: Option<UserId>, project: &Project) -> NewEvent {
    NewEvent { tied: tied(project.people(), &[]), ..NewEvent::new(project.workspace(), kind, actor, project.id) }
}

/// Returns an event about a task; `containers` are the participants of its project.
pub fn of_task(kind: EventType, actor: Option<UserId>, task: &Task, containers: &[Participants]) -> NewEvent {
    NewEvent { tied: tied(task.people(), containers), ..NewEvent::new(task.workspace(), kind, actor, task.id) }
}

/// Returns an event about a job; `containers` are the participants of its task and project.
pub fn of_job(kind: EventType, actor: Option<UserId>, job: &Job, containers: &[Participants]) -> NewEvent {
    NewEvent { tied: tied(job.people(), containers), ..NewEvent::new(job.workspace(), kind, actor, job.id) }
}

/// Returns an event about a cloud storage.
pub fn of_storage(kind: EventType, actor: Option<UserId>, storage: &CloudStorage) -> NewEvent {
    NewEvent { tied: tied(storage.people(), &[]), ..NewEvent::new(storage.workspace(), kind, actor, storage.id) }
}

/// Returns the event of a new project.
pub fn project_created(actor: UserId, project: &Project) -> NewEvent {
    with(of_project(EventType::ProjectCreated, Some(actor), project), vec![], (None, project.assignee_id))
}

/// Returns the event of a new task.
pub fn task_created(actor: UserId, task: &Task, containers: &[Participants]) -> NewEvent {
    with(of_task(EventType::TaskCreated, Some(actor), task, containers), vec![], (None, task.assignee_id))
}

/// Returns the event of a changed project; `None` if nothing changed.
pub fn project_updated(actor: Option<UserId>, before: &Project, after: &Project) -> Option<NewEvent> {
    let changes = vec![
        FieldChange::between("name", Some(&before.name), Some(&after.name)),
        FieldChange::between("description", before.description.as_deref(), after.description.as_deref()),
        of_ids("owner", Some(before.owner_id), Some(after.owner_id)),
        of_ids("sourceStorage", before.source_storage_id, after.source_storage_id),
        of_ids("targetStorage", before.target_storage_id, after.target_storage_id),
    ];
    let event = of_project(EventType::ProjectUpdated, actor, after);
    changed(with(event, changes, (before.assignee_id, after.assignee_id)))
}

/// Returns the event of a changed task; `None` if nothing changed.
pub fn task_updated(
    actor: Option<UserId>,
    before: &Task,
    after: &Task,
    containers: &[Participants],
) -> Option<NewEvent> {
    let changes = vec![
        FieldChange::between("name", Some(&before.name), Some(&after.name)),
        FieldChange::between("status", Some(before.status.name()), Some(after.status.name())),
        of_ids("owner", Some(before.owner_id), Some(after.owner_id)),
        of_ids("project", before.project_id, after.project_id),
        of_ids("sourceStorage", before.source_storage_id, after.source_storage_id),
        of_ids("targetStorage", before.target_storage_id, after.target_storage_id),
    ];
    let event = of_task(EventType::TaskUpdated, actor, after, containers);
    changed(with(event, changes, (before.assignee_id, after.assignee_id)))
}

/// Returns the event of a changed job; `None` if nothing changed.
pub fn job_updated(actor: Option<UserId>, before: &Job, after: &Job, containers: &[Participants]) -> Option<NewEvent> {
    let changes = vec![
        FieldChange::between("stage", Some(before.stage.name()), Some(after.stage.name())),
        FieldChange::between("state", Some(before.state.name()), Some(after.state.name())),
    ];
    let event = of_job(EventType::JobUpdated, actor, after, containers);
    changed(with(event, changes, (before.assignee_id, after.assignee_id)))
}

/// Returns the event of a changed cloud storage; `None` if nothing changed.
pub fn storage_updated(actor: Option<UserId>, before: &CloudStorage, after: &CloudStorage) -> Option<NewEvent> {
    let changes = [
        FieldChange::between("displayName", Some(&before.display_name), Some(&after.display_name)),
        FieldChange::between("description", before.description.as_deref(), after.description.as_deref()),
        of_ids("owner", Some(before.owner_id), Some(after.owner_id)),
    ];
    let event = of_storage(EventType::CloudStorageUpdated, actor, after);
    changed(NewEvent { changes: changes.into_iter().flatten().collect(), ..event })
}

/// Adds the changes, including that of the assignee, to an event. A new assignee is the person whom the event concerns.
fn with(
    event: NewEvent,
    changes: Vec<Option<FieldChange>>,
    (before, after): (Option<UserId>, Option<UserId>),
) -> NewEvent {
    let assignee = of_ids("assignee", before, after);
    let person = after.filter(|_| assignee.is_some());
    NewEvent { person, changes: changes.into_iter().chain([assignee]).flatten().collect(), ..event }
}

fn changed(event: NewEvent) -> Option<NewEvent> {
    (!event.changes.is_empty()).then_some(event)
}

fn of_ids<I: Display>(field: &str, before: Option<I>, after: Option<I>) -> Option<FieldChange> {
    let [before, after] = [before, after].map(|id| id.map(|id| id.to_string()));
    FieldChange::between(field, before.as_deref(), after.as_deref())
}

/// Returns the participants of a resource and of its containers, each once.
fn tied(people: Participants, containers: &[Participants]) -> Vec<UserId> {
    let all = std::iter::once(&people).chain(containers);
    let mut tied: Vec<_> = all.flat_map(|people| [people.owner, people.assignee]).flatten().collect();
    tied.sort_unstable();
    tied.dedup();
    tied
}
