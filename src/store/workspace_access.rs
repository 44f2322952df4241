//! People as they stand to workspaces: any number of pairs in one statement, so that all who listen to a workspace are asked
//! about at once.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{self, Array, Bool, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::domain::clock::Instant;
use crate::domain::organization::OrganizationStatus;
use super::sql_types as enum_types;
use crate::domain::{Result, Role, UserId};
use crate::store::Connection;

/// Somebody, as they stand to a workspace.
#[derive(Clone, Debug, Queryable)]
pub struct WorkspaceAccess {
    /// Who.
    pub user_id: UserId,
    /// The workspace, of either kind, whether or not it is there.
    pub workspace_id: Uuid,
    /// Whether they are a site administrator.
    pub is_admin: bool,
    /// Their address, if it is proven.
    pub verified_email: Option<String>,
    /// Their role, if it is an organization that they are a member of.
    pub role: Option<Role>,
    /// How the organization stands, if it is one.
    pub status: Option<OrganizationStatus>,
    /// Whether, not being a member, they hold a pending invitation to it.
    pub invited: bool,
    /// Whether it is a personal workspace.
    pub is_personal: bool,
}

/// Each user as they stand at `now` to the workspace beside them; those who have no account are left out.
pub async fn find_many(
    connection: &mut Connection,
    pairs: &[(UserId, Uuid)],
    now: Instant,
) -> Result<Vec<WorkspaceAccess>> {
    let (people, workspaces) = pairs.iter().copied().unzip();
    Ok(WorkspaceAccesses { people, workspaces, now }.load(connection).await?)
}

#[derive(QueryId)]
struct WorkspaceAccesses {
    people: Vec<UserId>,
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
        out.push_bind_param::<Array<sql_types::Uuid>, _>(&self.people)?;
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
