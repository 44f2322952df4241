//! Workspaces: selection.

pub mod select;
