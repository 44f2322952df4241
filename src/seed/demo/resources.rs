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
use crate::seed::demo::projects::{DemoJob, DemoProject, DemoTask, DemoWorkspace, PROJECTS, STORAGES};
use crate::store::bulk_insert::Dataset;
use crate::store::cloud_storages::CloudStorage;
use crate::store::jobs::Job;
use crate::store::projects::Project;
use crate::store::tasks::Task;

/// The data set and events that resources are added to, with the users that they refer to.
pub struct ResourceBuilder<'a> {
    /// Time of the seeding.
    pub now: Instant,
    /// IDs of the users, by username.
    pub users: &'a HashMap<&'static str, UserId>,
    /// The rows.
    pub dataset: &'a mut Dataset,
    /// The events, with their times.
    pub events: &'a mut Vec<(Instant, NewEvent)>,
}

impl ResourceBuilder<'_> {
    /// Adds all cloud storages, projects, tasks and jobs.
    pub fn build(&mut self) {
        let mut storages = HashMap::new();
        for (number, storage) in (0..).zip(STORAGES) {
            let created_at = self.now - TimeDelta::days(21) + TimeDelta::minutes(number);
            let (Some(workspace), Some(owner_id)) = (self.workspace(storage.workspace), self.user(storage.owner))
            else {
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
            self.events.push((created_at, of_storage(EventType::CloudStorageCreated, Some(owner_id), &row)));
            self.dataset.cloud_storages.push(row);
        }
        for (number, project) in (0..).zip(PROJECTS) {
            let created_at = self.now - TimeDelta::days(20) + TimeDelta::days(number);
            if let Some(workspace) = self.workspace(project.workspace) {
                self.add_project(project, workspace, created_at, &storages);
            }
        }
    }

    fn add_project(
        &mut self,
        demo: &DemoProject,
        workspace: WorkspaceId,
        created_at: Instant,
        storages: &HashMap<&str, CloudStorageId>,
    ) {
        let project = demo.project.and_then(|fields| {
            let storage = |name: Option<&str>| name.and_then(|name| storages.get(name)).copied();
            Some(Project {
                id: ids::new_id(created_at),
                workspace_id: workspace.uuid(),
                organization_id: workspace.organization(),
                owner_id: self.user(fields.owner)?,
                assignee_id: fields.assignee.and_then(|name| self.user(name)),
                name: fields.name.to_owned(),
                description: Some(fields.description.to_owned()),
                source_storage_id: storage(fields.source),
                target_storage_id: storage(fields.target),
                created_at,
                updated_at: created_at,
            })
        });
        for (number, task) in (1..).zip(demo.tasks) {
            self.add_task(task, workspace, project.as_ref(), created_at + TimeDelta::hours(number));
        }
        if let Some(project) = project {
            self.events.push((created_at, project_created(project.owner_id, &project)));
            self.dataset.projects.push(project);
        }
    }

    /// Adds a task with new jobs, which reach their stage and state some hours later.
    fn add_task(&mut self, demo: &DemoTask, workspace: WorkspaceId, project: Option<&Project>, created_at: Instant) {
        let Some(owner_id) = self.user(demo.owner) else { return };
        let outer: Vec<Participants> = project.iter().map(|project| project.people()).collect();
        let new = Task {
            id: ids::new_id(created_at),
            workspace_id: workspace.uuid(),
            organization_id: workspace.organization(),
            project_id: project.map(|project| project.id),
            owner_id,
            assignee_id: demo.assignee.and_then(|name| self.user(name)),
            name: demo.name.to_owned(),
            status: TaskStatus::Annotation,
            source_storage_id: None,
            target_storage_id: None,
            created_at,
            updated_at: created_at,
        };
        let inner = [&[new.people()], outer.as_slice()].concat();
        self.events.push((created_at, task_created(owner_id, &new, &outer)));
        let mut latest = created_at;
        for (number, job) in (1..).zip(demo.jobs) {
            latest = created_at + TimeDelta::hours(number);
            self.add_job(job, &new, &inner, latest);
        }
        let states: Vec<_> = demo.jobs.iter().map(|(_, stage, state)| (*stage, *state)).collect();
        let task = Task { status: TaskStatus::of(&states), ..new.clone() };
        match task_updated(Some(owner_id), &new, &task, &outer) {
            Some(event) => {
                self.events.push((latest, event));
                self.dataset.tasks.push(Task { updated_at: latest, ..task });
            }
            None => self.dataset.tasks.push(task),
        }
    }

    fn add_job(&mut self, (assignee, stage, state): &DemoJob, task: &Task, people: &[Participants], at: Instant) {
        let new = Job {
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
        self.events.push((task.created_at, of_job(EventType::JobCreated, by, &new, people)));
        let assignee_id = assignee.and_then(|name| self.user(name));
        let job = Job { assignee_id, stage: *stage, state: *state, ..new.clone() };
        match job_updated(by, &new, &job, people) {
            Some(event) => {
                self.events.push((at, event));
                self.dataset.jobs.push(Job { updated_at: at, ..job });
            }
            None => self.dataset.jobs.push(job),
        }
    }

    fn user(&self, username: &str) -> Option<UserId> {
        self.users.get(username).copied()
    }

    fn workspace(&self, workspace: DemoWorkspace) -> Option<WorkspaceId> {
        match workspace {
            DemoWorkspace::Organization(slug) => {
                self.dataset.organizations.iter().find(|row| row.slug == slug).map(|row| row.id.into())
            }
            DemoWorkspace::Personal(username) => self.user(username).map(WorkspaceId::Personal),
        }
    }
}
