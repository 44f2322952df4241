//! Operations on invitations: invite, resend, revoke, accept, decline.

pub mod accept;
pub mod decline;
pub mod invite;
pub mod join;
pub mod resend;
pub mod revoke;
