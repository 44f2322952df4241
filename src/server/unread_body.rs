//! Handles request bodies that were not read to the end before the response. Such a response closes the connection and
//! declares it (RFC 9112, 9.6); the rest of the body is read and discarded, so that the client can finish sending and
//! read the response.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{CONNECTION, EXPECT};
use axum::http::{HeaderMap, HeaderValue, Version};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::server::body::MAX_BYTES;

/// Maximum time to discard the rest of a body.
const MAX_TIME: Duration = Duration::from_secs(10);

/// A request body that returns its unread rest to [`Watch`] when it is dropped.
pub struct WatchedBody {
    body: Option<Incoming>,
    polled: bool,
    sender: Option<oneshot::Sender<Unread>>,
}

/// A body that was not read to its end.
struct Unread {
    body: Incoming,
    /// Whether reading has begun. If not, a client that waits for `100 Continue` is not asked to send the body.
    polled: bool,
}

/// Closes the connection after the response if the request's body was not fully read.
pub struct Watch {
    receiver: oneshot::Receiver<Unread>,
    version: Version,
    expects_continue: bool,
}

/// Wraps a body for a request handler, so that its unread rest is known after the handler.
pub fn watch(body: Incoming, version: Version, headers: &HeaderMap) -> (WatchedBody, Watch) {
    let (sender, receiver) = oneshot::channel();
    let watch = Watch { receiver, version, expects_continue: headers.contains_key(EXPECT) };
    (WatchedBody { body: Some(body), polled: false, sender: Some(sender) }, watch)
}

impl Watch {
    /// Completes the headers of the response after the handler has returned.
    pub fn end(mut self, headers: &mut HeaderMap) {
        // HTTP/2 resets only the stream.
        let Some(unread) = self.receiver.try_recv().ok().filter(|_| self.version < Version::HTTP_2) else { return };
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if unread.polled || !self.expects_continue {
            tokio::spawn(timeout(MAX_TIME, discard(unread.body)));
        }
    }
}

async fn discard(body: Incoming) {
    let mut rest = Limited::new(body, MAX_BYTES);
    while let Some(Ok(_)) = rest.frame().await {}
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.polled = true;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) {
            self.body = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        if let (Some(body), Some(sender)) = (self.body.take(), self.sender.take())
            && !body.is_end_stream()
        {
            // The receiver is gone if the connection has ended.
            let _ = sender.send(Unread { body, polled: self.polled });
        }
    }
}
