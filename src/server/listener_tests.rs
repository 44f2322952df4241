//! Tests with slow clients, and with too many clients.

use axum::routing::{get, post};
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::config::{HttpPolicy, RateLimits};

const SOON: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(60);
/// Bytes of a long response: more than the system buffers, and less than the memory limit of all responses.
const LARGE: usize = 11 << 20;

/// Serves some paths with these timeouts; returns the address.
async fn served(access: HttpPolicy, timeouts: Timeouts) -> SocketAddr {
    let large = get(async || "x".repeat(LARGE));
    let slow = get(async || {
        let parts = futures_util::stream::iter(0..10).then(async |_| {
            tokio::time::sleep(SOON / 2).await;
            Ok::<_, Infallible>("x")
        });
        Body::from_stream(parts)
    });
    let router = Router::new().route("/", get(async || "done")).route("/large", large).route("/slow", slow);
    let router = router.route("/body", post(async |body: String| body));
    let router = router.route("/refused", post(async || axum::http::StatusCode::UNAUTHORIZED));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (admission, stopping) = (Admission::new(access), CancellationToken::new());
    tokio::spawn(serve_with_timeouts(listener, router, admission, stopping, timeouts));
    address
}

async fn client(address: SocketAddr, begins: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(begins.as_bytes()).await.unwrap();
    client
}

