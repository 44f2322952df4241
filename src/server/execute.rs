//! Runs a prepared operation, whichever way it came: a query or a mutation has one result, a subscription any number.

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

/// How long operations may take.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// For queries.
    pub query: Duration,
    /// For mutations, which are not given up lightly: whether one was done in the end, nobody can tell then.
    pub mutation: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { query: Duration::from_secs(10), mutation: Duration::from_secs(30) }
    }
}

/// Who has an operation run.
#[derive(Clone)]
pub struct Caller {
    /// Names what they ask in answers and in the log.
    pub id: RequestId,
    /// Whose token came with it.
    pub actor: Option<Actor>,
    /// Where it comes from.
    pub address: Option<IpAddr>,
}

/// An operation that has begun, or will once its results are asked for.
pub struct Running {
    /// What its mutations are refused for, as far as they have run.
    pub refusals: Refusals,
    /// What it results in. Dropped, a query and a subscription end; a mutation that has begun does not.
    pub results: BoxStream<'static, SubscriptionItem>,
}

/// Runs an operation in a context of its own.
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

/// The result of a query or mutation. A query ends when its client goes away; a mutation is brought to its end all the same.
/// Given up before its commit was sent, either leaves nothing behind in the database: its statement is cancelled unless others
/// wait for it too, and its transaction rolled back.
async fn one(server: ServerState, id: String, kind: OperationType, request: Request) -> Executed {
    let (schema, exposure) = (server.schema.clone(), server.documents.exposure());
    let commits = Commits::default();
    // On the heap: it is large, and handed from one to the next.
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
        // Passed on to where panics of all requests are answered.
        Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
        Err(_) => shutting_down(commits.outcome()),
    }
}

/// What a subscription tells, until it ends or the server does.
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
