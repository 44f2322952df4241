//! Clients that do not read long responses of a server in its own process.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::support::cluster::Cluster;
use crate::support::server_process::Server;

/// A connection with a request for some megabytes.
async fn asks(address: SocketAddr) -> TcpStream {
    let name = "x".repeat(700);
    let fields: String = (0..5).map(|n| format!("{name}{n}: name ")).collect();
    let body = json!({ "query": format!("{{ __schema {{ types {{ fields {{ {fields} }} }} }} }}") }).to_string();
    let head = "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let mut reader = TcpStream::connect(address).await.expect("a connection");
    reader
        .write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())
        .await
        .expect("a request");
    reader
}

/// Resident memory of the process, in bytes.
#[cfg(target_os = "linux")]
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn slow_readers_cost_at_most_64_mb_per_hundred() {
    let url = Cluster::get().database().await;
    let server = Server::start(&url, &[]).await;
    let mut whole = Vec::new();
    asks(server.address).await.read_to_end(&mut whole).await.expect("an answer");
    assert!(whole.len() > 1_500_000 && whole.starts_with(b"HTTP/1.1 200 "), "{} bytes", whole.len());
    let before = memory(server.id());
    let mut readers = Vec::new();
    for _ in 0..100 {
        let mut reader = asks(server.address).await;
        let mut begin = [0; 12];
        // The response has started, unless the memory limit for responses is reached.
        let _ = timeout(Duration::from_secs(20), reader.read_exact(&mut begin)).await.expect("an answer");
        readers.push(reader);
    }
    sleep(Duration::from_millis(500)).await;
    let cost = memory(server.id()).saturating_sub(before);
    println!("100 readers, {} bytes each: {cost} bytes", whole.len());
    assert!(cost <= 64 << 20, "{cost} bytes");
    let mut last = Vec::new();
    readers.pop().expect("a reader").read_to_end(&mut last).await.expect("an answer");
    assert_eq!(last.len() + 12, whole.len(), "the newest reader gets the whole response");
    drop(server);
    Cluster::get().drop(&url).await;
}
