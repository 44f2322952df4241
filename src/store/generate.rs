//! A large world made inside the database, by `INSERT … SELECT generate_series`: the same rows each time, no randomness.
//!
//! IDs are UUIDv7 in form: the milliseconds of the row's own time, the other bits from the MD5 of its kind and number.

use diesel::sql_types::{Array, BigInt, Integer};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

use super::Connection;
use crate::domain::Result;

/// How a world is laid out. Users are numbered from 0: first the leads, then the crowd, then people who are members of
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// All users.
    pub users: i64,
    /// Users who own and lead organizations.
    pub leads: i64,
    /// Leads in each organization, at most: the owner, two maintainers, three supervisors.
    pub leads_each: i64,
    /// How far apart the numbers of an organization's leads are.
    pub lead_stride: i64,
    /// Users who are members besides.
    pub crowd: i64,
    /// How far apart the numbers of an organization's other members are; no divisor in common with `crowd`, so that nobody
    /// comes twice.
    pub crowd_stride: i64,
    /// Members of each organization.
    pub sizes: Vec<i32>,
    /// Pending invitations of each organization.
    pub invitations: i64,
}

/// What the statements below share. `at` is cut to milliseconds by its callers: the functions are inlined.
const PREPARE: &str = "
CREATE OR REPLACE FUNCTION pg_temp.uuid_v7(at timestamptz, name text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
        || '7' || left(md5(name), 3) || 'a' || right(md5(name), 15))::uuid $$;
