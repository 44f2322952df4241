//! Operations on workspaces: selection.

pub mod select;
