//! Generated data: the demo, and load-test data. Rows are written in one transaction and not by the operations:
//! permissions and limits are not checked, and no mail is sent.

pub mod demo;
pub mod load_test;
