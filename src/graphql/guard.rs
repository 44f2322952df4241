//! Guards a field: checks the policy, then resolves. It is a function around the resolver rather than async-graphql's
//! attribute: that attribute is skipped when a field is reached through an interface, and it nulls the parent instead
//! of the field.

use super::Result;
use crate::policy::{AccessContext, Action, Target, decide};

/// Fails with the error of the policy if it denies the action. For fields that are not nullable.
pub fn authorize(viewer_access: &AccessContext, action: Action, target: &Target) -> Result<()> {
    Ok(decide(viewer_access, action, target).require("object")?)
}

/// Resolves a nullable field if the policy allows the action. Otherwise the field is null with a FORBIDDEN error, and
/// the rest of the response is unaffected.
pub async fn guarded<T>(
    viewer_access: &AccessContext,
    action: Action,
    resolve: impl Future<Output = Result<Option<T>>>,
) -> Option<Result<T>> {
    match authorize(viewer_access, action, &Target::default()) {
        Ok(()) => resolve.await.transpose(),
        Err(error) => Some(Err(error)),
    }
}