CREATE OR REPLACE FUNCTION pg_temp.user_born(u bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT timestamptz '2024-01-01 00:00:00+00' + u * interval '1 minute' $$;
CREATE OR REPLACE FUNCTION pg_temp.user_id(u bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT pg_temp.uuid_v7(pg_temp.user_born(u), 'user ' || u) $$;
CREATE OR REPLACE FUNCTION pg_temp.username(u bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'user-' || CASE WHEN u < 999999 THEN lpad((u + 1)::text, 6, '0') ELSE (u + 1)::text END $$;
CREATE OR REPLACE FUNCTION pg_temp.organization_born(o bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT timestamptz '2024-05-01 00:00:00+00' + o * interval '1 minute' $$;
CREATE OR REPLACE FUNCTION pg_temp.organization_id(o bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT pg_temp.uuid_v7(pg_temp.organization_born(o), 'organization ' || o) $$;
CREATE OR REPLACE FUNCTION pg_temp.lead(o bigint, i bigint, stride bigint, leads bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE AS $$ SELECT (o * 7919 + i * stride) % leads $$;";

const USERS: &str = "
INSERT INTO users (id, username, display_name, email, email_verified_at, created_at)
SELECT pg_temp.user_id(u), pg_temp.username(u), 'User ' || (u + 1), pg_temp.username(u) || '@example.org',
       pg_temp.user_born(u), pg_temp.user_born(u)
FROM generate_series(0, $1 - 1) u";

const SIZES: &str = "
CREATE TEMPORARY TABLE seed_sizes ON COMMIT DROP AS
SELECT place - 1 AS o, size::bigint, sum(size) OVER (ORDER BY place) - size AS base
FROM unnest($1) WITH ORDINALITY AS given (size, place)";

const ORGANIZATIONS: &str = "
INSERT INTO organizations (id, slug, name, description, contact_email, contact_location, owner_id, member_count,
                           created_at, updated_at)
SELECT pg_temp.organization_id(o), 'org-' || CASE WHEN o < 99999 THEN lpad((o + 1)::text, 5, '0') ELSE (o + 1)::text END,
       'Organization ' || (o + 1), 'Annotation team number ' || (o + 1), 'contact-' || (o + 1) || '@example.org',
       'Street ' || (o + 1), pg_temp.user_id(pg_temp.lead(o, 0, $1, $2)), size,
       pg_temp.organization_born(o), pg_temp.organization_born(o)
FROM seed_sizes";

const MEMBERSHIPS: &str = "
INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
SELECT pg_temp.uuid_v7(joined, 'membership ' || base + i), pg_temp.organization_id(o), pg_temp.user_id(u),
       pg_temp.username(u),
       (CASE WHEN i = 0 THEN 'OWNER' WHEN i < 3 THEN 'MAINTAINER' WHEN i < 6 OR i % 10 = 0 THEN 'SUPERVISOR'
             ELSE 'WORKER' END)::member_role,
       joined
FROM seed_sizes
CROSS JOIN LATERAL generate_series(0, size - 1) i
CROSS JOIN LATERAL (SELECT
    timestamptz '2024-06-02 00:00:00+00' + (base + i) * interval '1 second' AS joined,
    CASE WHEN i < $3 THEN pg_temp.lead(o, i, $1, $2)
         ELSE $2 + (o * 104729 + i * $5) % greatest($4, 1) END AS u) computed";

const INVITATIONS: &str = "
INSERT INTO invitations (id, organization_id, email, role, inviter_id, created_at, expires_at, sent_requested_at,
                         delivery, send_count, last_sent_at)
SELECT pg_temp.uuid_v7(made, 'invitation ' || n), pg_temp.organization_id(o),
       CASE WHEN i = $4 - 1 AND $5 > $6 THEN pg_temp.username($6 + o % ($5 - $6)) ELSE 'guest-' || n + 1 END
           || '@example.org',
       (CASE i WHEN 0 THEN 'MAINTAINER' WHEN 3 THEN 'SUPERVISOR' ELSE 'WORKER' END)::member_role,
       pg_temp.user_id(pg_temp.lead(o, i % least(3, $3, size), $1, $2)),
       made, timestamptz '2099-01-01 00:00:00+00', made, 'SENT', 1, made
FROM seed_sizes
CROSS JOIN LATERAL generate_series(0, $4 - 1) i
CROSS JOIN LATERAL (SELECT o * $4 + i AS n) numbered
CROSS JOIN LATERAL (SELECT timestamptz '2025-01-01 00:00:00+00' + n * interval '1 second' AS made) timed";

/// Fills the tables. To be called in a transaction: organizations refer to memberships that come after them.
pub async fn fill(tx: &mut Connection, layout: &Layout) -> Result<()> {
    tx.batch_execute(PREPARE).await?;
    diesel::sql_query(USERS).bind::<BigInt, _>(layout.users).execute(tx).await?;
    diesel::sql_query(SIZES).bind::<Array<Integer>, _>(&layout.sizes).execute(tx).await?;
    diesel::sql_query(ORGANIZATIONS)
        .bind::<BigInt, _>(layout.lead_stride)
        .bind::<BigInt, _>(layout.leads)
        .execute(tx)
        .await?;
    diesel::sql_query(MEMBERSHIPS)
        .bind::<BigInt, _>(layout.lead_stride)
        .bind::<BigInt, _>(layout.leads)
        .bind::<BigInt, _>(layout.leads_each)
        .bind::<BigInt, _>(layout.crowd)
        .bind::<BigInt, _>(layout.crowd_stride)
        .execute(tx)
        .await?;
    diesel::sql_query(INVITATIONS)
        .bind::<BigInt, _>(layout.lead_stride)
        .bind::<BigInt, _>(layout.leads)
        .bind::<BigInt, _>(layout.leads_each)
        .bind::<BigInt, _>(layout.invitations)
        .bind::<BigInt, _>(layout.users)
        .bind::<BigInt, _>(layout.leads + layout.crowd)
        .execute(tx)
        .await?;
    Ok(())
}

/// Tells the planner what is in the tables now, and lets it read from the indexes alone. Not in a transaction.
pub async fn settle(connection: &mut Connection) -> Result<()> {
    Ok(connection.batch_execute("VACUUM (ANALYZE) users, organizations, memberships, invitations").await?)
}
