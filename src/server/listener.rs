//! Accepts connections and limits them: their number, the time without a request, and the time without progress in
//! sending a response. Request bodies, WebSockets and HTTP/2 have limits elsewhere ([`body`](super::body),
//! [`websocket`](super::websocket), HTTP/2 pings). Idle reads have no limit, because the client of an event stream
//! sends nothing for hours.

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

/// Timeouts of a connection.
#[derive(Clone, Copy)]
struct Timeouts {
    /// For the headers of a request, counted from the end of the previous request. Longer than the idle timeout of load
    /// balancers, so that the load balancer closes the connection first.
    headers: Duration,
    /// For the socket to accept more bytes of a response.
    write: Duration,
    /// Period over which the client must read a response at the minimum rate.
    read: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { headers: Duration::from_secs(65), write: Duration::from_secs(75), read: Duration::from_secs(30) }
    }
}

/// Idle time after which an HTTP/2 client is pinged, and maximum time until its answer.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// Maximum size of a request's headers, in bytes.
const MAX_HEADERS: usize = MAX_TOKEN;
/// Maximum number of concurrent requests in one HTTP/2 connection.
const MAX_STREAMS: u32 = 100;
/// Maximum number of unsent bytes that the operating system buffers for a connection.
const MAX_UNSENT: u32 = 64 * 1024;
/// Delay before the next attempt to accept, for example when no file descriptor is left.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(200);

/// Serves connections until `stopping` is cancelled, then waits until the open connections are done.
pub async fn serve(listener: TcpListener, router: Router, admission: Admission, stopping: CancellationToken) {
    serve_with_timeouts(listener, router, admission, stopping, Timeouts::default()).await;
}

async fn serve_with_timeouts(
    listener: TcpListener,
    router: Router,
    admission: Admission,
    stopping: CancellationToken,
    timeouts: Timeouts,
) {
    let connection_limit = Arc::new(Semaphore::new(admission.connections()));
    let (builder, connections, outgoing) = (builder(timeouts), TaskTracker::new(), Outgoing::default());
    while let Some((stream, peer, permit)) = next(&listener, &connection_limit, &stopping).await {
        let Some(address_permit) = admission.connection(peer.ip()) else {
            tracing::debug!(%peer, "too many connections from this address");
            continue;
        };
        let (router, stopping, answers) = (router.clone(), stopping.clone(), outgoing.connection());
        let connection = Connection { peer, router, stopping, answers, timeouts };
        let builder = builder.clone();
        connections.spawn(async move { connection.serve_connection(stream, &builder, (permit, address_permit)).await });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Accepts the next connection when a permit is free. `None` if the server is stopping.
async fn next(
    listener: &TcpListener,
    connection_limit: &Arc<Semaphore>,
    stopping: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let accepted = async {
        let permit = connection_limit.clone().acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return Some((stream, peer, permit)),
                Err(cause) if is_client_abort(&cause) => {}
                Err(cause) => {
                    tracing::warn!(%cause, "accepting a connection failed");
                    tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                }
            }
        }
    };
    stopping.run_until_cancelled(accepted).await?
}

/// Whether the client disconnected before the connection was accepted.
fn is_client_abort(cause: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(cause.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn builder(timeouts: Timeouts) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(timeouts.headers).max_buf_size(MAX_HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADERS as u32);
    builder
}

/// One client connection.
struct Connection {
    peer: SocketAddr,
    router: Router,
    stopping: CancellationToken,
    answers: Answers,
    timeouts: Timeouts,
}

impl Connection {
    /// Serves requests until the connection ends, the server stops, or the client is too slow. `permits` are released
    /// with the stream, which a WebSocket takes over.
    async fn serve_connection(self, stream: TcpStream, builder: &Builder<TokioExecutor>, permits: impl Send + 'static) {
        let _ = stream.set_nodelay(true);
        // Keeps unread bytes in this process, where slow readers are detected.
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(MAX_UNSENT);
        let Self { peer, router, stopping, answers, timeouts } = self;
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(timeouts.write));
        // The closure only owns the permits.
        let stream = InspectReader::new(stream, move |_| _ = &permits);
        let has_request = Arc::new(AtomicBool::new(false));
        let service = {
            let (has_request, answers) = (Arc::clone(&has_request), answers.clone());
            service_fn(move |request: hyper::Request<Incoming>| {
                has_request.store(true, Ordering::Relaxed);
                answer(router.clone(), answers.clone(), peer, request)
            })
        };
        let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(Box::pin(stream)), service));
        // `header_read_timeout` begins once the version of HTTP is known, so the first request needs a limit of its
        // own.
        let mut first_request = pin!(tokio::time::sleep(timeouts.headers));
        let mut too_slow = pin!(answers.too_slow(timeouts.read));
        let mut is_stopping = false;
        loop {
            tokio::select! {
                result = &mut connection => {
                    if let Err(cause) = result {
                        tracing::debug!(%peer, cause, "connection error");
                    }
                    return;
                }
                () = stopping.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = &mut too_slow => {
                    tracing::debug!(%peer, "closed the connection of a slow reader");
                    return;
                }
                () = &mut first_request, if !first_request.is_elapsed() => {
                    if !has_request.load(Ordering::Relaxed) {
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
