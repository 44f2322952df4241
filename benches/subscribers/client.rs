//! The subscribers: one task each, which parses as little of the protocol as possible, so that it does not affect the
//! result.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use guildhall::auth::tokens::TokenSigner;
use guildhall::domain::Clock;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::{Outcome, SECRET, nanos, world};

/// Number of concurrent connection attempts.
const AT_ONCE: usize = 32;

/// Received events: number of the event, and time of receipt.
pub type Receipts = Vec<(usize, u64)>;

/// A connected subscriber.
pub struct Subscriber {
    received: Arc<AtomicUsize>,
    task: JoinHandle<Receipts>,
    stop: tokio::sync::oneshot::Sender<()>,
}

/// Waits until the server accepts connections.
pub async fn ready(port: u16) -> Outcome {
    for _ in 0..600 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err("the server does not accept connections".into())
}

/// Connects `count` subscribers.
pub async fn subscribe(port: u16, organization: &str, count: usize) -> Outcome<Vec<Subscriber>> {
    let keys = TokenSigner::from_secret(SECRET).map_err(|error| format!("{error:?}"))?;
    let now = Clock::default().now();
    let opened = (0..count).map(|n| {
        let token = keys.issue_access_token(world::user(n), None, now, TimeDelta::hours(2));
        async move {
            let (token, _) = token.map_err(|error| format!("{error:?}"))?;
            open(port, &token, organization).await
        }
    });
    stream::iter(opened).buffer_unordered(AT_ONCE).try_collect().await
}

async fn open(port: u16, token: &str, organization: &str) -> Outcome<Subscriber> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await?;
    socket.set_nodelay(true)?;
    let upgrade = "GET /graphql HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";
    socket.write_all(upgrade.as_bytes()).await?;
    let mut inbox = Inbox::default();
    while !inbox.bytes.ends_with(b"\r\n\r\n") {
        inbox.fill(&mut socket).await?;
    }
    if !inbox.bytes.starts_with(b"HTTP/1.1 101") {
        return Err(String::from_utf8_lossy(&inbox.bytes).into());
    }
    inbox.bytes.clear();
    let init = json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } });
    socket.write_all(&frame(1, &init.to_string())).await?;
    inbox.message(&mut socket).await?;
    let query = "subscription S($id: ID!) { workspaceEvents(workspaceId: $id) { id type cursor subjectId } }";
    let payload = json!({ "query": query, "variables": { "id": organization } });
    let subscribe = json!({ "type": "subscribe", "id": "1", "payload": payload });
    // The subscription is active a moment after this request: hence the pause before events are written.
    socket.write_all(&frame(1, &subscribe.to_string())).await?;
    let received = Arc::new(AtomicUsize::new(0));
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(listen(socket, inbox, received.clone(), stopped));
    Ok(Subscriber { received, task, stop })
}

async fn listen(
    mut socket: TcpStream,
    mut inbox: Inbox,
    received: Arc<AtomicUsize>,
    mut stopped: tokio::sync::oneshot::Receiver<()>,
) -> Receipts {
    let mut receipts = Vec::new();
    loop {
        let message = tokio::select! {
            message = inbox.message(&mut socket) => message,
            _ = &mut stopped => return receipts,
        };
        let Ok(message) = message else {
            eprintln!("a subscriber was disconnected");
            return receipts;
        };
        match message.split_once(r#""subjectId":"n"#).and_then(|(_, rest)| rest.split_once('.')) {
            Some((number, _)) => receipts.push((number.parse().unwrap_or(usize::MAX), nanos())),
            None => eprintln!("{message}"),
        }
        received.store(receipts.len(), Ordering::Relaxed);
    }
}

/// Waits until each subscriber has `count` events, or no more arrive.
pub async fn wait_for(subscribers: &mut [Subscriber], count: usize) {
    let received = |subscribers: &[Subscriber]| -> usize {
        subscribers.iter().map(|subscriber| subscriber.received.load(Ordering::Relaxed)).sum()
    };
    let mut last = 0;
    while received(subscribers) < count * subscribers.len() && received(subscribers) > last {
        last = received(subscribers);
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
}

/// Ends the subscribers, and returns the receipts of each.
pub async fn receipts(subscribers: Vec<Subscriber>) -> Vec<Receipts> {
    let mut all = Vec::new();
    for subscriber in subscribers {
        let _ = subscriber.stop.send(());
        all.extend(subscriber.task.await);
    }
    all
}

/// Received bytes that are not parsed yet.
#[derive(Default)]
struct Inbox {
    bytes: Vec<u8>,
    read: usize,
}

impl Inbox {
    async fn fill(&mut self, socket: &mut TcpStream) -> Outcome {
        self.bytes.drain(..self.read);
        self.read = 0;
        self.bytes.reserve(1024);
        if socket.read_buf(&mut self.bytes).await? == 0 { Err("closed".into()) } else { Ok(()) }
    }

    /// Returns the next text message. Answers pings.
    async fn message(&mut self, socket: &mut TcpStream) -> Outcome<String> {
        loop {
            let Some((kind, start, end)) = header(&self.bytes[self.read..]) else {
                self.fill(socket).await?;
                continue;
            };
            let payload = String::from_utf8_lossy(&self.bytes[self.read + start..self.read + end]).into_owned();
            self.read += end;
            match kind {
                1 => return Ok(payload),
                9 => socket.write_all(&frame(10, &payload)).await?,
                8 => return Err("closed".into()),
                _ => {}
            }
        }
    }
}

/// Returns opcode, start and end of the payload of the first frame; `None` if the frame is incomplete.
fn header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let [kind, short, ..] = bytes else { return None };
    let (start, length) = match short {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        short => (2, usize::from(*short)),
    };
    (bytes.len() >= start + length).then_some((kind & 15, start, start + length))
}

/// Returns a client frame with a mask of zeros.
fn frame(kind: u8, text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let mut frame = vec![0x80 | kind];
    match u8::try_from(text.len()) {
        Ok(short) if short < 126 => frame.push(0x80 | short),
        _ => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}
