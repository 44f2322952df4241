//! Runs a prepared operation, whichever way it came: a query or a mutation has one result, a subscription any number.

use std::net::IpAddr;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response as Executed};
use futures_util::stream::{self, BoxStream, StreamExt};
use tracing::Instrument;

use super::answer;
use super::observe::RequestId;
use super::prepare::Prepared;
use super::problem::error;
use super::router::Server;
use crate::auth::Actor;
use crate::graphql::context::{Refusals, RequestContext};

/// Longest that a query may take.
const QUERY_TIME: Duration = Duration::from_secs(10);

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
    pub results: BoxStream<'static, Executed>,
}

/// Runs an operation in a context of its own.
pub fn run(server: &Server, caller: &Caller, prepared: Prepared) -> Running {
    let mut context = RequestContext::new(&server.env, caller.actor, caller.address);
    context.takes_json = !prepared.repeats_fields;
    let refusals = context.refusals.clone();
    let (request, server, id) = (prepared.request.data(context), server.clone(), caller.id.0.clone());
    let results = match prepared.kind {
        OperationType::Subscription => many(server, id, request),
        kind => stream::once(one(server, id, kind, request)).boxed(),
    };
    Running { refusals, results }
}

/// The result of a query or mutation. A query ends when its client goes away; a mutation is always brought to its end.
async fn one(server: Server, id: String, kind: OperationType, request: Request) -> Executed {
    let schema = server.schema.clone();
    let execution = async move {
        let mut executed = schema.execute(request).await;
        answer::settle(&mut executed, &id);
        executed
    };
    if kind != OperationType::Mutation {
        return tokio::time::timeout(QUERY_TIME, execution).await.unwrap_or_else(|_| {
            let message =
                format!("The query took longer than {} seconds. Ask for less at a time.", QUERY_TIME.as_secs());
            Executed::from_errors(vec![error("TIMEOUT", message)])
        });
    }
    match server.tasks.spawn(execution.in_current_span()).await {
        Ok(executed) => executed,
        // Passed on to where panics of all requests are answered.
        Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
        Err(_) => shutting_down(),
    }
}

/// What a subscription tells, until it ends or the server does.
fn many(server: Server, id: String, request: Request) -> BoxStream<'static, Executed> {
    let stopping = server.stopping.clone();
    let told = server.schema.execute_stream(request).map(move |mut executed| {
        answer::settle(&mut executed, &id);
        executed
    });
    let farewell = stream::once(async move { stopping.is_cancelled().then(shutting_down) });
    told.take_until(server.stopping.cancelled_owned()).chain(farewell.filter_map(std::future::ready)).boxed()
}

fn shutting_down() -> Executed {
    Executed::from_errors(vec![error("SHUTTING_DOWN", "The server is shutting down.")])
}
