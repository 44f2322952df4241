//! The life of an invitation.

use super::clock::Instant;
use super::named_enum::named_enum;

named_enum! {
    /// Where an invitation stands.
    pub enum InvitationStatus {
        /// It can be accepted, declined, resent and revoked.
        Pending = "PENDING",
        /// The invitee has become a member.
        Accepted = "ACCEPTED",
        /// The invitee said no.
        Declined = "DECLINED",
        /// Somebody with the right took it back.
        Revoked = "REVOKED",
        /// It ran out without an answer. A resend makes it pending again.
        Expired = "EXPIRED",
    }
}

impl InvitationStatus {
    /// Where it stands at `now`: the one rule of expiry. A pending one has run out once `expires_at` is reached.
    pub fn at(self, expires_at: Instant, now: Instant) -> Self {
        if self == Self::Pending && expires_at <= now { Self::Expired } else { self }
    }
}

named_enum! {
    /// Where the sending of a mail stands.
    pub enum DeliveryState {
        /// Waiting to be sent, or to be tried again.
        Queued = "QUEUED",
        /// Handed over to the mail server.
        Sent = "SENT",
        /// Given up.
        Failed = "FAILED",
    }
}
