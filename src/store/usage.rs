//! Usage of the plan limits. A caller that decides by a count must lock the counted rows' parent, so that the count
//! stays true.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Connection;
use super::invitations::is_pending;
use super::schema::{cloud_storages, invitations, organizations, projects, tasks};
use crate::domain::clock::Instant;
use crate::domain::organization::OrganizationStatus;
use crate::domain::{OrganizationId, ProjectId, Result, UserId, WorkspaceId};

/// Returns the number of projects of a workspace.
pub async fn projects(connection: &mut Connection, workspace: WorkspaceId) -> Result<i64> {
    let all = projects::table.filter(projects::workspace_id.eq(workspace.uuid()));
    Ok(all.count().get_result(connection).await?)
}

/// Returns the number of tasks of a workspace, including those in projects.
pub async fn tasks(connection: &mut Connection, workspace: WorkspaceId) -> Result<i64> {
    let all = tasks::table.filter(tasks::workspace_id.eq(workspace.uuid()));
    Ok(all.count().get_result(connection).await?)
}

/// Returns the number of tasks in a project.
pub async fn tasks_in_project(connection: &mut Connection, project: ProjectId) -> Result<i64> {
    Ok(tasks::table.filter(tasks::project_id.eq(project)).count().get_result(connection).await?)
}

/// Returns the number of cloud storages of a workspace.
pub async fn cloud_storages(connection: &mut Connection, workspace: WorkspaceId) -> Result<i64> {
    let all = cloud_storages::table.filter(cloud_storages::workspace_id.eq(workspace.uuid()));
    Ok(all.count().get_result(connection).await?)
}

/// Returns the number of organizations that a user owns, without those that are pending deletion.
pub async fn owned_organizations(connection: &mut Connection, owner: UserId) -> Result<i64> {
    let owned = organizations::owner_id.eq(owner).and(organizations::status.eq(OrganizationStatus::Active));
    Ok(organizations::table.filter(owned).count().get_result(connection).await?)
}

/// Returns the number of invitations to an organization that are pending at `now`. Each of them occupies a seat.
pub async fn pending_invitations(
    connection: &mut Connection,
    organization: OrganizationId,
    now: Instant,
) -> Result<i64> {
    let pending = is_pending().and(invitations::expires_at.gt(now));
    let to_organization = invitations::organization_id.eq(organization);
    Ok(invitations::table.filter(to_organization.and(pending)).count().get_result(connection).await?)
}

/// Returns the number of invitations to each of these organizations that are pending at `now`. Organizations without
/// any are left out.
pub async fn pending_invitations_of(
    connection: &mut Connection,
    organizations: &[OrganizationId],
    now: Instant,
) -> Result<Vec<(OrganizationId, i64)>> {
    let pending = is_pending().and(invitations::expires_at.gt(now));
    Ok(invitations::table
        .filter(invitations::organization_id.eq_any(organizations).and(pending))
        .group_by(invitations::organization_id)
        .select((invitations::organization_id, diesel::dsl::count_star()))
        .load(connection)
        .await?)
}

/// Usage of a workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
pub struct Usage {
    /// ID of the workspace.
    #[diesel(sql_type = SqlUuid)]
    pub workspace_id: Uuid,
    /// Number of projects.
    #[diesel(sql_type = BigInt)]
    pub projects: i64,
    /// Number of tasks.
    #[diesel(sql_type = BigInt)]
    pub tasks: i64,
    /// Number of tasks in the project with the most tasks.
    #[diesel(sql_type = BigInt)]
    pub fullest_project: i64,
    /// Number of cloud storages.
    #[diesel(sql_type = BigInt)]
    pub cloud_storages: i64,
    /// Number of members; zero for a personal workspace.
    #[diesel(sql_type = BigInt)]
    pub members: i64,
    /// Number of pending invitations; zero for a personal workspace.
    #[diesel(sql_type = BigInt)]
    pub pending_invitations: i64,
    /// Number of organizations that the user of a personal workspace owns, without those that are pending deletion;
    /// zero for an organization.
    #[diesel(sql_type = BigInt)]
    pub owned_organizations: i64,
}

const USAGE: &str = "
SELECT w.id AS workspace_id,
       (SELECT count(*) FROM projects p WHERE p.workspace_id = w.id) AS projects,
       (SELECT count(*) FROM tasks t WHERE t.workspace_id = w.id) AS tasks,
       (SELECT coalesce(max(n), 0) FROM
           (SELECT count(*) AS n FROM tasks t WHERE t.workspace_id = w.id AND project_id IS NOT NULL GROUP BY project_id) sizes
       ) AS fullest_project,
       (SELECT count(*) FROM cloud_storages s WHERE s.workspace_id = w.id) AS cloud_storages,
       (SELECT coalesce(sum(member_count), 0) FROM organizations o WHERE o.id = w.id) AS members,
       (SELECT count(*) FROM invitations i
           WHERE i.organization_id = w.id AND i.status = 'PENDING' AND i.expires_at > $2) AS pending_invitations,
       (SELECT count(*) FROM organizations o WHERE o.owner_id = w.id AND o.status = 'ACTIVE') AS owned_organizations
FROM unnest($1::uuid[]) w (id)";

/// Returns the usage of each of these workspaces at `now`.
pub async fn of_many(connection: &mut Connection, workspaces: &[Uuid], now: Instant) -> Result<Vec<Usage>> {
    let query = diesel::sql_query(USAGE).bind::<Array<SqlUuid>, _>(workspaces).bind::<Timestamptz, _>(now);
    Ok(query.load(connection).await?)
}
