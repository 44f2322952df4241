//! Refusals, as mutations show them.

use async_graphql::SimpleObject;

use super::enums::{Permission, Role, UserErrorCode};
use super::plan::Limit;
use crate::domain::Refusal;
use crate::graphql::scalars::DateTime;

/// A problem that the caller can act on. Business rules speak through the `userErrors` of a payload; the top-level `errors`
/// are for malformed or too costly requests, missing or bad credentials, denied fields, throttling and faults.
#[derive(SimpleObject)]
pub struct UserError {
    /// A sentence for people, in English. It may change at any time: never match on it.
    pub message: String,
    /// What is wrong, for programs.
    pub code: UserErrorCode,
    /// Path to the input at fault, such as `["input", "invitees", "2", "email"]`. List positions count from 0. Empty if the
    /// whole request is at fault.
    pub path: Vec<String>,
    /// The permission that the viewer lacks. Null unless the code is FORBIDDEN and a permission is what is lacking.
    pub permission: Option<Permission>,
    /// The least role that has `permission`. Null if `permission` is null, or no role has it.
    pub required_role: Option<Role>,
    /// The limit that is reached. Null unless the code is LIMIT_EXCEEDED.
    pub limit: Option<Limit>,
    /// When it works again. Null unless the code is RATE_LIMITED.
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
