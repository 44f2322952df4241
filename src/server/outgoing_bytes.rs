//! Answers that wait for their readers. A connection is cut off when its reader takes less than [`MIN_RATE`] for a while, and when
//! the answers of all connections hold too much memory: then those that have waited longest are. Streams of events and WebSockets
//! have limits of their own and are not counted.

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

/// Least that a reader takes while an answer waits, in bytes per second.
pub const MIN_RATE: u64 = 10_000;
/// Most bytes of memory in the answers of all connections.
const MAX_HELD: usize = 24 * 1024 * 1024;
/// Bytes that are handed to the connection at a time.
const CHUNK: usize = 32 * 1024;

/// The answers of all connections. Cheap to clone; the clones count together.
#[derive(Clone, Default)]
pub struct Outgoing(Arc<Budget>);

#[derive(Default)]
struct Budget {
    /// Bytes of memory in answers that are not sent yet.
    held: AtomicUsize,
    begun: AtomicU64,
    /// Connections with answers that wait, by when they began to.
    connections: Mutex<BTreeMap<u64, Answers>>,
}

/// The answers of one connection. Cheap to clone.
#[derive(Clone)]
pub struct Answers(Arc<OfConnection>);

struct OfConnection {
    all: Outgoing,
    /// Cancelled to cut the connection off.
    cut: CancellationToken,
    state: Mutex<State>,
    /// Notified when bytes begin to wait.
    begins: Notify,
}

#[derive(Default)]
struct State {
    /// Bytes of memory in answers that are not sent yet.
    held: usize,
    /// Bytes that wait.
    waiting: usize,
    /// Bytes that were taken since the connection began.
    taken: u64,
    /// Place among all connections, while bytes wait.
    place: Option<u64>,
}

impl Outgoing {
    /// A connection without answers.
    pub fn connection(&self) -> Answers {
        let (cut, state, begins) = (CancellationToken::new(), Mutex::default(), Notify::new());
        Answers(Arc::new(OfConnection { all: self.clone(), cut, state, begins }))
    }
}

impl Answers {
    /// Counts an answer while it waits. One of unknown length is a stream.
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

    /// Waits until the connection is to be cut off, for a reader that is too slow over that time, or for lack of memory.
    pub async fn too_slow(&self, time: Duration) {
        let least = MIN_RATE * u64::try_from(time.as_millis()).unwrap_or(u64::MAX) / 1000;
        let slow = async {
            loop {
                self.0.begins.notified().await;
                while let Some((place, taken)) = self.progress() {
                    sleep(time).await;
                    // Bytes of another place have not waited for all of the time.
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

    /// Since when bytes have waited without a break, and how many were taken by now; none if no bytes wait.
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

    /// Gives memory back, at most what is held.
    fn release(&self, bytes: usize) {
        let mut state = self.0.state.lock();
        let bytes = bytes.min(state.held);
        state.held -= bytes;
        self.0.all.0.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The body of an answer, in chunks.
struct Sent {
    body: Body,
    chunk: Bytes,
    length: usize,
    /// Bytes that wait.
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
