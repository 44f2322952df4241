//! Connections: how many there are, and how long one may keep still. A client that sends its headers byte by byte, takes nothing
//! of its answer, or says nothing at all, is cut off; it has held up nobody.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::admission::Admission;
use super::stillness::{Activity, Watched};

/// How long clients are waited for.
#[derive(Clone, Copy)]
struct Patience {
    /// For the headers of a request, from the end of the one before. Longer than what load balancers keep a connection for, so
    /// that it is them who close it.
    headers: Duration,
    /// For any byte to come or go.
    movement: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { headers: Duration::from_secs(65), movement: Duration::from_secs(75) }
    }
}

/// How long nothing may come over HTTP/2 before the client is asked for a sign of life, and how long it may take to give it.
const PING_TIME: Duration = Duration::from_secs(20);
/// Most bytes of a request's headers.
const MAX_HEADERS: usize = 64 * 1024;
/// Most requests at once in one connection, over HTTP/2.
const MAX_STREAMS: u32 = 100;
/// How long to wait before another try to accept, when there are no files left for a connection.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves all that come until told to stop, and then those who are there until they are done.
pub async fn serve(listener: TcpListener, router: Router, admission: Admission, stopping: CancellationToken) {
    serve_patiently(listener, router, admission, stopping, Patience::default()).await;
}

async fn serve_patiently(
    listener: TcpListener,
    router: Router,
    admission: Admission,
    stopping: CancellationToken,
    patience: Patience,
) {
    let room = Arc::new(Semaphore::new(admission.connections()));
    let (builder, connections) = (builder(patience), TaskTracker::new());
    while let Some((stream, peer, permit)) = next(&listener, &room, &stopping).await {
        let Some(place) = admission.connection(peer.ip()) else {
            tracing::debug!(%peer, "too many connections from this address");
            continue;
        };
        let connection = Connection { peer, router: router.clone(), stopping: stopping.clone(), patience };
        let builder = builder.clone();
        connections.spawn(async move { connection.converse(stream, &builder, (permit, place)).await });
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

fn builder(patience: Patience) -> Builder<TokioExecutor> {
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
    patience: Patience,
}

impl Connection {
    /// Answers what is asked in it until it ends, is told to, or keeps still. `held` goes along into a WebSocket.
    async fn converse(self, stream: TcpStream, builder: &Builder<TokioExecutor>, held: impl Send + Unpin + 'static) {
        let _ = stream.set_nodelay(true);
        let activity = Activity::default();
        let stream = TokioIo::new(Watched::new(stream, activity.clone(), held));
        let Self { peer, router, stopping, patience } = self;
        let service = service_fn(move |request: hyper::Request<Incoming>| answer(router.clone(), peer, request));
        let mut connection = pin!(builder.serve_connection_with_upgrades(stream, service));
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
                () = activity.still_for(patience.movement) => {
                    tracing::debug!(%peer, "cut off a connection that kept still");
                    return;
                }
            }
        }
    }
}

async fn answer(
    router: Router,
    peer: SocketAddr,
    request: hyper::Request<Incoming>,
) -> Result<axum::response::Response, Infallible> {
    let mut request: Request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request).await
}

#[cfg(test)]
mod tests {
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::config::{Access, Bounds};

    const SOON: Duration = Duration::from_millis(300);
    const LONG: Duration = Duration::from_secs(60);

    /// Serves two paths with that patience, and tells where.
    async fn served(access: Access, patience: Patience) -> SocketAddr {
        let large = get(async || "x".repeat(64 << 20));
        let router = Router::new().route("/", get(async || "done")).route("/large", large);
        let router = router.route("/body", post(async |body: String| body));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (admission, stopping) = (Admission::new(access), CancellationToken::new());
        tokio::spawn(serve_patiently(listener, router, admission, stopping, patience));
        address
    }

    async fn client(address: SocketAddr, begins: &str) -> TcpStream {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(begins.as_bytes()).await.unwrap();
        client
    }

    /// All that is read until the server closes.
    async fn rest(mut client: TcpStream) -> Vec<u8> {
        let mut read = Vec::new();
        let reading = async {
            // A reset is an end, too.
            let _ = client.read_to_end(&mut read).await;
        };
        tokio::time::timeout(LONG / 2, reading).await.expect("the server closes");
        read
    }

    #[tokio::test]
    async fn headers_that_do_not_come_to_an_end_are_not_waited_for() {
        let address = served(Access::default(), Patience { headers: SOON, movement: LONG }).await;
        let mut slow = client(address, "GET / HTTP/1.1\r\nhost: a\r\n").await;
        let (mut reader, mut writer) = slow.split();
        let dripping = async {
            while writer.write_all(b"x: y\r\n").await.is_ok() {
                tokio::time::sleep(SOON / 10).await;
            }
        };
        let mut read = Vec::new();
        tokio::select! {
            () = dripping => {}
            _ = reader.read_to_end(&mut read) => {}
            () = tokio::time::sleep(LONG / 2) => panic!("the server waits"),
        }
        let mut quick = client(address, "GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let mut answer = vec![0; 15];
        quick.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 200 OK");
        assert!(rest(quick).await.ends_with(b"done"), "and it is closed, once no other request comes");
    }

    #[tokio::test]
    async fn who_keeps_still_is_cut_off() {
        let address = served(Access::default(), Patience { headers: LONG, movement: SOON }).await;
        for begins in [
            "",
            "P",
            "PRI * HTTP/2.0",
            "GET / HTTP/1.1",
            "POST /body HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nx",
        ] {
            assert!(rest(client(address, begins).await).await.is_empty(), "{begins}");
        }
        let reader = client(address, "GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await;
        tokio::time::sleep(SOON * 5).await;
        assert!(rest(reader).await.len() < 64 << 20, "who takes nothing gets no more");
    }

    #[tokio::test]
    async fn large_headers_are_not_read() {
        let address = served(Access::default(), Patience::default()).await;
        let header = "x".repeat(2 * MAX_HEADERS);
        let answer = rest(client(address, &format!("GET / HTTP/1.1\r\nhost: a\r\nx: {header}\r\n\r\n")).await).await;
        assert!(answer.starts_with(b"HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&answer));
    }

    #[tokio::test]
    async fn one_address_has_so_many_connections_and_gives_them_back() {
        let bounds = Some(Bounds { connections: 2, ..Bounds::default() });
        let address = served(Access { bounds, ..Access::default() }, Patience::default()).await;
        let (first, _second) = (client(address, "G").await, client(address, "G").await);
        assert!(rest(client(address, "").await).await.is_empty(), "a third is closed");
        drop(first);
        let asked = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        let again = async { while !rest(client(address, asked).await).await.ends_with(b"done") {} };
        tokio::time::timeout(LONG / 2, again).await.expect("there is room again");
    }

    #[tokio::test]
    async fn who_comes_when_all_is_full_waits_for_room() {
        let address = served(Access { connections: 1, ..Access::default() }, Patience::default()).await;
        let first = client(address, "G").await;
        let asked = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        let mut second = client(address, asked).await;
        assert!(tokio::time::timeout(SOON, second.read_u8()).await.is_err());
        drop(first);
        assert!(rest(second).await.ends_with(b"done"));
    }
}
