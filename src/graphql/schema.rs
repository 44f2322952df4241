//! Builds the executable schema, its SDL, and the definitions for validation.

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

/// The executable schema.
pub type Schema = async_graphql::Schema<Root, Mutation, Subscription>;

/// Returns a builder of the schema without data.
pub(super) fn builder() -> SchemaBuilder<Root, Mutation, Subscription> {
    Schema::build(Root(Query), Mutation::default(), Subscription)
}

/// Builds the schema with `env` as data. Every request needs a [`RequestContext`](super::context::RequestContext) in
/// its data, and a document and variables that passed [`validation`](super::validation): ours runs once for each text,
/// the library's would run for every request.
pub fn build(env: AppContext) -> Schema {
    // Computed now, so that the first request does not have to wait for it.
    definitions();
    introspection::prepare();
    let builder = builder().data(SharedLoader::new(&env)).data(SharedExecutions::default()).data(env);
    // The root object resolves introspection.
    builder.validation_mode(ValidationMode::Fast).disable_introspection().finish()
}

/// Returns the SDL of the schema: `schema.graphql`.
pub fn sdl() -> String {
    builder().finish().sdl_with_options(SDLExportOptions::new().include_specified_by())
}

/// Returns the definitions that documents and variables are validated against.
pub fn definitions() -> &'static Definitions {
    // Empty if the SDL could not be parsed, so no document would be valid. A test checks that it can be parsed.
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
