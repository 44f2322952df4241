//! Reads what a transfer is planned from: the resources with everything that moves with them, the workspaces, the
//! matching storages, and the quotas of the destination.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::plan::Request;
use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::cloud_storage::StorageHandling;
use crate::domain::error::FieldError;
use crate::domain::limit::LimitKind;
use crate::domain::resource::{Participants, Relations, ResourceId};
use crate::domain::validation::Validator;
use crate::domain::{CloudStorageId, Error, InternalError, ProjectId, Refusal, Result, TaskId, UserId, WorkspaceId};
use crate::policy::{AccessContext, Action, Decision, Target, decide};
use crate::store::cloud_storages::CloudStorage;
use crate::store::projects::Project;
use crate::store::tasks::{Task, TaskInProject};
use crate::store::transfers::JobsOfTask;
use crate::store::{Connection, cloud_storages, projects, tasks, transfers, workspace_access};

use crate::operations::AppContext;
use crate::operations::access::workspace::{LockMode, LockedWorkspace, access_of};
use crate::operations::plans::quota;
use crate::operations::plans::quota::Quota;

/// A resource to transfer, with everything that moves with it.
pub(crate) struct TransferBatch {
    /// The workspace that the resource is in.
    pub(crate) source: WorkspaceId,
    /// The project; `None` if the resource is a task.
    pub(crate) project: Option<Project>,
    /// The tasks of the project, or the task itself.
    pub(crate) tasks: Vec<Task>,
    pub(super) jobs: Vec<JobsOfTask>,
    pub(super) relations: Relations,
}

impl TransferBatch {
    /// Returns the storages that the batch links, each once.
    pub(super) fn storages(&self) -> BTreeSet<CloudStorageId> {
        let of_project = self.project.iter().flat_map(|project| [project.source_storage_id, project.target_storage_id]);
        let of_tasks = self.tasks.iter().flat_map(|task| [task.source_storage_id, task.target_storage_id]);
        of_project.chain(of_tasks).flatten().collect()
    }

    /// Returns the assignees of the resource and of everything in it, each once.
    pub(super) fn assignees(&self) -> BTreeSet<UserId> {
        let of_project = self.project.iter().filter_map(|project| project.assignee_id);
        let of_tasks = self.tasks.iter().filter_map(|task| task.assignee_id);
        let of_jobs = self.jobs.iter().flat_map(|jobs| jobs.assignees.iter().copied());
        of_project.chain(of_tasks).chain(of_jobs).collect()
    }
}

/// All facts that a plan is made from.
pub(crate) struct TransferContext {
    pub(super) request: Request,
    /// The resources to transfer, in the order of the request.
    pub(crate) batches: Vec<TransferBatch>,
    pub(super) workspaces: BTreeMap<WorkspaceId, LockedWorkspace>,
    /// The linked storages that the actor may see.
    pub(super) storages: Vec<CloudStorage>,
    /// The storages of the destination that match one of the linked storages.
    pub(super) candidates: Vec<CloudStorage>,
    pub(super) quotas: Quotas,
}

/// The remaining quotas of the destination.
#[derive(Clone, Copy)]
pub(super) struct Quotas {
    projects: Quota,
    tasks: Quota,
    tasks_of_a_new_project: Quota,
}

impl Quotas {
    async fn of(env: &AppContext, connection: &mut Connection, workspace: WorkspaceId, now: Instant) -> Result<Self> {
        Ok(Self {
            projects: quota::room(env, connection, workspace, LimitKind::Projects, now).await?,
            tasks: quota::room(env, connection, workspace, LimitKind::Tasks, now).await?,
            tasks_of_a_new_project: quota::new_project_quota(env, connection, workspace, now).await?,
        })
    }

    /// Takes the quota that `batch` needs. Returns the refusals of exceeded quotas, from which nothing is taken.
    pub(super) fn take(&mut self, batch: &TransferBatch) -> Vec<Refusal> {
        let tasks = i64::try_from(batch.tasks.len()).unwrap_or(i64::MAX);
        let mut tasks_of_this_project = self.tasks_of_a_new_project;
        let taken = match batch.project {
            Some(_) => vec![self.projects.take(1), tasks_of_this_project.take(tasks), self.tasks.take(tasks)],
            None => vec![self.tasks.take(tasks)],
        };
        taken.into_iter().filter_map(std::result::Result::err).collect()
    }
}

