//! How much of its limits a workspace uses. Whoever decides on a count holds what is counted, so that it stays true.

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

/// Projects of a workspace.
pub async fn projects(connection: &mut Connection, workspace: WorkspaceId) -> Result<i64> {
    let all = projects::table.filter(projects::workspace_id.eq(workspace.uuid()));
    Ok(all.count().get_result(connection).await?)
}

/// Tasks of a workspace, those in projects included.
pub async fn tasks(connection: &mut Connection, workspace: WorkspaceId) -> Result<i64> {
    let all = tasks::table.filter(tasks::workspace_id.eq(workspace.uuid()));
    Ok(all.count().get_result(connection).await?)
}

/// Tasks in a project.
pub async fn tasks_in_project(connection: &mut Connection, project: ProjectId) -> Result<i64> {
    Ok(tasks::table.filter(tasks::project_id.eq(project)).count().get_result(connection).await?)
}

/// Cloud storages of a workspace.
pub async fn cloud_storages(connection: &mut Connection, workspace: WorkspaceId) -> Result<i64> {
    let all = cloud_storages::table.filter(cloud_storages::workspace_id.eq(workspace.uuid()));
    Ok(all.count().get_result(connection).await?)
}

/// Organizations that a user owns, but for those about to be deleted.
pub async fn owned_organizations(connection: &mut Connection, owner: UserId) -> Result<i64> {
    let owned = organizations::owner_id.eq(owner).and(organizations::status.eq(OrganizationStatus::Active));
    Ok(organizations::table.filter(owned).count().get_result(connection).await?)
}

/// Invitations to an organization that are pending at `now`: each holds a seat.
pub async fn pending_invitations(
    connection: &mut Connection,
    organization: OrganizationId,
    now: Instant,
) -> Result<i64> {
    let pending = is_pending().and(invitations::expires_at.gt(now));
    let theirs = invitations::organization_id.eq(organization);
    Ok(invitations::table.filter(theirs.and(pending)).count().get_result(connection).await?)
}

/// How many invitations to each of those organizations are pending at `now`; those without any are left out.
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

/// What is counted in a workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
pub struct Usage {
    /// The workspace.
    #[diesel(sql_type = SqlUuid)]
    pub workspace_id: Uuid,
    /// Projects.
    #[diesel(sql_type = BigInt)]
    pub projects: i64,
    /// Tasks.
    #[diesel(sql_type = BigInt)]
    pub tasks: i64,
    /// Tasks in the fullest project.
    #[diesel(sql_type = BigInt)]
    pub fullest_project: i64,
    /// Cloud storages.
    #[diesel(sql_type = BigInt)]
    pub cloud_storages: i64,
    /// Members, of an organization.
    #[diesel(sql_type = BigInt)]
    pub members: i64,
    /// Invitations to an organization that are pending.
    #[diesel(sql_type = BigInt)]
    pub pending_invitations: i64,
    /// Organizations that the user of a personal workspace owns, but for those about to be deleted.
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

/// What is counted in each of those workspaces, as of `now`.
pub async fn of_many(connection: &mut Connection, workspaces: &[Uuid], now: Instant) -> Result<Vec<Usage>> {
    let query = diesel::sql_query(USAGE).bind::<Array<SqlUuid>, _>(workspaces).bind::<Timestamptz, _>(now);
    Ok(query.load(connection).await?)
}
