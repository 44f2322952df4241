//! The guard of a field: asks the policy, then resolves. A function around the resolver rather than async-graphql's
//! attribute, which is skipped when a field is reached through an interface and nulls the parent instead of the field.

use super::Result;
use crate::policy::{AccessContext, Action, Target, decide};

/// Goes on only if the policy allows; the error of a field that cannot be null.
pub fn require(standing: &AccessContext, action: Action, target: &Target) -> Result<()> {
    Ok(decide(standing, action, target).require("object")?)
}

/// Resolves a nullable field if the policy allows: null with a FORBIDDEN error otherwise, and the rest of the answer
/// arrives.
pub async fn guarded<T>(
    standing: &AccessContext,
    action: Action,
    resolve: impl Future<Output = Result<Option<T>>>,
) -> Option<Result<T>> {
    match require(standing, action, &Target::default()) {
        Ok(()) => resolve.await.transpose(),
        Err(error) => Some(Err(error)),
    }
}
