//! Accounts.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Connection;
use super::schema::{memberships, users};
use crate::domain::clock::Instant;
use crate::domain::{Result, UserId};

/// An account, without its password.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct User {
    /// Its ID.
    pub id: UserId,
    /// Unique name, in lower case.
    pub username: String,
    /// Name shown to people. None: the username.
    pub display_name: Option<String>,
    /// Address in lower case, proven or not.
    pub email: Option<String>,
    /// When the address was proven.
    pub email_verified_at: Option<Instant>,
    /// Whether this is a site administrator.
    pub is_admin: bool,
    /// When the account was made.
    pub created_at: Instant,
}

impl User {
    /// Name shown to people.
    pub fn display_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.username)
    }

    /// The address, if it is proven.
    pub fn verified_email(&self) -> Option<&str> {
        self.email_verified_at.and(self.email.as_deref())
    }
}

/// The account with that ID.
pub async fn find(connection: &mut Connection, id: UserId) -> Result<Option<User>> {
    Ok(users::table.find(id).select(User::as_select()).first(connection).await.optional()?)
}

/// The accounts with those IDs, in no order.
pub async fn find_many(connection: &mut Connection, ids: &[UserId]) -> Result<Vec<User>> {
    Ok(users::table.filter(users::id.eq_any(ids)).select(User::as_select()).load(connection).await?)
}

/// Those of `ids` with whom `viewer` shares an organization in which the viewer has one of `roles`.
pub async fn shared(
    connection: &mut Connection,
    viewer: UserId,
    ids: &[UserId],
    roles: &[crate::domain::Role],
) -> Result<Vec<UserId>> {
    let own = diesel::alias!(memberships as own);
    Ok(memberships::table
        .inner_join(own.on(own.field(memberships::organization_id).eq(memberships::organization_id)))
        .filter(own.field(memberships::user_id).eq(viewer))
        .filter(own.field(memberships::role).eq_any(roles))
        .filter(memberships::user_id.eq_any(ids))
        .select(memberships::user_id)
        .distinct()
        .load(connection)
        .await?)
}

/// The accounts that have proven one of those addresses, in no order.
pub async fn with_proven_emails(connection: &mut Connection, emails: &[&str]) -> Result<Vec<User>> {
    Ok(users::table
        .filter(users::email.eq_any(emails).and(users::email_verified_at.is_not_null()))
        .select(User::as_select())
        .load(connection)
        .await?)
}
