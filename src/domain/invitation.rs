//! The life of an invitation.

use super::clock::Instant;

/// Where an invitation stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = super::sql_types::InvitationStatus)]
pub enum InvitationStatus {
    /// It can be accepted, declined, resent and revoked.
    Pending,
    /// The invitee has become a member.
    Accepted,
    /// The invitee said no.
    Declined,
    /// Somebody with the right took it back.
    Revoked,
    /// It ran out without an answer. A resend makes it pending again.
    Expired,
}

impl InvitationStatus {
    /// Where it stands at `now`: the one rule of expiry. A pending one has run out once `expires_at` is reached.
    pub fn at(self, expires_at: Instant, now: Instant) -> Self {
        if self == Self::Pending && expires_at <= now { Self::Expired } else { self }
    }
}

/// Where the sending of a mail stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = super::sql_types::DeliveryState)]
pub enum DeliveryState {
    /// Waiting to be sent, or to be tried again.
    Queued,
    /// Handed over to the mail server.
    Sent,
    /// Given up.
    Failed,
}

impl DeliveryState {
    /// Its name in the schema and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Sent => "SENT",
            Self::Failed => "FAILED",
        }
    }
}
