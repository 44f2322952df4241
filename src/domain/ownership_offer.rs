//! The life of an offer of ownership.

use chrono::TimeDelta;

use super::named_enum::named_enum;
use crate::domain::Role;
use crate::domain::clock::Instant;

/// How long an offer waits for its answer.
pub const OFFER_EXPIRY: TimeDelta = TimeDelta::days(7);

/// What the old owner becomes when the ownership has changed hands.
pub const FORMER_OWNER: Role = Role::Maintainer;

named_enum! {
    /// Where an offer of ownership stands.
    pub enum OwnershipOfferStatus {
        /// Waiting for the answer.
        Pending = "PENDING",
        /// The ownership has changed hands.
        Accepted = "ACCEPTED",
        /// The person offered said no.
        Declined = "DECLINED",
        /// Taken back, or one of the two left.
        Cancelled = "CANCELLED",
        /// Lapsed without an answer.
        Expired = "EXPIRED",
    }
}

impl OwnershipOfferStatus {
    /// Where it stands at `now`: the one rule of expiry. A pending one has lapsed once `expires_at` is reached.
    pub fn at(self, expires_at: Instant, now: Instant) -> Self {
        if self == Self::Pending && expires_at <= now { Self::Expired } else { self }
    }
}
