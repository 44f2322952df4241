//! Sessions: sign in, refresh, sign out, and the check of access tokens.

pub mod authenticate;
pub mod open;
pub mod refresh;
pub mod sign_in;
pub mod sign_out;
