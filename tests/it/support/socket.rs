//! A client over a real port: WebSockets with the protocol `graphql-transport-ws`.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use guildhall::server::shutdown;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::TestApp;

/// Longest wait for a message.
const PATIENCE: Duration = Duration::from_secs(20);

const PROTOCOL: &str = "graphql-transport-ws";
/// The header with the protocols of the client.
const NAMES: &str = "sec-websocket-protocol";

/// The WebSocket of a client.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl TestApp {
    /// Serves on a free port, with an event dispatcher.
    pub async fn serve(&self) -> SocketAddr {
        self.app.spawn_event_dispatcher();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = self.app.clone();
        tokio::spawn(async move { shutdown::serve(listener, app.router, app.admission, &app.shutdown).await });
        address
    }
}

impl Socket {
    /// Opens a socket with that protocol. Returns the HTTP status if the server refuses it.
    pub async fn try_open(address: SocketAddr, protocol: &str) -> Result<Self, u16> {
        Self::opened(Self::connect(address, &[(NAMES, protocol)]).await)
    }

    /// Opens a socket with that `Origin` header. Returns the HTTP status if the server refuses it.
    pub async fn try_open_from(address: SocketAddr, origin: &str) -> Result<Self, u16> {
        Self::opened(Self::connect(address, &[(NAMES, PROTOCOL), ("origin", origin)]).await)
    }

    fn opened(result: Result<Self, Error>) -> Result<Self, u16> {
        match result {
            Ok(socket) => Ok(socket),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    async fn connect(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let mut request = format!("ws://{address}/graphql").into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a value"));
        }
        connect_async(request).await.map(|(socket, _)| Self(socket))
    }

    /// Starts an operation with that token. `None` if the server is unreachable or refuses the connection.
    pub async fn ask(address: SocketAddr, token: &str, query: &str, variables: Value) -> Option<Self> {
        let mut socket = Self::connect(address, &[(NAMES, PROTOCOL)]).await.ok()?;
        let hello = json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } });
        let payload = json!({ "query": query, "variables": variables });
        for message in [hello, json!({ "type": "subscribe", "id": "1", "payload": payload })] {
            socket.0.send(Message::text(message.to_string())).await.ok()?;
        }
        (socket.receive().await?["type"] == "connection_ack").then_some(socket)
    }

    /// The next message, without a time limit. `None` if the socket has ended in any way.
    pub async fn receive(&mut self) -> Option<Value> {
        loop {
            match self.0.next().await?.ok()? {
                Message::Text(text) => return Some(serde_json::from_str(&text).expect("JSON")),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// Opens a socket, and sends nothing.
    pub async fn open(address: SocketAddr) -> Self {
        Self::try_open(address, PROTOCOL).await.expect("a socket")
    }

    /// Opens a socket and initializes it with that token.
    pub async fn open_for(address: SocketAddr, token: &str) -> Self {
        let mut socket = Self::open(address).await;
        let payload = json!({ "Authorization": format!("Bearer {token}") });
        socket.say(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.hears().await, json!({ "type": "connection_ack" }));
        socket
    }

    /// Sends a message.
    pub async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("sent");
    }

    /// Starts an operation.
    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.say(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
    }

    /// The next message.
    pub async fn hears(&mut self) -> Value {
        self.next().await.unwrap_or_else(|(code, reason)| panic!("closed with {code}: {reason}"))
    }

    /// The code of the close frame, which must come next.
    pub async fn close_code(&mut self) -> u16 {
        self.next().await.expect_err("a close").0
    }

    /// Closes the socket. Returns the code with which the server closes it.
    pub async fn close(&mut self, code: u16) -> u16 {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        self.0.send(Message::Close(Some(frame))).await.expect("sent");
        self.close_code().await
    }

    /// Whether no message arrives for 400 ms.
    pub async fn is_silent(&mut self) -> bool {
        timeout(Duration::from_millis(400), self.next()).await.is_err()
    }

    async fn next(&mut self) -> Result<Value, (u16, String)> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("something comes") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(Some(frame)))) => return Err((frame.code.into(), frame.reason.to_string())),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no message: {other:?}"),
            }
        }
    }
}
