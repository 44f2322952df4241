//! Whether what a request asked for may be committed, for errors that come when its transaction has ended or was given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::domain::error::Outcome;

tokio::task_local! {
    static COMMITS: Commits;
}

/// The commits of one request. Clones are of the same request.
#[derive(Clone, Default)]
pub struct Commits(Arc<Counts>);

#[derive(Default)]
struct Counts {
    in_request: AtomicUsize,
    in_field: AtomicUsize,
}

impl Commits {
    /// Runs a request, and counts its commits here.
    pub async fn count<F: Future>(self, request: F) -> F::Output {
        COMMITS.scope(self, request).await
    }

    /// The outcome of a request that is given up now.
    pub fn outcome(&self) -> Outcome {
        outcome(&self.0.in_request)
    }
}

/// Begins a root field of a mutation: they run one after another.
pub fn begin_field() {
    let _ = COMMITS.try_with(|commits| commits.0.in_field.store(0, Ordering::Relaxed));
}

/// The outcome of the root field that runs, if it fails now.
pub fn field_outcome() -> Outcome {
    COMMITS.try_with(|commits| outcome(&commits.0.in_field)).unwrap_or(Outcome::NotDone)
}

/// Counts a commit that is about to be sent.
pub(super) fn commit_sent() {
    let _ = COMMITS.try_with(|Commits(counts)| {
        counts.in_request.fetch_add(1, Ordering::Relaxed);
        counts.in_field.fetch_add(1, Ordering::Relaxed);
    });
}

/// Takes a commit back that the database has refused.
pub(super) fn commit_refused() {
    let _ = COMMITS.try_with(|Commits(counts)| {
        counts.in_request.fetch_sub(1, Ordering::Relaxed);
        counts.in_field.fetch_sub(1, Ordering::Relaxed);
    });
}

fn outcome(commits: &AtomicUsize) -> Outcome {
    if commits.load(Ordering::Relaxed) == 0 { Outcome::NotDone } else { Outcome::Unknown }
}
