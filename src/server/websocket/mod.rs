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
use crate::server::error::HttpError;
use crate::server::execute;
use crate::server::execute::{Caller, Running};
use crate::server::middleware::{Operation, RequestId};
use crate::server::operation_log::OperationLog;
use crate::server::prepare::prepare;
use crate::server::router::ServerState;
use crate::server::websocket::protocol::{Close, Protocol, Step};
use crate::server::{credentials, error_limits};

/// How long a client may take to send `connection_init`.
const INIT_TIME: Duration = Duration::from_secs(10);
/// How long sending a message to the client may take.
const SEND_TIME: Duration = Duration::from_secs(30);
/// How long running operations may take to finish when the server shuts down.
const FINISH_TIME: Duration = Duration::from_secs(8);
/// How long to wait for the client's close frame.
const CLOSE_TIME: Duration = Duration::from_secs(1);
/// Maximum time without any message from the client; clients answer pings automatically.
const SILENT_TIME: Duration = Duration::from_secs(60);
/// Retry delay for an address that has too many sockets.
const CROWDED_TIME: Duration = Duration::from_secs(30);
/// How often the expiry of the token and the activity of the client are checked.
const TICK: Duration = Duration::from_secs(1);
/// Number of ticks between pings, which keep proxies from closing silent connections.
const TICKS_TO_PING: u32 = 12;
/// Number of results that are queued for the client before operations have to wait.
const WAITING: usize = 16;
/// Size of the read buffer of each socket, in bytes.
const READ_BUFFER: usize = 4096;