/// Reads the facts for a plan, and locks the workspaces with the mode `hold`. NOT_FOUND for objects that the actor
/// cannot see.
pub(crate) async fn survey(
    env: &AppContext,
    connection: &mut Connection,
    actor: &Actor,
    request: Request,
    hold: LockMode,
) -> Result<TransferContext> {
    let rows = RequestedRows::read(connection, &request.resources).await?;
    let workspace_ids: BTreeSet<WorkspaceId> = rows.workspaces().chain([request.destination]).collect();
    // This check precedes all locks, and sends the same statements for invisible and for missing objects.
    let pairs: Vec<_> = workspace_ids.iter().map(|id| (actor.user_id, id.uuid())).collect();
    let accesses = workspace_access::find_many(connection, &pairs, env.clock.now()).await?;
    let viewer_access = |id: WorkspaceId| {
        let access = accesses.iter().find(|access| access.workspace_id == id.uuid());
        access.map(access_of).map(|viewer_access| AccessContext { invited: false, ..viewer_access })
    };
    rows.require_seen(actor, &request, viewer_access)?;
    let workspaces = enter(connection, actor, &workspace_ids, hold).await?;
    // Reads the rows again under the locks, where they cannot move any more.
    let rows =
        if hold == LockMode::Unheld { rows } else { RequestedRows::read(connection, &request.resources).await? };
    if rows.workspaces().any(|workspace| !workspace_ids.contains(&workspace)) {
        return Err(
            InternalError { transient: true, cause: "a resource moved while it was to be transferred".into() }.into()
        );
    }
    let batches = rows.load(connection, actor, &request, &workspaces).await?;
    let destination = &workspaces[&request.destination];
    let linked: BTreeSet<CloudStorageId> = batches.iter().flat_map(TransferBatch::storages).collect();
    let storages = cloud_storages::find_many(connection, &linked.into_iter().collect::<Vec<_>>()).await?;
    let storages: Vec<CloudStorage> =
        storages.into_iter().filter(|storage| sees(&workspaces, storage, actor)).collect();
    let wanted: Vec<_> = storages.iter().map(|storage| (storage.provider, storage.resource.as_str())).collect();
    let candidates = match request.storage {
        StorageHandling::Detach => Vec::new(),
        StorageHandling::AutoMatch => {
            let rows = destination.visible(Action::CloudStorageView);
            transfers::storages_for(connection, destination.id, &wanted, actor.user_id, rows).await?
        }
    };
    let quotas = Quotas::of(env, connection, destination.id, env.clock.now()).await?;
    Ok(TransferContext { request, batches, workspaces, storages, candidates, quotas })
}

/// Whether the actor may see a storage. A match would reveal the provider and resource of a hidden storage.
fn sees(workspaces: &BTreeMap<WorkspaceId, LockedWorkspace>, storage: &CloudStorage, actor: &Actor) -> bool {
    let target = Target { relations: Relations::of(actor.user_id, storage.people(), &[]), ..Target::default() };
    let workspace = workspaces.get(&storage.workspace());
    workspace
        .is_some_and(|workspace| decide(&workspace.viewer_access, Action::CloudStorageView, &target) == Decision::Allow)
}

