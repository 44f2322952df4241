//! Executes a prepared operation, from HTTP or WebSocket: a query or mutation has one result, a subscription any
//! number.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response as Executed};
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::time::timeout;
use tracing::Instrument;

use super::prepare::Prepared;
use super::router::ServerState;
use crate::auth::Actor;
use crate::domain::error::Outcome;
use crate::graphql::context::{Refusals, RequestContext};
use crate::graphql::subscription::{self, SubscriptionItem};
use crate::operations::Commits;
use crate::server::error::error_with_outcome;
use crate::server::middleware::RequestId;
use crate::server::response;

/// Time limits of operations.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// For queries.
    pub query: Duration,
    /// For mutations. Longer, because after a timeout it may be unknown whether the mutation was committed.
    pub mutation: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { query: Duration::from_secs(10), mutation: Duration::from_secs(30) }
    }
}

/// The caller of an operation.
#[derive(Clone)]
pub struct Caller {
    /// Identifies the request in responses and in the log.
    pub id: RequestId,
    /// The authenticated actor, `None` if anonymous.
    pub actor: Option<Actor>,
    /// Address of the client, `None` if unknown.
    pub address: Option<IpAddr>,
}

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
        OperationType::Subscription => many(server, id, request, context),
        kind => {
            let told_cost = prepared.told_cost;
            let executed = stream::once(one(server, id, kind, request.data(Arc::new(context))));
            let told = executed.map(move |executed| match told_cost {
                Some(cost) => executed.extension("cost", cost.into()),
                None => executed,
            });
            told.map(|executed| SubscriptionItem::Executed(Box::new(executed))).boxed()
        }
    };
    Running { refusals, results }
}

/// Returns the result of a query or mutation. A query ends when its client disconnects; a mutation still runs to its
/// end. If either is abandoned before its commit was sent, the database is unchanged: the statement is cancelled,
/// unless other requests wait for it too, and the transaction is rolled back.
async fn one(server: ServerState, id: String, kind: OperationType, request: Request) -> Executed {
    let (schema, exposure) = (server.schema.clone(), server.documents.exposure());
    let commits = Commits::default();
    // Boxed because the future is large and is moved several times.
    let execution = Box::pin(commits.clone().count(async move {
        let mut executed = schema.execute(request).await;
        response::settle(&mut executed, &id, exposure);
        executed
    }));
    let limits = server.time_limits;
    if kind != OperationType::Mutation {
        let executed = timeout(limits.query, execution).await;
        return executed.unwrap_or_else(|_| given_up(limits.query, "Ask for less at a time.", Outcome::NotDone));
    }
    let bounded = {
        let commits = commits.clone();
        async move {
            timeout(limits.mutation, execution).await.unwrap_or_else(|_| {
                let advice = match commits.outcome() {
                    Outcome::NotDone => "Nothing was changed.",
                    Outcome::Unknown => {
                        "It may have been done all the same: send it again with the same idempotency key to find out."
                    }
                };
                given_up(limits.mutation, advice, commits.outcome())
            })
        }
    };
    match server.tasks.spawn(bounded.in_current_span()).await {
        Ok(executed) => executed,
        // Resumes the panic, which the middleware answers like all others.
        Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
        Err(_) => shutting_down(commits.outcome()),
    }
}

/// Returns the results of a subscription, until the subscription or the server ends.
fn many(
    server: ServerState,
    id: String,
    request: Request,
    context: RequestContext,
) -> BoxStream<'static, SubscriptionItem> {
    let (stopping, exposure) = (server.stopping.clone(), server.documents.exposure());
    let told = subscription::tell(&server.schema, request, context).map(move |told| match told {
        SubscriptionItem::Executed(mut executed) => {
            response::settle(&mut executed, &id, exposure);
            SubscriptionItem::Executed(executed)
        }
        shared => shared,
    });
    let farewell = stream::once(async move { stopping.is_cancelled().then(|| shutting_down(Outcome::NotDone)) });
    let farewell =
        farewell.filter_map(std::future::ready).map(|executed| SubscriptionItem::Executed(Box::new(executed)));
    told.take_until(server.stopping.cancelled_owned()).chain(farewell).boxed()
}

fn given_up(time: Duration, advice: &str, outcome: Outcome) -> Executed {
    let message = format!("This took longer than {} seconds, and was given up. {advice}", time.as_secs());
    Executed::from_errors(vec![error_with_outcome("TIMEOUT", message, outcome)])
}

fn shutting_down(outcome: Outcome) -> Executed {
    Executed::from_errors(vec![error_with_outcome("SHUTTING_DOWN", "The server is shutting down.", outcome)])
}
