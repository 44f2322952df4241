//! What is measured of what runs inside, without a database and without a network: once by the clock (`inside`), and once in
//! instructions (`instructions`).

mod credentials;
mod documents;
mod pages;
mod policy;

use std::error::Error;
use std::fmt;

/// What goes wrong ends it.
pub type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Does it once.
pub type Work = Box<dyn FnMut()>;

/// Something that is measured.
pub struct Workload {
    /// How it is called.
    pub name: &'static str,
    /// Makes all that it needs, and sees that it comes to what it should.
    pub ready: fn() -> Outcome<Work>,
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// All of it.
pub const ALL: &[Workload] = &[
    Workload { name: "document-new-short", ready: || documents::new(documents::SHORT) },
    Workload { name: "document-new-members", ready: || documents::new(documents::MEMBERS) },
    Workload { name: "document-known-short", ready: || documents::known(documents::SHORT) },
    Workload { name: "document-known-members", ready: || documents::known(documents::MEMBERS) },
    Workload { name: "variables", ready: documents::variables },
    Workload { name: "request", ready: documents::request },
    Workload { name: "policy", ready: policy::decisions },
    Workload { name: "cursor-write", ready: pages::cursor_written },
    Workload { name: "cursor-read", ready: pages::cursor_read },
    Workload { name: "page-at-once", ready: || pages::answered(true) },
    Workload { name: "page-field-by-field", ready: || pages::answered(false) },
    Workload { name: "token-ed25519", ready: credentials::ed25519 },
    Workload { name: "token-secret", ready: credentials::secret },
];
