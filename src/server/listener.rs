//! Accepts connections and limits them: how many there are, and how long one may send no request or take nothing of its answer.
//! Reads of a body, a WebSocket and HTTP/2 are bounded where they are read ([`body`](super::body), [`websocket`](super::websocket), the
//! pings of HTTP/2). Waiting for bytes has no limit of its own, since the client of an event stream sends none for hours.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutWriter;
use tokio_util::io::InspectReader;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::auth::jwt::MAX_TOKEN;
use crate::server::admission::Admission;
use crate::server::outgoing_bytes::{Answers, Outgoing};
use crate::server::unread_body;

/// How long clients are waited for.
#[derive(Clone, Copy)]
struct Timeouts {
    /// For the headers of a request, from the end of the one before. Longer than what load balancers keep a connection for, so
    /// that it is them who close it.
    headers: Duration,
    /// For room to write more of an answer.
    write: Duration,
    /// For a reader that takes an answer too slowly.
    read: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { headers: Duration::from_secs(65), write: Duration::from_secs(75), read: Duration::from_secs(30) }
    }
}

/// How long nothing may come over HTTP/2 before the client is asked for a sign of life, and how long it may take to give it.
const PING_TIME: Duration = Duration::from_secs(20);
/// Most bytes of a request's headers.
const MAX_HEADERS: usize = MAX_TOKEN;
/// Most requests at once in one connection, over HTTP/2.
const MAX_STREAMS: u32 = 100;
/// Most bytes that the system holds for a connection before it sends them.
const MAX_UNSENT: u32 = 64 * 1024;
/// How long to wait before another try to accept, when there are no files left for a connection.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves all that come until told to stop, and then those who are there until they are done.
pub async fn serve(listener: TcpListener, router: Router, admission: Admission, stopping: CancellationToken) {
    serve_patiently(listener, router, admission, stopping, Timeouts::default()).await;
}

async fn serve_patiently(
    listener: TcpListener,
    router: Router,
    admission: Admission,
    stopping: CancellationToken,
    patience: Timeouts,
) {
    let room = Arc::new(Semaphore::new(admission.connections()));
    let (builder, connections, outgoing) = (builder(patience), TaskTracker::new(), Outgoing::default());
    while let Some((stream, peer, permit)) = next(&listener, &room, &stopping).await {
        let Some(place) = admission.connection(peer.ip()) else {
            tracing::debug!(%peer, "too many connections from this address");
            continue;
        };
        let (router, stopping, answers) = (router.clone(), stopping.clone(), outgoing.connection());
        let connection = Connection { peer, router, stopping, answers, patience };
        let builder = builder.clone();
        connections.spawn(async move { connection.serve_connection(stream, &builder, (permit, place)).await });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The next one, once there is room for it; none when told to stop.
async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    stopping: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let accepted = async {
        let permit = room.clone().acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return Some((stream, peer, permit)),
                Err(cause) if is_the_clients(&cause) => {}
                Err(cause) => {
                    tracing::warn!(%cause, "cannot accept a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    };
    stopping.run_until_cancelled(accepted).await?
}

/// Whether it was the client that has gone before it was accepted.
fn is_the_clients(cause: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(cause.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn builder(patience: Timeouts) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience.headers).max_buf_size(MAX_HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_TIME)
        .keep_alive_timeout(PING_TIME)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADERS as u32);
    builder
}

/// One connection.
struct Connection {
    peer: SocketAddr,
    router: Router,
    stopping: CancellationToken,
    answers: Answers,
    patience: Timeouts,
}

impl Connection {
    /// Answers the requests until the connection ends, the server stops, or the client is too slow. `permits` are released with
    /// the stream, which a WebSocket takes over.
    async fn serve_connection(self, stream: TcpStream, builder: &Builder<TokioExecutor>, permits: impl Send + 'static) {
        let _ = stream.set_nodelay(true);
        // So that what the reader has not taken waits here, and is seen.
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(MAX_UNSENT);
        let Self { peer, router, stopping, answers, patience } = self;
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(patience.write));
        // The closure does nothing but own the permits.
        let stream = InspectReader::new(stream, move |_| _ = &permits);
        let begun = Arc::new(AtomicBool::new(false));
        let service = {
            let (begun, answers) = (Arc::clone(&begun), answers.clone());
            service_fn(move |request: hyper::Request<Incoming>| {
                begun.store(true, Ordering::Relaxed);
                answer(router.clone(), answers.clone(), peer, request)
            })
        };
        let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(Box::pin(stream)), service));
        // `header_read_timeout` begins once the version of HTTP is known, so the first request needs a limit of its own.
        let mut first_request = pin!(tokio::time::sleep(patience.headers));
        let mut too_slow = pin!(answers.too_slow(patience.read));
        let mut told = false;
        loop {
            tokio::select! {
                result = &mut connection => {
                    if let Err(cause) = result {
                        tracing::debug!(%peer, cause, "a connection broke");
                    }
                    return;
                }
                () = stopping.cancelled(), if !told => {
                    told = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = &mut too_slow => {
                    tracing::debug!(%peer, "cut off a reader that was too slow");
                    return;
                }
                () = &mut first_request, if !first_request.is_elapsed() => {
                    if !begun.load(Ordering::Relaxed) {
                        tracing::debug!(%peer, "closed a connection without a request");
                        return;
                    }
                }
            }
        }
    }
}

async fn answer(
    router: Router,
    answers: Answers,
    peer: SocketAddr,
    request: hyper::Request<Incoming>,
) -> Result<axum::response::Response, Infallible> {
    let (head, body) = request.into_parts();
    let (body, unread) = unread_body::watch(body, head.version, &head.headers);
    let mut request = Request::from_parts(head, Body::new(body));
    request.extensions_mut().insert(ConnectInfo(peer));
    let mut response = router.oneshot(request).await?;
    unread.end(response.headers_mut());
    Ok(answers.send(response))
}

#[cfg(test)]
#[path = "listener_tests.rs"]
mod tests;
