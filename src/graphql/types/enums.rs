//! The enums of the schema: those of the domain, with descriptions.

use async_graphql::Enum;

/// A member's role in an organization, from least to most powerful. `Query.roles` tells what each may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::Role")]
pub enum Role {
    /// Works on what is assigned to them.
    Worker,
    /// Creates and assigns projects and tasks, besides.
    Supervisor,
    /// Administers everything but deletion, billing, the owner and other maintainers.
    Maintainer,
    /// May do all. Every organization has exactly one owner at any time.
    Owner,
}

/// Something that somebody may be allowed to do. A `viewerPermissions` field lists what the viewer may do to
/// that very object now, by role or by being its owner, assignee or invitee. Site administrators have every
/// permission that a role can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::Permission")]
pub enum Permission {
    /// See the organization, its plan, seats and limits. At least: WORKER.
    ViewOrganization,
    /// Change slug, name, description and contact. At least: MAINTAINER.
    UpdateOrganization,
    /// Delete the organization. OWNER only.
    DeleteOrganization,
    /// Restore the organization while its deletion is pending. OWNER only.
    RestoreOrganization,
    /// Offer the ownership to a member and cancel the offer. OWNER only.
    OfferOwnership,
    /// Accept the offer of ownership. The person offered only.
    AcceptOwnership,
    /// Decline the offer of ownership. The person offered only.
    DeclineOwnership,
    /// List the members and their roles. At least: WORKER.
    ViewMembers,
    /// See the members' e-mail addresses and last activity. At least: MAINTAINER; everybody sees their own.
    ViewMemberEmails,
    /// Give a member below one's own rank another role below one's own rank. At least: MAINTAINER.
    ChangeMemberRole,
    /// Remove a member below one's own rank. At least: MAINTAINER.
    RemoveMember,
    /// Leave the organization. Every member but the owner.
    LeaveOrganization,
    /// See the invitations and their delivery. At least: MAINTAINER; invitees see their own.
    ViewInvitations,
    /// Invite people to roles below one's own rank. At least: MAINTAINER, with a verified address.
    InviteMember,
    /// Send an invitation again. At least: MAINTAINER.
    ResendInvitation,
    /// Revoke a pending invitation. At least: MAINTAINER.
    RevokeInvitation,
    /// Accept the invitation. The invitee only.
    AcceptInvitation,
    /// Decline the invitation. The invitee only.
    DeclineInvitation,
    /// See every project, task and job of the workspace. At least: MAINTAINER.
    ViewAllResources,
    /// Create projects. At least: SUPERVISOR.
    CreateProject,
    /// Create tasks, alone or in a project that one can see. At least: SUPERVISOR.
    CreateTask,
    /// See the project, task or job. At least: MAINTAINER; or its owner or assignee, or that of what contains it.
    ViewResource,
    /// Edit the project or task. Whoever can see it.
    UpdateResource,
    /// Set the assignee and the storages of a project or task: at least MAINTAINER, its owner, or owner or assignee
    /// of the project it is in. Set the assignee and the stage of a job: at least MAINTAINER, or owner or assignee of
    /// its task or project.
    AssignResource,
    /// Set the state of the job. Whoever can see it.
    UpdateJobState,
    /// Delete the project or task. At least: MAINTAINER; or its owner, or owner or assignee of the project it is in.
    DeleteResource,
    /// Move the project or task to another workspace: DELETE_RESOURCE here, and creating it there.
    TransferResource,
    /// See the cloud storages. At least: SUPERVISOR; a storage's owner sees their own.
    ViewCloudStorages,
    /// Create, edit and delete cloud storages. At least: MAINTAINER; a storage's owner edits and deletes their own.
    ManageCloudStorages,
    /// Read the log of the workspace, as far as one may see what an event is about. At least: WORKER.
    ViewEvents,
    /// See what the plan costs. At least: MAINTAINER. Plan, seats and limits need VIEW_ORGANIZATION only.
    ViewBilling,
    /// Change and cancel the plan. OWNER where the server is set to let owners do it; otherwise site administrators
    /// alone.
    ManagePlan,
}

