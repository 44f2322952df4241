//! Whole rows, many at a time: what fills a database with a world. Ordinary work goes through the files of the tables.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::domain::clock::Instant;
use crate::domain::invitation::{DeliveryState, InvitationStatus};
use crate::domain::text_keys;
use crate::domain::{Error, InvitationId, MembershipId, OrganizationId, Result, Role, UserId};
use crate::store::Connection;
use crate::store::cloud_storages::CloudStorage;
use crate::store::jobs;
use crate::store::jobs::Job;
use crate::store::plans::PlanRow;
use crate::store::projects::Project;
use crate::store::schema::{
    cloud_storages, former_slugs, installation, invitations, memberships, organizations, plans, projects, tasks, users,
};
use crate::store::tasks::Task;

/// Rows in one statement: the protocol takes 65,535 parameters.
pub const BATCH: usize = 2000;

/// An account.
#[derive(Clone, Insertable)]
#[diesel(table_name = users)]
#[allow(missing_docs, reason = "the columns, documented in the database")]
pub struct UserRow {
    pub id: UserId,
    pub username: String,
    pub display_name: Option<String>,
    pub email: Option<String>,
    pub email_written: Option<String>,
    pub email_verified_at: Option<Instant>,
    pub password_hash: Option<String>,
    pub is_admin: bool,
    pub created_at: Instant,
}

/// An organization.
#[derive(Clone, Insertable)]
#[diesel(table_name = organizations)]
#[allow(missing_docs, reason = "the columns, documented in the database")]
pub struct OrganizationRow {
    pub id: OrganizationId,
    pub slug: String,
    pub name: Option<String>,
    pub description: Option<String>,
    pub contact_email: Option<String>,
    pub contact_phone: Option<String>,
    pub contact_location: Option<String>,
    pub owner_id: UserId,
    pub member_count: i32,
    pub created_at: Instant,
    pub updated_at: Instant,
}

/// A membership.
#[derive(Clone, Insertable)]
#[diesel(table_name = memberships)]
#[allow(missing_docs, reason = "the columns, documented in the database")]
pub struct MembershipRow {
    pub id: MembershipId,
    pub organization_id: OrganizationId,
    pub user_id: UserId,
    pub username: String,
    pub role: Role,
    pub joined_at: Instant,
    pub invited_by: Option<UserId>,
}

/// An invitation, without a token: a resend makes one.
#[derive(Clone, Insertable)]
#[diesel(table_name = invitations)]
#[allow(missing_docs, reason = "the columns, documented in the database")]
pub struct InvitationRow {
    pub id: InvitationId,
    pub organization_id: OrganizationId,
    pub email: String,
    pub email_written: Option<String>,
    pub role: Role,
    pub status: InvitationStatus,
    pub inviter_id: Option<UserId>,
    pub message: Option<String>,
    pub created_at: Instant,
    pub expires_at: Instant,
    pub resolved_at: Option<Instant>,
    pub sent_requested_at: Instant,
    pub delivery: DeliveryState,
    pub send_count: i32,
    pub last_sent_at: Option<Instant>,
    pub failure: Option<String>,
}

/// Rows of all kinds that refer to each other.
#[derive(Clone, Default)]
pub struct Dataset {
    /// Accounts.
    pub users: Vec<UserRow>,
    /// Organizations, `member_count` as the memberships say.
    pub organizations: Vec<OrganizationRow>,
    /// Memberships, one OWNER in each organization.
    pub memberships: Vec<MembershipRow>,
    /// Invitations.
    pub invitations: Vec<InvitationRow>,
    /// Plans that are paid for.
    pub plans: Vec<PlanRow>,
    /// Cloud storages.
    pub cloud_storages: Vec<CloudStorage>,
    /// Projects.
    pub projects: Vec<Project>,
    /// Tasks, `status` as the jobs say.
    pub tasks: Vec<Task>,
    /// Jobs, at least one in each task.
    pub jobs: Vec<Job>,
}

