//! Plans a transfer: its effects, and the problems that prevent it. The same code makes the preview and, under locks,
//! the plan that is executed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::cloud_storage::StorageHandling;
use crate::domain::error::FieldError;
use crate::domain::limit::LimitKind;
use crate::domain::resource::{Participants, Relations, ResourceId};
use crate::domain::validation::Validator;
use crate::domain::{
    CloudStorageId, Code, Error, InternalError, ProjectId, Refusal, Result, TaskId, UserId, WorkspaceId,
};
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

/// Maximum number of resources in one transfer.
const MOST: usize = 100;

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
            1..=MOST => Ok(()),
            _ => Err(FieldError::new(Code::TooLong, format!("Name at most {MOST} projects and tasks."))),
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

/// A resource to transfer, with everything that moves with it.
pub(crate) struct TransferBatch {
    /// The workspace that the resource is in.
    pub(crate) source: WorkspaceId,
    /// The project; `None` if the resource is a task.
    pub(crate) project: Option<Project>,
    /// The tasks of the project, or the task itself.
    pub(crate) tasks: Vec<Task>,
    jobs: Vec<JobsOfTask>,
    ties: Relations,
}

impl TransferBatch {
    /// Returns the storages that the batch links, each once.
    fn storages(&self) -> BTreeSet<CloudStorageId> {
        let of_project = self.project.iter().flat_map(|project| [project.source_storage_id, project.target_storage_id]);
        let of_tasks = self.tasks.iter().flat_map(|task| [task.source_storage_id, task.target_storage_id]);
        of_project.chain(of_tasks).flatten().collect()
    }

    /// Returns the assignees of the resource and of everything in it, each once.
    fn assignees(&self) -> BTreeSet<UserId> {
        let of_project = self.project.iter().filter_map(|project| project.assignee_id);
        let of_tasks = self.tasks.iter().filter_map(|task| task.assignee_id);
        let of_jobs = self.jobs.iter().flat_map(|jobs| jobs.assignees.iter().copied());
        of_project.chain(of_tasks).chain(of_jobs).collect()
    }
}

/// All facts that a plan is made from.
pub(crate) struct TransferContext {
    request: Request,
    /// The resources to transfer, in the order of the request.
    pub(crate) cargo: Vec<TransferBatch>,
    grounds: BTreeMap<WorkspaceId, LockedWorkspace>,
    /// The linked storages that the actor may see.
    storages: Vec<CloudStorage>,
    candidates: Vec<CloudStorage>,
    room: Quotas,
}

/// The remaining quotas of the destination.
#[derive(Clone, Copy)]
struct Quotas {
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

    /// Takes the quota that `cargo` needs. Returns the refusals of exceeded quotas, from which nothing is taken.
    fn take(&mut self, cargo: &TransferBatch) -> Vec<Refusal> {
        let tasks = i64::try_from(cargo.tasks.len()).unwrap_or(i64::MAX);
        let mut tasks_of_this_project = self.tasks_of_a_new_project;
        let taken = match cargo.project {
            Some(_) => vec![self.projects.take(1), tasks_of_this_project.take(tasks), self.tasks.take(tasks)],
            None => vec![self.tasks.take(tasks)],
        };
        taken.into_iter().filter_map(std::result::Result::err).collect()
    }
}

