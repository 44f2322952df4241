//! Builds the schema.

use async_graphql::{SDLExportOptions, SchemaBuilder};

use super::audience::Audience;
use super::mutation::Mutation;
use super::query::Query;
use super::subscription::Subscription;
use super::subscription::edition::Editions;
use crate::operations::Env;

/// The schema, ready to run.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query, Mutation::default(), Subscription)
}

/// The schema over `env`. Every request needs a [`RequestContext`](super::context::RequestContext) among its data.
pub fn build(env: Env) -> Schema {
    builder().data(Audience::new(&env)).data(Editions::default()).data(env).finish()
}

/// The schema in GraphQL's own language: `schema.graphql`.
pub fn sdl() -> String {
    builder().finish().sdl_with_options(SDLExportOptions::new().include_specified_by())
}
