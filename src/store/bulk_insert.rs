//! Bulk insert of whole rows, for demo data, load tests and imports. Ordinary writes use the files of the tables.

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

/// Maximum number of rows in one statement: the protocol allows 65,535 parameters.
pub const BATCH: usize = 2000;

/// Account.
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

/// Organization.
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

/// Membership.
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

/// Invitation without a token; a resend creates one.
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

/// Rows of all kinds, which refer to each other.
#[derive(Clone, Default)]
pub struct Dataset {
    /// Accounts.
    pub users: Vec<UserRow>,
    /// Organizations; `member_count` must equal the number of memberships.
    pub organizations: Vec<OrganizationRow>,
    /// Memberships; each organization has one OWNER.
    pub memberships: Vec<MembershipRow>,
    /// Invitations.
    pub invitations: Vec<InvitationRow>,
    /// Paid plans.
    pub plans: Vec<PlanRow>,
    /// Cloud storages.
    pub cloud_storages: Vec<CloudStorage>,
    /// Projects.
    pub projects: Vec<Project>,
    /// Tasks; `status` must follow from the jobs.
    pub tasks: Vec<Task>,
    /// Jobs; each task has at least one.
    pub jobs: Vec<Job>,
}

impl Dataset {
    /// Returns the number of all rows.
    pub fn len(&self) -> usize {
        let people = self.users.len() + self.organizations.len() + self.memberships.len() + self.invitations.len();
        people + self.cloud_storages.len() + self.projects.len() + self.tasks.len() + self.jobs.len() + self.plans.len()
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Inserts a dataset. Needs a transaction, because organizations refer to memberships that are inserted after them.
pub async fn insert(tx: &mut Connection, dataset: &Dataset) -> Result<()> {
    insert_with_progress(tx, dataset, &|_| ()).await
}

/// Inserts a dataset like [`insert`]. Calls `report_progress` after each statement with the number of rows inserted so
/// far.
pub async fn insert_with_progress(
    tx: &mut Connection,
    dataset: &Dataset,
    report_progress: &(dyn Fn(usize) + Send + Sync),
) -> Result<()> {
    let mut written = 0;
    for rows in dataset.users.chunks(BATCH) {
        written += diesel::insert_into(users::table).values(rows).execute(tx).await?;
        report_progress(written);
    }
    for rows in dataset.organizations.chunks(BATCH) {
        let key = |row: &OrganizationRow| organizations::name_key.eq(row.name.as_deref().and_then(text_keys::stored));
        let rows: Vec<_> = rows.iter().map(|row| (row, key(row))).collect();
        written += diesel::insert_into(organizations::table).values(rows).execute(tx).await?;
        report_progress(written);
    }
    let names = dataset.users.iter().filter_map(|user| Some((user.id, user.display_name.as_deref()?)));
    let names: HashMap<_, _> = names.collect();
    for rows in dataset.memberships.chunks(BATCH) {
        let name = |row: &MembershipRow| names.get(&row.user_id).copied();
        let key = |row: &MembershipRow| memberships::name_key.eq(name(row).and_then(text_keys::stored));
        let rows: Vec<_> = rows.iter().map(|row| (row, key(row))).collect();
        written += diesel::insert_into(memberships::table).values(rows).execute(tx).await?;
        report_progress(written);
    }
    for rows in dataset.invitations.chunks(BATCH) {
        let key = |row: &InvitationRow| {
            invitations::email_key.eq(text_keys::stored(row.email_written.as_deref().unwrap_or(&row.email)))
        };
        let rows: Vec<_> = rows.iter().map(|row| (row, key(row))).collect();
        written += diesel::insert_into(invitations::table).values(rows).execute(tx).await?;
        report_progress(written);
    }
    for rows in dataset.cloud_storages.chunks(BATCH) {
        let user = |row: &CloudStorage| cloud_storages::user_id.eq(row.workspace().user());
        let rows: Vec<_> = rows.iter().map(|row| (row.clone(), user(row))).collect();
        written += diesel::insert_into(cloud_storages::table).values(rows).execute(tx).await?;
        report_progress(written);
    }
    for rows in dataset.projects.chunks(BATCH) {
        let user = |row: &Project| projects::user_id.eq(row.workspace().user());
        let key = |row: &Project| projects::name_key.eq(text_keys::stored(&row.name));
        let rows: Vec<_> = rows.iter().map(|row| (row.clone(), key(row), user(row))).collect();
        written += diesel::insert_into(projects::table).values(rows).execute(tx).await?;
        report_progress(written);
    }
    for rows in dataset.tasks.chunks(BATCH) {
        let user = |row: &Task| tasks::user_id.eq(row.workspace().user());
        let key = |row: &Task| tasks::name_key.eq(text_keys::stored(&row.name));
        let rows: Vec<_> = rows.iter().map(|row| (row.clone(), key(row), user(row))).collect();
        written += diesel::insert_into(tasks::table).values(rows).execute(tx).await?;
        report_progress(written);
    }
    for rows in dataset.jobs.chunks(BATCH) {
        jobs::insert(tx, rows).await?;
        written += rows.len();
        report_progress(written);
    }
    for rows in dataset.plans.chunks(BATCH) {
        written += diesel::insert_into(plans::table).values(rows).execute(tx).await?;
        report_progress(written);
    }
    Ok(())
}

/// Checks deferred constraints now instead of at the end of the transaction.
pub async fn check_deferred(tx: &mut Connection) -> Result<()> {
    use diesel_async::SimpleAsyncConnection;
    Ok(tx.batch_execute("SET CONSTRAINTS ALL IMMEDIATE").await?)
}

/// Error with which a dry run ends its transaction, so that it is rolled back.
pub fn rolled_back() -> Error {
    diesel::result::Error::RollbackTransaction.into()
}

/// Locks the row of `installation`, so that only one process fills the database at a time. Returns whether the demo
/// data is loaded.
pub async fn lock_installation(tx: &mut Connection) -> Result<bool> {
    Ok(installation::table.select(installation::demo).for_update().get_result(tx).await?)
}

/// Returns whether the database has any account.
pub async fn has_users(tx: &mut Connection) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(users::table.select(users::id))).get_result(tx).await?)
}

/// Returns those of `names` that are usernames of accounts.
pub async fn usernames_taken(tx: &mut Connection, names: &[String]) -> Result<Vec<String>> {
    Ok(users::table.filter(users::username.eq_any(names)).select(users::username).load(tx).await?)
}

/// Returns those of `addresses` that are proven addresses of accounts.
pub async fn emails_proven(tx: &mut Connection, addresses: &[String]) -> Result<Vec<String>> {
    Ok(users::table
        .filter(users::email.eq_any(addresses))
        .filter(users::email_verified_at.is_not_null())
        .select(users::email.assume_not_null())
        .load(tx)
        .await?)
}

/// Returns those of `slugs` that are taken at `now`: by an organization, or still held after a change of slug.
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
