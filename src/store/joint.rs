//! One transaction for several writes of a kind, of requests that wait for a connection at the same time. Each has a seat and goes
//! on by itself; whenever all of them wait for the database, what they wait for is run, statements of one text as one.
//!
//! What keeps them apart is what keeps transactions apart: locks. A lock that a seat asks for is not waited for, since others would
//! wait as well. Whoever does not get it, because somebody else holds the row or another at the table does, is dismissed, and begins
//! again by itself in a transaction of its own. So are all of them when something goes wrong: nothing is written then. Nobody is
//! dismissed after the commit was sent. What a seat writes without having locked it, or refers to, may be waited for: work that is
//! done here locks what it changes.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::QueryResult;
use diesel::result::Error as Diesel;
use diesel::row::{Field, Row as _};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all, pending, poll_fn};
use tokio::sync::{Notify, mpsc, oneshot};

use super::catalog::Catalog;
use super::connection::{Courier, Row};
use super::statement::Statement;
use super::together::Kind;
use super::{Connection, Pooled, Work, batch};
use crate::domain::{Error, Fault, Result};

/// A place in a transaction that several share.
pub struct Seat {
    number: usize,
    desk: Arc<Desk>,
    chair: mpsc::UnboundedSender<(usize, Word)>,
    /// Tells by its end that nobody is left.
    _presence: mpsc::Sender<Infallible>,
}

/// What is on the desk of a seat.
struct Desk {
    catalog: Arc<Catalog>,
    /// Steps that were not handed in yet.
    steps: Mutex<Vec<Step>>,
    is_dismissed: AtomicBool,
}

/// A statement, in the order of its seat.
struct Step {
    statement: Statement,
    kind: Kind,
    /// Who waits for the rows. None: nobody does.
    reply: Option<oneshot::Sender<QueryResult<Vec<Row>>>>,
}

/// What a seat says to whoever runs the transaction.
enum Word {
    /// It waits for the last of these.
    Steps(Vec<Step>),
    /// These are the last, and it wants them committed.
    Finish(Vec<Step>, oneshot::Sender<Result<()>>),
    /// It is no longer there.
    Leave,
}

impl Desk {
    fn steps(&self) -> MutexGuard<'_, Vec<Step>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dismiss(&self) {
        self.is_dismissed.store(true, Ordering::Relaxed);
    }

    /// Takes a statement on, if it is of a kind that may be run here.
    fn take_on(&self, statement: Statement, reply: Option<oneshot::Sender<QueryResult<Vec<Row>>>>) {
        let forms = self.catalog.forms(&statement);
        let fits = match forms.kind {
            Kind::Read | Kind::Lock { .. } => reply.is_some(),
            Kind::Write => reply.is_none(),
            Kind::Other => false,
        };
        if fits {
            self.steps().push(Step { statement, kind: forms.kind, reply });
        } else {
            self.dismiss();
        }
    }
}

/// Dismissed: what is answered to a seat does not matter any more.
fn dismissed() -> Diesel {
    Diesel::RollbackTransaction
}

impl Courier for Arc<Desk> {
    fn load(&self, statement: QueryResult<Statement>) -> BoxFuture<'static, QueryResult<Vec<Row>>> {
        let desk = self.clone();
        async move {
            let (reply, answer) = oneshot::channel();
            desk.take_on(statement?, Some(reply));
            answer.await.unwrap_or_else(|_| {
                desk.dismiss();
                Err(dismissed())
            })
        }
        .boxed()
    }

    /// How many rows a statement finds among several cannot be told.
    fn execute(&self, _: QueryResult<Statement>) -> BoxFuture<'static, QueryResult<usize>> {
        self.dismiss();
        std::future::ready(Err(dismissed())).boxed()
    }

    fn post(&self, statement: QueryResult<Statement>) {
        match statement {
            Ok(statement) => self.take_on(statement, None),
            Err(_) => self.dismiss(),
        }
    }

    fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }
}

