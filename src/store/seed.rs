//! Load-test data, generated inside the database by `INSERT … SELECT generate_series`. Each run creates the same rows,
//! without randomness.
//!
//! IDs have the form of UUIDv7: the time of the row in milliseconds, and bits from the MD5 of its kind and number.

use diesel::sql_types::{Array, BigInt, Integer};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

use crate::domain::Result;
use crate::store::Connection;

/// Size and structure of the data. Users are numbered from 0: first the leads, then the crowd, then users without a
/// membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Number of all users.
    pub users: i64,
    /// Number of users who own and lead organizations.
    pub leads: i64,
    /// Maximum number of leads in each organization: the owner, two maintainers, three supervisors.
    pub leads_each: i64,
    /// Difference between the numbers of an organization's consecutive leads.
    pub lead_stride: i64,
    /// Number of users who are ordinary members.
    pub crowd: i64,
    /// Difference between the numbers of an organization's consecutive other members. It has no divisor in common with
    /// `crowd`, so that no user is a member twice.
    pub member_stride: i64,
    /// Number of members of each organization.
    pub sizes: Vec<i32>,
    /// Number of pending invitations of each organization.
    pub invitations: i64,
}

/// The function is STABLE, like the functions it calls, and uses each argument once, so that PostgreSQL inlines it.
const UUID_V7: &str = "
CREATE OR REPLACE FUNCTION pg_temp.uuid_v7(at timestamptz, name text) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT overlay(overlay(md5(name) PLACING lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' FROM 1)
        PLACING 'a' FROM 17)::uuid $$";

const NUMBERED_USERS: &str = "
CREATE TEMPORARY TABLE seed_users ON COMMIT DROP AS
SELECT u, pg_temp.uuid_v7(born, 'user ' || u) AS id, born,
       'user-' || lpad((u + 1)::text, greatest(6, length((u + 1)::text)), '0') AS username
FROM generate_series(0, $1 - 1) u
CROSS JOIN LATERAL (SELECT timestamptz '2024-01-01 00:00:00+00' + u * interval '1 minute' AS born) timed";

const NUMBERED_ORGANIZATIONS: &str = "
CREATE TEMPORARY TABLE seed_organizations ON COMMIT DROP AS
SELECT o, pg_temp.uuid_v7(born, 'organization ' || o) AS id, born, size, base
FROM (SELECT place - 1 AS o, size::bigint, (sum(size) OVER (ORDER BY place) - size)::bigint AS base
      FROM unnest($1) WITH ORDINALITY AS given (size, place)) sized
CROSS JOIN LATERAL (SELECT timestamptz '2024-05-01 00:00:00+00' + o * interval '1 minute' AS born) timed";

const USERS: &str = "
INSERT INTO users (id, username, display_name, email, email_verified_at, created_at)
SELECT id, username, 'User ' || (u + 1), username || '@example.org', born, born FROM seed_users ORDER BY u";

const ORGANIZATIONS: &str = "
INSERT INTO organizations (id, slug, name, description, contact_email, contact_location, owner_id, member_count,
                           created_at, updated_at)
SELECT o.id, 'org-' || lpad((o + 1)::text, greatest(5, length((o + 1)::text)), '0'), 'Organization ' || (o + 1),
       'Annotation team number ' || (o + 1), 'contact-' || (o + 1) || '@example.org', 'Street ' || (o + 1),
       owner.id, size, o.born, o.born
FROM seed_organizations o JOIN seed_users owner ON u = (o * 7919) % $1
ORDER BY o";

const MEMBERSHIPS: &str = "
INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
SELECT pg_temp.uuid_v7(joined_at, 'membership ' || n), organization_id, users.id, username, role, joined_at
FROM (SELECT base + i AS n, id AS organization_id,
             timestamptz '2024-06-02 00:00:00+00' + (base + i) * interval '1 second' AS joined_at,
             (CASE WHEN i = 0 THEN 'OWNER' WHEN i < 3 THEN 'MAINTAINER' WHEN i < 6 OR i % 10 = 0 THEN 'SUPERVISOR'
                   ELSE 'WORKER' END)::member_role AS role,
             CASE WHEN i < $1 THEN (o * 7919 + i * $2) % $3
                  ELSE $3 + (o * 104729 + i * $4) % greatest($5, 1) END AS u
      FROM seed_organizations CROSS JOIN LATERAL generate_series(0, size - 1) i) members
JOIN seed_users users USING (u)
ORDER BY n";

const INVITATIONS: &str = "
INSERT INTO invitations (id, organization_id, email, role, inviter_id, created_at, expires_at, sent_requested_at,
                         delivery, send_count, last_sent_at)
SELECT pg_temp.uuid_v7(made, 'invitation ' || n), organization_id,
       coalesce(invitee.username, 'guest-' || n + 1) || '@example.org', role, inviter.id,
       made, timestamptz '2099-01-01 00:00:00+00', made, 'SENT', 1, made
FROM (SELECT o * $5 + i AS n, id AS organization_id,
             timestamptz '2025-01-01 00:00:00+00' + (o * $5 + i) * interval '1 second' AS made,
             (CASE i WHEN 0 THEN 'MAINTAINER' WHEN 3 THEN 'SUPERVISOR' ELSE 'WORKER' END)::member_role AS role,
             (o * 7919 + (i % least(3, $1, size)) * $2) % $3 AS lead,
             CASE WHEN i = $5 - 1 THEN $4 + o % greatest($6 - $4, 1) END AS idle
      FROM seed_organizations CROSS JOIN LATERAL generate_series(0, $5 - 1) i) offers
JOIN seed_users inviter ON inviter.u = lead
LEFT JOIN seed_users invitee ON invitee.u = idle
ORDER BY n";

/// Fills the tables. Needs a transaction, because organizations refer to memberships that are inserted after them.
pub async fn fill(tx: &mut Connection, layout: &Layout) -> Result<()> {
    tx.batch_execute(UUID_V7).await?;
    diesel::sql_query(NUMBERED_USERS).bind::<BigInt, _>(layout.users).execute(tx).await?;
    diesel::sql_query(NUMBERED_ORGANIZATIONS).bind::<Array<Integer>, _>(&layout.sizes).execute(tx).await?;
    tx.batch_execute("ANALYZE seed_users; ANALYZE seed_organizations").await?;
    diesel::sql_query(USERS).execute(tx).await?;
    diesel::sql_query(ORGANIZATIONS).bind::<BigInt, _>(layout.leads).execute(tx).await?;
    diesel::sql_query(MEMBERSHIPS)
        .bind::<BigInt, _>(layout.leads_each)
        .bind::<BigInt, _>(layout.lead_stride)
        .bind::<BigInt, _>(layout.leads)
        .bind::<BigInt, _>(layout.member_stride)
        .bind::<BigInt, _>(layout.crowd)
        .execute(tx)
        .await?;
    diesel::sql_query(INVITATIONS)
        .bind::<BigInt, _>(layout.leads_each)
        .bind::<BigInt, _>(layout.lead_stride)
        .bind::<BigInt, _>(layout.leads)
        .bind::<BigInt, _>(layout.leads + layout.crowd)
        .bind::<BigInt, _>(layout.invitations)
        .bind::<BigInt, _>(layout.users)
        .execute(tx)
        .await?;
    Ok(())
}

/// Updates the planner's statistics and the visibility map, which index-only scans need. Fails in a transaction.
pub async fn settle(connection: &mut Connection) -> Result<()> {
    Ok(connection.batch_execute("VACUUM (ANALYZE) users, organizations, memberships, invitations").await?)
}
