//! Reads while all connections are busy: those with one text run as one statement on the next connection that is free.

use std::sync::Arc;

use diesel::QueryResult;
use diesel::result::Error;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::oneshot;

use super::catalog::Catalog;
use super::connection::{Courier, Row};
use super::line::{Line, Waiter};
use super::statement::Statement;
use super::{Connection, Pooled, Store, away, batch};

/// Has its statements run on whichever connection is free.
pub(super) struct Reader {
    store: Store,
    catalog: Arc<Catalog>,
}

impl Reader {
    pub fn new(store: Store, catalog: Arc<Catalog>) -> Self {
        Self { store, catalog }
    }
}

impl Courier for Reader {
    fn load(&self, statement: QueryResult<Statement>) -> BoxFuture<'static, QueryResult<Vec<Row>>> {
        let store = self.store.clone();
        async move {
            let (reply, answer) = oneshot::channel();
            Line::join(&store, Ask { statement: statement?, reply });
            answer.await.unwrap_or_else(|cause| Err(away(&cause)))
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
    reply: oneshot::Sender<QueryResult<Vec<Row>>>,
}

impl Waiter for Ask {
    fn wants(&self) -> &str {
        &self.statement.text
    }

    fn is_gone(&self) -> bool {
        self.reply.is_closed()
    }

    fn refuse(self, cause: Error) {
        let _ = self.reply.send(Err(cause));
    }

    async fn serve(store: Store, connection: Pooled, together: Vec<Self>) {
        let Some(catalog) = store.catalog() else { return };
        let (statements, mut replies): (Vec<_>, Vec<_>) =
            together.into_iter().map(|Self { statement, reply }| (statement, reply)).unzip();
        let answers = {
            let everybody_went = join_all(replies.iter_mut().map(oneshot::Sender::closed));
            tokio::select! {
                answers = answers(&connection, &catalog, &statements) => answers,
                _ = everybody_went => return,
            }
        };
        drop(connection);
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
        Err(_) => {
            let mut answers = Vec::with_capacity(statements.len());
            for statement in statements {
                answers.push(batch::rows(connection, statement.clone()).await);
            }
            answers
        }
    }
}
