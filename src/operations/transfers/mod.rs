//! Transfers of projects and tasks between workspaces: the plan and its execution.

pub mod plan;
mod survey;
pub mod transfer;
