//! A proxy between an application and its database that counts round trips and statements.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio_postgres::config::Host;

/// Counted traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How often a request was sent while no response was pending. Each time the application waits for a full round
    /// trip.
    pub round_trips: usize,
    /// Statements that were run, including begin and commit.
    pub statements: usize,
    /// Statements that were prepared.
    pub prepared: usize,
}

/// A counting proxy.
pub struct Wire {
    /// URL of the database through the proxy.
    pub url: String,
    traffic: Arc<Mutex<Traffic>>,
}

impl Wire {
    /// A proxy to the database at `url`, which has a unix socket.
    pub async fn to(url: &str) -> Self {
        let config: tokio_postgres::Config = url.parse().expect("a URL");
        let Some(Host::Unix(folder)) = config.get_hosts().first() else { panic!("no socket in {url}") };
        let socket = folder.join(".s.PGSQL.5432");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (user, database) = (config.get_user().expect("a user"), config.get_dbname().expect("a name"));
        let url = format!("postgres://{user}@{address}/{database}?sslmode=disable");
        let traffic = Arc::default();
        tokio::spawn(accept(listener, socket, Arc::clone(&traffic)));
        Self { url, traffic }
    }

    /// The traffic while `work` runs.
    pub async fn during<R>(&self, work: impl Future<Output = R>) -> (R, Traffic) {
        *self.traffic.lock().expect("traffic") = Traffic::default();
        let done = work.await;
        (done, *self.traffic.lock().expect("traffic"))
    }
}

async fn accept(listener: TcpListener, socket: PathBuf, traffic: Arc<Mutex<Traffic>>) {
    while let Ok((client, _)) = listener.accept().await {
        client.set_nodelay(true).expect("no delay");
        let server = UnixStream::connect(&socket).await.expect("the database");
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let due = Arc::new(AtomicUsize::new(0));
        let client_side = (Arc::clone(&due), Arc::clone(&traffic));
        tokio::spawn(pass(from_client, to_server, Messages { rest: Vec::new(), begins: true }, move |kind| {
            let (due, traffic) = &client_side;
            let mut traffic = traffic.lock().expect("traffic");
            match kind {
                b'P' => traffic.prepared += 1,
                b'E' | b'Q' => traffic.statements += 1,
                _ => {}
            }
            let is_last_of_its_kind = matches!(kind, b'S' | b'Q');
            if is_last_of_its_kind && due.fetch_add(1, Relaxed) == 0 {
                traffic.round_trips += 1;
            }
        }));
        tokio::spawn(pass(from_server, to_client, Messages { rest: Vec::new(), begins: false }, move |kind| {
            // The first `ReadyForQuery` of a session follows no request.
            if kind == b'Z' {
                let _ = due.fetch_update(Relaxed, Relaxed, |due| due.checked_sub(1));
            }
        }));
    }
}

/// Forwards all data, and calls `seen` for each message first.
async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut messages: Messages,
    mut seen: impl FnMut(u8),
) {
    let mut chunk = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        messages.rest.extend_from_slice(&chunk[..length]);
        while let Some(kind) = messages.next() {
            seen(kind);
        }
        if to.write_all(&chunk[..length]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

/// The types of the messages in a byte stream.
struct Messages {
    rest: Vec<u8>,
    /// Whether the next message is the first of a client, which has no type byte.
    begins: bool,
}

impl Messages {
    fn next(&mut self) -> Option<u8> {
        let kind = usize::from(!self.begins);
        let length = self.rest.get(kind..kind + 4)?;
        let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
        if self.rest.len() < kind + length {
            return None;
        }
        let message: Vec<u8> = self.rest.drain(..kind + length).collect();
        Some(if std::mem::take(&mut self.begins) { 0 } else { message[0] })
    }
}
