//! Errors of operations.
//!
//! A [`Refusal`] is for the caller: it has a stable code for programs and a sentence for people. An [`InternalError`]
//! is for the operator: its cause is logged once, and clients never see it. [`Error::Unauthenticated`] means that the
//! caller is not signed in. None of them implements `Display`, because async-graphql shows every `Display` error to
//! clients.

use serde::{Deserialize, Serialize};

use super::clock::Instant;
use super::limit::Limit;
use super::named_enum::named_enum;
use super::{Permission, Role};

/// Result of an operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation was not done.
#[derive(Debug)]
pub enum Error {
    /// Rules or the input do not allow it: at least one refusal.
    Refused(Vec<Refusal>),
    /// The caller is not signed in, or the account no longer exists.
    Unauthenticated,
    /// The server failed.
    Failed(InternalError),
}

/// A failure of the server. Its cause is only logged.
#[derive(Debug)]
pub struct InternalError {
    /// Whether a retry may succeed, for example because the database was unreachable.
    pub transient: bool,
    /// The cause.
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

/// Whether a failed mutation may have been executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The mutation changed nothing.
    NotDone,
    /// The commit was sent, and its result is not known.
    Unknown,
}

impl Outcome {
    /// Returns the name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotDone => "NOT_DONE",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Returns whether errors with this code report the outcome.
    pub fn is_reported_for(code: &str) -> bool {
        ["SERVICE_UNAVAILABLE", "TIMEOUT", "SHUTTING_DOWN", "INTERNAL"].contains(&code)
    }
}

impl InternalError {
    /// Creates a permanent error.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { transient: false, cause: cause.into() }
    }

    /// Creates a transient error: a retry may succeed.
    pub fn transient(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { transient: true, cause: cause.into() }
    }
}

impl Error {
    /// Sets the path of NOT_FOUND refusals without a path to `input.<field>`.
    pub fn not_found_at(self, field: &str) -> Self {
        let missing = |refusal: &Refusal| refusal.code == Code::NotFound && refusal.path.is_empty();
        match self {
            Error::Refused(refusals) => Error::Refused(
                refusals
                    .into_iter()
                    .map(|refusal| if missing(&refusal) { refusal.at(field) } else { refusal })
                    .collect(),
            ),
            other => other,
        }
    }
}

impl From<InternalError> for Error {
    fn from(fault: InternalError) -> Self {
        Error::Failed(fault)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::Refused(vec![refusal])
    }
}

/// Why a request of the caller was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Stable code, for programs.
    pub code: Code,
    /// A sentence for users.
    pub message: String,
    /// Path of the input that is wrong; empty if it is the whole request.
    pub path: Vec<String>,
    /// The missing permission, with FORBIDDEN.
    pub permission: Option<Permission>,
    /// The lowest role that has the permission.
    pub required_role: Option<Role>,
    /// The limit that is reached, with LIMIT_EXCEEDED.
    pub limit: Option<Limit>,
    /// When a retry succeeds, with RATE_LIMITED.
    pub retry_at: Option<Instant>,
}

impl Refusal {
    /// Creates a refusal of the whole request.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            path: Vec::new(),
            permission: None,
            required_role: None,
            limit: None,
            retry_at: None,
        }
    }

    /// Creates the refusal of an object that does not exist or is not visible.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}, or you cannot see it."))
    }

    /// Creates the refusal of a request that is too frequent until `retry_at`.
    pub fn rate_limited(message: impl Into<String>, retry_at: Instant) -> Self {
        Self { retry_at: Some(retry_at), ..Self::new(Code::RateLimited, message) }
    }

    /// Sets the path to a field of the input.
    pub fn at(mut self, field: &str) -> Self {
        self.path = vec!["input".to_owned(), field.to_owned()];
        self
    }
}

/// Error of a single value, without the path of the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Stable code, for programs.
    pub code: Code,
    /// A sentence for users.
    pub message: String,
}

impl FieldError {
    /// Creates an error.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Creates the error of a text with more than `max` characters.
    pub fn too_long(max: usize) -> Self {
        Self::new(Code::TooLong, format!("This is longer than {max} characters."))
    }

    /// Returns the error as a refusal with a path.
    pub fn at(self, path: Vec<String>) -> Refusal {
        Refusal { path, ..Refusal::new(self.code, self.message) }
    }
}

