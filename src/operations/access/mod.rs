//! Locks what an operation changes and reads what the actor may do with it, under the lock.

pub mod organization;
pub mod resources;
pub mod workspace;
