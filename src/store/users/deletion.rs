//! Deletion of accounts.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::domain::clock::Instant;
use crate::domain::{OrganizationId, Result, UserId, Username};
use crate::store::Connection;
use crate::store::schema::{
    cloud_storages, email_tokens, memberships, plans, projects, sessions, sign_in_networks, tasks, users,
};

/// Deletes an account with its sessions and tokens. It must have no memberships.
pub async fn delete(tx: &mut Connection, id: UserId) -> Result<()> {
    diesel::delete(users::table.find(id)).execute(tx).await?;
    Ok(())
}

/// Deletes everything of an account except its row. The row stays, without name, password and address, until the
/// organizations that the account owns are purged.
pub async fn delete_but_row(tx: &mut Connection, id: UserId, now: Instant) -> Result<()> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(id))).execute(tx).await?;
    diesel::delete(email_tokens::table.filter(email_tokens::user_id.eq(id))).execute(tx).await?;
    diesel::delete(sign_in_networks::table.filter(sign_in_networks::user_id.eq(id))).execute(tx).await?;
    // The personal workspace. Tasks and jobs are deleted with their projects and tasks.
    diesel::delete(tasks::table.filter(tasks::user_id.eq(id))).execute(tx).await?;
    diesel::delete(projects::table.filter(projects::user_id.eq(id))).execute(tx).await?;
    diesel::delete(cloud_storages::table.filter(cloud_storages::user_id.eq(id))).execute(tx).await?;
    diesel::delete(plans::table.filter(plans::user_id.eq(id))).execute(tx).await?;
    diesel::update(users::table.find(id))
        .set((
            users::username.eq(Username::of_deleted(id)),
            users::display_name.eq(None::<String>),
            users::email.eq(None::<String>),
            users::email_written.eq(None::<String>),
            users::email_verified_at.eq(None::<Instant>),
            users::password_hash.eq(None::<String>),
            users::is_admin.eq(false),
            users::selected_organization_id.eq(None::<OrganizationId>),
            users::tokens_valid_from.eq(now),
            users::deleted_at.eq(now),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// Deletes at most `limit` rows of deleted accounts that no longer own an organization. Returns how many.
pub async fn delete_rows_left(tx: &mut Connection, limit: i64) -> Result<usize> {
    let owns = exists(memberships::table.filter(memberships::user_id.eq(users::id)));
    let left: Vec<UserId> = users::table
        .filter(users::deleted_at.is_not_null().and(not(owns)))
        .limit(limit)
        .select(users::id)
        .for_update()
        .skip_locked()
        .load(tx)
        .await?;
    Ok(diesel::delete(users::table.filter(users::id.eq_any(left))).execute(tx).await?)
}