/// Locks the workspaces in one fixed order, whatever the direction of the transfer. Workspaces that the actor cannot
/// see are left out.
async fn enter(
    connection: &mut Connection,
    actor: &Actor,
    workspace_ids: &BTreeSet<WorkspaceId>,
    hold: LockMode,
) -> Result<BTreeMap<WorkspaceId, LockedWorkspace>> {
    let mut workspaces = BTreeMap::new();
    for id in workspace_ids {
        match LockedWorkspace::enter(connection, actor, *id, hold, "workspace").await {
            Ok(workspace) => drop(workspaces.insert(*id, workspace)),
            Err(Error::Refused(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(workspaces)
}

/// The rows that a request names.
struct RequestedRows {
    projects: HashMap<ProjectId, Project>,
    tasks: HashMap<TaskId, TaskInProject>,
}

impl RequestedRows {
    async fn read(connection: &mut Connection, resources: &[ResourceId]) -> Result<Self> {
        let (mut projects, mut tasks) = (Vec::new(), Vec::new());
        for resource in resources {
            match resource {
                ResourceId::Project(id) => projects.push(*id),
                ResourceId::Task(id) => tasks.push(*id),
            }
        }
        let projects = projects::find_many(connection, &projects).await?;
        let tasks = tasks::find_many(connection, &tasks).await?;
        Ok(Self {
            projects: projects.into_iter().map(|project| (project.id, project)).collect(),
            tasks: tasks.into_iter().map(|found| (found.task.id, found)).collect(),
        })
    }

    fn workspaces(&self) -> impl Iterator<Item = WorkspaceId> {
        let of_tasks = self.tasks.values().map(|found| found.task.workspace());
        self.projects.values().map(Project::workspace).chain(of_tasks)
    }

    /// NOT_FOUND for each resource that the actor cannot see, and for the destination if the actor cannot see it.
    fn require_seen(
        &self,
        actor: &Actor,
        request: &Request,
        viewer_access: impl Fn(WorkspaceId) -> Option<AccessContext>,
    ) -> Result<()> {
        let mut check = Validator::default();
        let unseen = |what: &str| {
            let refusal = Refusal::not_found(what);
            FieldError::new(refusal.code, refusal.message)
        };
        // A caller who gets "hidden" instead of "forbidden" for an action there cannot see the workspace.
        let hidden =
            |viewer_access| decide(&viewer_access, Action::ProjectCreate, &Target::default()) == Decision::Hidden;
        if viewer_access(request.destination).is_none_or(hidden) {
            check.note("destinationWorkspaceId", unseen("workspace"));
        }
        for (index, resource) in request.resources.iter().enumerate() {
            let seen = self.find(*resource).is_some_and(|(workspace, people, containers)| {
                let target =
                    Target { relations: Relations::of(actor.user_id, people, &containers), ..Target::default() };
                let sees = |viewer_access| decide(&viewer_access, Action::ResourceView, &target) == Decision::Allow;
                viewer_access(workspace).is_some_and(sees)
            });
            if !seen {
                check.note(&format!("resourceIds.{index}"), unseen("resource"));
            }
        }
        check.finish()
    }

    /// Loads the named resources with everything that moves with them, in the order of the request. NOT_FOUND for each
    /// resource that the actor cannot see, and for the destination if the actor cannot see it.
    async fn load(
        &self,
        connection: &mut Connection,
        actor: &Actor,
        request: &Request,
        workspaces: &BTreeMap<WorkspaceId, LockedWorkspace>,
    ) -> Result<Vec<TransferBatch>> {
        self.require_seen(actor, request, |id| workspaces.get(&id).map(|workspace| workspace.viewer_access))?;
        let projects: Vec<ProjectId> = self.projects.keys().copied().collect();
        let tasks: Vec<TaskId> = self.tasks.keys().copied().collect();
        let tasks = transfers::tasks_of(connection, &projects, &tasks).await?;
        let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
        let jobs = transfers::jobs_of(connection, &ids).await?;
        let jobs: HashMap<TaskId, JobsOfTask> = jobs.into_iter().map(|jobs| (jobs.task_id, jobs)).collect();
        let mut batches = Vec::new();
        for resource in &request.resources {
            let Some((workspace, people, containers)) = self.find(*resource) else { continue };
            let relations = Relations::of(actor.user_id, people, &containers);
            let moves_along = |task: &&Task| match resource {
                ResourceId::Project(id) => task.project_id == Some(*id),
                ResourceId::Task(id) => task.id == *id,
            };
            let project = match resource {
                ResourceId::Project(id) => self.projects.get(id).cloned(),
                ResourceId::Task(_) => None,
            };
            let tasks: Vec<Task> = tasks.iter().filter(moves_along).cloned().collect();
            let jobs = tasks.iter().filter_map(|task| jobs.get(&task.id)).cloned().collect();
            batches.push(TransferBatch { source: workspace, project, tasks, jobs, relations });
        }
        Ok(batches)
    }

    fn find(&self, resource: ResourceId) -> Option<(WorkspaceId, Participants, Vec<Participants>)> {
        match resource {
            ResourceId::Project(id) => {
                self.projects.get(&id).map(|project| (project.workspace(), project.people(), Vec::new()))
            }
            ResourceId::Task(id) => {
                self.tasks.get(&id).map(|found| (found.task.workspace(), found.task.people(), found.containers()))
            }
        }
    }
}