/// Reads until the server closes the connection.
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
async fn serve_closes_a_connection_with_endless_headers() {
    let address = served(HttpPolicy::default(), Timeouts { headers: SOON, write: LONG, read: LONG }).await;
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
async fn serve_closes_a_connection_without_a_whole_first_request() {
    let address = served(HttpPolicy::default(), Timeouts { headers: SOON, write: LONG, read: LONG }).await;
    for begins in ["", "P", "PRI * HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1"] {
        // HTTP/2 has sent its settings.
        assert!(!rest(client(address, begins).await).await.starts_with(b"HTTP/1.1"), "{begins}");
    }
}

#[tokio::test]
async fn serve_closes_a_connection_that_reads_nothing_of_its_response() {
    let address = served(HttpPolicy::default(), Timeouts { headers: LONG, write: SOON, read: LONG }).await;
    let reader = client(address, "GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await;
    tokio::time::sleep(SOON * 5).await;
    assert!(rest(reader).await.len() < LARGE);
}

#[tokio::test]
async fn serve_sends_a_long_response_to_a_steady_reader() {
    let address = served(HttpPolicy::default(), Timeouts { headers: SOON, write: SOON, read: SOON }).await;
    let answer = rest(client(address, "GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await).await;
    assert!(answer.ends_with(b"0\r\n\r\n"), "whole: {}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn serve_reads_a_body_with_two_lengths_in_chunks_and_closes_the_connection() {
    let address = served(HttpPolicy::default(), Timeouts::default()).await;
    let chunked = "transfer-encoding: chunked\r\n";
    for length in [4, 5, 1000] {
        let length = format!("content-length: {length}\r\n");
        for headers in [format!("{length}{chunked}"), format!("{chunked}{length}")] {
            // A parser that uses the other length finds the second request at another position.
            let both = format!("POST /body HTTP/1.1\r\nhost: a\r\n{headers}\r\n4\r\nbody\r\n0\r\n\r\n");
            let answer = rest(client(address, &format!("{both}GET / HTTP/1.1\r\nhost: a\r\n\r\n")).await).await;
            let answer = String::from_utf8(answer).unwrap();
            assert!(answer.contains("connection: close") && answer.ends_with("\r\n\r\nbody"), "{headers}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{headers}: {answer}");
        }
    }
}

#[tokio::test]
async fn serve_refuses_an_ambiguous_body_length() {
    let address = served(HttpPolicy::default(), Timeouts::default()).await;
    for headers in [
        "content-length: 4\r\ncontent-length: 5\r\n",
        "content-length: +4\r\n",
        "content-length: 4, 5\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding : chunked\r\n",
    ] {
        let request = format!("POST /body HTTP/1.1\r\nhost: a\r\n{headers}\r\n4\r\nbody\r\n0\r\n\r\n");
        let answer = String::from_utf8(rest(client(address, &request).await).await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{headers}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{headers}: {answer}");
    }
}

#[tokio::test]
async fn serve_answers_400_to_bytes_that_are_no_request() {
    let address = served(HttpPolicy::default(), Timeouts::default()).await;
    for bytes in
        ["GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nhost a\r\n\r\n", "\x16\x03\x01\x02\x00\x01"]
    {
        let answer = String::from_utf8(rest(client(address, bytes).await).await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{bytes:?}: {answer}");
    }
    let after_another = "GET / HTTP/1.1\r\nhost: a\r\n\r\nGET\r\n\r\n";
    let answers = String::from_utf8(rest(client(address, after_another).await).await).unwrap();
    let (first, second) = answers.split_once("done").unwrap();
    assert!(first.starts_with("HTTP/1.1 200 "), "{answers}");
    assert!(second.starts_with("HTTP/1.1 400 "), "{answers}");
}

#[tokio::test]
async fn serve_refuses_large_headers() {
    let address = served(HttpPolicy::default(), Timeouts::default()).await;
    let header = "x".repeat(2 * MAX_HEADERS);
    for head in [format!("GET / HTTP/1.1\r\nhost: a\r\nx: {header}"), format!("GET /{header} HTTP/1.1\r\nhost: a")] {
        let answer = rest(client(address, &format!("{head}\r\n\r\n")).await).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}

#[tokio::test]
async fn serve_limits_connections_per_address_and_reuses_closed_ones() {
    let bounds = Some(RateLimits { connections: 2, ..RateLimits::default() });
    let address = served(HttpPolicy { bounds, ..HttpPolicy::default() }, Timeouts::default()).await;
    let (first, _second) = (client(address, "G").await, client(address, "G").await);
    assert!(rest(client(address, "").await).await.is_empty(), "a third is closed");
    drop(first);
    let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let again = async { while !rest(client(address, request).await).await.ends_with(b"done") {} };
    tokio::time::timeout(LONG / 2, again).await.expect("there is room again");
}

#[tokio::test]
async fn serve_lets_connections_wait_when_the_limit_is_reached() {
    let address = served(HttpPolicy { connections: 1, ..HttpPolicy::default() }, Timeouts::default()).await;
    let first = client(address, "G").await;
    let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let mut second = client(address, request).await;
    assert!(tokio::time::timeout(SOON, second.read_u8()).await.is_err());
    drop(first);
    assert!(rest(second).await.ends_with(b"done"));
}

#[tokio::test]
async fn serve_closes_the_connection_of_a_slow_reader() {
    let address = served(HttpPolicy::default(), Timeouts { headers: LONG, write: LONG, read: SOON }).await;
    let request = "GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let mut slow = client(address, request).await;
    for _ in 0..20 {
        tokio::time::sleep(SOON / 6).await;
        let _ = slow.read(&mut [0; 100]).await;
    }
    assert!(rest(slow).await.len() < LARGE / 2, "which takes 600 bytes in a time where 3,000 are the least");

    let mut steady = client(address, request).await;
    let mut read = 0;
    for _ in 0..20 {
        tokio::time::sleep(SOON / 6).await;
        read += steady.read(&mut [0; 64 * 1024]).await.unwrap();
    }
    assert!(read + rest(steady).await.len() > LARGE, "which takes more");
    let stream = client(address, "GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(rest(stream).await.ends_with(b"0\r\n\r\n"), "a stream has no such limit");
}

#[tokio::test]
async fn serve_limits_the_memory_of_waiting_responses() {
    let address = served(HttpPolicy::default(), Timeouts::default()).await;
    let request = "GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let mut waiting = Vec::new();
    for _ in 0..4 {
        waiting.push(client(address, request).await);
        tokio::time::sleep(SOON).await;
    }
    for (index, reader) in waiting.into_iter().enumerate() {
        let whole = rest(reader).await.len() > LARGE;
        assert_eq!(whole, index >= 2, "{index}: those that have waited longest are cut off");
    }
}

#[tokio::test]
async fn a_body_that_is_not_read_ends_the_connection_which_says_so() {
    let address = served(HttpPolicy::default(), Timeouts::default()).await;
    let body = "x".repeat(700 * 1024);
    let whole = format!("content-length: {}\r\n\r\n{body}", body.len());
    let chunked = format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for (request, status) in [("POST /refused", 401), ("POST /missing", 404), ("POST /", 405), ("GET /missing", 404)] {
        for body in [&whole, &chunked] {
            let mut client = client(address, &format!("{request} HTTP/1.1\r\nhost: a\r\n{body}")).await;
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.expect("no reset");
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
            assert!(answer.contains("connection: close\r\n"), "{request}: {answer}");
        }
    }
    // Longer than the part that is discarded.
    let endless = format!("POST /refused HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999\r\n\r\n{body}");
    let mut client = client(address, &endless).await;
    let mut answer = vec![0; 16];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 401 Una");
    let block = vec![0; 64 * 1024];
    let writing = async { while client.write_all(&block).await.is_ok() {} };
    tokio::time::timeout(LONG / 2, writing).await.expect("the server closes");
}

#[tokio::test]
async fn serve_keeps_the_connection_after_a_body_that_was_read() {
    let address = served(HttpPolicy::default(), Timeouts::default()).await;
    let read = "POST /body HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    let last = "POST /body HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 1\r\n\r\ny";
    let answers = String::from_utf8(rest(client(address, &format!("{read}{last}")).await).await).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 2, "{answers}");
    let waits = "POST /refused HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n";
    let answer = String::from_utf8(rest(client(address, waits).await).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("connection: close\r\n"), "{answer}");
}
