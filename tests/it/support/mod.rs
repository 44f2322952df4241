//! Test support: a PostgreSQL cluster for the run, a database and an application for each test, people, and GraphQL
//! requests.

pub mod actors;
pub mod app;
pub mod cluster;
pub mod concurrency;
pub mod corpus;
pub mod counting_proxy;
pub mod fake_oidc;
pub mod fault_proxy;
pub mod golden;
pub mod graphql;
pub mod org_fixture;
pub mod pg_dump;
pub mod resuming_subscriber;
pub mod server_process;
pub mod smtp;
pub mod socket;
pub mod statements;
pub mod stream;

pub use actors::Person;
pub use app::TestApp;
pub use counting_proxy::Wire;
pub use fake_oidc::TestIssuer;
pub use graphql::Answer;
pub use org_fixture::Office;
