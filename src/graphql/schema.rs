//! Builds the schema.

use std::sync::LazyLock;

use async_graphql::{SDLExportOptions, SchemaBuilder, ValidationMode};

use super::introspection;
use super::mutation::Mutation;
use super::query::{Query, Root};
use super::subscription::Subscription;
use super::validation::Definitions;
use crate::graphql::shared_loader::SharedLoader;
use crate::graphql::subscription::shared_result::SharedExecutions;
use crate::operations::AppContext;

/// The schema, ready to run.
pub type Schema = async_graphql::Schema<Root, Mutation, Subscription>;

/// The schema without what it works with.
pub(super) fn builder() -> SchemaBuilder<Root, Mutation, Subscription> {
    Schema::build(Root(Query), Mutation::default(), Subscription)
}

/// The schema over `env`. Every request needs a [`RequestContext`](super::context::RequestContext) among its data, and a
/// document and variables that were found good: [`validation`](super::validation) is ours, once for a text, and the library's
/// would be for each request.
pub fn build(env: AppContext) -> Schema {
    // Worked out now, while nobody waits for it: otherwise the first request would.
    definitions();
    introspection::prepare();
    let builder = builder().data(SharedLoader::new(&env)).data(SharedExecutions::default()).data(env);
    // Introspection is answered by the root.
    builder.validation_mode(ValidationMode::Fast).disable_introspection().finish()
}

/// The schema in GraphQL's own language: `schema.graphql`.
pub fn sdl() -> String {
    builder().finish().sdl_with_options(SDLExportOptions::new().include_specified_by())
}

/// What documents and variables are held to.
pub fn definitions() -> &'static Definitions {
    // Of a schema that could not be read, nothing would be known, and no document would pass. A test sees that it can.
    static DEFINITIONS: LazyLock<Definitions> = LazyLock::new(|| Definitions::parse(&sdl()).unwrap_or_default());
    &DEFINITIONS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_can_be_read() {
        assert!(Definitions::parse(&sdl()).is_ok());
    }
}
