//! E-mail addresses of accounts: locks, proofs, and the accounts that have or claim an address.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{self, Array, Bool, Text};
use diesel_async::RunQueryDsl;

use super::{User, UserWithPassword};
use crate::domain::clock::Instant;
use crate::domain::{Code, Email, Error, OrganizationId, Refusal, Result, UserId};
use crate::store::Connection;
use crate::store::advisory_locks::{self, Kind};
use crate::store::email_tokens as mailed;
use crate::store::schema::users;

/// Serializes transactions that claim or prove an address. Lock order: before the rows of accounts.
pub async fn lock_address(tx: &mut Connection, email: &Email) -> Result<()> {
    advisory_locks::lock(tx, Kind::Address, email.as_str()).await
}

/// Returns the accounts that have an address: the one that has proven it first, then those without a password, then by
/// age.
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

/// Whether an account has proven the address.
pub async fn is_proven(connection: &mut Connection, email: &Email) -> Result<bool> {
    let proven = users::table.filter(users::email.eq(email.as_str()).and(users::email_verified_at.is_not_null()));
    Ok(diesel::select(diesel::dsl::exists(proven)).get_result(connection).await?)
}

/// Locks what the proof of an address changes: the address, then the account and all accounts that claim the address.
/// Returns ID, address and time of proof of each.
pub async fn lock_to_prove(
    tx: &mut Connection,
    id: UserId,
    email: &Email,
) -> Result<Vec<(UserId, Option<String>, Option<Instant>)>> {
    lock_address(tx, email).await?;
    // In the order of IDs, so that two accounts that prove each other's addresses do not deadlock.
    Ok(users::table
        .filter(users::id.eq(id).or(users::email.eq(email.as_str())))
        .order_by(users::id)
        .select((users::id, users::email, users::email_verified_at))
        .for_no_key_update()
        .load(tx)
        .await?)
}

/// Sets the proven address of an account. Accounts that claimed the address without proof lose it, and so do the links
/// mailed to it for them; links mailed to the account's former address stop working. EMAIL_TAKEN if another account has
/// proven it.
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
    // An address that was proven before keeps the time of its first proof.
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
    mailed::invalidate_after_proof(tx, id, email, now).await?;
    Ok(user)
}

/// Removes the address of an account.
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

/// Returns the accounts that have proven one of these addresses, in no order.
pub async fn with_proven_emails(connection: &mut Connection, emails: &[&str]) -> Result<Vec<User>> {
    Ok(users::table
        .filter(users::email.eq_any(emails).and(users::email_verified_at.is_not_null()))
        .select(User::as_select())
        .load(connection)
        .await?)
}

/// An address that an invitation to an organization was sent to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Queryable)]
pub struct Invitee {
    /// The address.
    pub email: String,
    /// The organization.
    pub organization: OrganizationId,
    /// Whether the invitation was accepted.
    pub accepted: bool,
}

/// Returns the accounts that have proven the invited addresses, if `viewer` may know them: the viewer's own, those of
/// users with whom the viewer shares an organization, those that accepted and are members, and all for site
/// administrators.
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
