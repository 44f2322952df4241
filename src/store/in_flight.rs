//! Number of statements in flight on a connection, as counted by diesel's instrumentation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::{Instrumentation, InstrumentationEvent, get_default_instrumentation};

/// Counter of the statements in flight on one connection. Clones share the counter.
#[derive(Clone, Default)]
pub(super) struct StatementsInFlight(Arc<AtomicUsize>);

impl StatementsInFlight {
    /// Returns whether no statement is in flight.
    pub(super) fn is_none(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Returns the instrumentation that counts the statements of the connection.
    pub(super) fn counter(&self) -> impl Instrumentation {
        Counter { unfinished: self.clone(), next: get_default_instrumentation() }
    }
}

struct Counter {
    unfinished: StatementsInFlight,
    /// Default instrumentation, to which events are passed on.
    next: Option<Box<dyn Instrumentation>>,
}

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let StatementsInFlight(count) = &self.unfinished;
        match event {
            InstrumentationEvent::StartQuery { .. } => _ = count.fetch_add(1, Ordering::Relaxed),
            InstrumentationEvent::FinishQuery { .. } => _ = count.fetch_sub(1, Ordering::Relaxed),
            _ => {}
        }
        self.next.on_connection_event(event);
    }
}
