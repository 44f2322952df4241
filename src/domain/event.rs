//! What can happen: the types of the log's entries.

macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventType { $($(#[$doc])* $variant,)+ }

        impl EventType {
            /// All of them.
            pub const ALL: &[EventType] = &[$(EventType::$variant,)+];

            /// The type of that name; none if there is none, such as one that a newer version has written.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(EventType::$variant),)+ _ => None }
            }

            /// Its name in the schema and the database.
            pub fn name(self) -> &'static str {
                match self { $(EventType::$variant => $name,)+ }
            }
        }
    };
}

event_types! {
    /// An organization was created.
    OrganizationCreated = "ORGANIZATION_CREATED",
    /// An organization's own fields changed.
    OrganizationUpdated = "ORGANIZATION_UPDATED",
    /// An organization was deleted, and can still be restored.
    OrganizationDeletionScheduled = "ORGANIZATION_DELETION_SCHEDULED",
    /// An organization was restored.
    OrganizationRestored = "ORGANIZATION_RESTORED",
    /// An organization and all that belonged to it is gone for good.
    OrganizationDeleted = "ORGANIZATION_DELETED",
    /// The ownership was offered to a member.
    OwnershipOffered = "OWNERSHIP_OFFERED",
    /// An offer of ownership was accepted, declined or cancelled, or lapsed.
    OwnershipOfferResolved = "OWNERSHIP_OFFER_RESOLVED",
    /// An organization has a new owner.
    OwnershipTransferred = "OWNERSHIP_TRANSFERRED",
    /// Somebody became a member.
    MemberJoined = "MEMBER_JOINED",
    /// A member's role changed.
    MemberRoleChanged = "MEMBER_ROLE_CHANGED",
    /// A member was removed.
    MemberRemoved = "MEMBER_REMOVED",
    /// A member left.
    MemberLeft = "MEMBER_LEFT",
    /// Somebody was invited.
    InvitationCreated = "INVITATION_CREATED",
    /// An invitation was sent again.
    InvitationResent = "INVITATION_RESENT",
    /// The mail of an invitation was handed over to the mail server.
    InvitationDelivered = "INVITATION_DELIVERED",
    /// The mail of an invitation could not be sent.
    InvitationDeliveryFailed = "INVITATION_DELIVERY_FAILED",
    /// An invitation was accepted.
    InvitationAccepted = "INVITATION_ACCEPTED",
    /// An invitation was declined.
    InvitationDeclined = "INVITATION_DECLINED",
    /// An invitation was revoked.
    InvitationRevoked = "INVITATION_REVOKED",
    /// An invitation ran out.
    InvitationExpired = "INVITATION_EXPIRED",
    /// A project was created.
    ProjectCreated = "PROJECT_CREATED",
    /// A project changed, its assignee and storages included.
    ProjectUpdated = "PROJECT_UPDATED",
    /// A project and its tasks were deleted.
    ProjectDeleted = "PROJECT_DELETED",
    /// A task was created.
    TaskCreated = "TASK_CREATED",
    /// A task changed, its assignee, project and storages included.
    TaskUpdated = "TASK_UPDATED",
    /// A task and its jobs were deleted.
    TaskDeleted = "TASK_DELETED",
    /// A job was created.
    JobCreated = "JOB_CREATED",
    /// A job's assignee, stage or state changed.
    JobUpdated = "JOB_UPDATED",
    /// A job was deleted.
    JobDeleted = "JOB_DELETED",
    /// A cloud storage was connected.
    CloudStorageCreated = "CLOUD_STORAGE_CREATED",
    /// A cloud storage's name or description changed.
    CloudStorageUpdated = "CLOUD_STORAGE_UPDATED",
    /// A cloud storage was disconnected.
    CloudStorageDeleted = "CLOUD_STORAGE_DELETED",
    /// A project or task left this workspace for another.
    ResourceMovedOut = "RESOURCE_MOVED_OUT",
    /// A project or task came to this workspace from another.
    ResourceMovedIn = "RESOURCE_MOVED_IN",
    /// A workspace's plan changed, was cancelled, or ended.
    PlanChanged = "PLAN_CHANGED",
}

/// A place in the log, which is read in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPlace {
    /// Place of the transaction.
    pub transaction: i64,
    /// Place within the transaction.
    pub sequence: i64,
}

impl LogPlace {
    /// Before everything that the transaction of that place writes, and after all before it.
    pub fn before_transaction(transaction: i64) -> Self {
        Self { transaction: transaction - 1, sequence: i64::MAX }
    }
}

/// One field before and after a change, as text.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FieldChange {
    /// Name of the field in the schema, such as `role` or `contact.email`.
    pub field: String,
    /// Its value before. None if there was none.
    pub before: Option<String>,
    /// Its value after. None if there is none.
    pub after: Option<String>,
}

impl FieldChange {
    /// The change of a field, if it is one.
    pub fn between(field: &str, before: Option<&str>, after: Option<&str>) -> Option<Self> {
        (before != after).then(|| Self {
            field: field.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        })
    }
}
