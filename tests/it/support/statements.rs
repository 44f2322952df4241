//! The SQL statements that the connections of a test run.

use std::cell::{Cell, RefCell};

use diesel::connection::InstrumentationEvent;

thread_local! {
    /// Statements of this thread. Each test has its own thread, and all futures that it awaits run there.
    static STATEMENTS: Cell<usize> = const { Cell::new(0) };
    /// Texts of these statements.
    static TEXTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// Statements that look up the access of users to workspaces.
    static ACCESS_LOOKUPS: Cell<usize> = const { Cell::new(0) };
}

/// The texts of the statements since the last call.
pub fn take_statements() -> Vec<String> {
    TEXTS.take()
}

/// Counts the statements of connections that are opened from now on, and keeps their texts.
pub fn count_statements() {
    diesel::connection::set_default_instrumentation(|| {
        Some(Box::new(|event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                STATEMENTS.set(STATEMENTS.get() + 1);
                TEXTS.with_borrow_mut(|texts| texts.push(query.to_string()));
                ACCESS_LOOKUPS
                    .set(ACCESS_LOOKUPS.get() + usize::from(query.to_string().contains("a (user_id, workspace_id)")));
            }
        }))
    })
    .expect("instrumentation");
}

/// Returns the number of statements of this thread so far.
pub fn statement_count() -> usize {
    STATEMENTS.get()
}

/// Returns the number of statements of this thread so far that look up the access of users to workspaces.
pub fn access_lookup_count() -> usize {
    ACCESS_LOOKUPS.get()
}
