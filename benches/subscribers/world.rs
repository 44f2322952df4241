//! Data of the benchmark: one organization whose members all subscribe.

use guildhall::domain::{OrganizationId, UserId};
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::Outcome;

/// Returns the ID of the n-th user.
pub fn user(n: usize) -> UserId {
    Uuid::from_u128(0x7000_8000_0000_0000_0000 + n as u128 + 1).into()
}

/// Creates an organization with this many members, and returns its ID.
pub async fn fill(database_url: &str, members: usize) -> Outcome<String> {
    let (database, connection) = tokio_postgres::connect(database_url, NoTls).await?;
    let connection = tokio::spawn(connection);
    let organization = OrganizationId::from(Uuid::from_u128(0x7000_8000_0000_0000_0000));
    let ids: Vec<Uuid> = (0..members.max(1)).map(|n| user(n).into()).collect();
    let (id, owner) = (Uuid::from(organization), ids[0]);
    let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    let fill = format!(
        "BEGIN;
         TRUNCATE users, organizations, memberships CASCADE;
         INSERT INTO users (id, username, email, email_verified_at, created_at)
             SELECT id, 'bench' || n, 'bench' || n || '@example.org', now(), now()
             FROM unnest('{{{ids}}}'::uuid[]) WITH ORDINALITY u (id, n);
         INSERT INTO organizations (id, slug, owner_id, member_count, created_at, updated_at)
             VALUES ('{id}', 'bench', '{owner}', {members}, now(), now());
         INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
             SELECT id, '{id}', id, username, CASE id WHEN '{owner}' THEN 'OWNER' ELSE 'WORKER' END::member_role, now()
             FROM users;
         COMMIT; ANALYZE",
        ids = ids.join(",")
    );
    database.batch_execute(&fill).await?;
    drop(database);
    connection.await??;
    Ok(organization.to_string())
}
