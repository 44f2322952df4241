//! Status of an offer of ownership.

use chrono::TimeDelta;

use super::named_enum::named_enum;
use crate::domain::Role;
use crate::domain::clock::Instant;

/// How long an offer is valid.
pub const OFFER_EXPIRY: TimeDelta = TimeDelta::days(7);

/// Role of the former owner after a transfer of ownership.
pub const FORMER_OWNER: Role = Role::Maintainer;

named_enum! {
    /// Status of an offer of ownership.
    pub enum OwnershipOfferStatus {
        /// Waits for the answer.
        Pending = "PENDING",
        /// The member is the owner now.
        Accepted = "ACCEPTED",
        /// The member has declined.
        Declined = "DECLINED",
        /// It was cancelled, or one of the two left.
        Cancelled = "CANCELLED",
        /// Expired without an answer.
        Expired = "EXPIRED",
    }
}

impl OwnershipOfferStatus {
    /// Returns the status at `now`. This is the only rule of expiry: a pending offer is expired from `expires_at` on.
    pub fn at(self, expires_at: Instant, now: Instant) -> Self {
        if self == Self::Pending && expires_at <= now { Self::Expired } else { self }
    }
}
