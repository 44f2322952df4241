//! Executes a prepared operation, from HTTP or WebSocket: a query or mutation has one result, a subscription any
//! number.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response as Executed};
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::time::timeout;
use tracing::Instrument;

use super::prepare::Prepared;
use super::state::ServerState;
use crate::domain::error::Outcome;
use crate::graphql::context::{Refusals, RequestContext};
use crate::graphql::subscription::{self, SubscriptionItem};
use crate::operations::Commits;
use crate::server::caller::Caller;
use crate::server::error_codes::error_with_outcome;
use crate::server::response;

/// An operation that has begun, or begins when its results are polled.
pub struct Running {
    /// Refusals of the mutations that have run so far.
    pub refusals: Refusals,
    /// The results. Dropping them ends a query or subscription, but not a mutation that has begun.
    pub results: BoxStream<'static, SubscriptionItem>,
}

/// Runs an operation in its own request context.
pub fn run(server: &ServerState, caller: &Caller, prepared: Prepared) -> Running {
    let mut context = RequestContext::new(&server.env, caller.actor, caller.address);
    context.raw_json = prepared.kind == OperationType::Query && !prepared.repeats_fields;
    let refusals = context.refusals.clone();
    let (request, server, id) = (prepared.request, server.clone(), caller.id.0.clone());
    let results = match prepared.kind {
        OperationType::Subscription => execute_subscription(server, id, request, context),
        kind => {
            let requested_cost = prepared.requested_cost;
            let executed = stream::once(execute_once(server, id, kind, request.data(Arc::new(context))));
            let executed = executed.map(move |executed| match requested_cost {
                Some(cost) => executed.extension("cost", cost.into()),
                None => executed,
            });
            executed.map(|executed| SubscriptionItem::Executed(Box::new(executed))).boxed()
        }
    };
    Running { refusals, results }
}

/// Returns the result of a query or mutation. A query ends when its client disconnects; a mutation still runs to its
/// end. If either is abandoned before its commit was sent, the database is unchanged: the statement is cancelled,
/// unless other requests wait for it too, and the transaction is rolled back.
async fn execute_once(server: ServerState, id: String, kind: OperationType, request: Request) -> Executed {
    let (schema, exposure) = (server.schema.clone(), server.documents.exposure());
    let commits = Commits::default();
    // Boxed because the future is large and is moved several times.
    let execution = Box::pin(commits.clone().count(async move {
        let mut executed = schema.execute(request).await;
        response::assign_error_codes(&mut executed, &id, exposure);
        executed
    }));
    let limits = server.time_limits;
    if kind != OperationType::Mutation {
        let executed = timeout(limits.query, execution).await;
        return executed.unwrap_or_else(|_| timed_out(limits.query, "Request less data at a time.", Outcome::NotDone));
    }
    let bounded = {
        let commits = commits.clone();
        async move {
            timeout(limits.mutation, execution).await.unwrap_or_else(|_| {
                let advice = match commits.outcome() {
                    Outcome::NotDone => "Nothing was changed.",
                    Outcome::Unknown => {
                        "The change may have been made: retry with the same idempotency key to find out."
                    }
                };
                timed_out(limits.mutation, advice, commits.outcome())
            })
        }
    };
    match server.tasks.spawn(bounded.in_current_span()).await {
        Ok(executed) => executed,
        // Resumes the panic, so that the middleware answers it like any other.
        Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
        Err(_) => shutting_down(commits.outcome()),
    }
}

/// Returns the results of a subscription, until the subscription or the server ends.
fn execute_subscription(
    server: ServerState,
    id: String,
    request: Request,
    context: RequestContext,
) -> BoxStream<'static, SubscriptionItem> {
    let (stopping, exposure) = (server.stopping.clone(), server.documents.exposure());
    let items = subscription::subscribe(&server.schema, request, context).map(move |item| match item {
        SubscriptionItem::Executed(mut executed) => {
            response::assign_error_codes(&mut executed, &id, exposure);
            SubscriptionItem::Executed(executed)
        }
        shared => shared,
    });
    let notice = stream::once(async move { stopping.is_cancelled().then(|| shutting_down(Outcome::NotDone)) });
    let notice = notice.filter_map(std::future::ready).map(|executed| SubscriptionItem::Executed(Box::new(executed)));
    items.take_until(server.stopping.cancelled_owned()).chain(notice).boxed()
}

fn timed_out(time: Duration, advice: &str, outcome: Outcome) -> Executed {
    let message = format!("The operation took longer than {} seconds and was cancelled. {advice}", time.as_secs());
    Executed::from_errors(vec![error_with_outcome("TIMEOUT", message, outcome)])
}

fn shutting_down(outcome: Outcome) -> Executed {
    Executed::from_errors(vec![error_with_outcome("SHUTTING_DOWN", "The server is shutting down.", outcome)])
}
