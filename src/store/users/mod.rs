//! Accounts.

pub mod address_forms;

use diesel::dsl::{exists, not};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{self, Array, Bool, Text};
use diesel_async::RunQueryDsl;
use futures_util::future::try_join;

use super::schema::{
    cloud_storages, email_tokens, memberships, organizations, plans, projects, sessions, sign_in_networks, tasks, users,
};
use super::{Connection, Write};
use crate::domain::clock::Instant;
use crate::domain::organization::OrganizationStatus;
use crate::domain::text_keys;
use crate::domain::{Actor, Code, Email, Error, OrganizationId, Refusal, Result, SessionId, UserId, Username};
use crate::store::advisory_locks;
use crate::store::advisory_locks::Kind;
use crate::store::email_tokens as mailed;

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
    /// Address in the form for comparison, proven or not.
    pub email: Option<String>,
    /// The address as it was written, if that is not `email`.
    pub email_written: Option<String>,
    /// When the address was proven.
    pub email_verified_at: Option<Instant>,
    /// Whether this is a site administrator.
    pub is_admin: bool,
    /// The organization chosen in the menu, of which they are a member. None: the personal workspace.
    pub selected_organization_id: Option<OrganizationId>,
    /// When the account was made.
    pub created_at: Instant,
}

impl User {
    /// Name shown to people.
    pub fn display_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.username)
    }

    /// The address as people see it, proven or not.
    pub fn shown_email(&self) -> Option<&str> {
        shown(self.email.as_deref(), self.email_written.as_deref())
    }

    /// The address, proven or not.
    pub fn address(&self) -> Option<Email> {
        self.email.clone().map(|email| Email::stored(email, self.email_written.clone()))
    }

    /// The address in the form for comparison, if it is proven.
    pub fn verified_email(&self) -> Option<&str> {
        self.email_verified_at.and(self.email.as_deref())
    }
}

/// What a deleted account is called.
pub const DELETED: &str = "deleted user";

/// What of an account others may see: no more is read for lists.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct Profile {
    /// Its ID.
    pub id: UserId,
    /// Unique name, in lower case.
    pub username: String,
    /// Name shown to people. None: the username.
    pub display_name: Option<String>,
    /// Address in the form for comparison, proven or not.
    pub email: Option<String>,
    /// The address as it was written, if that is not `email`.
    pub email_written: Option<String>,
    /// When the account was made.
    pub created_at: Instant,
}

impl Profile {
    /// Name shown to people.
    pub fn display_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.username)
    }

    /// The address as people see it, proven or not.
    pub fn shown_email(&self) -> Option<&str> {
        shown(self.email.as_deref(), self.email_written.as_deref())
    }

    /// What stands for an account that is gone. When it was made is in its ID.
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

/// An account with the hash of its password. It has no `Debug`.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct UserWithPassword {
    /// The account.
    #[diesel(embed)]
    pub user: User,
    /// Argon2id in PHC form. None: no password was set.
    pub password_hash: Option<String>,
}

/// An account to be made.
#[derive(Insertable)]
#[diesel(table_name = users)]
pub struct NewUser<'a> {
    /// Its ID.
    pub id: UserId,
    /// Unique name.
    pub username: &'a str,
    /// Name shown to people.
    pub display_name: Option<&'a str>,
    /// Address, a mere claim as yet.
    pub email: Option<&'a str>,
    /// The address as it was written, if that is not `email`.
    pub email_written: Option<&'a str>,
    /// Argon2id in PHC form.
    pub password_hash: Option<&'a str>,
    /// When it is made.
    pub created_at: Instant,
}

/// Rows of accounts that were not deleted.
#[diesel::dsl::auto_type]
pub(super) fn accounts() -> _ {
    users::table.filter(users::deleted_at.is_null())
}

/// Whether an access token is live: its session has not ended, or, without a session, it was issued after tokens were last
/// revoked. To be asked of the row of its account.
#[diesel::dsl::auto_type]
pub(super) fn is_live(session: Option<SessionId>, issued_without_session: Option<Instant>) -> _ {
    let of_account = sessions::user_id.eq(users::id);
    let session_lives = exists(sessions::table.filter(sessions::id.nullable().eq(session)).filter(of_account));
    session_lives.or(users::tokens_valid_from.nullable().le(issued_without_session))
}

/// The account of an actor whose token is live. None: the account is gone, or the session has ended.
pub async fn find_actor(tx: &Connection, actor: &Actor) -> Result<Option<User>> {
    Ok(find_actor_with_password(tx, actor).await?.map(|login| login.user))
}

