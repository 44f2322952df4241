//! User errors: the refusals that a mutation returns in its payload.

use async_graphql::SimpleObject;

use super::enums::{Permission, Role, UserErrorCode};
use super::plan::Limit;
use crate::domain::Refusal;
use crate::graphql::scalars::DateTime;

/// A problem that the caller can act on. Violated business rules are in the `userErrors` of a payload. The top-level
/// `errors` are for malformed or too costly requests, missing or bad credentials, denied fields, throttling and
/// internal errors.
#[derive(SimpleObject)]
pub struct UserError {
    /// A sentence for people, in English. It may change at any time: do not match on it.
    pub message: String,
    /// The kind of problem, for programs.
    pub code: UserErrorCode,
    /// Path to the invalid input, such as `["input", "invitees", "2", "email"]`. List positions count from 0. Empty if
    /// the problem concerns the whole request.
    pub path: Vec<String>,
    /// The permission that the viewer lacks. Null unless the code is FORBIDDEN because of a missing permission.
    pub permission: Option<Permission>,
    /// The lowest role that has `permission`. Null if `permission` is null, or if no role has it.
    pub required_role: Option<Role>,
    /// The reached limit. Null unless the code is LIMIT_EXCEEDED.
    pub limit: Option<Limit>,
    /// Earliest time of the next try. Null unless the code is RATE_LIMITED.
    pub retry_at: Option<DateTime>,
}

impl From<Refusal> for UserError {
    fn from(refusal: Refusal) -> Self {
        Self {
            message: refusal.message,
            code: refusal.code.into(),
            path: refusal.path,
            permission: refusal.permission.map(Into::into),
            required_role: refusal.required_role.map(Into::into),
            limit: refusal.limit.map(Into::into),
            retry_at: refusal.retry_at.map(DateTime),
        }
    }
}
