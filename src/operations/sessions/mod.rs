//! Operations on sessions: sign in, refresh, sign out, and the authentication of access tokens.

pub mod authenticate;
pub mod open;
pub mod refresh;
pub mod sign_in;
pub mod sign_out;