/// What is wrong with a request. More codes may come: clients should treat an unknown one as a general failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::Code")]
pub enum UserErrorCode {
    /// A value is missing, empty, or null where it cannot be cleared; or none or several of alternatives were
    /// given.
    Required,
    /// A text or list is longer than its description allows.
    TooLong,
    /// A text is not of the form asked for, such as an address, a slug or an ID.
    InvalidFormat,
    /// A number is below or above its bounds, or a list has too few items.
    OutOfRange,
    /// The same person or thing is named twice in one request. Reported on the later one.
    DuplicateInRequest,
    /// Not there, or not visible to the viewer: the same answer, so that existence does not leak.
    NotFound,
    /// The viewer sees the object, but may not do this with it. See `UserError.permission` and `requiredRole`.
    Forbidden,
    /// Another organization has this slug, or had it in the last 30 days.
    SlugTaken,
    /// The slug is a reserved word.
    SlugReserved,
    /// The text typed as confirmation is not the one asked for.
    ConfirmationMismatch,
    /// `expectedVersion` is not the present version: somebody else has changed the object.
    VersionConflict,
    /// The `idempotencyKey` was used in the last 24 hours with another input.
    IdempotencyKeyReused,
    /// An account has proven that it owns this address. Unproven claims do not count.
    EmailTaken,
    /// Another account has this username, without regard to case.
    UsernameTaken,
    /// The password is too short or too common.
    PasswordTooWeak,
    /// Wrong login or password, or a token that is unknown, used, or expired: the same answer for all of them.
    InvalidCredentials,
    /// The person is a member of the organization already.
    AlreadyMember,
    /// A pending invitation to this address exists already.
    AlreadyInvited,
    /// The invitation was accepted, declined or revoked before. The message tells which.
    InvitationNotPending,
    /// The invitation has run out. It can be resent.
    InvitationExpired,
    /// The invitation was sent to another address than that of the viewer's account.
    InvitationForAnother,
    /// The viewer must verify the e-mail address of the account first.
    EmailNotVerified,
    /// The owner must hand over the ownership, or delete the organization, before leaving it or deleting the
    /// account.
    OwnerCannotLeave,
    /// The owner's role cannot be changed, nor the owner removed. See `offerOwnership`.
    OwnerCannotBeChanged,
    /// Nobody changes or removes their own membership. See `leaveOrganization`.
    CannotChangeSelf,
    /// The role to be given is not below the viewer's own. See `viewerAssignableRoles`.
    RoleNotAssignable,
    /// The organization has a pending offer of ownership: cancel it first.
    OfferAlreadyPending,
    /// The offer was accepted, declined or cancelled before, or has run out.
    OfferNotPending,
    /// The organization is about to be deleted and is read-only until it is restored.
    OrganizationPendingDeletion,
    /// The organization is not about to be deleted: there is nothing to restore.
    NotPendingDeletion,
    /// The task is in a project and moves with it only.
    ResourceInProject,
    /// The resource is in the destination workspace already.
    SameWorkspace,
    /// The objects named together lie in different workspaces.
    DifferentWorkspace,
    /// The assignee is not a member of the organization, or, in a personal workspace, not its user.
    AssigneeNotEligible,
    /// AUTO_MATCH: the destination has no storage with the same provider and resource that the viewer may see, or the viewer may
    /// not see the one that is linked now.
    StorageMatchNotFound,
    /// AUTO_MATCH: the destination has several storages with the same provider and resource that the viewer may see.
    StorageMatchAmbiguous,
    /// A limit of the plan is reached. See `UserError.limit`.
    LimitExceeded,
    /// Members and pending invitations leave too few of the seats that were bought.
    SeatsExhausted,
    /// This kind of workspace cannot have the plan: SOLO is for personal workspaces, TEAM for organizations.
    PlanNotAvailable,
    /// Too often. See `UserError.retryAt`.
    RateLimited,
}

