//! What can go wrong, and whose business it is.
//!
//! A [`Refusal`] is for the caller: closed, typed, with a code for programs and a sentence for people. A [`InternalError`] is for
//! the operator: its cause is logged once and never shown. [`Error::Unauthenticated`] is for whoever forgot to sign in.
//! None of them implements `Display`: async-graphql would show any `Display` type to clients by way of `?`.

use serde::{Deserialize, Serialize};

use super::clock::Instant;
use super::limit::Limit;
use super::named_enum::named_enum;
use super::{Permission, Role};

/// Result of whatever can be refused or fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something did not happen.
#[derive(Debug)]
pub enum Error {
    /// Rules or input stand in the way: at least one refusal.
    Refused(Vec<Refusal>),
    /// Nobody is signed in, or an account that is gone.
    Unauthenticated,
    /// Something broke.
    Failed(InternalError),
}

/// A thing that broke. The cause is for the log alone.
#[derive(Debug)]
pub struct InternalError {
    /// Whether it is likely to pass, such as a database that is away.
    pub transient: bool,
    /// What broke.
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

/// Whether a mutation that failed may be done all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was changed.
    NotDone,
    /// The commit was sent, and its answer is not known.
    Unknown,
}

impl Outcome {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotDone => "NOT_DONE",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Whether errors with that code tell the outcome.
    pub fn is_reported_for(code: &str) -> bool {
        ["SERVICE_UNAVAILABLE", "TIMEOUT", "SHUTTING_DOWN", "INTERNAL"].contains(&code)
    }
}

impl InternalError {
    /// A fault that stays until somebody mends it.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { transient: false, cause: cause.into() }
    }

    /// A fault that is over when the request is made again.
    pub fn transient(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { transient: true, cause: cause.into() }
    }
}

impl Error {
    /// The same error; what was not found, and points nowhere yet, points at `input.<field>`.
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

/// Why the caller does not get what they asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// For programs.
    pub code: Code,
    /// For people.
    pub message: String,
    /// Path to the input at fault. Empty: the whole request.
    pub path: Vec<String>,
    /// The permission that is lacking, with FORBIDDEN.
    pub permission: Option<Permission>,
    /// The least role that has it.
    pub required_role: Option<Role>,
    /// The limit that is reached, with LIMIT_EXCEEDED.
    pub limit: Option<Limit>,
    /// When it works again, with RATE_LIMITED.
    pub retry_at: Option<Instant>,
}

impl Refusal {
    /// A refusal of the whole request.
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

    /// Not there, or not visible: the same answer.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}, or you cannot see it."))
    }

    /// Too often; works again at `retry_at`.
    pub fn rate_limited(message: impl Into<String>, retry_at: Instant) -> Self {
        Self { retry_at: Some(retry_at), ..Self::new(Code::RateLimited, message) }
    }

    /// The same refusal, pointing at a field of the input.
    pub fn at(mut self, field: &str) -> Self {
        self.path = vec!["input".to_owned(), field.to_owned()];
        self
    }
}

/// What is wrong with one value, before it is known where the value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// For programs.
    pub code: Code,
    /// For people.
    pub message: String,
}

impl FieldError {
    /// A problem of that kind.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// More than `max` characters.
    pub fn too_long(max: usize) -> Self {
        Self::new(Code::TooLong, format!("This is longer than {max} characters."))
    }

    /// The problem as a refusal, pointing at its place in the request.
    pub fn at(self, path: Vec<String>) -> Refusal {
        Refusal { path, ..Refusal::new(self.code, self.message) }
    }
}

named_enum! {
    /// Stable codes of refusals.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum Code {
        /// A value is missing, empty, or null where it cannot be cleared; or none or several of alternatives were given.
        Required = "REQUIRED",
        /// A text or list is longer than its description allows.
        TooLong = "TOO_LONG",
        /// A text is not of the form asked for.
        InvalidFormat = "INVALID_FORMAT",
        /// A number is below or above its bounds, or a list has too few items.
        OutOfRange = "OUT_OF_RANGE",
        /// The same person or thing is named twice in one request.
        DuplicateInRequest = "DUPLICATE_IN_REQUEST",
        /// Not there, or not visible to the viewer.
        NotFound = "NOT_FOUND",
        /// The viewer sees the object, but may not do this with it.
        Forbidden = "FORBIDDEN",
        /// Another organization has this slug, or had it lately.
        SlugTaken = "SLUG_TAKEN",
        /// The slug is a reserved word.
        SlugReserved = "SLUG_RESERVED",
        /// The text typed as confirmation is not the one asked for.
        ConfirmationMismatch = "CONFIRMATION_MISMATCH",
        /// Somebody else has changed the object.
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
        /// The invitation has run out.
        InvitationExpired = "INVITATION_EXPIRED",
        /// The invitation was sent to another address than that of the viewer's account.
        InvitationForAnother = "INVITATION_FOR_ANOTHER",
        /// The viewer must verify the address of the account first.
        EmailNotVerified = "EMAIL_NOT_VERIFIED",
        /// The owner must hand over or delete the organization first.
        OwnerCannotLeave = "OWNER_CANNOT_LEAVE",
        /// The owner's role cannot be changed, nor the owner removed.
        OwnerCannotBeChanged = "OWNER_CANNOT_BE_CHANGED",
        /// Nobody changes or removes their own membership.
        CannotChangeSelf = "CANNOT_CHANGE_SELF",
        /// The role to be given is not below the viewer's own.
        RoleNotAssignable = "ROLE_NOT_ASSIGNABLE",
        /// The organization has a pending offer of ownership.
        OfferAlreadyPending = "OFFER_ALREADY_PENDING",
        /// The offer of ownership was accepted, declined or cancelled before, or has run out.
        OfferNotPending = "OFFER_NOT_PENDING",
        /// The organization is about to be deleted and is read-only until it is restored.
        OrganizationPendingDeletion = "ORGANIZATION_PENDING_DELETION",
        /// The organization is not about to be deleted.
        NotPendingDeletion = "NOT_PENDING_DELETION",
        /// The task is in a project and moves with it only.
        ResourceInProject = "RESOURCE_IN_PROJECT",
        /// The resource is in the destination workspace already.
        SameWorkspace = "SAME_WORKSPACE",
        /// The objects named together lie in different workspaces.
        DifferentWorkspace = "DIFFERENT_WORKSPACE",
        /// The assignee is not a member of the organization, or not the user of the personal workspace.
        AssigneeNotEligible = "ASSIGNEE_NOT_ELIGIBLE",
        /// The destination has no storage with the same provider and resource that the viewer may see.
        StorageMatchNotFound = "STORAGE_MATCH_NOT_FOUND",
        /// The destination has several such storages.
        StorageMatchAmbiguous = "STORAGE_MATCH_AMBIGUOUS",
        /// A limit of the plan is reached.
        LimitExceeded = "LIMIT_EXCEEDED",
        /// All seats are taken by members and pending invitations.
        SeatsExhausted = "SEATS_EXHAUSTED",
        /// This kind of workspace cannot have the plan.
        PlanNotAvailable = "PLAN_NOT_AVAILABLE",
        /// Too often.
        RateLimited = "RATE_LIMITED",
    }
}
