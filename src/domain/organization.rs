//! Whether an organization is there to stay.

use super::named_enum::named_enum;

named_enum! {
    /// Status of an organization.
    pub enum OrganizationStatus {
        /// In use.
        Active = "ACTIVE",
        /// Deleted by its owner, and restorable for a while.
        PendingDeletion = "PENDING_DELETION",
    }
}
