//! Code that projects, tasks, jobs and cloud storages share, and their deletion.

pub mod assignment;
pub mod delete;
pub mod events;