/// Returns the plan of a transfer; `None` if the actor cannot see the destination or one of the resources.
pub async fn plan_transfer(env: &AppContext, actor: &Actor, input: Input) -> Result<Option<PlannedTransfer>> {
    let request = input.check()?;
    let mut connection = env.store.read().await?;
    match survey(env, &mut connection, actor, request, LockMode::Unheld).await {
        Ok(survey) => Ok(Some(survey.plan())),
        // Only invisible objects are refused here.
        Err(Error::Refused(_)) => Ok(None),
        Err(other) => Err(other),
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
    let named = Named::read(connection, &request.resources).await?;
    let places: BTreeSet<WorkspaceId> = named.workspaces().chain([request.destination]).collect();
    // This check precedes all locks, and sends the same statements for invisible and for missing objects.
    let pairs: Vec<_> = places.iter().map(|place| (actor.user_id, place.uuid())).collect();
    let onlookers = workspace_access::find_many(connection, &pairs, env.clock.now()).await?;
    let standing = |place: WorkspaceId| {
        let onlooker = onlookers.iter().find(|onlooker| onlooker.workspace_id == place.uuid());
        onlooker.map(access_of).map(|standing| AccessContext { invited: false, ..standing })
    };
    named.require_seen(actor, &request, standing)?;
    let grounds = enter(connection, actor, &places, hold).await?;
    // Reads the rows again under the locks, where they cannot move any more.
    let named = if hold == LockMode::Unheld { named } else { Named::read(connection, &request.resources).await? };
    if named.workspaces().any(|workspace| !places.contains(&workspace)) {
        return Err(
            InternalError { passing: true, cause: "a resource moved while it was to be transferred".into() }.into()
        );
    }
    let cargo = named.load(connection, actor, &request, &grounds).await?;
    let destination = &grounds[&request.destination];
    let linked: BTreeSet<CloudStorageId> = cargo.iter().flat_map(TransferBatch::storages).collect();
    let storages = cloud_storages::find_many(connection, &linked.into_iter().collect::<Vec<_>>()).await?;
    let storages: Vec<CloudStorage> = storages.into_iter().filter(|storage| sees(&grounds, storage, actor)).collect();
    let wanted: Vec<_> = storages.iter().map(|storage| (storage.provider, storage.resource.as_str())).collect();
    let candidates = match request.storage {
        StorageHandling::Detach => Vec::new(),
        StorageHandling::AutoMatch => {
            let rows = destination.visible(Action::CloudStorageView);
            transfers::storages_for(connection, destination.id, &wanted, actor.user_id, rows).await?
        }
    };
    let room = Quotas::of(env, connection, destination.id, env.clock.now()).await?;
    Ok(TransferContext { request, cargo, grounds, storages, candidates, room })
}

/// Whether the actor may see a storage. A match would reveal the provider and resource of a hidden storage.
fn sees(grounds: &BTreeMap<WorkspaceId, LockedWorkspace>, storage: &CloudStorage, actor: &Actor) -> bool {
    let target = Target { ties: Relations::of(actor.user_id, storage.people(), &[]), ..Target::default() };
    let ground = grounds.get(&storage.workspace());
    ground.is_some_and(|ground| decide(&ground.standing, Action::CloudStorageView, &target) == Decision::Allow)
}

/// Locks the workspaces in one fixed order, whatever the direction of the transfer. Workspaces that the actor cannot
/// see are left out.
async fn enter(
    connection: &mut Connection,
    actor: &Actor,
    places: &BTreeSet<WorkspaceId>,
    hold: LockMode,
) -> Result<BTreeMap<WorkspaceId, LockedWorkspace>> {
    let mut grounds = BTreeMap::new();
    for place in places {
        match LockedWorkspace::enter(connection, actor, *place, hold, "workspace").await {
            Ok(ground) => drop(grounds.insert(*place, ground)),
            Err(Error::Refused(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(grounds)
}

/// The rows that a request names.
struct Named {
    projects: HashMap<ProjectId, Project>,
    tasks: HashMap<TaskId, TaskInProject>,
}

impl Named {
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
        standing: impl Fn(WorkspaceId) -> Option<AccessContext>,
    ) -> Result<()> {
        let mut check = Validator::default();
        let unseen = |what: &str| {
            let refusal = Refusal::not_found(what);
            FieldError::new(refusal.code, refusal.message)
        };
        // A caller who gets "hidden" instead of "forbidden" for an action there cannot see the workspace.
        let hidden = |standing| decide(&standing, Action::ProjectCreate, &Target::default()) == Decision::Hidden;
        if standing(request.destination).is_none_or(hidden) {
            check.note("destinationWorkspaceId", unseen("workspace"));
        }
        for (place, resource) in request.resources.iter().enumerate() {
            let seen = self.find(*resource).is_some_and(|(workspace, people, containers)| {
                let target = Target { ties: Relations::of(actor.user_id, people, &containers), ..Target::default() };
                let sees = |standing| decide(&standing, Action::ResourceView, &target) == Decision::Allow;
                standing(workspace).is_some_and(sees)
            });
            if !seen {
                check.note(&format!("resourceIds.{place}"), unseen("resource"));
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
        grounds: &BTreeMap<WorkspaceId, LockedWorkspace>,
    ) -> Result<Vec<TransferBatch>> {
        self.require_seen(actor, request, |place| grounds.get(&place).map(|ground| ground.standing))?;
        let projects: Vec<ProjectId> = self.projects.keys().copied().collect();
        let tasks: Vec<TaskId> = self.tasks.keys().copied().collect();
        let tasks = transfers::tasks_of(connection, &projects, &tasks).await?;
        let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
        let jobs = transfers::jobs_of(connection, &ids).await?;
        let jobs: HashMap<TaskId, JobsOfTask> = jobs.into_iter().map(|jobs| (jobs.task_id, jobs)).collect();
        let mut cargo = Vec::new();
        for resource in &request.resources {
            let Some((workspace, people, containers)) = self.find(*resource) else { continue };
            let ties = Relations::of(actor.user_id, people, &containers);
            let goes_along = |task: &&Task| match resource {
                ResourceId::Project(id) => task.project_id == Some(*id),
                ResourceId::Task(id) => task.id == *id,
            };
            let project = match resource {
                ResourceId::Project(id) => self.projects.get(id).cloned(),
                ResourceId::Task(_) => None,
            };
            let tasks: Vec<Task> = tasks.iter().filter(goes_along).cloned().collect();
            let jobs = tasks.iter().filter_map(|task| jobs.get(&task.id)).cloned().collect();
            cargo.push(TransferBatch { source: workspace, project, tasks, jobs, ties });
        }
        Ok(cargo)
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

/// The storages of the destination with the same provider and resource as a linked storage.
enum Found {
    None,
    One(CloudStorageId),
    Several,
}

impl Found {
    fn one(&self) -> Option<CloudStorageId> {
        match self {
            Found::One(id) => Some(*id),
            Found::None | Found::Several => None,
        }
    }

    fn problem(&self) -> Option<Refusal> {
        let (code, message) = match self {
            Found::None => (
                Code::StorageMatchNotFound,
                "The destination has no storage with the provider and resource of one that is linked here.",
            ),
            Found::One(_) => return None,
            Found::Several => (
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
        let mut room = self.room;
        let items = self.cargo.iter().zip(&self.request.resources).enumerate().map(|(place, (cargo, resource))| {
            let mut problems = self.authorize(cargo, *resource);
            let may_move = problems.is_empty();
            problems.extend(self.obstacles(cargo, *resource));
            let storages = self.matches(cargo, may_move);
            if may_move && cargo.source != self.request.destination {
                problems.extend(self.mismatches(&storages));
                problems.extend(room.take(cargo));
            }
            let at = |problem: Refusal| match problem.path.is_empty() {
                true => Refusal { path: vec!["resourceIds".to_owned(), place.to_string()], ..problem },
                false => problem,
            };
            Item {
                resource: *resource,
                task_count: cargo.tasks.len(),
                job_count: cargo.jobs.iter().map(|jobs| jobs.count).sum(),
                unassigned: cargo.assignees().into_iter().collect(),
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
    fn authorize(&self, cargo: &TransferBatch, resource: ResourceId) -> Vec<Refusal> {
        let here = Target { ties: cargo.ties, ..Target::default() };
        let mut problems = refusals(self.grounds[&cargo.source].require(Action::ResourceTransfer, &here, "resource"));
        if cargo.source == self.request.destination {
            return problems;
        }
        let creation = match resource {
            ResourceId::Project(_) => Action::ProjectCreate,
            ResourceId::Task(_) => Action::TaskCreate,
        };
        let there = self.grounds[&self.request.destination].require(creation, &Target::default(), "workspace");
        let at_destination = |refusal| Refusal { path: vec!["destinationWorkspaceId".to_owned()], ..refusal };
        problems.extend(refusals(there).into_iter().map(at_destination));
        problems
    }

    /// Returns the refusal that follows from the present place of the resource, if any.
    fn obstacles(&self, cargo: &TransferBatch, resource: ResourceId) -> Option<Refusal> {
        if cargo.source == self.request.destination {
            return Some(Refusal::new(Code::SameWorkspace, "This is in that workspace already."));
        }
        let in_project = cargo.tasks.iter().any(|task| task.project_id.is_some());
        (matches!(resource, ResourceId::Task(_)) && in_project).then(|| {
            let message = "The task is in a project and moves with it only. Take it out of the project first.";
            Refusal::new(Code::ResourceInProject, message)
        })
    }

    /// Returns the linked storages, each with its match at the destination. There is no match for a resource that the
    /// actor may not move, or for a storage that the actor may not see.
    fn matches(&self, cargo: &TransferBatch, may_move: bool) -> Vec<(CloudStorageId, Found)> {
        let visible = |id: &CloudStorageId| self.storages.iter().filter(|_| may_move).find(|storage| storage.id == *id);
        let found = |id| (id, visible(&id).map_or(Found::None, |storage| self.find_alike(storage)));
        cargo.storages().into_iter().map(found).collect()
    }

    fn find_alike(&self, of: &CloudStorage) -> Found {
        let alike = |other: &&CloudStorage| (other.provider, &other.resource) == (of.provider, &of.resource);
        let mut alike = self.candidates.iter().filter(alike);
        match (alike.next(), alike.next()) {
            (None, _) => Found::None,
            (Some(one), None) => Found::One(one.id),
            (Some(_), Some(_)) => Found::Several,
        }
    }

    /// Returns the refusals for linked storages that do not have exactly one match.
    fn mismatches(&self, storages: &[(CloudStorageId, Found)]) -> Vec<Refusal> {
        if self.request.storage != StorageHandling::AutoMatch {
            return Vec::new();
        }
        let mut problems: Vec<Refusal> = storages.iter().filter_map(|(_, found)| found.problem()).collect();
        problems.dedup();
        problems
    }

    /// Returns each linked storage that has a match, with the storage that replaces it. For a plan without problems.
    pub(crate) fn replacements(&self) -> Vec<(CloudStorageId, CloudStorageId)> {
        let matches = self.cargo.iter().flat_map(|cargo| self.matches(cargo, true));
        let replaced: BTreeSet<_> = matches.filter_map(|(of, found)| Some((of, found.one()?))).collect();
        replaced.into_iter().collect()
    }

    /// Returns the locked destination workspace, with the actor.
    pub(crate) fn destination(&self) -> &LockedWorkspace {
        &self.grounds[&self.request.destination]
    }
}

fn refusals(decided: Result<()>) -> Vec<Refusal> {
    match decided {
        Err(Error::Refused(refusals)) => refusals,
        _ => Vec::new(),
    }
}