impl Dataset {
    /// Number of all rows.
    pub fn len(&self) -> usize {
        let people = self.users.len() + self.organizations.len() + self.memberships.len() + self.invitations.len();
        people + self.cloud_storages.len() + self.projects.len() + self.tasks.len() + self.jobs.len() + self.plans.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Writes a world. To be called in a transaction: organizations refer to memberships that come after them.
pub async fn insert(tx: &mut Connection, world: &Dataset) -> Result<()> {
    insert_telling(tx, world, &|_| ()).await
}

/// As [`insert`]; tells after each statement how many rows are written.
pub async fn insert_telling(tx: &mut Connection, world: &Dataset, tell: &(dyn Fn(usize) + Send + Sync)) -> Result<()> {
    let mut written = 0;
    for rows in world.users.chunks(BATCH) {
        written += diesel::insert_into(users::table).values(rows).execute(tx).await?;
        tell(written);
    }
    for rows in world.organizations.chunks(BATCH) {
        let key = |row: &OrganizationRow| organizations::name_key.eq(row.name.as_deref().and_then(text_keys::stored));
        let rows: Vec<_> = rows.iter().map(|row| (row, key(row))).collect();
        written += diesel::insert_into(organizations::table).values(rows).execute(tx).await?;
        tell(written);
    }
    let names = world.users.iter().filter_map(|user| Some((user.id, user.display_name.as_deref()?)));
    let names: HashMap<_, _> = names.collect();
    for rows in world.memberships.chunks(BATCH) {
        let name = |row: &MembershipRow| names.get(&row.user_id).copied();
        let key = |row: &MembershipRow| memberships::name_key.eq(name(row).and_then(text_keys::stored));
        let rows: Vec<_> = rows.iter().map(|row| (row, key(row))).collect();
        written += diesel::insert_into(memberships::table).values(rows).execute(tx).await?;
        tell(written);
    }
    for rows in world.invitations.chunks(BATCH) {
        let key = |row: &InvitationRow| {
            invitations::email_key.eq(text_keys::stored(row.email_written.as_deref().unwrap_or(&row.email)))
        };
        let rows: Vec<_> = rows.iter().map(|row| (row, key(row))).collect();
        written += diesel::insert_into(invitations::table).values(rows).execute(tx).await?;
        tell(written);
    }
    for rows in world.cloud_storages.chunks(BATCH) {
        let user = |row: &CloudStorage| cloud_storages::user_id.eq(row.workspace().user());
        let rows: Vec<_> = rows.iter().map(|row| (row.clone(), user(row))).collect();
        written += diesel::insert_into(cloud_storages::table).values(rows).execute(tx).await?;
        tell(written);
    }
    for rows in world.projects.chunks(BATCH) {
        let user = |row: &Project| projects::user_id.eq(row.workspace().user());
        let key = |row: &Project| projects::name_key.eq(text_keys::stored(&row.name));
        let rows: Vec<_> = rows.iter().map(|row| (row.clone(), key(row), user(row))).collect();
        written += diesel::insert_into(projects::table).values(rows).execute(tx).await?;
        tell(written);
    }
    for rows in world.tasks.chunks(BATCH) {
        let user = |row: &Task| tasks::user_id.eq(row.workspace().user());
        let key = |row: &Task| tasks::name_key.eq(text_keys::stored(&row.name));
        let rows: Vec<_> = rows.iter().map(|row| (row.clone(), key(row), user(row))).collect();
        written += diesel::insert_into(tasks::table).values(rows).execute(tx).await?;
        tell(written);
    }
    for rows in world.jobs.chunks(BATCH) {
        jobs::insert(tx, rows).await?;
        written += rows.len();
        tell(written);
    }
    for rows in world.plans.chunks(BATCH) {
        written += diesel::insert_into(plans::table).values(rows).execute(tx).await?;
        tell(written);
    }
    Ok(())
}

/// Checks at once what is otherwise checked at the end of the transaction.
pub async fn check_deferred(tx: &mut Connection) -> Result<()> {
    use diesel_async::SimpleAsyncConnection;
    Ok(tx.batch_execute("SET CONSTRAINTS ALL IMMEDIATE").await?)
}

/// The error to leave a transaction with that was a rehearsal.
pub fn rolled_back() -> Error {
    diesel::result::Error::RollbackTransaction.into()
}

/// Takes the lock of the installation's row, so that one world is made at a time, and tells whether the demo is in it.
pub async fn lock_installation(tx: &mut Connection) -> Result<bool> {
    Ok(installation::table.select(installation::demo).for_update().get_result(tx).await?)
}

/// Whether there is any account.
pub async fn has_users(tx: &mut Connection) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(users::table.select(users::id))).get_result(tx).await?)
}

/// Those of `names` that accounts have.
pub async fn usernames_taken(tx: &mut Connection, names: &[String]) -> Result<Vec<String>> {
    Ok(users::table.filter(users::username.eq_any(names)).select(users::username).load(tx).await?)
}

/// Those of `addresses` that accounts have proven.
pub async fn emails_proven(tx: &mut Connection, addresses: &[String]) -> Result<Vec<String>> {
    Ok(users::table
        .filter(users::email.eq_any(addresses))
        .filter(users::email_verified_at.is_not_null())
        .select(users::email.assume_not_null())
        .load(tx)
        .await?)
}

/// Those of `slugs` that organizations have, or had so lately that they are held at `now`.
pub async fn slugs_taken(tx: &mut Connection, slugs: &[String], now: Instant) -> Result<Vec<String>> {
    let mut taken: Vec<String> =
        organizations::table.filter(organizations::slug.eq_any(slugs)).select(organizations::slug).load(tx).await?;
    let held: Vec<String> = former_slugs::table
        .filter(former_slugs::slug.eq_any(slugs))
        .filter(former_slugs::held_until.gt(now))
        .select(former_slugs::slug)
        .load(tx)
        .await?;
    taken.extend(held);
    Ok(taken)
}