/// The same, and its password.
pub async fn find_actor_with_password(mut tx: &Connection, actor: &Actor) -> Result<Option<UserWithPassword>> {
    let row = accounts().filter(users::id.eq(actor.user_id));
    let row = row.filter(is_live(actor.session, actor.issued_without_session()));
    let found = row.select(UserWithPassword::as_select()).first(&mut tx).await.optional()?;
    found.iter().for_each(|_| tx.note_live_actor());
    Ok(found)
}

/// Locks the account of an actor whose token is live by then, until the transaction ends. The lock is a statement of its own: one
/// that waits for a row sees other tables as they were when it began.
pub async fn lock_actor(tx: &Connection, actor: &Actor) -> Result<Option<UserWithPassword>> {
    let row = users::table.find(actor.user_id).select(users::id);
    let lock = async |mut tx: &Connection| Ok(row.for_no_key_update().first::<UserId>(&mut tx).await.optional()?);
    Ok(try_join(lock(tx), find_actor_with_password(tx, actor)).await?.1)
}

/// The same for an account that is about to go: nobody can refer to it from here on, as a new membership would.
pub async fn lock_actor_for_deletion(tx: &Connection, actor: &Actor) -> Result<Option<UserWithPassword>> {
    let row = users::table.find(actor.user_id).select(users::id);
    let lock = async |mut tx: &Connection| Ok(row.for_update().first::<UserId>(&mut tx).await.optional()?);
    Ok(try_join(lock(tx), find_actor_with_password(tx, actor)).await?.1)
}

/// The account with that ID.
pub async fn find(mut connection: &Connection, id: UserId) -> Result<Option<User>> {
    let row = accounts().filter(users::id.eq(id));
    Ok(row.select(User::as_select()).first(&mut connection).await.optional()?)
}

/// The accounts with those IDs, in no order.
pub async fn find_many(connection: &mut Connection, ids: &[UserId]) -> Result<Vec<User>> {
    Ok(accounts().filter(users::id.eq_any(ids)).select(User::as_select()).load(connection).await?)
}

/// Those of `ids` with whom `viewer` shares an organization in which the viewer has one of `roles`. One that is about to be
/// deleted is there for its owner alone.
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

/// The account that signs in so, by its username or by its address if that is proven, and whether it signed in from that
/// network after `since`.
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
    // No username has an @ in it, and no address is without.
    let query = if login.contains('@') {
        query.filter(users::email.eq(Email::lookup(login)).and(users::email_verified_at.is_not_null()))
    } else {
        query.filter(users::username.eq(Username::lowercase(login)))
    };
    Ok(query.first(connection).await.optional()?)
}

/// Locks an account against other changes of it, until the transaction ends.
pub async fn lock(tx: &mut Connection, id: UserId) -> Result<Option<UserWithPassword>> {
    let row = accounts().filter(users::id.eq(id)).select(UserWithPassword::as_select());
    Ok(row.for_no_key_update().first(tx).await.optional()?)
}

/// Holds an account together with others who do so, against those who lock it, until the transaction ends.
pub async fn share(tx: &mut Connection, id: UserId) -> Result<Option<User>> {
    let row = accounts().filter(users::id.eq(id)).select(User::as_select());
    Ok(row.for_share().first(tx).await.optional()?)
}

/// Keeps an account from being deleted or renamed, until the transaction ends. None: it is gone.
pub async fn keep(mut tx: &Connection, id: UserId) -> Result<Option<Profile>> {
    let row = accounts().filter(users::id.eq(id)).select(Profile::as_select());
    Ok(row.for_key_share().first(&mut tx).await.optional()?)
}

/// Lets only one transaction at a time claim or prove an address. Taken before the rows of accounts.
pub async fn lock_address(tx: &mut Connection, email: &Email) -> Result<()> {
    advisory_locks::lock(tx, Kind::Address, email.as_str()).await
}

/// Lets only one transaction at a time look for a free name that resembles this one. Taken before an address.
pub async fn lock_username(tx: &mut Connection, username: &Username) -> Result<()> {
    advisory_locks::lock(tx, Kind::Username, username.as_str()).await
}

/// The accounts that claim an address: the one that has proven it first, then those without a password, then the oldest.
pub async fn claimants(connection: &mut Connection, email: &Email) -> Result<Vec<UserWithPassword>> {
    Ok(users::table
        .filter(users::email.eq(email.as_str()))
        .order_by((
            users::email_verified_at.is_null(),
            users::password_hash.is_not_null(),
            users::created_at,
            users::id,
        ))
        .select(UserWithPassword::as_select())
        .load(connection)
        .await?)
}

