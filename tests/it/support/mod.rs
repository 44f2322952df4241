//! What tests stand on: a PostgreSQL for the run, a database and an application for each test, named people, GraphQL.

pub mod actors;
pub mod app;
pub mod cluster;
pub mod corpus;
pub mod derived;
pub mod dump;
pub mod executable;
pub mod follower;
pub mod graphql;
pub mod issuer;
pub mod office;
pub mod smtp;
pub mod socket;
pub mod stream;
pub mod wire;

pub use actors::Person;
pub use app::TestApp;
pub use graphql::Answer;
pub use issuer::TestIssuer;
pub use office::Office;
pub use wire::Wire;
