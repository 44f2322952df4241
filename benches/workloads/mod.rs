//! Workloads without database and network, measured in time (`inside`) and in instructions (`instructions`).

mod credentials;
mod documents;
mod pages;
mod policy;

use std::error::Error;
use std::fmt;

/// Every error ends the benchmark.
pub type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Runs the workload once.
pub type Work = Box<dyn FnMut()>;

/// A workload that is measured.
pub struct Workload {
    /// Name of the workload.
    pub name: &'static str,
    /// Prepares the workload, and checks its result.
    pub ready: fn() -> Outcome<Work>,
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// All workloads.
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
