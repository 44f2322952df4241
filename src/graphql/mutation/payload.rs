//! Payloads of mutations: the result, or the reasons why the mutation was refused.

use async_graphql::Context;

use crate::domain::error::FieldError;
use crate::graphql::context::ContextExt;
use crate::graphql::types::user_error::UserError;
use crate::graphql::{ApiError, Result};
use crate::store::outcome;

/// Longest `clientMutationId`, in characters.
const CLIENT_MUTATION_ID_MAX: usize = 256;

/// A payload. The default value is that of a failure.
pub trait Payload: Default {
    /// Returns the payload of a refused mutation.
    fn refused(user_errors: Vec<UserError>) -> Self;
    /// Sets the client's `clientMutationId`.
    fn with_client_mutation_id(self, client_mutation_id: Option<String>) -> Self;
}

/// Implements [`Payload`] for a struct with `user_errors` and `client_mutation_id`.
macro_rules! payload {
    ($payload:ident) => {
        impl $crate::graphql::mutation::payload::Payload for $payload {
            fn refused(user_errors: Vec<$crate::graphql::types::user_error::UserError>) -> Self {
                Self { user_errors, ..Self::default() }
            }

            fn with_client_mutation_id(self, client_mutation_id: Option<String>) -> Self {
                Self { client_mutation_id, ..self }
            }
        }
    };
}
pub(super) use payload;

/// Runs a mutation. Refusals become `userErrors`; every other error becomes a top-level error.
pub async fn run_mutation<P: Payload>(
    ctx: &Context<'_>,
    client_mutation_id: Option<String>,
    run: impl Future<Output = Result<P>>,
) -> Result<P> {
    if client_mutation_id.as_ref().is_some_and(|id| id.chars().count() > CLIENT_MUTATION_ID_MAX) {
        let path = ["input", "clientMutationId"].map(str::to_owned).to_vec();
        return Ok(P::refused(vec![FieldError::too_long(CLIENT_MUTATION_ID_MAX).at(path).into()]));
    }
    outcome::begin_field();
    let payload = match run.await {
        Ok(payload) => payload,
        Err(ApiError::Refused(refusals)) => {
            ctx.request().refusals.note(&refusals);
            P::refused(refusals.into_iter().map(UserError::from).collect())
        }
        Err(error) => return Err(error),
    };
    Ok(payload.with_client_mutation_id(client_mutation_id))
}
