//! The lists of projects, tasks, jobs and cloud storages.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{InPart, Kind, ListableResource, ParentKind, ResourcePage};
use crate::domain::clock::Instant;
use crate::domain::page::Keyset;
use crate::domain::{CloudStorageId, JobId, ProjectId, Result, TaskId, WorkspaceId};
use crate::store::Connection;
use crate::store::cloud_storages::CloudStorage;
use crate::store::jobs::{Job, JobInTask};
use crate::store::projects::{Project, ProjectPeople};
use crate::store::schema::{cloud_storages, jobs, projects, tasks};
use crate::store::tasks::{Task, TaskInProject, TaskPeople};

impl ListableResource for ProjectId {
    type Row = Project;
    const KIND: Kind = Kind::Projects;

    fn place(row: &Project) -> Keyset<Instant> {
        Keyset { key: row.created_at, id: row.id.into() }
    }

    fn workspace(row: &Project) -> WorkspaceId {
        row.workspace()
    }

    fn within(row: &Project, within: ParentKind) -> Option<Uuid> {
        match within {
            ParentKind::Workspace => Some(row.workspace_id),
            ParentKind::Assignee => row.assignee_id.map(Uuid::from),
            ParentKind::Project | ParentKind::Task => None,
        }
    }

    async fn find(connection: &mut Connection, part: &ResourcePage, parents: &[Uuid]) -> Result<Vec<Project>> {
        let query = projects::table.filter(InPart::new(parents, part));
        Ok(query.select(Project::as_select()).load(connection).await?)
    }
}

impl ListableResource for TaskId {
    type Row = TaskInProject;
    const KIND: Kind = Kind::Tasks;

    fn place(row: &TaskInProject) -> Keyset<Instant> {
        Keyset { key: row.task.created_at, id: row.task.id.into() }
    }

    fn workspace(row: &TaskInProject) -> WorkspaceId {
        row.task.workspace()
    }

    fn within(row: &TaskInProject, within: ParentKind) -> Option<Uuid> {
        match within {
            ParentKind::Workspace => Some(row.task.workspace_id),
            ParentKind::Project => row.task.project_id.map(Uuid::from),
            ParentKind::Assignee => row.task.assignee_id.map(Uuid::from),
            ParentKind::Task => None,
        }
    }

    async fn find(connection: &mut Connection, part: &ResourcePage, parents: &[Uuid]) -> Result<Vec<TaskInProject>> {
        let query = tasks::table.left_join(projects::table.on(tasks::project_id.eq(projects::id.nullable())));
        Ok(query
            .filter(InPart::new(parents, part))
            .select((Task::as_select(), Option::<ProjectPeople>::as_select()))
            .load(connection)
            .await?)
    }
}

impl ListableResource for JobId {
    type Row = JobInTask;
    const KIND: Kind = Kind::Jobs;

    fn place(row: &JobInTask) -> Keyset<Instant> {
        Keyset { key: row.job.created_at, id: row.job.id.into() }
    }

    fn workspace(row: &JobInTask) -> WorkspaceId {
        row.job.workspace()
    }

    fn within(row: &JobInTask, within: ParentKind) -> Option<Uuid> {
        match within {
            ParentKind::Workspace => Some(row.job.workspace_id),
            ParentKind::Task => Some(row.job.task_id.into()),
            ParentKind::Assignee => row.job.assignee_id.map(Uuid::from),
            ParentKind::Project => None,
        }
    }

    async fn find(connection: &mut Connection, part: &ResourcePage, parents: &[Uuid]) -> Result<Vec<JobInTask>> {
        let query = jobs::table
            .inner_join(tasks::table.on(jobs::task_id.eq(tasks::id)))
            .left_join(projects::table.on(tasks::project_id.eq(projects::id.nullable())));
        Ok(query
            .filter(InPart::new(parents, part))
            .select((Job::as_select(), TaskPeople::as_select(), Option::<ProjectPeople>::as_select()))
            .load(connection)
            .await?)
    }
}

impl ListableResource for CloudStorageId {
    type Row = CloudStorage;
    const KIND: Kind = Kind::CloudStorages;

    fn place(row: &CloudStorage) -> Keyset<Instant> {
        Keyset { key: row.created_at, id: row.id.into() }
    }

    fn workspace(row: &CloudStorage) -> WorkspaceId {
        row.workspace()
    }

    fn within(row: &CloudStorage, within: ParentKind) -> Option<Uuid> {
        (within == ParentKind::Workspace).then_some(row.workspace_id)
    }

    async fn find(connection: &mut Connection, part: &ResourcePage, parents: &[Uuid]) -> Result<Vec<CloudStorage>> {
        let query = cloud_storages::table.filter(InPart::new(parents, part));
        Ok(query.select(CloudStorage::as_select()).load(connection).await?)
    }
}
