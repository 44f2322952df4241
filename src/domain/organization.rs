//! Status of an organization.

use super::named_enum::named_enum;

named_enum! {
    /// Status of an organization.
    pub enum OrganizationStatus {
        /// Active.
        Active = "ACTIVE",
        /// Deleted by its owner, and restorable during the grace period.
        PendingDeletion = "PENDING_DELETION",
    }
}
