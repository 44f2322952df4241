//! GraphQL over WebSocket at `GET /graphql`: moves messages between the socket, the [`protocol`] and the operations.
//! Each operation is a task; a slow client delays only its own connection.

pub mod protocol;

use std::collections::HashMap;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_graphql::ServerError;
use async_graphql::parser::types::OperationType;
use axum::body::Bytes;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::auth::Actor;
use crate::domain::UserId;
use crate::graphql::subscription::SubscriptionItem;
use crate::server::admission::concurrency::Permit;
use crate::server::admission::rate_limit;
use crate::server::body::{GraphQLParams, MAX_BYTES};
use crate::server::caller::Caller;
use crate::server::error::HttpError;
use crate::server::execute;
use crate::server::execute::Running;
use crate::server::middleware::{Operation, RequestId};
use crate::server::operation_log::OperationLog;
use crate::server::prepare::prepare;
use crate::server::state::ServerState;
use crate::server::websocket::protocol::{Close, Protocol, Step};
use crate::server::{credentials, error_limits};

/// How long a client may take to send `connection_init`.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long sending a message to the client may take.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long running operations may take to finish when the server shuts down.
const FINISH_TIMEOUT: Duration = Duration::from_secs(8);
/// How long to wait for the client's close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum time without any message from the client; clients answer pings automatically.
const MAX_SILENCE: Duration = Duration::from_secs(60);
/// Retry delay for an address that has too many sockets.
const RETRY_DELAY: Duration = Duration::from_secs(30);
/// How often the expiry of the token and the activity of the client are checked.
const TICK: Duration = Duration::from_secs(1);
/// Number of ticks between pings, which keep proxies from closing silent connections.
const TICKS_TO_PING: u32 = 12;
/// Number of results that are queued for the client before operations have to wait.
const QUEUE_LENGTH: usize = 16;
/// Size of the read buffer of each socket, in bytes.
const READ_BUFFER: usize = 4096;

/// Upgrades the request to a WebSocket.
pub async fn open(
    server: ServerState,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !server.admission.allows_origin(headers) {
        let message = "Pages of this origin may not open WebSockets. The setting GUILDHALL_ALLOWED_ORIGINS lists the \
                       allowed origins.";
        return HttpError::new(StatusCode::FORBIDDEN, "FORBIDDEN", message).into_response();
    }
    let Ok(upgrade) = upgrade else {
        return HttpError::bad_request("The request is not a handshake of WebSocket version 13.").into_response();
    };
    if !upgrade.requested_protocols().any(|name| name == protocol::NAME) {
        return HttpError::bad_request("The WebSocket must have the subprotocol `graphql-transport-ws`.")
            .into_response();
    }
    let actor = match credentials::actor(headers, &server.env).await {
        Ok(actor) => actor,
        Err(problem) => return problem.into_response(),
    };
    let Some(address_permit) = server.admission.stream_from(address) else {
        return rate_limit::rate_limited(RETRY_DELAY, server.env.clock.now()).into_response();
    };
    // The limit is above that of the protocol, so that the protocol can report the error.
    let upgrade = upgrade
        .protocols([protocol::NAME])
        .max_message_size(2 * MAX_BYTES)
        .max_frame_size(2 * MAX_BYTES)
        .read_buffer_size(READ_BUFFER);
    upgrade.on_upgrade(move |socket| {
        let tasks = server.tasks.clone();
        let session = Session::new(server, address, actor, socket);
        tasks.track_future(async move {
            let _address_permit = address_permit;
            session.run().await;
        })
    })
}

/// An event of an operation's task.
enum TaskEvent {
    Result(SubscriptionItem),
    Broken(Vec<ServerError>),
    End,
}

/// A running operation. Dropping it ends the operation, except for a mutation that has begun.
struct Task {
    kind: OperationType,
    _handle: AbortOnDropHandle<()>,
}

struct Session {
    server: ServerState,
    address: Option<IpAddr>,
    actor: Option<Actor>,
    socket: WebSocket,
    protocol: Protocol,
    tasks: HashMap<u64, Task>,
    task_sender: mpsc::Sender<(u64, TaskEvent)>,
    task_events: mpsc::Receiver<(u64, TaskEvent)>,
    /// When `connection_init` must have been received.
    deadline: Instant,
    /// When the last message was received.
    last_received: Instant,
    /// Counts this socket towards the limit of the account.
    account_permit: Option<Permit<UserId>>,
}

/// The next event of a session.
enum SessionEvent {
    Received(Option<Result<Message, axum::Error>>),
    Task(u64, TaskEvent),
    InitTimeout,
}

/// Why a session ends; `None` if the client has disconnected.
type End = Option<Close>;

