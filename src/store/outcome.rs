//! Counts the commits of a request, so that an error response says whether changes of the request may be committed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::domain::error::Outcome;

tokio::task_local! {
    static COMMITS: Commits;
}

/// Commit counter of one request. Clones share the counter.
#[derive(Clone, Default)]
pub struct Commits(Arc<Counts>);

#[derive(Default)]
struct Counts {
    in_request: AtomicUsize,
    in_field: AtomicUsize,
}

impl Commits {
    /// Runs a request and counts its commits.
    pub async fn count<F: Future>(self, request: F) -> F::Output {
        COMMITS.scope(self, request).await
    }

    /// Returns the outcome of the request if it is aborted now.
    pub fn outcome(&self) -> Outcome {
        outcome(&self.0.in_request)
    }
}

/// Starts the count of a root field of a mutation. Root fields run one after another.
pub fn begin_field() {
    let _ = COMMITS.try_with(|commits| commits.0.in_field.store(0, Ordering::Relaxed));
}

/// Returns the outcome of the running root field if it fails now.
pub fn field_outcome() -> Outcome {
    COMMITS.try_with(|commits| outcome(&commits.0.in_field)).unwrap_or(Outcome::NotDone)
}

/// Counts a COMMIT before it is sent.
pub(super) fn commit_sent() {
    let _ = COMMITS.try_with(|Commits(counts)| {
        counts.in_request.fetch_add(1, Ordering::Relaxed);
        counts.in_field.fetch_add(1, Ordering::Relaxed);
    });
}

/// Subtracts a COMMIT that the database refused.
pub(super) fn commit_refused() {
    let _ = COMMITS.try_with(|Commits(counts)| {
        counts.in_request.fetch_sub(1, Ordering::Relaxed);
        counts.in_field.fetch_sub(1, Ordering::Relaxed);
    });
}

fn outcome(commits: &AtomicUsize) -> Outcome {
    if commits.load(Ordering::Relaxed) == 0 { Outcome::NotDone } else { Outcome::Unknown }
}
