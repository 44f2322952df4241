//! Table of users: accounts, and the parts of them that other tables read.

pub mod address_forms;
mod deletion;
mod emails;

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::future::try_join;

pub use self::deletion::{delete, delete_but_row, delete_rows_left};
pub use self::emails::{
    Invitee, claimants, clear_email, invitees, is_proven, lock_address, lock_to_prove, prove_email, with_proven_emails,
};
use super::schema::{memberships, organizations, sessions, sign_in_networks, users};
use super::{Connection, Write};
use crate::domain::clock::Instant;
use crate::domain::organization::OrganizationStatus;
use crate::domain::text_keys;
use crate::domain::{Actor, Email, OrganizationId, Result, SessionId, UserId, Username};
use crate::store::advisory_locks;
use crate::store::advisory_locks::Kind;

/// Account without its password hash.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct User {
    /// ID of the account.
    pub id: UserId,
    /// Unique name, in lower case.
    pub username: String,
    /// Display name; `None` if the username is shown.
    pub display_name: Option<String>,
    /// Address in canonical form, proven or not; `None` without an address.
    pub email: Option<String>,
    /// Address as the user wrote it; `None` if it equals `email`.
    pub email_written: Option<String>,
    /// Time at which the address was proven; `None` if it is not proven.
    pub email_verified_at: Option<Instant>,
    /// Whether the user is a site administrator.
    pub is_admin: bool,
    /// The selected organization, of which the user is a member; `None` means the personal workspace.
    pub selected_organization_id: Option<OrganizationId>,
    /// Time at which the account was created.
    pub created_at: Instant,
}

impl User {
    /// Returns the display name, or the username if there is none.
    pub fn display_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.username)
    }

    /// Returns the address as the user wrote it, proven or not.
    pub fn shown_email(&self) -> Option<&str> {
        shown(self.email.as_deref(), self.email_written.as_deref())
    }

    /// Returns the address, proven or not.
    pub fn address(&self) -> Option<Email> {
        self.email.clone().map(|email| Email::stored(email, self.email_written.clone()))
    }

    /// Returns the address in canonical form; `None` if it is not proven.
    pub fn verified_email(&self) -> Option<&str> {
        self.email_verified_at.and(self.email.as_deref())
    }
}

/// Name shown for a deleted account.
pub const DELETED: &str = "deleted user";

/// Public part of an account, which lists read.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct Profile {
    /// ID of the account.
    pub id: UserId,
    /// Unique name, in lower case.
    pub username: String,
    /// Display name; `None` if the username is shown.
    pub display_name: Option<String>,
    /// Address in canonical form, proven or not; `None` without an address.
    pub email: Option<String>,
    /// Address as the user wrote it; `None` if it equals `email`.
    pub email_written: Option<String>,
    /// Time at which the account was created.
    pub created_at: Instant,
}

impl Profile {
    /// Returns the display name, or the username if there is none.
    pub fn display_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.username)
    }

    /// Returns the address as the user wrote it, proven or not.
    pub fn shown_email(&self) -> Option<&str> {
        shown(self.email.as_deref(), self.email_written.as_deref())
    }

    /// Returns a placeholder for a deleted account. The time of creation is taken from the ID.
    pub fn deleted(id: UserId) -> Self {
        let created_at = id.made_at().unwrap_or_default();
        Self { id, username: DELETED.to_owned(), display_name: None, email: None, email_written: None, created_at }
    }
}

impl From<User> for Profile {
    fn from(User { id, username, display_name, email, email_written, created_at, .. }: User) -> Self {
        Self { id, username, display_name, email, email_written, created_at }
    }
}

fn shown<'a>(email: Option<&'a str>, written: Option<&'a str>) -> Option<&'a str> {
    email.map(|email| written.unwrap_or(email))
}

/// Account with its password hash. It has no `Debug`, so that hashes do not get into logs.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct UserWithPassword {
    /// The account.
    #[diesel(embed)]
    pub user: User,
    /// Argon2id hash as a PHC string; `None` if no password was set.
    pub password_hash: Option<String>,
}

/// Account to insert.
#[derive(Insertable)]
#[diesel(table_name = users)]
pub struct NewUser<'a> {
    /// ID of the account.
    pub id: UserId,
    /// Unique name.
    pub username: &'a str,
    /// Display name; `None` if the username is shown.
    pub display_name: Option<&'a str>,
    /// Address, not proven yet.
    pub email: Option<&'a str>,
    /// Address as the user wrote it; `None` if it equals `email`.
    pub email_written: Option<&'a str>,
    /// Argon2id hash as a PHC string; `None` for an account without a password.
    pub password_hash: Option<&'a str>,
    /// Time at which the account is created.
    pub created_at: Instant,
}

/// Filters out deleted accounts.
#[diesel::dsl::auto_type]
pub(super) fn accounts() -> _ {
    users::table.filter(users::deleted_at.is_null())
}

