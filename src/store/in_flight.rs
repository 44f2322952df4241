//! How many statements of a connection have begun and not come to their end, as the connection itself tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::{Instrumentation, InstrumentationEvent, get_default_instrumentation};

/// The count of one connection. Cheap to clone; the clones are of the same connection.
#[derive(Clone, Default)]
pub(super) struct Unfinished(Arc<AtomicUsize>);

impl Unfinished {
    /// Whether all that began is over.
    pub(super) fn is_none(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// What counts, for the connection to tell.
    pub(super) fn counter(&self) -> impl Instrumentation {
        Counter { unfinished: self.clone(), next: get_default_instrumentation() }
    }
}

struct Counter {
    unfinished: Unfinished,
    /// What would be told without this one.
    next: Option<Box<dyn Instrumentation>>,
}

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let Unfinished(count) = &self.unfinished;
        match event {
            InstrumentationEvent::StartQuery { .. } => _ = count.fetch_add(1, Ordering::Relaxed),
            InstrumentationEvent::FinishQuery { .. } => _ = count.fetch_sub(1, Ordering::Relaxed),
            _ => {}
        }
        self.next.on_connection_event(event);
    }
}
