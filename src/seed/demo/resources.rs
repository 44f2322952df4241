//! Creates rows and events of the storages, projects, tasks and jobs, all from the last three weeks, after every member
//! joined.

use std::collections::HashMap;

use chrono::TimeDelta;

use crate::domain::clock::Instant;
use crate::domain::event::EventType;
use crate::domain::job::{JobStage, JobState};
use crate::domain::resource::Participants;
use crate::domain::task::TaskStatus;
use crate::domain::{CloudStorageId, UserId, WorkspaceId, ids};
use crate::events::record::NewEvent;
use crate::operations::resources::events::{
    job_updated, of_job, of_storage, project_created, task_created, task_updated,
};
use crate::seed::demo::projects::{At, DemoJob, DemoProject, DemoTask, STORAGES, WORKS};
use crate::store::bulk_insert::Dataset;
use crate::store::cloud_storages::CloudStorage;
use crate::store::jobs::Job;
use crate::store::projects::Project;
use crate::store::tasks::Task;

/// The data set and events that resources are added to, with the users that they refer to.
pub struct Filling<'a> {
    /// Time of the seeding.
    pub now: Instant,
    /// IDs of the users, by username.
    pub users: &'a HashMap<&'static str, UserId>,
    /// The rows.
    pub made: &'a mut Dataset,
    /// The events, with their times.
    pub happened: &'a mut Vec<(Instant, NewEvent)>,
}

impl Filling<'_> {
    /// Adds all cloud storages, projects, tasks and jobs.
    pub fn fill(&mut self) {
        let mut storages = HashMap::new();
        for (number, storage) in (0..).zip(STORAGES) {
            let created_at = self.now - TimeDelta::days(21) + TimeDelta::minutes(number);
            let (Some(workspace), Some(owner_id)) = (self.workspace(storage.at), self.user(storage.owner)) else {
                continue;
            };
            let row = CloudStorage {
                id: ids::new_id(created_at),
                workspace_id: workspace.uuid(),
                organization_id: workspace.organization(),
                owner_id,
                display_name: storage.name.to_owned(),
                provider: storage.provider,
                resource: storage.resource.to_owned(),
                description: None,
                created_at,
            };
            storages.insert(storage.name, row.id);
            self.happened.push((created_at, of_storage(EventType::CloudStorageCreated, Some(owner_id), &row)));
            self.made.cloud_storages.push(row);
        }
        for (number, work) in (0..).zip(WORKS) {
            let begun = self.now - TimeDelta::days(20) + TimeDelta::days(number);
            if let Some(workspace) = self.workspace(work.at) {
                self.begin(work, workspace, begun, &storages);
            }
        }
    }

    fn begin(
        &mut self,
        work: &DemoProject,
        workspace: WorkspaceId,
        begun: Instant,
        storages: &HashMap<&str, CloudStorageId>,
    ) {
        let project = work.project.and_then(|plan| {
            let named = |name: Option<&str>| name.and_then(|name| storages.get(name)).copied();
            Some(Project {
                id: ids::new_id(begun),
                workspace_id: workspace.uuid(),
                organization_id: workspace.organization(),
                owner_id: self.user(plan.owner)?,
                assignee_id: plan.assignee.and_then(|name| self.user(name)),
                name: plan.name.to_owned(),
                description: Some(plan.description.to_owned()),
                source_storage_id: named(plan.source),
                target_storage_id: named(plan.target),
                created_at: begun,
                updated_at: begun,
            })
        });
        for (number, piece) in (1..).zip(work.tasks) {
            self.add(piece, workspace, project.as_ref(), begun + TimeDelta::hours(number));
        }
        if let Some(project) = project {
            self.happened.push((begun, project_created(project.owner_id, &project)));
            self.made.projects.push(project);
        }
    }

    /// Adds a task with new jobs, which reach their stage and state some hours later.
    fn add(&mut self, piece: &DemoTask, workspace: WorkspaceId, project: Option<&Project>, created_at: Instant) {
        let Some(owner_id) = self.user(piece.owner) else { return };
        let outer: Vec<Participants> = project.iter().map(|project| project.people()).collect();
        let fresh = Task {
            id: ids::new_id(created_at),
            workspace_id: workspace.uuid(),
            organization_id: workspace.organization(),
            project_id: project.map(|project| project.id),
            owner_id,
            assignee_id: piece.assignee.and_then(|name| self.user(name)),
            name: piece.name.to_owned(),
            status: TaskStatus::Annotation,
            source_storage_id: None,
            target_storage_id: None,
            created_at,
            updated_at: created_at,
        };
        let inner = [&[fresh.people()], outer.as_slice()].concat();
        self.happened.push((created_at, task_created(owner_id, &fresh, &outer)));
        let mut latest = created_at;
        for (number, part) in (1..).zip(piece.jobs) {
            latest = created_at + TimeDelta::hours(number);
            self.work_on(part, &fresh, &inner, latest);
        }
        let standing: Vec<_> = piece.jobs.iter().map(|(_, stage, state)| (*stage, *state)).collect();
        let task = Task { status: TaskStatus::of(&standing), ..fresh.clone() };
        match task_updated(Some(owner_id), &fresh, &task, &outer) {
            Some(event) => {
                self.happened.push((latest, event));
                self.made.tasks.push(Task { updated_at: latest, ..task });
            }
            None => self.made.tasks.push(task),
        }
    }

    fn work_on(&mut self, (worker, stage, state): &DemoJob, task: &Task, people: &[Participants], at: Instant) {
        let fresh = Job {
            id: ids::new_id(task.created_at),
            workspace_id: task.workspace_id,
            organization_id: task.organization_id,
            task_id: task.id,
            assignee_id: None,
            stage: JobStage::Annotation,
            state: JobState::New,
            created_at: task.created_at,
            updated_at: task.created_at,
        };
        let by = Some(task.owner_id);
        self.happened.push((task.created_at, of_job(EventType::JobCreated, by, &fresh, people)));
        let assignee_id = worker.and_then(|name| self.user(name));
        let job = Job { assignee_id, stage: *stage, state: *state, ..fresh.clone() };
        match job_updated(by, &fresh, &job, people) {
            Some(event) => {
                self.happened.push((at, event));
                self.made.jobs.push(Job { updated_at: at, ..job });
            }
            None => self.made.jobs.push(job),
        }
    }

    fn user(&self, username: &str) -> Option<UserId> {
        self.users.get(username).copied()
    }

    fn workspace(&self, at: At) -> Option<WorkspaceId> {
        match at {
            At::Organization(slug) => {
                self.made.organizations.iter().find(|row| row.slug == slug).map(|row| row.id.into())
            }
            At::Personal(username) => self.user(username).map(WorkspaceId::Personal),
        }
    }
}