/// Returns the condition on an account's row that an access token is live: its session has not ended, or, for a token
/// without a session, it was issued after tokens were last revoked.
#[diesel::dsl::auto_type]
pub(super) fn is_live(session: Option<SessionId>, issued_without_session: Option<Instant>) -> _ {
    let of_account = sessions::user_id.eq(users::id);
    let session_lives = exists(sessions::table.filter(sessions::id.nullable().eq(session)).filter(of_account));
    session_lives.or(users::tokens_valid_from.nullable().le(issued_without_session))
}

/// Returns the account of an actor whose token is live; `None` if the account is deleted or the session has ended.
pub async fn find_actor(tx: &Connection, actor: &Actor) -> Result<Option<User>> {
    Ok(find_actor_with_password(tx, actor).await?.map(|login| login.user))
}

/// Returns the account of an actor whose token is live, with its password hash.
pub async fn find_actor_with_password(mut tx: &Connection, actor: &Actor) -> Result<Option<UserWithPassword>> {
    let row = accounts().filter(users::id.eq(actor.user_id));
    let row = row.filter(is_live(actor.session, actor.issued_without_session()));
    let found = row.select(UserWithPassword::as_select()).first(&mut tx).await.optional()?;
    found.iter().for_each(|_| tx.note_live_actor());
    Ok(found)
}

/// Locks the account of an actor until the transaction ends; `None` unless the token is live once the lock is held. The
/// lock is a statement of its own, because a statement that waits for a row lock sees other tables as of its own start.
pub async fn lock_actor(tx: &Connection, actor: &Actor) -> Result<Option<UserWithPassword>> {
    let row = users::table.find(actor.user_id).select(users::id);
    let lock = async |mut tx: &Connection| Ok(row.for_no_key_update().first::<UserId>(&mut tx).await.optional()?);
    Ok(try_join(lock(tx), find_actor_with_password(tx, actor)).await?.1)
}

/// Like [`lock_actor`], and also blocks new rows that refer to the account, such as memberships.
pub async fn lock_actor_for_deletion(tx: &Connection, actor: &Actor) -> Result<Option<UserWithPassword>> {
    let row = users::table.find(actor.user_id).select(users::id);
    let lock = async |mut tx: &Connection| Ok(row.for_update().first::<UserId>(&mut tx).await.optional()?);
    Ok(try_join(lock(tx), find_actor_with_password(tx, actor)).await?.1)
}

/// Returns the account with an ID.
pub async fn find(mut connection: &Connection, id: UserId) -> Result<Option<User>> {
    let row = accounts().filter(users::id.eq(id));
    Ok(row.select(User::as_select()).first(&mut connection).await.optional()?)
}

/// Returns the accounts with these IDs, in no order.
pub async fn find_many(connection: &mut Connection, ids: &[UserId]) -> Result<Vec<User>> {
    Ok(accounts().filter(users::id.eq_any(ids)).select(User::as_select()).load(connection).await?)
}

/// Returns those of `ids` with whom `viewer` shares an organization in which the viewer has one of `roles`. An
/// organization that is pending deletion counts for its owner alone.
pub async fn shared(
    connection: &mut Connection,
    viewer: UserId,
    ids: &[UserId],
    roles: &[crate::domain::Role],
) -> Result<Vec<UserId>> {
    let own = diesel::alias!(memberships as own);
    Ok(memberships::table
        .inner_join(own.on(own.field(memberships::organization_id).eq(memberships::organization_id)))
        .inner_join(organizations::table.on(organizations::id.eq(memberships::organization_id)))
        .filter(organizations::status.eq(OrganizationStatus::Active).or(organizations::owner_id.eq(viewer)))
        .filter(own.field(memberships::user_id).eq(viewer))
        .filter(own.field(memberships::role).eq_any(roles))
        .filter(memberships::user_id.eq_any(ids))
        .select(memberships::user_id)
        .distinct()
        .load(connection)
        .await?)
}

/// Returns the account with a username or a proven address, and whether it signed in from `network` after `since`.
pub async fn find_login(
    connection: &mut Connection,
    login: &str,
    network: Option<&str>,
    since: Instant,
) -> Result<Option<(UserWithPassword, bool)>> {
    let known = sign_in_networks::table
        .filter(sign_in_networks::user_id.eq(users::id).and(sign_in_networks::used_at.gt(since)))
        .filter(sign_in_networks::network.nullable().eq(network));
    let query = accounts().select((UserWithPassword::as_select(), exists(known))).into_boxed();
    // Usernames never contain an @, addresses always do.
    let query = if login.contains('@') {
        query.filter(users::email.eq(Email::lookup(login)).and(users::email_verified_at.is_not_null()))
    } else {
        query.filter(users::username.eq(Username::lowercase(login)))
    };
    Ok(query.first(connection).await.optional()?)
}

