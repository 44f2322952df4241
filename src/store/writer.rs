//! Connections that write. The one place that knows of every commit, and so of every commit of events: whoever tells
//! subscribers is woken from here, once the events can be read.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Instant;

use diesel::result::Error as Diesel;
use futures_util::future::BoxFuture;
use tokio::sync::{Notify, oneshot};

use super::joint::{self, Seat};
use super::line::{Line, MOST, Waiter};
use super::{Connection, Pooled, Store, Work, unanswered};
use crate::domain::Result;

tokio::task_local! {
    /// Whether the transaction that runs has written events.
    static WRITTEN: Cell<bool>;
}

/// Notes that the transaction that runs has written events. Outside of one that [`Transactional`] runs it does nothing, and
/// those who wait find the events when they next look by themselves.
pub(super) fn note_events() {
    let _ = WRITTEN.try_with(|written| written.set(true));
}

/// A pooled connection for writes.
pub struct Writer {
    connection: Pooled,
    recorded: Arc<Notify>,
}

impl Writer {
    pub(super) fn new(connection: Pooled, recorded: Arc<Notify>) -> Self {
        Self { connection, recorded }
    }
}

impl Deref for Writer {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Writer {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

/// How somebody comes to write.
pub enum Turn {
    /// On a connection of their own.
    Alone(Writer),
    /// In a transaction with others.
    Among(Part),
}

/// A part in a transaction with others.
pub struct Part {
    seat: Seat,
    recorded: Arc<Notify>,
}

impl Part {
    /// Does `work`. None: it has to be done alone, and nothing of it is done. Otherwise as [`Transactional::transaction`].
    pub fn transaction<'c, R, F>(self, work: F) -> BoxFuture<'c, Option<Result<R>>>
    where
        for<'r> F:
            AsyncFnOnce(&'r mut Connection) -> Result<R> + Work<&'r mut Connection, Result<R>, Done: Send> + Send + 'c,
        R: Send + 'c,
    {
        Box::pin(WRITTEN.scope(Cell::new(false), async move {
            let done = self.seat.transaction(work).await?;
            if done.is_ok() && WRITTEN.with(Cell::get) {
                self.recorded.notify_one();
            }
            Some(done)
        }))
    }
}

/// Somebody who waits for a turn.
pub(super) struct Applicant {
    wants: &'static str,
    reply: oneshot::Sender<Result<Turn>>,
}

impl Applicant {
    pub async fn wait(store: &Store, wants: &'static str) -> Result<Turn> {
        let (reply, turn) = oneshot::channel();
        Line::join(store, Instant::now(), Self { wants, reply });
        turn.await.unwrap_or_else(|_| Err(unanswered().into()))
    }
}

impl Waiter for Applicant {
    fn goes_with(&self, other: &Self) -> bool {
        self.wants == other.wants
    }

    fn most(&self) -> usize {
        MOST
    }

    fn is_gone(&self) -> bool {
        self.reply.is_closed()
    }

    fn refuse(self, cause: Diesel) {
        let _ = self.reply.send(Err(cause.into()));
    }

    async fn serve(store: Store, connection: Pooled, mut together: Vec<Self>) {
        let catalog = store.catalog().filter(|_| together.len() > 1);
        let Some(catalog) = catalog else {
            let alone = Turn::Alone(store.writer_on(connection));
            if let Some(applicant) = together.pop() {
                let _ = applicant.reply.send(Ok(alone));
            }
            return;
        };
        let (seats, chair) = joint::table(&catalog, together.len());
        for (applicant, seat) in together.into_iter().zip(seats) {
            let part = Part { seat, recorded: store.0.recorded.clone() };
            let _ = applicant.reply.send(Ok(Turn::Among(part)));
        }
        chair.run(connection).await;
    }

    fn line(store: &Store) -> &Line<Self> {
        &store.0.writes
    }
}

/// What transactions are run on.
pub trait Transactional {
    /// Does `work` in a transaction, which commits if it succeeds and rolls back with its error if not. After the commit,
    /// whoever waits for events is told if there are any.
    ///
    /// What is done is on the heap: it is large, and whoever does it would have to have it on the stack.
    fn transaction<'c, R, F>(&'c mut self, work: F) -> BoxFuture<'c, Result<R>>
    where
        for<'r> F:
            AsyncFnOnce(&'r mut Connection) -> Result<R> + Work<&'r mut Connection, Result<R>, Done: Send> + Send + 'c,
        R: Send + 'c;
}

impl Transactional for Writer {
    fn transaction<'c, R, F>(&'c mut self, work: F) -> BoxFuture<'c, Result<R>>
    where
        for<'r> F:
            AsyncFnOnce(&'r mut Connection) -> Result<R> + Work<&'r mut Connection, Result<R>, Done: Send> + Send + 'c,
        R: Send + 'c,
    {
        let (connection, recorded) = (&mut *self.connection, &self.recorded);
        Box::pin(WRITTEN.scope(Cell::new(false), async move {
            let done = connection.transaction(async |tx| work(tx).await).await?;
            if WRITTEN.with(Cell::get) {
                recorded.notify_one();
            }
            Ok(done)
        }))
    }
}
