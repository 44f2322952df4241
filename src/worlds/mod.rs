//! Whole worlds that fill a database: a small one to try the server with, a large one to measure it with, and one that
//! comes from elsewhere. Each is written in one transaction, past the operations: nobody is asked, limits do not hold,
//! no mail goes out.

pub mod cvat;
pub mod demo;
pub mod seed;
