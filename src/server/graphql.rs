//! `/graphql`: authenticates the caller, negotiates the media type, executes the operation and responds. A POST has its
//! parameters in the body; a GET has them in the query string (no mutations), or opens a WebSocket.

use std::net::IpAddr;

use async_graphql::Response as Executed;
use async_graphql::parser::types::OperationType;
use axum::Extension;
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{RawQuery, State};
use axum::http::header::{ALLOW, UPGRADE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;

use super::body::{self, GraphQLParams};
use super::execute::{self, Running};
use super::prepare::prepare;
use super::state::ServerState;
use super::{credentials, query_string};
use crate::graphql::subscription::SubscriptionItem;
use crate::server::admission::client_ip::ClientIp;
use crate::server::caller::Caller;
use crate::server::content_type;
use crate::server::content_type::Media;
use crate::server::error::{Codes, HttpError};
use crate::server::middleware::{Operation, RequestId};
use crate::server::operation_log::OperationLog;
use crate::server::{response, sse, websocket};

/// Handles a POST request.
pub async fn post(
    State(server): State<ServerState>,
    Extension(id): Extension<RequestId>,
    ClientIp(address): ClientIp,
    headers: HeaderMap,
    body: Body,
) -> Response {
    respond(&server, Incoming { id, address, headers, payload: Payload::Body(body) }).await
}

/// Handles a GET request, or opens a WebSocket.
pub async fn get(
    State(server): State<ServerState>,
    Extension(id): Extension<RequestId>,
    ClientIp(address): ClientIp,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if headers.contains_key(UPGRADE) {
        return websocket::open(server, address, &headers, upgrade).await;
    }
    respond(&server, Incoming { id, address, headers, payload: Payload::Query(query.unwrap_or_default()) }).await
}

/// Lists the allowed methods.
pub async fn options() -> Response {
    (StatusCode::NO_CONTENT, [(ALLOW, "GET, HEAD, POST, OPTIONS")]).into_response()
}

/// A received request.
struct Incoming {
    id: RequestId,
    address: Option<IpAddr>,
    headers: HeaderMap,
    payload: Payload,
}

/// Where the parameters of a request are.
enum Payload {
    /// The body of a POST.
    Body(Body),
    /// The query string of a GET.
    Query(String),
}

impl Payload {
    /// Reads and parses the parameters.
    async fn read(self, headers: &HeaderMap) -> Result<GraphQLParams, HttpError> {
        match self {
            Payload::Body(body) => body::parse(&body::read(headers, body).await?),
            Payload::Query(text) => query_string::parse(&text),
        }
    }
}

async fn respond(server: &ServerState, incoming: Incoming) -> Response {
    let (media, events) =
        (content_type::negotiate(&incoming.headers), content_type::accepts_event_stream(&incoming.headers));
    if media.is_none() && !events {
        return not_acceptable().into_response();
    }
    let answer = answer(server, incoming, media).await;
    answer.unwrap_or_else(|problem| problem.with_media_type(media.unwrap_or_default()).into_response())
}

/// Returns the response in this media type; `None` means an event stream.
async fn answer(server: &ServerState, incoming: Incoming, media: Option<Media>) -> Result<Response, HttpError> {
    let Incoming { id, address, headers, payload } = incoming;
    let is_post = matches!(payload, Payload::Body(_));
    if is_post && !content_type::sends_json(&headers) {
        return Err(unsupported_media_type());
    }
    let (actor, bad_token) = match credentials::actor(&headers, &server.env).await {
        Ok(actor) => (actor, None),
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED => (None, Some(problem)),
        Err(problem) => return Err(problem),
    };
    let (caller, now) = (Caller { id, actor, address }, server.env.clock.now());
    let prepared = match payload.read(&headers).await {
        Ok(params) => prepare(&server.documents, params),
        Err(problem) => return Err(bad_token.unwrap_or(problem)),
    };
    let charged = server.admission.charge(&caller, prepared, now);
    let is_public = charged.as_ref().is_ok_and(|prepared| prepared.is_public);
    let prepared = match (charged, bad_token) {
        (Err(problem), _) if problem.status == StatusCode::TOO_MANY_REQUESTS => return Err(problem),
        (_, Some(bad_token)) if !is_public => return Err(bad_token),
        (Ok(prepared), _) => prepared,
        (Err(problem), _) if problem.status != StatusCode::BAD_REQUEST => return Err(problem),
        (Err(problem), _) => return Ok(refuse(problem, media)),
    };
    if prepared.kind == OperationType::Mutation && !is_post {
        return Ok(not_by_get(media));
    }
    let operation = Operation::new(&prepared, caller.actor.as_ref());
    let subscribes = prepared.kind == OperationType::Subscription;
    if subscribes && !content_type::accepts_event_stream(&headers) {
        return Err(needs_event_stream());
    }
    let permits = if media.is_none() || subscribes { Some(server.admission.stream(&caller, now)?) } else { None };
    let kind = prepared.kind;
    let Running { refusals, mut results } = execute::run(server, &caller, prepared);
    let mut response = match media {
        Some(media) if !subscribes => {
            let executed = match results.next().await {
                Some(SubscriptionItem::Executed(executed)) => *executed,
                Some(SubscriptionItem::Shared(_)) | None => Executed::default(),
            };
            let mut response = response::respond(kind, executed, media);
            let codes = response.extensions_mut().get_or_insert_default::<Codes>();
            codes.0.extend(refusals.codes().into_iter().map(str::to_owned));
            response
        }
        _ => sse::respond(results, OperationLog::new(caller.id, operation.clone(), refusals), permits),
    };
    response.extensions_mut().insert(operation);
    Ok(response)
}

/// Returns the error for a document that is invalid in a well-formed request. With `application/json`, the status is
/// 200.
fn refuse(mut problem: HttpError, media: Option<Media>) -> Response {
    let Some(media) = media else { return sse::refusal(problem) };
    if media == Media::Json {
        problem.status = StatusCode::OK;
    }
    problem.with_media_type(media).into_response()
}

fn not_by_get(media: Option<Media>) -> Response {
    let message = "A mutation must be sent by POST.";
    let problem = HttpError::new(StatusCode::METHOD_NOT_ALLOWED, "BAD_REQUEST", message);
    ([(ALLOW, "POST")], problem.with_media_type(media.unwrap_or_default())).into_response()
}

fn unsupported_media_type() -> HttpError {
    let message = "The body must have the type `Content-Type: application/json`, in UTF-8, and no `Content-Encoding`.";
    HttpError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_REQUEST", message)
}

fn needs_event_stream() -> HttpError {
    let message = "A subscription needs `text/event-stream` in the Accept header, or a WebSocket with the subprotocol \
                   `graphql-transport-ws`.";
    HttpError::new(StatusCode::NOT_ACCEPTABLE, "BAD_REQUEST", message)
}

fn not_acceptable() -> HttpError {
    let message = "The Accept header must allow `application/graphql-response+json`, `application/json` or \
                   `text/event-stream`.";
    HttpError::new(StatusCode::NOT_ACCEPTABLE, "BAD_REQUEST", message)
}
