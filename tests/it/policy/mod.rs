//! The rules: their golden matrix, and that each root field asks for what the table says.

mod matrix;
mod root_fields;
