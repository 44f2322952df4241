//! The life of an offer of ownership.

use chrono::TimeDelta;

use crate::domain::Role;
use crate::domain::clock::Instant;

/// How long an offer waits for its answer.
pub const OFFER_EXPIRY: TimeDelta = TimeDelta::days(7);

/// What the old owner becomes when the ownership has changed hands.
pub const FORMER_OWNER: Role = Role::Maintainer;

/// Where an offer of ownership stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = super::sql_types::OwnershipOfferStatus)]
pub enum OwnershipOfferStatus {
    /// Waiting for the answer.
    Pending,
    /// The ownership has changed hands.
    Accepted,
    /// The person offered said no.
    Declined,
    /// Taken back, or one of the two left.
    Cancelled,
    /// Lapsed without an answer.
    Expired,
}

impl OwnershipOfferStatus {
    /// Where it stands at `now`: the one rule of expiry. A pending one has lapsed once `expires_at` is reached.
    pub fn at(self, expires_at: Instant, now: Instant) -> Self {
        if self == Self::Pending && expires_at <= now { Self::Expired } else { self }
    }

    /// Its name in the schema and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Accepted => "ACCEPTED",
            Self::Declined => "DECLINED",
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
        }
    }
}