/// Locks an account exclusively until the transaction ends.
pub async fn lock(tx: &mut Connection, id: UserId) -> Result<Option<UserWithPassword>> {
    let row = accounts().filter(users::id.eq(id)).select(UserWithPassword::as_select());
    Ok(row.for_no_key_update().first(tx).await.optional()?)
}

/// Locks an account in share mode until the transaction ends.
pub async fn share(tx: &mut Connection, id: UserId) -> Result<Option<User>> {
    let row = accounts().filter(users::id.eq(id)).select(User::as_select());
    Ok(row.for_share().first(tx).await.optional()?)
}

/// Prevents an account from being deleted or renamed until the transaction ends; `None` if it is deleted.
pub async fn keep(mut tx: &Connection, id: UserId) -> Result<Option<Profile>> {
    let row = accounts().filter(users::id.eq(id)).select(Profile::as_select());
    Ok(row.for_key_share().first(&mut tx).await.optional()?)
}

/// Serializes transactions that look for a free username similar to this one. Lock order: before the lock of an
/// address.
pub async fn lock_username(tx: &mut Connection, username: &Username) -> Result<()> {
    advisory_locks::lock(tx, Kind::Username, username.as_str()).await
}

/// Inserts an account.
pub async fn insert(tx: &mut Connection, new: &NewUser<'_>) -> Result<User> {
    Ok(diesel::insert_into(users::table).values(new).returning(User::as_returning()).get_result(tx).await?)
}

/// Changes the password of an account, and revokes its tokens without a session.
pub async fn set_password(tx: &mut Connection, id: UserId, password_hash: &str, now: Instant) -> Result<()> {
    diesel::update(users::table.find(id))
        .set((users::password_hash.eq(password_hash), users::tokens_valid_from.eq(now)))
        .execute(tx)
        .await?;
    Ok(())
}

/// Changes the names of an account. The foreign key updates the copies in its memberships.
pub async fn set_names(tx: &mut Connection, id: UserId, username: &str, display_name: Option<&str>) -> Result<User> {
    let user = diesel::update(users::table.find(id))
        .set((users::username.eq(username), users::display_name.eq(display_name)))
        .returning(User::as_returning())
        .get_result(tx)
        .await?;
    if let Some(key) = display_name.and_then(text_keys::stored) {
        let lacking = memberships::user_id.eq(id).and(memberships::name_key.is_distinct_from(&key));
        diesel::update(memberships::table.filter(lacking)).set(memberships::name_key.eq(&key)).execute(tx).await?;
    }
    Ok(user)
}

/// Selects an organization that the user is a member of, or, with `None`, the personal workspace.
pub fn select_organization(id: UserId, organization: Option<OrganizationId>) -> Write {
    Write::of(diesel::update(users::table.find(id)).set(users::selected_organization_id.eq(organization)))
}

/// Resets the selection of all users except `except` who selected an organization. The organization's row must be
/// locked.
pub async fn forget_selection(tx: &mut Connection, organization: OrganizationId, except: UserId) -> Result<()> {
    let selecting = users::table
        .filter(users::selected_organization_id.eq(organization).and(users::id.ne(except)))
        // Accounts are always locked in the order of their IDs.
        .order_by(users::id)
        .select(users::id)
        .for_no_key_update();
    let selecting: Vec<UserId> = selecting.load(tx).await?;
    if !selecting.is_empty() {
        diesel::update(users::table.filter(users::id.eq_any(selecting)))
            .set(users::selected_organization_id.eq(None::<OrganizationId>))
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Returns those of the usernames that are taken.
pub async fn taken(connection: &mut Connection, usernames: &[&str]) -> Result<Vec<String>> {
    let taken = users::table.filter(users::username.eq_any(usernames)).select(users::username);
    Ok(taken.load(connection).await?)
}

/// Sets whether an account is a site administrator.
pub async fn set_admin_by_id(tx: &mut Connection, id: UserId, is_admin: bool) -> Result<()> {
    diesel::update(users::table.find(id)).set(users::is_admin.eq(is_admin)).execute(tx).await?;
    Ok(())
}

/// Sets whether the account with a username is a site administrator. Returns false if there is no such account.
pub async fn set_admin(connection: &mut Connection, username: &str, is_admin: bool) -> Result<bool> {
    let account = users::table.filter(users::username.eq(username).and(users::deleted_at.is_null()));
    Ok(diesel::update(account).set(users::is_admin.eq(is_admin)).execute(connection).await? > 0)
}

/// Returns ID and username of the accounts with one of these IDs or usernames.
pub async fn find_named(
    connection: &mut Connection,
    ids: &[UserId],
    usernames: &[String],
) -> Result<Vec<(UserId, String)>> {
    Ok(accounts()
        .filter(users::id.eq_any(ids).or(users::username.eq_any(usernames)))
        .select((users::id, users::username))
        .load(connection)
        .await?)
}