/// Whether an account has proven that the address is its user's.
pub async fn is_proven(connection: &mut Connection, email: &Email) -> Result<bool> {
    let proven = users::table.filter(users::email.eq(email.as_str()).and(users::email_verified_at.is_not_null()));
    Ok(diesel::select(diesel::dsl::exists(proven)).get_result(connection).await?)
}

/// Makes an account.
pub async fn insert(tx: &mut Connection, new: &NewUser<'_>) -> Result<User> {
    Ok(diesel::insert_into(users::table).values(new).returning(User::as_returning()).get_result(tx).await?)
}

/// Locks what the proof of an address touches: the address, then the account and those that claim it. Returns ID, address and
/// proof of each.
pub async fn lock_to_prove(
    tx: &mut Connection,
    id: UserId,
    email: &Email,
) -> Result<Vec<(UserId, Option<String>, Option<Instant>)>> {
    lock_address(tx, email).await?;
    // In one order, so that two who prove each other's claims do not wait for each other.
    Ok(users::table
        .filter(users::id.eq(id).or(users::email.eq(email.as_str())))
        .order_by(users::id)
        .select((users::id, users::email, users::email_verified_at))
        .for_no_key_update()
        .load(tx)
        .await?)
}

/// Makes the address that of the account, proven, in the place of any other. Whoever else merely claimed it loses it, with the
/// links that were sent there; links to the account's former address no longer work. EMAIL_TAKEN if another has proven it.
pub async fn prove_email(tx: &mut Connection, id: UserId, email: &Email, now: Instant) -> Result<User> {
    let involved = lock_to_prove(tx, id, email).await?;
    let claims = |claimed: &Option<String>| claimed.as_deref() == Some(email.as_str());
    if involved.iter().any(|(other, claimed, proven)| *other != id && claims(claimed) && proven.is_some()) {
        return Err(Refusal::new(Code::EmailTaken, "This address belongs to another account.").into());
    }
    diesel::update(users::table.filter(users::email.eq(email.as_str()).and(users::id.ne(id))))
        .set((users::email.eq(None::<String>), users::email_written.eq(None::<String>)))
        .execute(tx)
        .await?;
    // What was proven before stays proven since then.
    let since = involved.iter().find(|(own, claimed, _)| *own == id && claims(claimed)).and_then(|row| row.2);
    let user = diesel::update(users::table.find(id))
        .set((
            users::email.eq(email.as_str()),
            users::email_written.eq(email.written()),
            users::email_verified_at.eq(since.unwrap_or(now)),
        ))
        .returning(User::as_returning())
        .get_result(tx)
        .await
        .optional()?
        .ok_or(Error::Unauthenticated)?;
    mailed::settle_proven(tx, id, email, now).await?;
    Ok(user)
}

/// Gives an account another password, and revokes the tokens without a session that it had.
pub async fn set_password(tx: &mut Connection, id: UserId, password_hash: &str, now: Instant) -> Result<()> {
    diesel::update(users::table.find(id))
        .set((users::password_hash.eq(password_hash), users::tokens_valid_from.eq(now)))
        .execute(tx)
        .await?;
    Ok(())
}

/// Writes the names of an account. Those in its memberships are changed with them by the foreign key.
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

/// Makes an organization that the user is a member of the selected one, or, without one, the personal workspace.
pub fn select_organization(id: UserId, organization: Option<OrganizationId>) -> Write {
    Write::of(diesel::update(users::table.find(id)).set(users::selected_organization_id.eq(organization)))
}

