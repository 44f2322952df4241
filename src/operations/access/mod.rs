//! Locks the rows that an operation changes, and reads the actor's access to them under the lock.

pub mod organization;
pub mod resources;
pub mod workspace;
