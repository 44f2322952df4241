//! Statements that change rows and whose result is not needed. They are queued on a connection.

use diesel::pg::Pg;
use diesel::query_builder::{QueryFragment, QueryId};
use diesel_async::AsyncPgConnection;

use super::connection::{StatementFuture, execute};

pub(super) type QueuedStatement = Box<dyn for<'c> FnOnce(&'c AsyncPgConnection) -> StatementFuture<'c, usize> + Send>;

/// Statements that change rows, for `Connection::queue`.
#[must_use = "a write is sent only if it is queued: `tx.queue(…)`"]
#[derive(Default)]
pub struct Write {
    pub(super) statements: Vec<QueuedStatement>,
    pub(super) records_events: bool,
}

impl Write {
    /// Returns a write of one statement.
    pub fn of<Q>(statement: Q) -> Self
    where
        Q: QueryFragment<Pg> + QueryId + Send + 'static,
    {
        Self { statements: vec![queued(move |session| execute(session, statement))], records_events: false }
    }

    /// Returns a write that records events, without statements: [`Write::and`] adds them.
    pub(super) fn of_events() -> Self {
        Self { records_events: true, ..Self::default() }
    }

    /// Appends the statements of another write.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.statements.extend(other.statements);
        self.records_events |= other.records_events;
        self
    }
}

/// Boxes a closure. The signature gives the compiler the closure's type, which it does not infer.
fn queued<F>(statement: F) -> QueuedStatement
where
    F: for<'c> FnOnce(&'c AsyncPgConnection) -> StatementFuture<'c, usize> + Send + 'static,
{
    Box::new(statement)
}