/// Takes everybody but `except` who has selected an organization back to their personal workspace. The organization's row must
/// be locked.
pub async fn forget_selection(tx: &mut Connection, organization: OrganizationId, except: UserId) -> Result<()> {
    let theirs = users::table
        .filter(users::selected_organization_id.eq(organization).and(users::id.ne(except)))
        // In one order, as everywhere where several accounts are locked.
        .order_by(users::id)
        .select(users::id)
        .for_no_key_update();
    let theirs: Vec<UserId> = theirs.load(tx).await?;
    if !theirs.is_empty() {
        diesel::update(users::table.filter(users::id.eq_any(theirs)))
            .set(users::selected_organization_id.eq(None::<OrganizationId>))
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Those of the usernames that accounts have.
pub async fn taken(connection: &mut Connection, usernames: &[&str]) -> Result<Vec<String>> {
    let taken = users::table.filter(users::username.eq_any(usernames)).select(users::username);
    Ok(taken.load(connection).await?)
}

/// Takes the address from an account.
pub async fn clear_email(tx: &mut Connection, id: UserId) -> Result<()> {
    diesel::update(users::table.find(id))
        .set((
            users::email.eq(None::<String>),
            users::email_written.eq(None::<String>),
            users::email_verified_at.eq(None::<Instant>),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// Deletes an account with its sessions and tokens. It must not be a member of anything.
pub async fn delete(tx: &mut Connection, id: UserId) -> Result<()> {
    diesel::delete(users::table.find(id)).execute(tx).await?;
    Ok(())
}

/// Deletes an account that owns organizations, but for its row, which stays without name, login or address until they are gone.
pub async fn delete_but_row(tx: &mut Connection, id: UserId, now: Instant) -> Result<()> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(id))).execute(tx).await?;
    diesel::delete(email_tokens::table.filter(email_tokens::user_id.eq(id))).execute(tx).await?;
    diesel::delete(sign_in_networks::table.filter(sign_in_networks::user_id.eq(id))).execute(tx).await?;
    // The personal workspace: tasks and jobs go with their projects and tasks.
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

/// Deletes at most `limit` rows of deleted accounts that own no organization any more; tells how many.
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

/// The accounts that have proven one of those addresses, in no order.
pub async fn with_proven_emails(connection: &mut Connection, emails: &[&str]) -> Result<Vec<User>> {
    Ok(users::table
        .filter(users::email.eq_any(emails).and(users::email_verified_at.is_not_null()))
        .select(User::as_select())
        .load(connection)
        .await?)
}

/// An address that was invited to an organization.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Queryable)]
pub struct Invitee {
    /// The address.
    pub email: String,
    /// The organization.
    pub organization: OrganizationId,
    /// Whether the invitation was accepted.
    pub accepted: bool,
}

/// The accounts that have proven the addresses invited, as far as `viewer` may know them: their own, those of people with whom
/// they share an organization, those that accepted and are members, and for administrators all.
pub async fn invitees(
    connection: &mut Connection,
    viewer: UserId,
    invited: &[Invitee],
) -> Result<Vec<(Invitee, UserId)>> {
    let emails = invited.iter().map(|invitee| invitee.email.clone()).collect();
    let organizations = invited.iter().map(|invitee| invitee.organization).collect();
    let accepted = invited.iter().map(|invitee| invitee.accepted).collect();
    Ok(Invitees { viewer, emails, organizations, accepted }.load(connection).await?)
}

#[derive(QueryId)]
struct Invitees {
    viewer: UserId,
    emails: Vec<String>,
    organizations: Vec<OrganizationId>,
    accepted: Vec<bool>,
}

impl QueryFragment<Pg> for Invitees {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT a.email, a.organization_id, a.accepted, u.id FROM unnest(");
        out.push_bind_param::<Array<Text>, _>(&self.emails)?;
        out.push_sql("::text[], ");
        out.push_bind_param::<Array<sql_types::Uuid>, _>(&self.organizations)?;
        out.push_sql("::uuid[], ");
        out.push_bind_param::<Array<Bool>, _>(&self.accepted)?;
        out.push_sql(
            "::boolean[]) a (email, organization_id, accepted) CROSS JOIN users v \
             JOIN users u ON u.email = a.email AND u.email_verified_at IS NOT NULL WHERE v.id = ",
        );
        out.push_bind_param::<sql_types::Uuid, _>(&self.viewer)?;
        out.push_sql(
            " AND (u.id = v.id OR v.is_admin \
             OR a.accepted AND EXISTS (SELECT FROM memberships m WHERE (m.organization_id, m.user_id) = (a.organization_id, u.id)) \
             OR EXISTS (SELECT FROM memberships own JOIN memberships m ON m.organization_id = own.organization_id \
               JOIN organizations o ON o.id = own.organization_id WHERE own.user_id = v.id AND m.user_id = u.id \
               AND (o.status = 'ACTIVE' OR o.owner_id = v.id)))",
        );
        Ok(())
    }
}

impl Query for Invitees {
    type SqlType = ((Text, sql_types::Uuid, Bool), sql_types::Uuid);
}

/// Makes an account that of a site administrator, or not.
pub async fn set_admin_by_id(tx: &mut Connection, id: UserId, is_admin: bool) -> Result<()> {
    diesel::update(users::table.find(id)).set(users::is_admin.eq(is_admin)).execute(tx).await?;
    Ok(())
}

/// Makes the account with that username a site administrator, or takes that away. False: there is no such account.
pub async fn set_admin(connection: &mut Connection, username: &str, is_admin: bool) -> Result<bool> {
    let account = users::table.filter(users::username.eq(username).and(users::deleted_at.is_null()));
    Ok(diesel::update(account).set(users::is_admin.eq(is_admin)).execute(connection).await? > 0)
}

/// ID and username of the accounts that have one of those IDs or one of those usernames.
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
