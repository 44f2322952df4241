//! Queue of reads that wait for a connection, and the execution of one batch.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use diesel::QueryResult;
use diesel::result::Error;
use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::batch::{self, BatchQuery};
use super::connection_lost;
use super::statement::Statement;
use super::type_catalog::TypeCatalog;
use crate::store::PooledConnection;
use crate::store::connection::Row;
use crate::store::error::is_passing;

/// Read that waits in the queue.
pub(super) struct QueuedRead {
    /// Statement to run.
    pub statement: Statement,
    /// Batch query of the statement's text.
    pub query: Arc<BatchQuery>,
    /// Type catalog from which the types of its values were taken.
    pub types: Arc<TypeCatalog>,
    /// Sender of the rows, or of the error.
    pub reply: oneshot::Sender<QueryResult<Vec<Row>>>,
}

impl QueuedRead {
    /// Sends an error to the caller.
    pub fn fail(self, cause: Error) {
        let _ = self.reply.send(Err(cause));
    }
}

/// Waiting reads, ordered by the start of their requests: older requests finish before newer ones.
#[derive(Default)]
pub(super) struct Queue(VecDeque<(Instant, QueuedRead)>);

impl Queue {
    /// Adds a read of a request that began at `began`.
    pub fn insert(&mut self, began: Instant, read: QueuedRead) {
        let index = self.0.partition_point(|(other, _)| *other <= began);
        self.0.insert(index, (began, read));
    }

    /// Removes the first read and the further reads with its text, up to the maximum size of a batch. Returns them;
    /// empty if no read waits.
    pub fn next_batch(&mut self) -> Vec<QueuedRead> {
        self.0.retain(|(_, read)| !read.reply.is_closed());
        let Some((_, first)) = self.0.pop_front() else { return Vec::new() };
        let (query, max) = (first.query.clone(), first.query.max_batch());
        let mut batch = vec![first];
        let mut index = 0;
        while batch.len() < max && index < self.0.len() {
            if Arc::ptr_eq(&self.0[index].1.query, &query) {
                batch.extend(self.0.remove(index).map(|(_, read)| read));
            } else {
                index += 1;
            }
        }
        batch
    }
}

/// Runs a batch and sends each caller its rows. Stops if all callers are dropped.
pub(super) async fn run(connection: PooledConnection, batch: Vec<QueuedRead>) {
    let Some(first) = batch.first() else { return };
    let (query, types) = (first.query.clone(), first.types.clone());
    let (statements, mut replies): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|read| (read.statement, read.reply)).unzip();
    let started = Instant::now();
    let results = tokio::select! {
        results = load(&connection, &query, &types, &statements) => Some(results),
        _ = join_all(replies.iter_mut().map(oneshot::Sender::closed)) => None,
    };
    drop(connection);
    query.record_duration(started.elapsed(), statements.len());
    for (reply, result) in replies.into_iter().zip(results.into_iter().flatten()) {
        let _ = reply.send(result);
    }
}

/// Runs the statements as one query. If that query fails, each statement runs by itself, so that the error of one does
/// not reach the callers of the others.
async fn load(
    connection: &PooledConnection,
    query: &BatchQuery,
    types: &TypeCatalog,
    statements: &[Statement],
) -> Vec<QueryResult<Vec<Row>>> {
    if let Some(combined) = query.combine(statements, types) {
        match batch::load(connection, combined, statements.len()).await {
            Ok(found) => return found.into_iter().map(Ok).collect(),
            Err(cause) if is_passing(&cause) => {
                return statements.iter().map(|_| Err(connection_lost(&cause))).collect();
            }
            Err(cause) => tracing::debug!(%cause, "query batch failed; running its statements one by one"),
        }
    }
    let mut results = Vec::with_capacity(statements.len());
    for statement in statements {
        results.push(statement.load(connection).await);
    }
    results
}
