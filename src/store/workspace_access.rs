//! Access of users to workspaces. One statement reads any number of pairs, so that the access of all subscribers of a
//! workspace is read at once.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{self, Array, Bool, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::sql_types as enum_types;
use crate::domain::clock::Instant;
use crate::domain::organization::OrganizationStatus;
use crate::domain::{Result, Role, UserId};
use crate::store::Connection;

/// Access of a user to a workspace.
#[derive(Clone, Debug, Queryable)]
pub struct WorkspaceAccess {
    /// ID of the user.
    pub user_id: UserId,
    /// ID of an organization or a personal workspace, which may no longer exist.
    pub workspace_id: Uuid,
    /// Whether the user is a site administrator.
    pub is_admin: bool,
    /// Proven address of the user; `None` if no address is proven.
    pub verified_email: Option<String>,
    /// Role of the user in the organization; `None` without a membership.
    pub role: Option<Role>,
    /// Status of the organization; `None` if the workspace is not an existing organization.
    pub status: Option<OrganizationStatus>,
    /// Whether the user is not a member and has a pending invitation to the organization.
    pub invited: bool,
    /// Whether the workspace is a personal workspace.
    pub is_personal: bool,
}

/// Returns the access of each user to the workspace of the pair at `now`. Pairs without an existing account are left
/// out.
pub async fn find_many(
    connection: &mut Connection,
    pairs: &[(UserId, Uuid)],
    now: Instant,
) -> Result<Vec<WorkspaceAccess>> {
    let (users, workspaces) = pairs.iter().copied().unzip();
    Ok(WorkspaceAccesses { users, workspaces, now }.load(connection).await?)
}

#[derive(QueryId)]
struct WorkspaceAccesses {
    users: Vec<UserId>,
    workspaces: Vec<Uuid>,
    now: Instant,
}

impl QueryFragment<Pg> for WorkspaceAccesses {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT u.id, a.workspace_id, u.is_admin, CASE WHEN u.email_verified_at IS NOT NULL THEN u.email END, \
             m.role, o.status, \
             m.id IS NULL AND EXISTS (SELECT FROM invitations i WHERE i.organization_id = a.workspace_id \
               AND i.email = u.email AND u.email_verified_at IS NOT NULL AND i.status = 'PENDING' AND i.expires_at > ",
        );
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(
            "), EXISTS (SELECT FROM users p WHERE p.id = a.workspace_id AND p.deleted_at IS NULL) FROM unnest(",
        );
        out.push_bind_param::<Array<sql_types::Uuid>, _>(&self.users)?;
        out.push_sql("::uuid[], ");
        out.push_bind_param::<Array<sql_types::Uuid>, _>(&self.workspaces)?;
        out.push_sql(
            "::uuid[]) a (user_id, workspace_id) JOIN users u ON u.id = a.user_id AND u.deleted_at IS NULL \
             LEFT JOIN organizations o ON o.id = a.workspace_id \
             LEFT JOIN memberships m ON (m.organization_id, m.user_id) = (a.workspace_id, a.user_id)",
        );
        Ok(())
    }
}

impl Query for WorkspaceAccesses {
    type SqlType = (
        sql_types::Uuid,
        sql_types::Uuid,
        Bool,
        Nullable<Text>,
        Nullable<enum_types::MemberRole>,
        Nullable<enum_types::OrganizationStatus>,
        Bool,
        Bool,
    );
}