impl Session {
    fn new(server: ServerState, address: Option<IpAddr>, actor: Option<Actor>, socket: WebSocket) -> Self {
        let (task_sender, task_events) = mpsc::channel(QUEUE_LENGTH);
        let (protocol, tasks, last_received) = (Protocol::default(), HashMap::new(), Instant::now());
        let deadline = last_received + INIT_TIMEOUT;
        Self {
            server,
            address,
            actor,
            socket,
            protocol,
            tasks,
            task_sender,
            task_events,
            deadline,
            last_received,
            account_permit: None,
        }
    }

    async fn run(mut self) {
        let end = self.serve_connection().await;
        // The results of running operations can no longer be delivered.
        self.tasks.clear();
        if let Err(Some(Close { code, reason })) = end {
            tracing::debug!(code, reason, "closing WebSocket");
            let frame = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
            if self.send(frame).await.is_err() {
                return;
            }
        }
        // Waits until both sides have closed: the client may not have read our close frame, and reading answers its
        // own.
        let _ = timeout(CLOSE_TIMEOUT, async { while let Some(Ok(_)) = self.socket.recv().await {} }).await;
    }

    async fn serve_connection(&mut self) -> Result<(), End> {
        let stopping = self.server.stopping.clone();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ticks_since_ping = 0;
        loop {
            tokio::select! {
                // Checked first: during a shutdown, the last results of subscriptions are not sent, because the client
                // shall reconnect.
                biased;
                () = stopping.cancelled() => break,
                _ = ticks.tick() => {
                    self.check_token()?;
                    self.check_silence()?;
                    ticks_since_ping = (ticks_since_ping + 1) % TICKS_TO_PING;
                    if ticks_since_ping == 0 {
                        self.send(Message::Ping(Bytes::new())).await?;
                    }
                }
                event = self.next_event() => self.handle_event(event).await?,
            }
        }
        let _ = timeout(FINISH_TIMEOUT, self.finish()).await;
        Err(Some(Close::restart()))
    }

    async fn next_event(&mut self) -> SessionEvent {
        tokio::select! {
            message = self.socket.recv() => SessionEvent::Received(message),
            // Never `None`: the session itself has a sender.
            Some((number, event)) = self.task_events.recv() => SessionEvent::Task(number, event),
            () = sleep_until(self.deadline), if !self.protocol.has_begun() => SessionEvent::InitTimeout,
        }
    }

