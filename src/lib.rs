//! Organizations, memberships, invitations and roles as a GraphQL server on PostgreSQL.

pub mod embedded;
pub mod server;
