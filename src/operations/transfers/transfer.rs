//! Transfers projects and tasks to another workspace: all of them or none, exactly as a plan made at the same moment
//! says.

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::resource::ResourceId;
use crate::domain::{CloudStorageId, Error, ProjectId, Refusal, Result, TaskId, UserId, WorkspaceId};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::store::Connection;
use crate::store::projects::Project;
use crate::store::tasks::Task;
use crate::store::transfers::{self, Move};

use crate::operations::AppContext;
use crate::operations::access::workspace::LockMode;
use crate::operations::idempotency::Idempotency;
pub use crate::operations::transfers::plan::Input;
use crate::operations::transfers::plan::PlannedTransfer;
use crate::operations::transfers::survey::{TransferBatch, TransferContext, survey};

/// Transfers the resources, and returns the executed plan.
pub async fn transfer_resources(
    env: &AppContext,
    actor: &Actor,
    input: Input,
    retry: &Idempotency,
) -> Result<PlannedTransfer> {
    let request = input.check()?;
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let survey = survey(env, tx, actor, request, LockMode::Exclusive).await?;
        let plan = survey.plan();
        let problems: Vec<Refusal> = plan.items.iter().flat_map(|item| item.problems.iter().map(in_input)).collect();
        if !problems.is_empty() {
            return Err(Error::Refused(problems));
        }
        survey.destination().lock_actor(tx).await?;
        take(tx, &survey, now).await?;
        Ok(plan)
    })
    .await
}

/// Converts a problem of a plan to a refusal of the mutation.
fn in_input(problem: &Refusal) -> Refusal {
    let path = std::iter::once("input".to_owned()).chain(problem.path.iter().cloned()).collect();
    Refusal { path, ..problem.clone() }
}

async fn take(tx: &mut Connection, survey: &TransferContext, now: Instant) -> Result<()> {
    let locked = survey.destination();
    let storages = survey.replacements();
    let projects: Vec<ProjectId> = survey.batches.iter().filter_map(|batch| Some(batch.project.as_ref()?.id)).collect();
    let tasks: Vec<TaskId> = survey.batches.iter().flat_map(|batch| batch.tasks.iter().map(|task| task.id)).collect();
    let to = Move { destination: locked.id, owner: locked.actor.id, storages: &storages, at: now };
    transfers::take(tx, &projects, &tasks, &to).await?;
    let events = survey.batches.iter().flat_map(|batch| moved(batch, &to)).collect();
    record::record(tx, now, events).await
}

/// Returns the events for both workspaces: for the resource itself, and for the tasks that move with a project.
fn moved(batch: &TransferBatch, to: &Move<'_>) -> Vec<NewEvent> {
    let project = batch.project.iter().map(MovedResource::from);
    let in_project = batch.project.as_ref().map(Project::people);
    let tasks = batch.tasks.iter().map(MovedResource::from);
    project
        .chain(tasks)
        .flat_map(|moved| {
            let mut tied: Vec<UserId> = [Some(moved.owner), moved.assignee].into_iter().flatten().collect();
            tied.extend(in_project.iter().flat_map(|people| [people.owner, people.assignee]).flatten());
            let changes = moved.changes(batch.source, to);
            let event = |workspace, kind, tied| NewEvent {
                tied,
                changes: changes.clone(),
                ..NewEvent::new(workspace, kind, Some(to.owner), moved.id)
            };
            [
                event(batch.source, EventType::ResourceMovedOut, tied),
                event(to.destination, EventType::ResourceMovedIn, vec![to.owner]),
            ]
        })
        .collect()
}

/// The fields of a project or task that a transfer changes.
struct MovedResource {
    id: ResourceId,
    owner: UserId,
    assignee: Option<UserId>,
    source_storage: Option<CloudStorageId>,
    target_storage: Option<CloudStorageId>,
}

impl From<&Project> for MovedResource {
    fn from(project: &Project) -> Self {
        Self {
            id: ResourceId::Project(project.id),
            owner: project.owner_id,
            assignee: project.assignee_id,
            source_storage: project.source_storage_id,
            target_storage: project.target_storage_id,
        }
    }
}

impl From<&Task> for MovedResource {
    fn from(task: &Task) -> Self {
        Self {
            id: ResourceId::Task(task.id),
            owner: task.owner_id,
            assignee: task.assignee_id,
            source_storage: task.source_storage_id,
            target_storage: task.target_storage_id,
        }
    }
}

impl MovedResource {
    fn changes(&self, source: WorkspaceId, to: &Move<'_>) -> Vec<FieldChange> {
        let replaced = |of: Option<CloudStorageId>| {
            to.storages.iter().find(|(old, _)| Some(*old) == of).map(|(_, new)| new.to_string())
        };
        let text = |id: Option<CloudStorageId>| id.map(|id| id.to_string());
        let change = |field, before: Option<String>, after: Option<String>| {
            FieldChange::between(field, before.as_deref(), after.as_deref())
        };
        [
            change("workspace", Some(source.to_string()), Some(to.destination.to_string())),
            change("owner", Some(self.owner.to_string()), Some(to.owner.to_string())),
            change("assignee", self.assignee.map(|id| id.to_string()), None),
            change("sourceStorage", text(self.source_storage), replaced(self.source_storage)),
            change("targetStorage", text(self.target_storage), replaced(self.target_storage)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
