//! Types, positions and IDs of events.

use uuid::Uuid;

use super::EventId;
use super::clock::Instant;
use super::named_enum::named_enum;

named_enum! {
    /// Type of an event.
    pub enum EventType {
        /// An organization was created.
        OrganizationCreated = "ORGANIZATION_CREATED",
        /// An organization's own fields changed.
        OrganizationUpdated = "ORGANIZATION_UPDATED",
        /// An organization was deleted, and can still be restored.
        OrganizationDeletionScheduled = "ORGANIZATION_DELETION_SCHEDULED",
        /// An organization was restored.
        OrganizationRestored = "ORGANIZATION_RESTORED",
        /// An organization was permanently deleted, with everything that belonged to it.
        OrganizationDeleted = "ORGANIZATION_DELETED",
        /// The ownership was offered to a member.
        OwnershipOffered = "OWNERSHIP_OFFERED",
        /// An offer of ownership was accepted, declined or cancelled, or has expired.
        OwnershipOfferResolved = "OWNERSHIP_OFFER_RESOLVED",
        /// An organization has a new owner.
        OwnershipTransferred = "OWNERSHIP_TRANSFERRED",
        /// A user became a member.
        MemberJoined = "MEMBER_JOINED",
        /// A member's role changed.
        MemberRoleChanged = "MEMBER_ROLE_CHANGED",
        /// A member was removed.
        MemberRemoved = "MEMBER_REMOVED",
        /// A member left.
        MemberLeft = "MEMBER_LEFT",
        /// A person was invited.
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
        /// An invitation has expired.
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
}

/// A position in the event log, in its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventPosition {
    /// Position of the transaction.
    pub transaction: i64,
    /// Position within the transaction.
    pub sequence: i64,
}

impl EventPosition {
    /// Returns the position before all events of a transaction, and after all earlier ones.
    pub fn before_transaction(transaction: i64) -> Self {
        Self { transaction: transaction - 1, sequence: i64::MAX }
    }
}

/// Bits of an event's ID for its sequence and its transaction. A UUIDv7 has 74 free bits.
const SEQUENCE_BITS: u32 = 34;
const TRANSACTION_BITS: u32 = 40;

impl EventId {
    /// Returns the ID of the event of an instant and a position in the log: a UUIDv7 of the instant, with the position
    /// in place of the random bits. IDs of different positions differ as long as both numbers fit into their bits.
    pub fn of(at: Instant, position: EventPosition) -> Self {
        let low = |number: i64, bits: u32| u128::from(number.cast_unsigned()) & ((1 << bits) - 1);
        let tail = low(position.transaction, TRANSACTION_BITS) << SEQUENCE_BITS | low(position.sequence, SEQUENCE_BITS);
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&((tail >> 62) as u16).to_be_bytes());
        bytes[2..].copy_from_slice(&((tail as u64) << 2 >> 2).to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(at.timestamp_millis()).unwrap_or(0), &bytes)
            .into_uuid()
            .into()
    }

    /// Returns the position that the ID contains. It does not mean that the log has an event at this position, or that
    /// the event there has this ID.
    pub fn position(self) -> EventPosition {
        let bits = Uuid::from(self).as_u128();
        let tail = (bits >> 64 & 0xfff) << 62 | bits & ((1 << 62) - 1);
        let low = |number: u128, bits: u32| (number & ((1 << bits) - 1)) as i64;
        EventPosition { transaction: low(tail >> SEQUENCE_BITS, TRANSACTION_BITS), sequence: low(tail, SEQUENCE_BITS) }
    }
}

/// A changed field, with its values as text.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FieldChange {
    /// Name of the field in the schema, for example `role` or `contact.email`.
    pub field: String,
    /// Value before the change; `None` if it had none.
    pub before: Option<String>,
    /// Value after the change; `None` if it has none.
    pub after: Option<String>,
}

impl FieldChange {
    /// Returns the change of a field; `None` if the two values are equal.
    pub fn between(field: &str, before: Option<&str>, after: Option<&str>) -> Option<Self> {
        (before != after).then(|| Self {
            field: field.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::TypedId;

    const LAST: EventPosition =
        EventPosition { transaction: (1 << TRANSACTION_BITS) - 1, sequence: (1 << SEQUENCE_BITS) - 1 };

    fn id(millis: i64, transaction: i64, sequence: i64) -> EventId {
        EventId::of(Instant::from_timestamp_millis(millis).unwrap_or_default(), EventPosition { transaction, sequence })
    }

    #[test]
    fn event_id_contains_position_and_time_of_its_event() {
        for position in [EventPosition::default(), EventPosition { transaction: 5_000_000_731, sequence: 77 }, LAST] {
            let at = Instant::from_timestamp_millis(1_790_000_000_123).unwrap_or_default();
            let id = EventId::of(at, position);
            assert_eq!((id.position(), EventId::parse(&id.to_string())), (position, Some(id)));
            let uuid = Uuid::from(id);
            assert_eq!((uuid.get_version_num(), uuid.get_variant()), (7, uuid::Variant::RFC4122));
            assert_eq!(uuid.get_timestamp().map(|time| time.to_unix()), Some((1_790_000_000, 123_000_000)));
        }
    }

    #[test]
    fn event_ids_of_different_positions_or_times_differ() {
        assert!(id(1, 1, 1) != id(1, 1, 2) && id(1, 1, 2) != id(1, 2, 1) && id(1, 1, 1) != id(2, 1, 1));
    }
}
