//! Guildhall.

pub mod domain;
pub mod policy;
pub mod store;