impl Seat {
    /// Does `work`, and commits it together with that of the others. None: it was dismissed, and nothing of it was written; what
    /// it locked is locked until the others are done.
    pub(super) async fn transaction<R, F>(self, work: F) -> Option<Result<R>>
    where
        for<'r> F:
            AsyncFnOnce(&'r mut Connection) -> Result<R> + Work<&'r mut Connection, Result<R>, Done: Send> + Send,
    {
        let mut tx = Connection::with(self.desk.clone());
        let done = {
            let mut work = pin!(work(&mut tx));
            poll_fn(|cx| {
                let done = work.as_mut().poll(cx);
                if done.is_pending() {
                    self.hand_in();
                }
                done
            })
            .await
        };
        if self.desk.is_dismissed.load(Ordering::Relaxed) {
            return None;
        }
        let done = match done {
            Ok(done) => done,
            Err(error) => return Some(Err(error)),
        };
        let (reply, end) = oneshot::channel();
        let _ = self.chair.send((self.number, Word::Finish(std::mem::take(&mut *self.desk.steps()), reply)));
        Some(end.await.ok()?.map(|()| done))
    }

    /// Hands in what was asked for since the last time.
    fn hand_in(&self) {
        let mut steps = self.desk.steps();
        if steps.iter().any(|step| step.reply.is_some()) {
            let _ = self.chair.send((self.number, Word::Steps(std::mem::take(&mut *steps))));
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.chair.send((self.number, Word::Leave));
    }
}

/// A table with so many seats, and who runs their transaction.
pub(super) fn table(catalog: &Arc<Catalog>, seats: usize) -> (Vec<Seat>, Chair) {
    let (chair, words) = mpsc::unbounded_channel();
    let (presence, present) = mpsc::channel(1);
    let seat = |number| {
        let desk = Desk { catalog: catalog.clone(), steps: Mutex::default(), is_dismissed: AtomicBool::new(false) };
        Seat { number, desk: Arc::new(desk), chair: chair.clone(), _presence: presence.clone() }
    };
    let places = (0..seats).map(|_| Some(Place::default())).collect();
    let seats = (0..seats).map(seat).collect();
    let deserted = Arc::default();
    (seats, Chair { catalog: catalog.clone(), words, present, deserted, places, held: Vec::new(), is_ending: false })
}

/// Who runs the transaction.
pub(super) struct Chair {
    catalog: Arc<Catalog>,
    words: mpsc::UnboundedReceiver<(usize, Word)>,
    /// Ends when nobody is left.
    present: mpsc::Receiver<Infallible>,
    /// Told when nobody is left in the middle of a statement.
    deserted: Arc<Notify>,
    /// By their numbers. None: it was dismissed, or left.
    places: Vec<Option<Place>>,
    /// The rows that seats hold: their first columns, which are their keys.
    held: Vec<Held>,
    /// Whether all that is left is to commit.
    is_ending: bool,
}

/// How a seat stands.
#[derive(Default)]
struct Place {
    /// What it waits for.
    steps: Vec<Step>,
    /// Where it is told that all is committed, once it wants that.
    finish: Option<oneshot::Sender<Result<()>>>,
    /// Whether something of it was written.
    has_written: bool,
}

struct Held {
    key: Vec<u8>,
    by: usize,
    exclusive: bool,
}

/// Steps of several seats with one text, at one place in their orders.
struct Group {
    statements: Vec<Statement>,
    kind: Kind,
    seats: Vec<usize>,
    replies: Vec<Option<oneshot::Sender<QueryResult<Vec<Row>>>>>,
}

/// All that was done is undone, and everybody begins again.
fn broken_up() -> Error {
    Error::Failed(Fault::new("a transaction of several writes was broken up"))
}

impl Chair {
    /// Runs the transaction of those at the table.
    pub async fn run(mut self, mut connection: Pooled) {
        let deserted = self.deserted.clone();
        let committed = tokio::select! {
            committed = connection.transaction(async |tx| self.rounds(tx).await) => committed,
            // The connection is given up in the middle then, which ends what the database does.
            () = deserted.notified() => return,
        };
        drop(connection);
        let finished = self.places.into_iter().flatten().filter_map(|place| place.finish);
        match committed {
            Ok(()) => finished.for_each(|finish| _ = finish.send(Ok(()))),
            // Whether it was committed is not known.
            Err(Error::Failed(fault)) if fault.passing && self.is_ending => finished.for_each(|finish| {
                let same = Fault { passing: true, cause: fault.cause.to_string().into() };
                let _ = finish.send(Err(Error::Failed(same)));
            }),
            Err(cause) => tracing::debug!(?cause, "a transaction of several writes was rolled back"),
        }
    }

    /// Runs what they ask for, until all of them want it committed.
    async fn rounds(&mut self, tx: &mut Connection) -> Result<()> {
        loop {
            self.hear().await?;
            let mut places = self.places.iter().flatten().peekable();
            if places.peek().is_none() {
                return Err(broken_up());
            }
            self.is_ending = places.all(|place| place.finish.is_some());
            self.run_round(tx).await?;
            if self.is_ending {
                return Ok(());
            }
        }
    }

    /// Listens until everybody waits for something.
    async fn hear(&mut self) -> Result<()> {
        let waits = |place: &Place| !place.steps.is_empty() || place.finish.is_some();
        while !self.places.iter().flatten().all(waits) {
            let (seat, word) = self.words.recv().await.ok_or_else(broken_up)?;
            self.note(seat, word)?;
        }
        // Whoever left in the meantime is not written for.
        while let Ok((seat, word)) = self.words.try_recv() {
            self.note(seat, word)?;
        }
        Ok(())
    }

    fn note(&mut self, seat: usize, word: Word) -> Result<()> {
        let Some(place) = &mut self.places[seat] else { return Ok(()) };
        match word {
            Word::Steps(steps) => place.steps.extend(steps),
            Word::Finish(steps, finish) => {
                place.steps.extend(steps);
                place.finish = Some(finish);
            }
            Word::Leave => self.dismiss(seat)?,
        }
        Ok(())
    }

    /// Goes on without a seat. Nobody can, if something of it was written.
    fn dismiss(&mut self, seat: usize) -> Result<()> {
        match self.places[seat].take() {
            Some(place) if place.has_written => Err(broken_up()),
            _ => Ok(()),
        }
    }

    /// Runs the steps of those who wait for rows, or of all in the end: then nobody waits for any, and what is posted goes out
    /// with the commit.
    async fn run_round(&mut self, tx: &mut Connection) -> Result<()> {
        let mut asked = Vec::new();
        for group in self.groups() {
            if group.kind != Kind::Write {
                asked.push(group);
                continue;
            }
            self.ask(tx, std::mem::take(&mut asked)).await?;
            for seat in group.seats {
                self.places[seat].iter_mut().for_each(|place| place.has_written = true);
            }
            for statement in batch::joined(&self.catalog, group.statements) {
                tx.post(statement);
            }
        }
        self.ask(tx, asked).await
    }

    /// What there is to run, in order.
    fn groups(&mut self) -> Vec<Group> {
        let mut groups: BTreeMap<(usize, Arc<str>), Group> = BTreeMap::new();
        for (seat, place) in self.places.iter_mut().enumerate() {
            let Some(place) = place.as_mut().filter(|place| self.is_ending || place.finish.is_none()) else { continue };
            for (order, Step { statement, kind, reply }) in place.steps.drain(..).enumerate() {
                let group = groups.entry((order, statement.text.clone())).or_insert_with(|| Group::of(kind));
                group.statements.push(statement);
                group.seats.push(seat);
                group.replies.push(reply);
            }
        }
        groups.into_values().collect()
    }

    /// Runs what reads, in one flight, and tells the seats what they found.
    async fn ask(&mut self, tx: &Connection, groups: Vec<Group>) -> Result<()> {
        if groups.is_empty() {
            return Ok(());
        }
        let found = groups.iter().map(|group| batch::load(tx, &self.catalog, &group.statements));
        let found = tokio::select! {
            found = join_all(found) => found.into_iter().collect::<QueryResult<Vec<_>>>()?,
            _ = self.present.recv() => {
                self.deserted.notify_one();
                pending().await
            }
        };
        for (group, found) in groups.iter().zip(&found) {
            if let Kind::Lock { exclusive } = group.kind {
                for (seat, rows) in group.seats.iter().zip(found) {
                    self.hold(*seat, rows, exclusive)?;
                }
            }
        }
        for (group, found) in groups.into_iter().zip(found) {
            for ((seat, reply), rows) in group.seats.into_iter().zip(group.replies).zip(found) {
                if let Some(reply) = reply.filter(|_| self.places[seat].is_some()) {
                    let _ = reply.send(Ok(rows));
                }
            }
        }
        Ok(())
    }

    /// Has a seat hold the rows that it has locked. It is dismissed if there are none: somebody else has them, or they are not there
    /// at all. And it is, if another at the table has them: to the database, that is the same transaction.
    fn hold(&mut self, by: usize, rows: &[Row], exclusive: bool) -> Result<()> {
        if rows.is_empty() {
            return self.dismiss(by);
        }
        for row in rows {
            let Some(key) = row.get(0).and_then(|field| Some(field.value()?.as_bytes().to_vec())) else { continue };
            let collides = |held: &Held| held.key == key && held.by != by && (held.exclusive || exclusive);
            if self.held.iter().any(collides) {
                return self.dismiss(by);
            }
            self.held.push(Held { key, by, exclusive });
        }
        Ok(())
    }
}

impl Group {
    fn of(kind: Kind) -> Self {
        Self { statements: Vec::new(), kind, seats: Vec::new(), replies: Vec::new() }
    }
}
