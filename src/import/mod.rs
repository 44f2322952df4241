//! Imports of data from other systems. Rows are written in one transaction and not by the operations: permissions and
//! limits are not checked, and no mail is sent.

pub mod cvat;
