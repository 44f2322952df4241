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
    next_key: AtomicU64,
    /// Connections with waiting responses, ordered by when the wait began.
    connections: Mutex<BTreeMap<u64, Answers>>,
}

/// The responses of one connection. Cheap to clone.
#[derive(Clone)]
pub struct Answers(Arc<ConnectionState>);

struct ConnectionState {
    all: Outgoing,
    /// Cancelled to close the connection.
    close: CancellationToken,
    state: Mutex<State>,
    /// Notified when bytes begin to wait.
    wait_began: Notify,
}

#[derive(Default)]
struct State {
    /// Memory of unsent responses, in bytes.
    held: usize,
    /// Bytes that wait to be sent.
    waiting: usize,
    /// Bytes that were sent since the connection began.
    sent: u64,
    /// Key in `connections`, set while bytes wait.
    key: Option<u64>,
}

impl Outgoing {
    /// Registers a connection without responses.
    pub fn connection(&self) -> Answers {
        let (close, state, wait_began) = (CancellationToken::new(), Mutex::default(), Notify::new());
        Answers(Arc::new(ConnectionState { all: self.clone(), close, state, wait_began }))
    }
}

impl Answers {
    /// Counts a response until it is sent. A body of unknown length is a stream and is not counted.
    pub fn send(&self, response: Response) -> Response {
        response.map(|body| match body.size_hint().exact() {
            Some(length) if length > 0 => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                self.add(length);
                Body::new(CountedBody { body, chunk: Bytes::new(), length, unsent: length, answers: self.clone() })
            }
            _ => body,
        })
    }

    /// Completes when the connection must be closed, because the client read too slowly over `time`, or because memory
    /// is short.
    pub async fn too_slow(&self, time: Duration) {
        let min_bytes = MIN_RATE * u64::try_from(time.as_millis()).unwrap_or(u64::MAX) / 1000;
        let slow = async {
            loop {
                self.0.wait_began.notified().await;
                while let Some((key, sent)) = self.progress() {
                    sleep(time).await;
                    // Under another key, the bytes have not waited for the whole time.
                    if self.progress().is_some_and(|now| now.0 == key && now.1 - sent < min_bytes) {
                        return;
                    }
                }
            }
        };
        tokio::select! {
            () = slow => {}
            () = self.0.close.cancelled() => {}
        }
    }

    /// Returns the key of the current wait and the number of bytes sent so far; `None` if no bytes wait.
    fn progress(&self) -> Option<(u64, u64)> {
        let state = self.0.state.lock();
        state.key.map(|key| (key, state.sent))
    }

    fn add(&self, bytes: usize) {
        let all = &self.0.all.0;
        let mut state = self.0.state.lock();
        state.held += bytes;
        state.waiting += bytes;
        if state.key.is_none() {
            let key = all.next_key.fetch_add(1, Ordering::Relaxed);
            state.key = Some(key);
            all.connections.lock().insert(key, self.clone());
            self.0.wait_began.notify_one();
        }
        drop(state);
        all.held.fetch_add(bytes, Ordering::Relaxed);
        while all.held.load(Ordering::Relaxed) > MAX_HELD {
            let longest = all.connections.lock().pop_first();
            let Some((_, longest)) = longest else { break };
            longest.0.close.cancel();
            longest.release(usize::MAX);
        }
    }

    fn mark_sent(&self, bytes: usize) {
        let mut state = self.0.state.lock();
        state.waiting -= bytes;
        state.sent += bytes as u64;
        if state.waiting == 0
            && let Some(key) = state.key.take()
        {
            self.0.all.0.connections.lock().remove(&key);
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
struct CountedBody {
    body: Body,
    chunk: Bytes,
    length: usize,
    /// Bytes that wait to be sent.
    unsent: usize,
    answers: Answers,
}

impl hyper::body::Body for CountedBody {
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
        let sent = length.min(self.unsent);
        self.unsent -= sent;
        self.answers.mark_sent(sent);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.chunk.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.unsent as u64)
    }
}

impl Drop for CountedBody {
    fn drop(&mut self) {
        self.answers.mark_sent(self.unsent);
        self.answers.release(self.length);
    }
}
