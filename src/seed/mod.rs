//! Generated data: the demo, and load-test data. Rows are written in one transaction and not by the operations: the policy is not
//! asked, limits do not hold, and no mail is sent.

pub mod demo;
pub mod load_test;
