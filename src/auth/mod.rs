//! Who is asking: credentials in, an [`Actor`] out.
//!
//! [`keys`] makes and verifies the server's own tokens, [`issuer`] verifies those of an issuer elsewhere, and [`token`] says
//! what holds for both, while `proven` remembers the tokens whose signature was good; [`passwords`] hashes and checks passwords,
//! [`throttle`] bounds how often they may be tried; [`unrevoked`] remembers which tokens without a session were asked about.

pub mod allowance;
pub mod issuer;
pub mod keys;
mod password_pool;
pub mod passwords;
mod proven;
pub mod throttle;
pub mod token;
pub mod unrevoked;

pub use crate::domain::Actor;
