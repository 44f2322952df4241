//! Reads while all connections are busy: those with one text run as one statement on the next connection that is free.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::QueryResult;
use diesel::result::Error;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::oneshot;

use super::catalog::Catalog;
use super::connection::{Courier, Row};
use super::error::is_passing;
use super::line::{Line, MOST, Waiter};
use super::statement::Statement;
use super::together::Forms;
use super::{Connection, Pooled, Store, away, batch, unanswered};

/// How long those who are served together take, if they are several.
const TURN: Duration = Duration::from_millis(3);

/// Has its statements run on whichever connection is free.
pub(super) struct Reader {
    store: Store,
    catalog: Arc<Catalog>,
    began: Instant,
}

impl Reader {
    /// For a request that began then.
    pub fn new(store: Store, catalog: Arc<Catalog>, began: Instant) -> Self {
        Self { store, catalog, began }
    }
}

impl Courier for Reader {
    fn load(&self, statement: QueryResult<Statement>) -> BoxFuture<'static, QueryResult<Vec<Row>>> {
        let (store, catalog, began) = (self.store.clone(), self.catalog.clone(), self.began);
        async move {
            let (reply, answer) = oneshot::channel();
            let statement = statement?;
            Line::join(&store, began, Ask { forms: catalog.forms(&statement), statement, reply });
            answer.await.unwrap_or_else(|_| Err(unanswered()))
        }
        .boxed()
    }

    /// How many rows a statement finds among several cannot be told.
    fn execute(&self, statement: QueryResult<Statement>) -> BoxFuture<'static, QueryResult<usize>> {
        let store = self.store.clone();
        async move {
            let connection = store.lend_next().await.map_err(|cause| away(&cause))?;
            batch::execute(&connection, statement?).await
        }
        .boxed()
    }

    /// Nothing is posted without a transaction, and none is begun here.
    fn post(&self, _: QueryResult<Statement>) {
        debug_assert!(false, "a statement was posted without a transaction");
    }

    fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }
}

/// A statement whose rows somebody waits for.
pub(super) struct Ask {
    statement: Statement,
    forms: Arc<Forms>,
    reply: oneshot::Sender<QueryResult<Vec<Row>>>,
}

impl Waiter for Ask {
    fn goes_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.forms, &other.forms)
    }

    /// So many that they take about [`TURN`]: what takes long is better done at the same time on several connections. One, until
    /// it was measured.
    fn most(&self) -> usize {
        if self.forms.several.is_none() {
            return 1;
        }
        let Some(each) = self.forms.pace.each() else { return 1 };
        usize::try_from(TURN.as_nanos() / each.as_nanos().max(1)).unwrap_or(MOST).clamp(1, MOST)
    }

    fn is_gone(&self) -> bool {
        self.reply.is_closed()
    }

    fn refuse(self, cause: Error) {
        let _ = self.reply.send(Err(cause));
    }

    async fn serve(store: Store, connection: Pooled, together: Vec<Self>) {
        let Some(catalog) = store.catalog() else { return };
        let Some(forms) = together.first().map(|first| first.forms.clone()) else { return };
        let (statements, mut replies): (Vec<_>, Vec<_>) =
            together.into_iter().map(|ask| (ask.statement, ask.reply)).unzip();
        let started = Instant::now();
        let answers = {
            let everybody_went = join_all(replies.iter_mut().map(oneshot::Sender::closed));
            tokio::select! {
                answers = answers(&connection, &catalog, &statements) => answers,
                _ = everybody_went => {
                    forms.pace.note(started.elapsed(), statements.len());
                    return;
                }
            }
        };
        drop(connection);
        forms.pace.note(started.elapsed(), statements.len());
        for (reply, answer) in replies.into_iter().zip(answers) {
            let _ = reply.send(answer);
        }
    }

    fn line(store: &Store) -> &Line<Self> {
        &store.0.reads
    }
}

/// What each statement found. What goes wrong for one of several must not be what the others are told, so each is asked by itself
/// then.
async fn answers(connection: &Connection, catalog: &Catalog, statements: &[Statement]) -> Vec<QueryResult<Vec<Row>>> {
    match batch::load(connection, catalog, statements).await {
        Ok(found) => found.into_iter().map(Ok).collect(),
        Err(cause) if statements.len() == 1 => vec![Err(cause)],
        Err(cause) if is_passing(&cause) => statements.iter().map(|_| Err(away(&cause))).collect(),
        Err(cause) => {
            tracing::debug!(%cause, "asked one by one what did not go together");
            let mut answers = Vec::with_capacity(statements.len());
            for statement in statements {
                answers.push(batch::rows(connection, statement.clone()).await);
            }
            answers
        }
    }
}
