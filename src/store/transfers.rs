//! Transfers of projects and tasks between workspaces: reads of the tasks and jobs that move along, and the statements
//! that move all rows.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;

use super::Connection;
use super::cloud_storages::CloudStorage;
use super::schema::{cloud_storages, tasks};
use super::tasks::Task;
use crate::domain::clock::Instant;
use crate::domain::cloud_storage::CloudProvider;
use crate::domain::resource::RowScope;
use crate::domain::{CloudStorageId, ProjectId, Result, TaskId, UserId, WorkspaceId};

/// Returns the tasks that move: `tasks`, and all tasks of `projects`.
pub async fn tasks_of(connection: &mut Connection, projects: &[ProjectId], tasks: &[TaskId]) -> Result<Vec<Task>> {
    Ok(tasks::table
        .filter(tasks::id.eq_any(tasks).or(tasks::project_id.eq_any(projects)))
        .order_by(tasks::id)
        .select(Task::as_select())
        .load(connection)
        .await?)
}

/// Number and assignees of the jobs of a task.
#[derive(Clone, QueryableByName)]
#[diesel(check_for_backend(Pg))]
pub struct JobsOfTask {
    /// ID of the task.
    #[diesel(sql_type = Uuid)]
    pub task_id: TaskId,
    /// Number of its jobs.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// Distinct assignees of its jobs.
    #[diesel(sql_type = Array<Uuid>)]
    pub assignees: Vec<UserId>,
}

/// Returns number and assignees of the jobs of each of these tasks. Tasks without jobs are left out.
pub async fn jobs_of(connection: &mut Connection, tasks: &[TaskId]) -> Result<Vec<JobsOfTask>> {
    let counted = diesel::sql_query(
        "SELECT task_id, count(*), coalesce(array_agg(DISTINCT assignee_id) FILTER (WHERE assignee_id IS NOT NULL), '{}')
           AS assignees FROM jobs WHERE task_id = ANY($1) GROUP BY task_id",
    );
    Ok(counted.bind::<Array<Uuid>, _>(tasks).load(connection).await?)
}

/// Returns the cloud storages of a workspace for one of `resources`, limited to the `rows` that `viewer` may see.
pub async fn storages_for(
    connection: &mut Connection,
    workspace: WorkspaceId,
    resources: &[(CloudProvider, &str)],
    viewer: UserId,
    rows: RowScope,
) -> Result<Vec<CloudStorage>> {
    let names: Vec<&str> = resources.iter().map(|(_, name)| *name).collect();
    let mut query = cloud_storages::table
        .filter(cloud_storages::workspace_id.eq(workspace.uuid()).and(cloud_storages::resource.eq_any(names)))
        .order_by(cloud_storages::id)
        .select(CloudStorage::as_select())
        .into_boxed();
    if !rows.all {
        let own = if rows.tied.owner { viewer } else { UserId::from(uuid::Uuid::nil()) };
        query = query.filter(cloud_storages::owner_id.eq(own));
    }
    let found: Vec<CloudStorage> = query.load(connection).await?;
    let wanted = |storage: &CloudStorage| resources.contains(&(storage.provider, storage.resource.as_str()));
    Ok(found.into_iter().filter(wanted).collect())
}

/// Destination and new owner of a transfer.
pub struct Move<'a> {
    /// Destination.
    pub destination: WorkspaceId,
    /// New owner.
    pub owner: UserId,
    /// Linked cloud storages, each with its replacement. Links to other storages are removed.
    pub storages: &'a [(CloudStorageId, CloudStorageId)],
    /// Time of the transfer.
    pub at: Instant,
}

/// Columns that change in every moved row, with $1 to $4 of the statement.
const PLACE: &str = "workspace_id = $1, organization_id = $2, user_id = $3, assignee_id = NULL, updated_at = $4";
const OWNER_AND_STORAGES: &str = "owner_id = $5,
    source_storage_id = (SELECT new FROM unnest($6, $7) AS linked (old, new) WHERE old = source_storage_id),
    target_storage_id = (SELECT new FROM unnest($6, $7) AS linked (old, new) WHERE old = target_storage_id)";

/// Moves the projects, the tasks and the jobs of these tasks to another workspace. They get the new owner, lose their
/// assignees, and their links to cloud storages are replaced. Both workspaces must be locked.
pub async fn take(tx: &mut Connection, projects: &[ProjectId], tasks: &[TaskId], to: &Move<'_>) -> Result<()> {
    let (old, new): (Vec<CloudStorageId>, Vec<CloudStorageId>) = to.storages.iter().copied().unzip();
    for (table, ids) in [
        ("projects", projects.iter().map(|id| uuid::Uuid::from(*id)).collect::<Vec<_>>()),
        ("tasks", tasks.iter().map(|id| uuid::Uuid::from(*id)).collect()),
    ] {
        diesel::sql_query(format!("UPDATE {table} SET {PLACE}, {OWNER_AND_STORAGES} WHERE id = ANY($8)"))
            .bind::<Uuid, _>(to.destination.uuid())
            .bind::<Nullable<Uuid>, _>(to.destination.organization())
            .bind::<Nullable<Uuid>, _>(to.destination.user())
            .bind::<Timestamptz, _>(to.at)
            .bind::<Uuid, _>(to.owner)
            .bind::<Array<Uuid>, _>(&old)
            .bind::<Array<Uuid>, _>(&new)
            .bind::<Array<Uuid>, _>(ids)
            .execute(tx)
            .await?;
    }
    diesel::sql_query(format!("UPDATE jobs SET {PLACE} WHERE task_id = ANY($5)"))
        .bind::<Uuid, _>(to.destination.uuid())
        .bind::<Nullable<Uuid>, _>(to.destination.organization())
        .bind::<Nullable<Uuid>, _>(to.destination.user())
        .bind::<Timestamptz, _>(to.at)
        .bind::<Array<Uuid>, _>(tasks)
        .execute(tx)
        .await?;
    Ok(())
}
