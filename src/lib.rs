//! Guildhall.

pub mod domain;
pub mod events;
pub mod mail;
pub mod store;
