//! GraphQL over Server-Sent Events, in distinct connections: each POST that takes `text/event-stream` has its own stream of
//! `next` events, and a `complete` at its end.

use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;

use async_graphql::Response as Executed;
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use futures_util::Stream;
use futures_util::stream::{self, StreamExt};
use serde_json::json;

use super::answer;
use super::problem::Problem;
use crate::graphql::json::Json;

/// How long nothing may be sent before a comment is, for proxies that cut what is silent.
const KEEP_ALIVE: Duration = Duration::from_secs(12);
/// Tells proxies to hand on what comes as it comes.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The results as events.
pub fn respond(results: impl Stream<Item = Executed> + Send + 'static) -> Response {
    let next = |executed: Executed| {
        let data = if answer::is_refused(&executed) {
            json!({ "errors": executed.errors }).to_string()
        } else {
            Json::of(&executed).into_text()
        };
        Event::default().event("next").data(data)
    };
    // Without a line of data, browsers would not tell of it.
    let complete = stream::once(ready(Event::default().event("complete").data("\n")));
    let events = results.map(next).chain(complete).map(Ok::<_, Infallible>);
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    response.headers_mut().insert(BUFFERING, HeaderValue::from_static("no"));
    response
}

/// A document that was not executed: told as an event, since browsers show nothing of another status.
pub fn refusal(problem: Problem) -> Response {
    respond(stream::once(ready(Executed::from_errors(problem.errors))))
}
