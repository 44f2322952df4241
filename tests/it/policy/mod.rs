//! The permission rules: their golden matrix, and the actions that each root field checks.

mod matrix;
mod root_fields;