/// Whether an organization is there to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::organization::OrganizationStatus")]
pub enum OrganizationStatus {
    /// In use.
    Active,
    /// Deleted by its owner: read-only for the owner, gone for everybody else, restorable until
    /// `deletionScheduledFor`.
    PendingDeletion,
}

/// Where an invitation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::invitation::InvitationStatus")]
pub enum InvitationStatus {
    /// It can be accepted, declined, resent and revoked.
    Pending,
    /// The invitee has become a member.
    Accepted,
    /// The invitee said no.
    Declined,
    /// Somebody with REVOKE_INVITATION took it back.
    Revoked,
    /// It ran out without an answer. A resend makes it pending again.
    Expired,
}

/// Where an offer of ownership stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::ownership_offer::OwnershipOfferStatus")]
pub enum OwnershipOfferStatus {
    /// Waiting for the answer.
    Pending,
    /// Accepted: the ownership has changed hands.
    Accepted,
    /// The person offered said no.
    Declined,
    /// Taken back by the owner, or ended because one of the two left or was removed, or the organization was
    /// deleted.
    Cancelled,
    /// Lapsed after 7 days without an answer.
    Expired,
}

/// What is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::plan::PlanTier")]
pub enum PlanTier {
    /// Nothing. Every workspace at first.
    Free,
    /// More room in a personal workspace.
    Solo,
    /// An organization without limits but its seats. All members benefit.
    Team,
}

/// How often is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::plan::BillingInterval")]
pub enum BillingInterval {
    /// Every month.
    Month,
    /// Every year, at 30 per cent less.
    Year,
}

/// What a plan limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::limit::LimitKind")]
pub enum LimitKind {
    /// Projects in the workspace.
    Projects,
    /// Tasks in the workspace, those in projects included.
    Tasks,
    /// Tasks in any one project.
    TasksPerProject,
    /// Cloud storages in the workspace.
    CloudStorages,
    /// Members of the organization, the owner included, and pending invitations.
    Members,
    /// Organizations that the user owns.
    OwnedOrganizations,
}

/// Where the sending of a mail stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::invitation::DeliveryState")]
pub enum DeliveryState {
    /// Waiting to be sent, or to be tried again.
    Queued,
    /// Handed over to the mail server.
    Sent,
    /// Given up. See `InvitationDelivery.failure`.
    Failed,
}

/// Where a task stands: the earliest of its jobs counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::task::TaskStatus")]
pub enum TaskStatus {
    /// At least one job is in the stage ANNOTATION.
    Annotation,
    /// No job is in the stage ANNOTATION, but not every one is accepted yet.
    Validation,
    /// Every job is in the stage ACCEPTANCE and completed.
    Completed,
}

/// The round of the work that a job is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::job::JobStage")]
pub enum JobStage {
    /// The work itself.
    Annotation,
    /// The work is being checked.
    Validation,
    /// The work is being accepted.
    Acceptance,
}

/// How far a job is within its stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::job::JobState")]
pub enum JobState {
    /// Not begun.
    New,
    /// Being worked on.
    InProgress,
    /// Done.
    Completed,
    /// To be done again.
    Rejected,
}

/// A provider of cloud storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::cloud_storage::CloudProvider")]
pub enum CloudProvider {
    /// Amazon S3, or a service that speaks its protocol.
    #[graphql(name = "AWS_S3")]
    AwsS3,
    /// Azure Blob Storage.
    AzureBlob,
    /// Google Cloud Storage.
    GoogleCloudStorage,
}