    async fn handle_event(&mut self, event: SessionEvent) -> Result<(), End> {
        if matches!(event, SessionEvent::Received(Some(Ok(_)))) {
            self.last_received = Instant::now();
        }
        match event {
            SessionEvent::Received(Some(Ok(Message::Text(text)))) => self.handle_message(text.as_str()).await,
            SessionEvent::Received(Some(Ok(Message::Binary(_)))) => Err(Some(Close::invalid("Messages must be text"))),
            SessionEvent::Received(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => Ok(()),
            SessionEvent::Received(Some(Ok(Message::Close(_)) | Err(_)) | None) => Err(None),
            SessionEvent::Task(number, event) => self.forward(number, event).await,
            SessionEvent::InitTimeout => Err(Some(Close::init_timeout())),
        }
    }

    /// Handles a message of the client.
    async fn handle_message(&mut self, text: &str) -> Result<(), End> {
        match self.protocol.receive(text)? {
            Step::Init(payload) => {
                let actor = credentials::actor_of_payload(&payload, &self.server.env).await?;
                self.actor = actor.or(self.actor);
                let permit = self.server.admission.stream_of(self.actor.map(|actor| actor.user_id));
                self.account_permit =
                    Some(permit.ok_or_else(|| Close::forbidden("This account has too many open WebSockets"))?);
                let acknowledged = self.protocol.acknowledge();
                self.send_text(Some(acknowledged)).await
            }
            Step::Send(text) => self.send_text(Some(text)).await,
            Step::Run(number, params) => self.start(number, params).await,
            Step::Stop(number) => {
                self.tasks.remove(&number);
                Ok(())
            }
            Step::Nothing => Ok(()),
        }
    }

    /// Starts an operation.
    async fn start(&mut self, number: u64, params: GraphQLParams) -> Result<(), End> {
        if self.token_has_expired() {
            return Err(Some(Close::unauthorized(credentials::BAD_TOKEN)));
        }
        let caller = Caller { id: RequestId::random(), actor: self.actor, address: self.address };
        let (prepared, now) = (prepare(&self.server.documents, params), self.server.env.clock.now());
        let prepared = match self.server.admission.charge(&caller, prepared, now) {
            Ok(prepared) => prepared,
            Err(mut problem) => {
                error_limits::truncate_errors(&mut problem.errors);
                let refused = self.protocol.refuse(number, &problem.errors);
                return self.send_text(refused).await;
            }
        };
        let (kind, operation) = (prepared.kind, Operation::new(&prepared, self.actor.as_ref()));
        let span = tracing::info_span!("request", request_id = %caller.id.0);
        let running = execute::run(&self.server, &caller, prepared);
        let task = run_task(number, running, caller.id, operation, self.task_sender.clone());
        let handle = AbortOnDropHandle::new(tokio::spawn(task.instrument(span)));
        self.tasks.insert(number, Task { kind, _handle: handle });
        Ok(())
    }

    /// Forwards an operation's event and all other queued events, with one flush.
    async fn forward(&mut self, number: u64, event: TaskEvent) -> Result<(), End> {
        let mut next = Some((number, event));
        while let Some((number, event)) = next {
            if let Some(text) = self.message(number, event) {
                self.feed(Message::text(text)).await?;
            }
            next = self.task_events.try_recv().ok();
        }
        self.flush().await
    }

    /// Returns the message for an operation's event. `None` if the client has ended the operation.
    fn message(&mut self, number: u64, event: TaskEvent) -> Option<String> {
        match event {
            TaskEvent::Result(SubscriptionItem::Shared(text)) => self.protocol.next(number, &text),
            TaskEvent::Result(SubscriptionItem::Executed(executed)) => self.protocol.result(number, &executed),
            TaskEvent::Broken(errors) => self.protocol.refuse(number, &errors),
            TaskEvent::End => {
                self.tasks.remove(&number);
                self.protocol.complete(number)
            }
        }
    }

    /// Ends subscriptions and lets other operations finish. No operation is started.
    async fn finish(&mut self) -> Result<(), End> {
        self.tasks.retain(|_, task| task.kind != OperationType::Subscription);
        while !self.tasks.is_empty() {
            let Some((number, event)) = self.task_events.recv().await else { break };
            if self.tasks.contains_key(&number) {
                self.forward(number, event).await?;
            }
        }
        Ok(())
    }

    /// Fails when the token has expired and no operation runs any more, after subscriptions have reported the expiry.
    fn check_token(&self) -> Result<(), End> {
        let is_over = self.token_has_expired() && self.protocol.is_idle();
        if is_over { Err(Some(Close::unauthorized(credentials::BAD_TOKEN))) } else { Ok(()) }
    }

    /// Fails when the client has sent nothing, not even a pong, for [`MAX_SILENCE`].
    fn check_silence(&self) -> Result<(), End> {
        if self.last_received.elapsed() > MAX_SILENCE { Err(None) } else { Ok(()) }
    }

    fn token_has_expired(&self) -> bool {
        let end = self.actor.as_ref().and_then(|actor| actor.expires_at);
        end.is_some_and(|end| self.server.env.clock.now() >= end)
    }

    async fn send_text(&mut self, text: Option<String>) -> Result<(), End> {
        match text {
            Some(text) => self.send(Message::text(text)).await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        self.feed(message).await?;
        self.flush().await
    }

    /// Queues a message, which is sent with the next flush at the latest.
    async fn feed(&mut self, message: Message) -> Result<(), End> {
        within_send_timeout(self.socket.feed(message)).await
    }

    async fn flush(&mut self) -> Result<(), End> {
        within_send_timeout(self.socket.flush()).await
    }
}

/// Fails if the client does not accept the bytes within [`SEND_TIMEOUT`].
async fn within_send_timeout(sending: impl Future<Output = Result<(), axum::Error>>) -> Result<(), End> {
    match timeout(SEND_TIMEOUT, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(None),
    }
}

/// Runs an operation and sends its results to the session.
async fn run_task(
    number: u64,
    Running { refusals, mut results }: Running,
    id: RequestId,
    operation: Operation,
    task_sender: mpsc::Sender<(u64, TaskEvent)>,
) {
    let mut log = OperationLog::new(id.clone(), operation, refusals);
    let forwarding = async {
        while let Some(item) = results.next().await {
            log.note(&item);
            // If the receiver is gone, this task is aborted too.
            let _ = task_sender.send((number, TaskEvent::Result(item))).await;
        }
    };
    if AssertUnwindSafe(forwarding).catch_unwind().await.is_err() {
        tracing::error!(request_id = %id.0, "request handler panicked");
        let _ = task_sender.send((number, TaskEvent::Broken(HttpError::internal(&id.0).errors))).await;
    }
    drop(log);
    let _ = task_sender.send((number, TaskEvent::End)).await;
}
