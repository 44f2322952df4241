//! Plans a transfer: its effects, and the problems that prevent it. The same code makes the preview and, under locks,
//! the plan that is executed.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::survey::{TransferBatch, TransferContext, survey};
use crate::auth::Actor;
use crate::domain::cloud_storage::StorageHandling;
use crate::domain::error::FieldError;
use crate::domain::resource::ResourceId;
use crate::domain::validation::Validator;
use crate::domain::{CloudStorageId, Code, Error, Refusal, Result, UserId, WorkspaceId};
use crate::operations::AppContext;
use crate::operations::access::workspace::{LockMode, LockedWorkspace};
use crate::policy::{Action, Target};
use crate::store::cloud_storages::CloudStorage;

/// Maximum number of resources in one transfer.
const MAX_RESOURCES: usize = 100;

/// The resources to transfer, the destination, and the handling of links to storages.
pub struct Input {
    /// Projects and tasks to transfer: 1 to 100, each once.
    pub resource_ids: Vec<String>,
    /// The destination workspace.
    pub destination_workspace_id: String,
    /// The handling of links to storages.
    pub storage: StorageHandling,
}

/// An input of valid form.
pub(crate) struct Request {
    pub(crate) resources: Vec<ResourceId>,
    pub(crate) destination: WorkspaceId,
    pub(crate) storage: StorageHandling,
}

impl Input {
    /// Checks the form of the input, and returns all errors in it.
    pub(crate) fn check(&self) -> Result<Request> {
        let mut check = Validator::default();
        let number = match self.resource_ids.len() {
            0 => Err(FieldError::new(Code::OutOfRange, "Name at least one project or task.")),
            1..=MAX_RESOURCES => Ok(()),
            _ => Err(FieldError::new(Code::TooLong, format!("Name at most {MAX_RESOURCES} projects and tasks."))),
        };
        let bounded = check.field("resourceIds", number).is_some();
        let mut resources = Vec::new();
        let mut named = HashSet::new();
        for (place, raw) in self.resource_ids.iter().enumerate().filter(|_| bounded) {
            let wrong = || FieldError::new(Code::InvalidFormat, "This is not the ID of a project or a task.");
            let twice = || FieldError::new(Code::DuplicateInRequest, "This is named twice.");
            let id = ResourceId::parse(raw).ok_or_else(wrong);
            let id = id.and_then(|id| named.insert(id).then_some(id).ok_or_else(twice));
            resources.extend(check.field(&format!("resourceIds.{place}"), id));
        }
        let Some(destination) = check.workspace("destinationWorkspaceId", &self.destination_workspace_id) else {
            return Err(check.refuse());
        };
        check.finish()?;
        Ok(Request { resources, destination, storage: self.storage })
    }
}

/// The effects of a transfer.
#[derive(Serialize, Deserialize)]
pub struct PlannedTransfer {
    /// The destination workspace.
    pub destination: WorkspaceId,
    /// The effects on each resource, in the order of the request.
    pub items: Vec<Item>,
}

/// The effects of a transfer on one resource.
#[derive(Serialize, Deserialize)]
pub struct Item {
    /// The resource.
    pub resource: ResourceId,
    /// Number of tasks that would move: those of the project, or the task itself.
    pub task_count: usize,
    /// Number of jobs that would move.
    pub job_count: i64,
    /// Users who would lose an assignment, each once.
    pub unassigned: Vec<UserId>,
    /// The effects on the links to each storage.
    pub storages: Vec<Match>,
    /// The reasons why the resource cannot move. Paths are relative to the arguments.
    pub problems: Vec<Refusal>,
}

/// The effect of a transfer on the links to a storage.
#[derive(Serialize, Deserialize)]
pub struct Match {
    /// The storage that is linked now.
    pub current: CloudStorageId,
    /// The storage that would be linked instead; `None` if the links would be removed.
    pub replacement: Option<CloudStorageId>,
}

