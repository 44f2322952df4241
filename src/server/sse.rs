//! GraphQL over Server-Sent Events in "distinct connections" mode: each request that accepts `text/event-stream` gets
//! its own stream of `next` events, with a `complete` event at its end.

use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;

use async_graphql::Response as Executed;
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use futures_util::Stream;
use futures_util::stream::{self, StreamExt};
use http_body_util::BodyExt;
use serde_json::json;

use crate::graphql::json_writer::JsonWriter;
use crate::graphql::subscription::SubscriptionItem;
use crate::server::error::HttpError;
use crate::server::operation_log::OperationLog;
use crate::server::{error_limits, response};

/// Idle time after which a comment is sent, because proxies close silent connections.
const KEEP_ALIVE: Duration = Duration::from_secs(12);
/// Header that disables response buffering in proxies.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The last event of a stream.
const COMPLETE: &[u8] = b"event: complete\ndata: \n\n";

/// Returns the results as an event stream, recorded in `log`. `permits` is dropped when the stream ends.
pub fn respond(
    results: impl Stream<Item = SubscriptionItem> + Send + 'static,
    mut log: OperationLog,
    permits: impl Send + 'static,
) -> Response {
    stream_of(results.inspect(move |item| {
        let _ = &permits;
        log.note(item);
    }))
}

fn stream_of(results: impl Stream<Item = SubscriptionItem> + Send + 'static) -> Response {
    let next = |item: SubscriptionItem| {
        let next = Event::default().event("next");
        match item {
            SubscriptionItem::Shared(text) => next.data(text),
            SubscriptionItem::Executed(executed) if response::is_refused(&executed) => next.data(refused(&executed)),
            SubscriptionItem::Executed(executed) => next
                .data(JsonWriter::of(&executed).map_or_else(|| refused(&response::too_large()), JsonWriter::into_text)),
        }
    };
    let complete = stream::once(ready(Event::default().event("complete").data("\n")));
    let events = results.map(next).chain(complete).map(Ok::<_, Infallible>);
    let response = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    // axum writes either no data line (browsers ignore such an event) or two data lines instead of one.
    let once = |data: Bytes| if data.starts_with(b"event: complete\n") { Bytes::from_static(COMPLETE) } else { data };
    let mut response = response.map(|body| Body::new(body.map_frame(move |frame| frame.map_data(once))));
    response.headers_mut().insert(BUFFERING, HeaderValue::from_static("no"));
    response
}

fn refused(executed: &Executed) -> String {
    json!({ "errors": executed.errors }).to_string()
}

/// Returns a refused document as an event, because browsers hide responses with an error status.
pub fn refusal(mut problem: HttpError) -> Response {
    error_limits::truncate_errors(&mut problem.errors);
    stream_of(stream::once(ready(SubscriptionItem::Executed(Box::new(Executed::from_errors(problem.errors))))))
}
