//! Status of an invitation and of its mail.

use super::clock::Instant;
use super::named_enum::named_enum;

named_enum! {
    /// Status of an invitation.
    pub enum InvitationStatus {
        /// It can be accepted, declined, resent and revoked.
        Pending = "PENDING",
        /// The invitee has become a member.
        Accepted = "ACCEPTED",
        /// The invitee has declined.
        Declined = "DECLINED",
        /// It was withdrawn by the organization.
        Revoked = "REVOKED",
        /// It has expired without an answer. A resend makes it pending again.
        Expired = "EXPIRED",
    }
}

impl InvitationStatus {
    /// Returns the status at `now`. This is the rule of expiry: a pending invitation is expired from `expires_at` on. The
    /// conditions on `expires_at` in `store` are its SQL form.
    pub fn at(self, expires_at: Instant, now: Instant) -> Self {
        if self == Self::Pending && expires_at <= now { Self::Expired } else { self }
    }
}

named_enum! {
    /// State of the delivery of a mail.
    pub enum DeliveryState {
        /// Waits for its first or next attempt.
        Queued = "QUEUED",
        /// Accepted by the mail server.
        Sent = "SENT",
        /// Will not be sent.
        Failed = "FAILED",
    }
}
