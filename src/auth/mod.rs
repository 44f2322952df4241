//! Authentication: verifies credentials and returns an [`Actor`].
//!
//! [`tokens`] signs and verifies the server's own tokens with one key, [`key_ring`] with several, [`oidc`] verifies those of an external issuer, and [`jwt`]
//! has the checks that both share. `signature_cache` caches which tokens have a valid signature. [`passwords`] hashes
//! and verifies passwords, [`throttle`] limits attempts, and [`revocation_cache`] caches which tokens without a session
//! are not revoked.

pub mod jwt;
pub mod key_ring;
pub mod oidc;
mod password_pool;
pub mod passwords;
pub mod rate_limiter;
pub mod revocation_cache;
mod signature_cache;
pub mod throttle;
pub mod tokens;

pub use crate::domain::Actor;
