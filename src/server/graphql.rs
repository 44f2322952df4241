//! `POST /graphql`: who asks, in which media types, for what; executed, and answered.

use std::net::{IpAddr, SocketAddr};

use async_graphql::parser::types::OperationType;
use axum::Extension;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;

use super::body;
use super::execute::{self, Caller, Running};
use super::media::{self, Media};
use super::observe::{Operation, RequestId};
use super::prepare::prepare;
use super::problem::{Codes, Problem};
use super::router::Server;
use super::{answer, credentials, events};

/// Answers one request.
pub async fn post(
    State(server): State<Server>,
    Extension(id): Extension<RequestId>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    // None where the router is called without a connection, as tests do.
    let address = peer.map(|peer| peer.0.0.ip());
    let (media, events) = (media::negotiate(&headers), media::takes_events(&headers));
    if media.is_none() && !events {
        return not_acceptable().into_response();
    }
    let answer = answer(&server, id, address, &headers, body, media).await;
    answer.unwrap_or_else(|problem| problem.labelled(media.unwrap_or_default()).into_response())
}

/// Answers in that media type; none: as a stream of events.
async fn answer(
    server: &Server,
    id: RequestId,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    body: Body,
    media: Option<Media>,
) -> Result<Response, Problem> {
    if !media::sends_json(headers) {
        return Err(unsupported());
    }
    let actor = credentials::actor(headers, &server.env).await?;
    let asked = body::parse(&body::read(headers, body).await?)?;
    let prepared = match (prepare(&server.documents, asked), media) {
        (Ok(prepared), _) => prepared,
        (Err(problem), Some(media)) => return Err(legacy(problem, media)),
        (Err(problem), None) => return Ok(events::refusal(problem)),
    };
    let operation = Operation::new(&prepared, actor.as_ref());
    let subscribes = prepared.kind == OperationType::Subscription;
    if subscribes && !media::takes_events(headers) {
        return Err(not_at_once());
    }
    let Running { refusals, mut results } = execute::run(server, &Caller { id, actor, address }, prepared);
    let mut response = match media {
        Some(media) if !subscribes => {
            let executed = results.next().await.unwrap_or_default();
            let mut response = answer::respond(executed, media);
            let codes = response.extensions_mut().get_or_insert_default::<Codes>();
            codes.0.extend(refusals.codes().into_iter().map(str::to_owned));
            response
        }
        _ => events::respond(results),
    };
    response.extensions_mut().insert(operation);
    Ok(response)
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

fn not_at_once() -> Problem {
    let message = "A subscription is answered as `text/event-stream`, which the Accept header does not name, or in a \
                   WebSocket that speaks `graphql-transport-ws`.";
    Problem::new(StatusCode::NOT_ACCEPTABLE, "BAD_REQUEST", message)
}

fn not_acceptable() -> Problem {
    let message = "Answers are `application/graphql-response+json`, `application/json` or `text/event-stream`; the Accept \
                   header takes none of them.";
    Problem::new(StatusCode::NOT_ACCEPTABLE, "BAD_REQUEST", message)
}
