//! User errors: the errors that a mutation returns in its payload.

use async_graphql::{Enum, SimpleObject};

use super::permission::Permission;
use super::plan::Limit;
use super::role::Role;
use crate::domain::Refusal;
use crate::graphql::scalars::DateTime;

/// The kind of problem with a request. New codes may be added: clients should treat an unknown code as a general
/// failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::Code")]
pub enum UserErrorCode {
    /// A value is missing, empty, or null where it cannot be cleared; or, of several alternatives, none or more than
    /// one was given.
    Required,
    /// A text or list is longer than its description allows.
    TooLong,
    /// A text does not have the required format, for example of an address, a slug or an ID.
    InvalidFormat,
    /// A number is below its minimum or above its maximum, or a list has too few items.
    OutOfRange,
    /// The same user or object occurs twice in one request. Reported for the later occurrence.
    DuplicateInRequest,
    /// The object does not exist or is not visible to the viewer. The same error is returned in both cases, so that
    /// clients cannot find out whether the object exists.
    NotFound,
    /// The viewer may see the object, but may not do this to it. See `UserError.permission` and `requiredRole`.
    Forbidden,
    /// Another organization has this slug, or had it in the last 30 days.
    SlugTaken,
    /// The slug is a reserved word.
    SlugReserved,
    /// The confirmation text is not the required text.
    ConfirmationMismatch,
    /// `expectedVersion` is not the present version: the object has changed since.
    VersionConflict,
    /// The `idempotencyKey` was used with another input in the last 24 hours.
    IdempotencyKeyReused,
    /// An account has verified this address. Unverified addresses do not count.
    EmailTaken,
    /// Another account has this username. Case is ignored.
    UsernameTaken,
    /// The password is too short or too common.
    PasswordTooWeak,
    /// The login or password is wrong, or the token is unknown, used or expired. The same error is returned in all
    /// these cases.
    InvalidCredentials,
    /// The user is already a member of the organization.
    AlreadyMember,
    /// A pending invitation to this address already exists.
    AlreadyInvited,
    /// The invitation was already accepted, declined or revoked. The message says which.
    InvitationNotPending,
    /// The invitation has expired. It can be resent.
    InvitationExpired,
    /// The invitation was sent to an address other than that of the viewer's account.
    InvitationForAnother,
    /// The viewer must first verify the e-mail address of the account.
    EmailNotVerified,
    /// The owner must transfer the ownership or delete the organization before leaving it or deleting the account.
    OwnerCannotLeave,
    /// The owner's role cannot be changed, and the owner cannot be removed. See `offerOwnership`.
    OwnerCannotBeChanged,
    /// Members cannot change or remove their own membership. See `leaveOrganization`.
    CannotChangeSelf,
    /// The role to be given is not below the viewer's own. See `viewerAssignableRoles`.
    RoleNotAssignable,
    /// The organization already has a pending offer of ownership. It must be cancelled first.
    OfferAlreadyPending,
    /// The offer was already accepted, declined or cancelled, or has expired.
    OfferNotPending,
    /// The organization is pending deletion, and is read-only until it is restored.
    OrganizationPendingDeletion,
    /// The organization is not pending deletion, so it cannot be restored.
    NotPendingDeletion,
    /// The task is in a project and can move only together with it.
    ResourceInProject,
    /// The resource is already in the destination workspace.
    SameWorkspace,
    /// Objects of one request belong to different workspaces.
    DifferentWorkspace,
    /// The assignee is not a member of the organization or, in a personal workspace, not its user.
    AssigneeNotEligible,
    /// AUTO_MATCH: the destination has no storage with the same provider and resource that the viewer may see, or the
    /// viewer may not see the presently linked storage.
    StorageMatchNotFound,
    /// AUTO_MATCH: the destination has several storages with the same provider and resource that the viewer may see.
    StorageMatchAmbiguous,
    /// A limit of the plan is reached. See `UserError.limit`.
    LimitExceeded,
    /// Members and pending invitations leave too few of the bought seats.
    SeatsExhausted,
    /// The plan is not available for this kind of workspace: SOLO is for personal workspaces, TEAM for organizations.
    PlanNotAvailable,
    /// Too many requests. See `UserError.retryAt`.
    RateLimited,
}

/// A problem that the caller can correct. The `userErrors` of a payload report violated business rules. The top-level
/// `errors` report malformed or too costly requests, missing or invalid credentials, denied fields, throttling and
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
    /// Earliest time at which a retry can succeed. Null unless the code is RATE_LIMITED.
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