/// What happened. More types may come: clients should skip unknown ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::event::EventType")]
pub enum EventType {
    /// An organization was created. Subject: the organization.
    OrganizationCreated,
    /// An organization's own fields changed. Subject: the organization.
    OrganizationUpdated,
    /// An organization was deleted, and can still be restored. Subject: the organization.
    OrganizationDeletionScheduled,
    /// An organization was restored. Subject: the organization.
    OrganizationRestored,
    /// An organization and all that belonged to it is gone for good. Subject: none any more.
    OrganizationDeleted,
    /// The ownership was offered to a member. Subject: the offer.
    OwnershipOffered,
    /// An offer of ownership was accepted, declined or cancelled, or lapsed. Subject: the offer.
    OwnershipOfferResolved,
    /// An organization has a new owner. Subject: the organization.
    OwnershipTransferred,
    /// Somebody became a member. Subject: the membership.
    MemberJoined,
    /// A member's role changed. Subject: the membership.
    MemberRoleChanged,
    /// A member was removed. Subject: none any more.
    MemberRemoved,
    /// A member left. Subject: none any more.
    MemberLeft,
    /// Somebody was invited. Subject: the invitation.
    InvitationCreated,
    /// An invitation was sent again. Subject: the invitation.
    InvitationResent,
    /// The mail of an invitation was handed over to the mail server. Subject: the invitation.
    InvitationDelivered,
    /// The mail of an invitation could not be sent. Subject: the invitation.
    InvitationDeliveryFailed,
    /// An invitation was accepted. Subject: the invitation.
    InvitationAccepted,
    /// An invitation was declined. Subject: the invitation.
    InvitationDeclined,
    /// An invitation was revoked. Subject: the invitation.
    InvitationRevoked,
    /// An invitation ran out. Subject: the invitation.
    InvitationExpired,
    /// A project was created. Subject: the project.
    ProjectCreated,
    /// A project changed, its assignee and storages included. Subject: the project.
    ProjectUpdated,
    /// A project and its tasks were deleted. Subject: none any more.
    ProjectDeleted,
    /// A task was created. Subject: the task.
    TaskCreated,
    /// A task changed, its assignee, project and storages included. Subject: the task.
    TaskUpdated,
    /// A task and its jobs were deleted. Subject: none any more.
    TaskDeleted,
    /// A job was created. Subject: the job.
    JobCreated,
    /// A job's assignee, stage or state changed. Subject: the job.
    JobUpdated,
    /// A job was deleted. Subject: none any more.
    JobDeleted,
    /// A cloud storage was connected. Subject: the storage.
    CloudStorageCreated,
    /// A cloud storage's name or description changed. Subject: the storage.
    CloudStorageUpdated,
    /// A cloud storage was disconnected. Subject: none any more.
    CloudStorageDeleted,
    /// A project or task left this workspace for another. Subject: the resource, for those who see it there.
    ResourceMovedOut,
    /// A project or task came to this workspace from another. Subject: the resource.
    ResourceMovedIn,
    /// A workspace's plan changed, was cancelled, or ended. Subject: the organization; none for a personal workspace.
    PlanChanged,
}

/// Direction of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// From small to great, from early to late, from A to Z.
    Asc,
    /// From great to small, from late to early, from Z to A.
    Desc,
}

/// What organizations can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrganizationOrderField {
    /// When the viewer joined. Organizations that the viewer is not a member of come after the others, in either
    /// direction, by ID.
    JoinedAt,
    /// When the organization was created.
    CreatedAt,
    /// The slug, alphabetically.
    Slug,
    /// The `displayName`, alphabetically, without regard to case. Accented letters stand beside their base letters.
    Name,
}

/// What members can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum MembershipOrderField {
    /// When the member joined.
    JoinedAt,
    /// The username, alphabetically, without regard to case.
    Username,
    /// The role; ascending: from WORKER to OWNER.
    Role,
}

/// What happens to the others when one person cannot be invited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum InviteErrorPolicy {
    /// Invite the others.
    Skip,
    /// Invite nobody.
    RejectAll,
}

/// What happens to the links to cloud storages when resources move to another workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::cloud_storage::StorageHandling")]
pub enum StorageHandling {
    /// Cut the links.
    Detach,
    /// Link each to the one storage of the destination that the viewer may see with the same provider and resource;
    /// refuse if there is none (STORAGE_MATCH_NOT_FOUND) or several (STORAGE_MATCH_AMBIGUOUS).
    AutoMatch,
}