/// Upgrades the request to a WebSocket.
pub async fn open(
    server: ServerState,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !server.admission.admits_page(headers) {
        let message =
            "Pages of this origin may not open WebSockets here: the setting GUILDHALL_ALLOWED_ORIGINS lists which may.";
        return HttpError::new(StatusCode::FORBIDDEN, "FORBIDDEN", message).into_response();
    }
    let Ok(upgrade) = upgrade else {
        return HttpError::bad_request("This is no handshake of a WebSocket of version 13.").into_response();
    };
    if !upgrade.requested_protocols().any(|name| name == protocol::NAME) {
        return HttpError::bad_request("The WebSocket must speak `graphql-transport-ws`.").into_response();
    }
    let actor = match credentials::actor(headers, &server.env).await {
        Ok(actor) => actor,
        Err(problem) => return problem.into_response(),
    };
    let Some(place) = server.admission.stream_from(address) else {
        return rate_limit::rate_limited(CROWDED_TIME, server.env.clock.now()).into_response();
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
            let _place = place;
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
    teller: mpsc::Sender<(u64, TaskEvent)>,
    told: mpsc::Receiver<(u64, TaskEvent)>,
    /// When `connection_init` must have been received.
    deadline: Instant,
    /// When the last message was received.
    heard: Instant,
    /// Counts this socket towards the limit of the account.
    place: Option<Permit<UserId>>,
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
        let (teller, told) = mpsc::channel(WAITING);
        let (protocol, tasks, heard) = (Protocol::default(), HashMap::new(), Instant::now());
        let deadline = heard + INIT_TIME;
        Self { server, address, actor, socket, protocol, tasks, teller, told, deadline, heard, place: None }
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
        let _ = timeout(CLOSE_TIME, async { while let Some(Ok(_)) = self.socket.recv().await {} }).await;
    }

    async fn serve_connection(&mut self) -> Result<(), End> {
        let stopping = self.server.stopping.clone();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut quiet = 0;
        loop {
            tokio::select! {
                // Checked first: during a shutdown, the last results of subscriptions are not sent, because the client
                // shall reconnect.
                biased;
                () = stopping.cancelled() => break,
                _ = ticks.tick() => {
                    self.require_token()?;
                    self.require_life()?;
                    quiet = (quiet + 1) % TICKS_TO_PING;
                    if quiet == 0 {
                        self.send(Message::Ping(Bytes::new())).await?;
                    }
                }
                happening = self.happens() => self.take(happening).await?,
            }
        }
        let _ = timeout(FINISH_TIME, self.finish()).await;
        Err(Some(Close::restart()))
    }

    async fn happens(&mut self) -> SessionEvent {
        tokio::select! {
            heard = self.socket.recv() => SessionEvent::Received(heard),
            // Never `None`: the session itself has a sender.
            Some((number, said)) = self.told.recv() => SessionEvent::Task(number, said),
            () = sleep_until(self.deadline), if !self.protocol.has_begun() => SessionEvent::InitTimeout,
        }
    }

    async fn take(&mut self, happening: SessionEvent) -> Result<(), End> {
        if matches!(happening, SessionEvent::Received(Some(Ok(_)))) {
            self.heard = Instant::now();
        }
        match happening {
            SessionEvent::Received(Some(Ok(Message::Text(text)))) => self.hear(text.as_str()).await,
            SessionEvent::Received(Some(Ok(Message::Binary(_)))) => Err(Some(Close::invalid("Messages are texts"))),
            SessionEvent::Received(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => Ok(()),
            SessionEvent::Received(Some(Ok(Message::Close(_)) | Err(_)) | None) => Err(None),
            SessionEvent::Task(number, said) => self.tell(number, said).await,
            SessionEvent::InitTimeout => Err(Some(Close::init_timeout())),
        }
    }

    /// Handles a message of the client.
    async fn hear(&mut self, text: &str) -> Result<(), End> {
        match self.protocol.receive(text)? {
            Step::Init(payload) => {
                let given = credentials::actor_of_payload(&payload, &self.server.env).await?;
                self.actor = given.or(self.actor);
                let place = self.server.admission.stream_of(self.actor.map(|actor| actor.user_id));
                self.place = Some(place.ok_or_else(|| Close::forbidden("This account has too many sockets open"))?);
                let acknowledged = self.protocol.acknowledge();
                self.say(Some(acknowledged)).await
            }
            Step::Send(text) => self.say(Some(text)).await,
            Step::Run(number, asked) => self.begin(number, asked).await,
            Step::Stop(number) => {
                self.tasks.remove(&number);
                Ok(())
            }
            Step::Nothing => Ok(()),
        }
    }

    /// Starts an operation.
    async fn begin(&mut self, number: u64, asked: GraphQLParams) -> Result<(), End> {
        if self.has_run_out() {
            return Err(Some(Close::unauthorized(credentials::BAD_TOKEN)));
        }
        let caller = Caller { id: RequestId::random(), actor: self.actor, address: self.address };
        let (asked, now) = (prepare(&self.server.documents, asked), self.server.env.clock.now());
        let prepared = match self.server.admission.charge(&caller, asked, now) {
            Ok(prepared) => prepared,
            Err(mut problem) => {
                error_limits::truncate_errors(&mut problem.errors);
                let refused = self.protocol.refuse(number, &problem.errors);
                return self.say(refused).await;
            }
        };
        let (kind, operation) = (prepared.kind, Operation::new(&prepared, self.actor.as_ref()));
        let span = tracing::info_span!("request", request_id = %caller.id.0);
        let running = execute::run(&self.server, &caller, prepared);
        let task = perform(number, running, caller.id, operation, self.teller.clone());
        let handle = AbortOnDropHandle::new(tokio::spawn(task.instrument(span)));
        self.tasks.insert(number, Task { kind, _handle: handle });
        Ok(())
    }

    /// Forwards an operation's event and all other queued events, with one flush.
    async fn tell(&mut self, number: u64, said: TaskEvent) -> Result<(), End> {
        let mut next = Some((number, said));
        while let Some((number, said)) = next {
            if let Some(text) = self.message(number, said) {
                self.feed(Message::text(text)).await?;
            }
            next = self.told.try_recv().ok();
        }
        self.flush().await
    }

    /// Returns the message for an operation's event. `None` if the client has ended the operation.
    fn message(&mut self, number: u64, said: TaskEvent) -> Option<String> {
        match said {
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
            let Some((number, said)) = self.told.recv().await else { break };
            if self.tasks.contains_key(&number) {
                self.tell(number, said).await?;
            }
        }
        Ok(())
    }

    /// Fails when the token has expired and no operation runs any more, after subscriptions have reported the expiry.
    fn require_token(&self) -> Result<(), End> {
        let over = self.has_run_out() && self.protocol.is_idle();
        if over { Err(Some(Close::unauthorized(credentials::BAD_TOKEN))) } else { Ok(()) }
    }

    /// Fails when the client has sent nothing, not even a pong, for [`SILENT_TIME`].
    fn require_life(&self) -> Result<(), End> {
        if self.heard.elapsed() > SILENT_TIME { Err(None) } else { Ok(()) }
    }

    fn has_run_out(&self) -> bool {
        let end = self.actor.as_ref().and_then(|actor| actor.expires_at);
        end.is_some_and(|end| self.server.env.clock.now() >= end)
    }

    async fn say(&mut self, text: Option<String>) -> Result<(), End> {
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
        in_time(self.socket.feed(message)).await
    }

    async fn flush(&mut self) -> Result<(), End> {
        in_time(self.socket.flush()).await
    }
}

/// Fails if the client does not accept the bytes within [`SEND_TIME`].
async fn in_time(sending: impl Future<Output = Result<(), axum::Error>>) -> Result<(), End> {
    match timeout(SEND_TIME, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(None),
    }
}

/// Runs an operation and sends its results to the session.
async fn perform(
    number: u64,
    Running { refusals, mut results }: Running,
    id: RequestId,
    operation: Operation,
    teller: mpsc::Sender<(u64, TaskEvent)>,
) {
    let mut ledger = OperationLog::new(id.clone(), operation, refusals);
    let telling = async {
        while let Some(told) = results.next().await {
            ledger.note(&told);
            // If the receiver is gone, this task is aborted too.
            let _ = teller.send((number, TaskEvent::Result(told))).await;
        }
    };
    if AssertUnwindSafe(telling).catch_unwind().await.is_err() {
        tracing::error!(request_id = %id.0, "request handler panicked");
        let _ = teller.send((number, TaskEvent::Broken(HttpError::internal(&id.0).errors))).await;
    }
    drop(ledger);
    let _ = teller.send((number, TaskEvent::End)).await;
}
