//! Limits responses that wait for slow readers. A connection is closed when its client reads less than [`MIN_RATE`] for
//! some time. When the responses of all connections hold too much memory, the connections that have waited longest are
//! closed. Event streams and WebSockets have their own limits and are not counted.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use hyper::body::{Body as _, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Minimum rate at which a client must read a waiting response, in bytes per second.
pub const MIN_RATE: u64 = 10_000;
/// Maximum memory of the responses of all connections, in bytes.
const MAX_HELD: usize = 24 * 1024 * 1024;
/// Bytes that are passed to the connection at a time.
const CHUNK: usize = 32 * 1024;

/// The responses of all connections. Cheap to clone; clones share the counts.
#[derive(Clone, Default)]
pub struct Outgoing(Arc<Budget>);

#[derive(Default)]
struct Budget {
    /// Memory of unsent responses, in bytes.
    held: AtomicUsize,
    begun: AtomicU64,
    /// Connections with waiting responses, ordered by when the wait began.
    connections: Mutex<BTreeMap<u64, Answers>>,
}

/// The responses of one connection. Cheap to clone.
#[derive(Clone)]
pub struct Answers(Arc<OfConnection>);

struct OfConnection {
    all: Outgoing,
    /// Cancelled to close the connection.
    cut: CancellationToken,
    state: Mutex<State>,
    /// Notified when bytes begin to wait.
    begins: Notify,
}

#[derive(Default)]
struct State {
    /// Memory of unsent responses, in bytes.
    held: usize,
    /// Bytes that wait to be sent.
    waiting: usize,
    /// Bytes that were sent since the connection began.
    taken: u64,
    /// Key in `connections`, set while bytes wait.
    place: Option<u64>,
}

impl Outgoing {
    /// Registers a connection without responses.
    pub fn connection(&self) -> Answers {
        let (cut, state, begins) = (CancellationToken::new(), Mutex::default(), Notify::new());
        Answers(Arc::new(OfConnection { all: self.clone(), cut, state, begins }))
    }
}

impl Answers {
    /// Counts a response until it is sent. A body of unknown length is a stream and is not counted.
    pub fn send(&self, response: Response) -> Response {
        response.map(|body| match body.size_hint().exact() {
            Some(length) if length > 0 => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                self.add(length);
                Body::new(Sent { body, chunk: Bytes::new(), length, left: length, answers: self.clone() })
            }
            _ => body,
        })
    }

    /// Completes when the connection must be closed, because the client read too slowly over `time`, or because memory
    /// is short.
    pub async fn too_slow(&self, time: Duration) {
        let least = MIN_RATE * u64::try_from(time.as_millis()).unwrap_or(u64::MAX) / 1000;
        let slow = async {
            loop {
                self.0.begins.notified().await;
                while let Some((place, taken)) = self.progress() {
                    sleep(time).await;
                    // Under another key, the bytes have not waited for the whole time.
                    if self.progress().is_some_and(|now| now.0 == place && now.1 - taken < least) {
                        return;
                    }
                }
            }
        };
        tokio::select! {
            () = slow => {}
            () = self.0.cut.cancelled() => {}
        }
    }

    /// Returns the key of the current wait and the number of bytes sent so far; `None` if no bytes wait.
    fn progress(&self) -> Option<(u64, u64)> {
        let state = self.0.state.lock();
        state.place.map(|place| (place, state.taken))
    }

    fn add(&self, bytes: usize) {
        let all = &self.0.all.0;
        let mut state = self.0.state.lock();
        state.held += bytes;
        state.waiting += bytes;
        if state.place.is_none() {
            let place = all.begun.fetch_add(1, Ordering::Relaxed);
            state.place = Some(place);
            all.connections.lock().insert(place, self.clone());
            self.0.begins.notify_one();
        }
        drop(state);
        all.held.fetch_add(bytes, Ordering::Relaxed);
        while all.held.load(Ordering::Relaxed) > MAX_HELD {
            let longest = all.connections.lock().pop_first();
            let Some((_, longest)) = longest else { break };
            longest.0.cut.cancel();
            longest.release(usize::MAX);
        }
    }

    fn take(&self, bytes: usize) {
        let mut state = self.0.state.lock();
        state.waiting -= bytes;
        state.taken += bytes as u64;
        if state.waiting == 0
            && let Some(place) = state.place.take()
        {
            self.0.all.0.connections.lock().remove(&place);
        }
    }

    /// Releases memory, at most what this connection holds.
    fn release(&self, bytes: usize) {
        let mut state = self.0.state.lock();
        let bytes = bytes.min(state.held);
        state.held -= bytes;
        self.0.all.0.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The body of a response, in chunks.
struct Sent {
    body: Body,
    chunk: Bytes,
    length: usize,
    /// Bytes that wait to be sent.
    left: usize,
    answers: Answers,
}

impl hyper::body::Body for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.chunk.is_empty() {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.chunk = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                other => return other,
            }
        }
        let length = self.chunk.len().min(CHUNK);
        let data = self.chunk.split_to(length);
        let taken = length.min(self.left);
        self.left -= taken;
        self.answers.take(taken);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.chunk.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left as u64)
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.answers.take(self.left);
        self.answers.release(self.length);
    }
}