/// Returns the plan of a transfer; `None` if the actor cannot see the destination or one of the resources.
pub async fn plan_transfer(env: &AppContext, actor: &Actor, input: Input) -> Result<Option<PlannedTransfer>> {
    let request = input.check()?;
    let mut connection = env.store.read().await?;
    match survey(env, &mut connection, actor, request, LockMode::Unheld).await {
        Ok(context) => Ok(Some(context.plan())),
        // Only invisible objects are refused here.
        Err(Error::Refused(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

/// The storages of the destination with the same provider and resource as a linked storage.
enum StorageMatch {
    None,
    One(CloudStorageId),
    Several,
}

impl StorageMatch {
    fn one(&self) -> Option<CloudStorageId> {
        match self {
            StorageMatch::One(id) => Some(*id),
            StorageMatch::None | StorageMatch::Several => None,
        }
    }

    fn problem(&self) -> Option<Refusal> {
        let (code, message) = match self {
            StorageMatch::None => (
                Code::StorageMatchNotFound,
                "The destination has no storage with the provider and resource of one that is linked here.",
            ),
            StorageMatch::One(_) => return None,
            StorageMatch::Several => (
                Code::StorageMatchAmbiguous,
                "The destination has several storages with the provider and resource of one that is linked here.",
            ),
        };
        Some(Refusal::new(code, message))
    }
}

impl TransferContext {
    /// Returns the plan.
    pub(crate) fn plan(&self) -> PlannedTransfer {
        let mut quotas = self.quotas;
        let items = self.batches.iter().zip(&self.request.resources).enumerate().map(|(place, (batch, resource))| {
            let mut problems = self.authorize(batch, *resource);
            let may_move = problems.is_empty();
            problems.extend(self.obstacles(batch, *resource));
            let storages = self.matches(batch, may_move);
            if may_move && batch.source != self.request.destination {
                problems.extend(self.mismatches(&storages));
                problems.extend(quotas.take(batch));
            }
            let at = |problem: Refusal| match problem.path.is_empty() {
                true => Refusal { path: vec!["resourceIds".to_owned(), place.to_string()], ..problem },
                false => problem,
            };
            Item {
                resource: *resource,
                task_count: batch.tasks.len(),
                job_count: batch.jobs.iter().map(|jobs| jobs.count).sum(),
                unassigned: batch.assignees().into_iter().collect(),
                storages: storages
                    .into_iter()
                    .map(|(current, found)| Match { current, replacement: found.one() })
                    .collect(),
                problems: problems.into_iter().map(at).collect(),
            }
        });
        PlannedTransfer { destination: self.request.destination, items: items.collect() }
    }

    /// Returns the refusals of the policy, at the source and at the destination.
    fn authorize(&self, batch: &TransferBatch, resource: ResourceId) -> Vec<Refusal> {
        let here = Target { relations: batch.relations, ..Target::default() };
        let mut problems =
            refusals(self.workspaces[&batch.source].require(Action::ResourceTransfer, &here, "resource"));
        if batch.source == self.request.destination {
            return problems;
        }
        let creation = match resource {
            ResourceId::Project(_) => Action::ProjectCreate,
            ResourceId::Task(_) => Action::TaskCreate,
        };
        let there = self.workspaces[&self.request.destination].require(creation, &Target::default(), "workspace");
        let at_destination = |refusal| Refusal { path: vec!["destinationWorkspaceId".to_owned()], ..refusal };
        problems.extend(refusals(there).into_iter().map(at_destination));
        problems
    }

    /// Returns the refusal if the resource is in the destination already, or is a task in a project; else `None`.
    fn obstacles(&self, batch: &TransferBatch, resource: ResourceId) -> Option<Refusal> {
        if batch.source == self.request.destination {
            return Some(Refusal::new(Code::SameWorkspace, "This is in that workspace already."));
        }
        let in_project = batch.tasks.iter().any(|task| task.project_id.is_some());
        (matches!(resource, ResourceId::Task(_)) && in_project).then(|| {
            let message = "The task is in a project and moves with it only. Take it out of the project first.";
            Refusal::new(Code::ResourceInProject, message)
        })
    }

    /// Returns the linked storages, each with its match at the destination. There is no match for a resource that the
    /// actor may not move, or for a storage that the actor may not see.
    fn matches(&self, batch: &TransferBatch, may_move: bool) -> Vec<(CloudStorageId, StorageMatch)> {
        let visible = |id: &CloudStorageId| self.storages.iter().filter(|_| may_move).find(|storage| storage.id == *id);
        let found = |id| (id, visible(&id).map_or(StorageMatch::None, |storage| self.find_alike(storage)));
        batch.storages().into_iter().map(found).collect()
    }

    fn find_alike(&self, of: &CloudStorage) -> StorageMatch {
        let alike = |other: &&CloudStorage| (other.provider, &other.resource) == (of.provider, &of.resource);
        let mut alike = self.candidates.iter().filter(alike);
        match (alike.next(), alike.next()) {
            (None, _) => StorageMatch::None,
            (Some(one), None) => StorageMatch::One(one.id),
            (Some(_), Some(_)) => StorageMatch::Several,
        }
    }

    /// Returns the refusals for linked storages that do not have exactly one match.
    fn mismatches(&self, storages: &[(CloudStorageId, StorageMatch)]) -> Vec<Refusal> {
        if self.request.storage != StorageHandling::AutoMatch {
            return Vec::new();
        }
        let mut problems: Vec<Refusal> = storages.iter().filter_map(|(_, found)| found.problem()).collect();
        problems.dedup();
        problems
    }

    /// Returns each linked storage that has a match, with the storage that replaces it. For a plan without problems.
    pub(crate) fn replacements(&self) -> Vec<(CloudStorageId, CloudStorageId)> {
        let matches = self.batches.iter().flat_map(|batch| self.matches(batch, true));
        let replaced: BTreeSet<_> = matches.filter_map(|(of, found)| Some((of, found.one()?))).collect();
        replaced.into_iter().collect()
    }

    /// Returns the locked destination workspace, with the actor.
    pub(crate) fn destination(&self) -> &LockedWorkspace {
        &self.workspaces[&self.request.destination]
    }
}

fn refusals(decided: Result<()>) -> Vec<Refusal> {
    match decided {
        Err(Error::Refused(refusals)) => refusals,
        _ => Vec::new(),
    }
}
