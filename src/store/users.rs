//! Accounts.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{self, Array, Bool, Text};
use diesel_async::RunQueryDsl;

use super::locks::{self, Kind};
use super::schema::{memberships, organizations, users};
use super::{Connection, Write, email_tokens};
use crate::domain::clock::Instant;
use crate::domain::organization::OrganizationStatus;
use crate::domain::text_keys;
use crate::domain::{Code, Email, Error, OrganizationId, Refusal, Result, UserId, Username};

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

    /// The address, if it is proven.
    pub fn verified_email(&self) -> Option<&str> {
        self.email_verified_at.and(self.email.as_deref())
    }
}

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
    /// Address in lower case, proven or not.
    pub email: Option<String>,
    /// When the account was made.
    pub created_at: Instant,
}

impl Profile {
    /// Name shown to people.
    pub fn display_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.username)
    }

    /// What stands for an account that is gone. When it was made is in its ID.
    pub fn deleted(id: UserId) -> Self {
        let created_at = id.made_at().unwrap_or_default();
        Self { id, username: "deleted user".to_owned(), display_name: None, email: None, created_at }
    }
}

impl From<User> for Profile {
    fn from(User { id, username, display_name, email, created_at, .. }: User) -> Self {
        Self { id, username, display_name, email, created_at }
    }
}

/// An account with the hash of its password. It has no `Debug`.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct Login {
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
    /// Argon2id in PHC form.
    pub password_hash: Option<&'a str>,
    /// When it is made.
    pub created_at: Instant,
}

/// The account with that ID.
pub async fn find(mut connection: &Connection, id: UserId) -> Result<Option<User>> {
    Ok(users::table.find(id).select(User::as_select()).first(&mut connection).await.optional()?)
}

/// The accounts with those IDs, in no order.
pub async fn find_many(connection: &mut Connection, ids: &[UserId]) -> Result<Vec<User>> {
    Ok(users::table.filter(users::id.eq_any(ids)).select(User::as_select()).load(connection).await?)
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

/// The account that signs in so: by its username, or by its address if that is proven.
pub async fn find_login(connection: &mut Connection, login: &str) -> Result<Option<Login>> {
    let query = users::table.select(Login::as_select()).into_boxed();
    // No username has an @ in it, and no address is without.
    let query = if login.contains('@') {
        let email = login.trim().to_lowercase();
        query.filter(users::email.eq(email).and(users::email_verified_at.is_not_null()))
    } else {
        query.filter(users::username.eq(Username::lowercase(login)))
    };
    Ok(query.first(connection).await.optional()?)
}

/// The account with that ID, and its password.
pub async fn find_with_password(connection: &mut Connection, id: UserId) -> Result<Option<Login>> {
    Ok(users::table.find(id).select(Login::as_select()).first(connection).await.optional()?)
}

/// Locks an account against other changes of it, until the transaction ends.
pub async fn lock(tx: &mut Connection, id: UserId) -> Result<Option<Login>> {
    Ok(users::table.find(id).select(Login::as_select()).for_no_key_update().first(tx).await.optional()?)
}

/// Holds an account together with others who do so, against those who lock it, until the transaction ends.
pub async fn share(tx: &mut Connection, id: UserId) -> Result<Option<User>> {
    Ok(users::table.find(id).select(User::as_select()).for_share().first(tx).await.optional()?)
}

/// Keeps an account from being deleted or renamed, until the transaction ends. None: it is gone.
pub async fn keep(mut tx: &Connection, id: UserId) -> Result<Option<Profile>> {
    Ok(users::table.find(id).select(Profile::as_select()).for_key_share().first(&mut tx).await.optional()?)
}

/// Locks an account that is about to go: nobody can refer to it from here on, as a new membership would.
pub async fn lock_for_deletion(tx: &mut Connection, id: UserId) -> Result<Option<User>> {
    Ok(users::table.find(id).select(User::as_select()).for_update().first(tx).await.optional()?)
}

/// Lets only one transaction at a time claim or prove an address. Taken before the rows of accounts.
pub async fn lock_address(tx: &mut Connection, email: &Email) -> Result<()> {
    locks::lock(tx, Kind::Address, email.as_str()).await
}

/// Lets only one transaction at a time look for a free name that resembles this one. Taken before an address.
pub async fn lock_username(tx: &mut Connection, username: &Username) -> Result<()> {
    locks::lock(tx, Kind::Username, username.as_str()).await
}

/// The accounts that claim an address: the one that has proven it first, then those without a password, then the oldest.
pub async fn claimants(connection: &mut Connection, email: &Email) -> Result<Vec<Login>> {
    Ok(users::table
        .filter(users::email.eq(email.as_str()))
        .order_by((
            users::email_verified_at.is_null(),
            users::password_hash.is_not_null(),
            users::created_at,
            users::id,
        ))
        .select(Login::as_select())
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
        .set(users::email.eq(None::<String>))
        .execute(tx)
        .await?;
    // What was proven before stays proven since then.
    let since = involved.iter().find(|(own, claimed, _)| *own == id && claims(claimed)).and_then(|row| row.2);
    let user = diesel::update(users::table.find(id))
        .set((users::email.eq(email.as_str()), users::email_verified_at.eq(since.unwrap_or(now))))
        .returning(User::as_returning())
        .get_result(tx)
        .await
        .optional()?
        .ok_or(Error::Unauthenticated)?;
    email_tokens::forget_proven(tx, id, email).await?;
    Ok(user)
}

/// Gives an account another password.
pub async fn set_password(tx: &mut Connection, id: UserId, password_hash: &str) -> Result<()> {
    diesel::update(users::table.find(id)).set(users::password_hash.eq(password_hash)).execute(tx).await?;
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
        .set((users::email.eq(None::<String>), users::email_verified_at.eq(None::<Instant>)))
        .execute(tx)
        .await?;
    Ok(())
}

/// Deletes an account with its sessions and tokens. It must not be a member of anything.
pub async fn delete(tx: &mut Connection, id: UserId) -> Result<()> {
    diesel::delete(users::table.find(id)).execute(tx).await?;
    Ok(())
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
    let account = users::table.filter(users::username.eq(username));
    Ok(diesel::update(account).set(users::is_admin.eq(is_admin)).execute(connection).await? > 0)
}

/// ID and username of the accounts that have one of those IDs or one of those usernames.
pub async fn find_named(
    connection: &mut Connection,
    ids: &[UserId],
    usernames: &[String],
) -> Result<Vec<(UserId, String)>> {
    Ok(users::table
        .filter(users::id.eq_any(ids).or(users::username.eq_any(usernames)))
        .select((users::id, users::username))
        .load(connection)
        .await?)
}
