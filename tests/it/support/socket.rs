//! A client over a real port: WebSockets that speak `graphql-transport-ws`, and streams of events.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use guildhall::server::shutdown;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::TestApp;

/// Longest that a test waits for a message.
const PATIENCE: Duration = Duration::from_secs(20);

/// A WebSocket of a client.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl TestApp {
    /// Serves on a free port, with events told.
    pub async fn serve(&self) -> SocketAddr {
        self.app.tell_events();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = self.app.clone();
        tokio::spawn(async move { shutdown::serve(listener, app.router, app.admission, &app.shutdown).await });
        address
    }
}

impl Socket {
    /// Opens one that speaks that protocol; else the status of the refusal.
    pub async fn try_open(address: SocketAddr, protocol: &str) -> Result<Self, u16> {
        Self::try_open_with(address, &[("sec-websocket-protocol", protocol)]).await
    }

    /// Opens one for a page of that origin; else the status of the refusal.
    pub async fn try_open_from(address: SocketAddr, origin: &str) -> Result<Self, u16> {
        Self::try_open_with(address, &[("sec-websocket-protocol", "graphql-transport-ws"), ("origin", origin)]).await
    }

    async fn try_open_with(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let mut request = format!("ws://{address}/graphql").into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a value"));
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    /// Opens one, and says nothing.
    pub async fn open(address: SocketAddr) -> Self {
        Self::try_open(address, "graphql-transport-ws").await.expect("a socket")
    }

    /// Opens one for the holder of a token.
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

    /// Begins an operation.
    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.say(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
    }

    /// The next message.
    pub async fn hears(&mut self) -> Value {
        self.next().await.unwrap_or_else(|(code, reason)| panic!("closed with {code}: {reason}"))
    }

    /// The code of the close, which comes next.
    pub async fn close_code(&mut self) -> u16 {
        self.next().await.expect_err("a close").0
    }

    /// Nothing comes for a while.
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