named_enum! {
    /// Stable codes of refusals.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum Code {
        /// A value is missing, empty, or null where it cannot be cleared; or not exactly one of several alternatives
        /// was given.
        Required = "REQUIRED",
        /// A text or list is longer than its description allows.
        TooLong = "TOO_LONG",
        /// A text does not have the required form.
        InvalidFormat = "INVALID_FORMAT",
        /// A number is below or above its bounds, or a list has too few items.
        OutOfRange = "OUT_OF_RANGE",
        /// The same person or object occurs twice in one request.
        DuplicateInRequest = "DUPLICATE_IN_REQUEST",
        /// The object does not exist, or is not visible to the viewer.
        NotFound = "NOT_FOUND",
        /// The viewer sees the object, but may not do this with it.
        Forbidden = "FORBIDDEN",
        /// Another organization has this slug, or had it recently.
        SlugTaken = "SLUG_TAKEN",
        /// The slug is a reserved word.
        SlugReserved = "SLUG_RESERVED",
        /// The confirmation does not match.
        ConfirmationMismatch = "CONFIRMATION_MISMATCH",
        /// The object was changed in the meantime.
        VersionConflict = "VERSION_CONFLICT",
        /// The idempotency key was used in the last 24 hours with another input.
        IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED",
        /// An account has proven that it owns this address.
        EmailTaken = "EMAIL_TAKEN",
        /// Another account has this username.
        UsernameTaken = "USERNAME_TAKEN",
        /// The password is too short or too common.
        PasswordTooWeak = "PASSWORD_TOO_WEAK",
        /// Wrong login or password, or a token that is unknown, used, or expired.
        InvalidCredentials = "INVALID_CREDENTIALS",
        /// The person is a member already.
        AlreadyMember = "ALREADY_MEMBER",
        /// A pending invitation to this address exists already.
        AlreadyInvited = "ALREADY_INVITED",
        /// The invitation was accepted, declined or revoked before.
        InvitationNotPending = "INVITATION_NOT_PENDING",
        /// The invitation has expired.
        InvitationExpired = "INVITATION_EXPIRED",
        /// The invitation was sent to another address than that of the viewer's account.
        InvitationForAnother = "INVITATION_FOR_ANOTHER",
        /// The address of the account is not verified.
        EmailNotVerified = "EMAIL_NOT_VERIFIED",
        /// The owner must transfer or delete the organization first.
        OwnerCannotLeave = "OWNER_CANNOT_LEAVE",
        /// The owner cannot be removed, and the owner's role cannot be changed.
        OwnerCannotBeChanged = "OWNER_CANNOT_BE_CHANGED",
        /// Members cannot change or remove their own membership.
        CannotChangeSelf = "CANNOT_CHANGE_SELF",
        /// The new role is not below the viewer's own role.
        RoleNotAssignable = "ROLE_NOT_ASSIGNABLE",
        /// The organization has a pending offer of ownership.
        OfferAlreadyPending = "OFFER_ALREADY_PENDING",
        /// The offer of ownership was accepted, declined or cancelled before, or has expired.
        OfferNotPending = "OFFER_NOT_PENDING",
        /// The organization is pending deletion, and read-only until it is restored.
        OrganizationPendingDeletion = "ORGANIZATION_PENDING_DELETION",
        /// The organization is not pending deletion.
        NotPendingDeletion = "NOT_PENDING_DELETION",
        /// The task is in a project, and can only move with it.
        ResourceInProject = "RESOURCE_IN_PROJECT",
        /// The resource is already in the destination workspace.
        SameWorkspace = "SAME_WORKSPACE",
        /// The objects belong to different workspaces.
        DifferentWorkspace = "DIFFERENT_WORKSPACE",
        /// The assignee is not a member of the organization, or not the user of the personal workspace.
        AssigneeNotEligible = "ASSIGNEE_NOT_ELIGIBLE",
        /// The destination has no storage with the same provider and resource that the viewer may see.
        StorageMatchNotFound = "STORAGE_MATCH_NOT_FOUND",
        /// The destination has several storages with the same provider and resource.
        StorageMatchAmbiguous = "STORAGE_MATCH_AMBIGUOUS",
        /// The plan does not allow more.
        LimitExceeded = "LIMIT_EXCEEDED",
        /// All seats are taken by members and pending invitations.
        SeatsExhausted = "SEATS_EXHAUSTED",
        /// The plan is not available for this kind of workspace.
        PlanNotAvailable = "PLAN_NOT_AVAILABLE",
        /// The requests are too frequent.
        RateLimited = "RATE_LIMITED",
    }
}
