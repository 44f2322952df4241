//! `POST /graphql`: who asks, in which media types, for what; executed, and answered.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_graphql::Response as Executed;
use async_graphql::parser::types::OperationType;
use axum::Extension;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::body;
use super::media::{self, Media};
use super::observe::{Operation, RequestId};
use super::prepare::{Prepared, prepare};
use super::problem::{Codes, Problem};
use super::router::Server;
use super::{answer, credentials};
use crate::graphql::context::RequestContext;

/// Longest that a query may take.
const QUERY_TIME: Duration = Duration::from_secs(10);

/// Answers one request.
pub async fn post(
    State(server): State<Server>,
    Extension(id): Extension<RequestId>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    // None where the router is called without a connection, as tests do.
    let client = peer.map(|peer| peer.0.0.ip());
    let Some(media) = media::negotiate(&headers) else { return not_acceptable().into_response() };
    let answer = answer(&server, &id, client, &headers, body, media).await;
    answer.unwrap_or_else(|problem| problem.labelled(media).into_response())
}

async fn answer(
    server: &Server,
    id: &RequestId,
    client: Option<IpAddr>,
    headers: &HeaderMap,
    body: Body,
    media: Media,
) -> Result<Response, Problem> {
    if !media::sends_json(headers) {
        return Err(unsupported());
    }
    let actor = credentials::actor(headers, &server.env.keys, server.env.clock.now())?;
    let asked = body::parse(&body::read(headers, body).await?)?;
    let Prepared { request, kind, name } = prepare(asked).map_err(|problem| legacy(problem, media))?;
    let operation = Operation { kind, name, actor: actor.as_ref().map(|actor| actor.user_id) };

    let context = RequestContext::new(&server.env, actor, client);
    let refusals = context.refusals.clone();
    let request = request.data(context);
    let executed = execute(server, id, kind, request).await;
    let mut response = answer::respond(executed, media);
    let codes = response.extensions_mut().get_or_insert_default::<Codes>();
    codes.0.extend(refusals.codes().into_iter().map(str::to_owned));
    response.extensions_mut().insert(operation);
    Ok(response)
}

/// Executes the request. A query ends when its client goes away; a mutation is always brought to its end.
async fn execute(server: &Server, id: &RequestId, kind: OperationType, request: async_graphql::Request) -> Executed {
    let (schema, request_id) = (server.schema.clone(), id.0.clone());
    let execution = async move {
        let mut executed = schema.execute(request).await;
        answer::settle(&mut executed, &request_id);
        executed
    };
    if kind != OperationType::Mutation {
        return tokio::time::timeout(QUERY_TIME, execution).await.unwrap_or_else(|_| {
            let message =
                format!("The query took longer than {} seconds. Ask for less at a time.", QUERY_TIME.as_secs());
            Executed::from_errors(vec![super::problem::error("TIMEOUT", message)])
        });
    }
    match server.tasks.spawn(execution.in_current_span()).await {
        Ok(executed) => executed,
        // Passed on to where panics of all requests are answered.
        Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
        Err(_) => Executed::from_errors(vec![super::problem::error("SHUTTING_DOWN", "The server is shutting down.")]),
    }
}

/// In `application/json`, a well-formed request is answered with 200 even if its document is not.
fn legacy(mut problem: Problem, media: Media) -> Problem {
    if media == Media::Json && problem.status == StatusCode::BAD_REQUEST {
        problem.status = StatusCode::OK;
    }
    problem
}

fn unsupported() -> Problem {
    let message = "The body must be sent as `Content-Type: application/json`, in UTF-8.";
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_REQUEST", message)
}

fn not_acceptable() -> Problem {
    let message =
        "Answers are `application/graphql-response+json` or `application/json`; the Accept header takes neither.";
    Problem::new(StatusCode::NOT_ACCEPTABLE, "BAD_REQUEST", message)
}
