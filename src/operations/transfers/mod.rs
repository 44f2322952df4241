//! Transfers of projects and tasks between workspaces: the plan and its execution.

pub mod plan;
pub mod transfer;
