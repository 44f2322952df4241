//! GraphQL in a WebSocket, at `GET /graphql`: moves messages between the socket, the [`protocol`] and the operations, each of
//! which is a task of its own. Who does not take what is sent to them holds up nobody but themselves.

pub mod protocol;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Response as Executed, ServerError};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, State};
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use self::protocol::{Close, Protocol, Step};
use super::body::{Asked, MAX_BYTES};
use super::credentials;
use super::execute::{self, Caller, Running};
use super::observe::{Operation, RequestId, log_in_socket};
use super::prepare::prepare;
use super::problem::{Codes, Problem, code};
use super::router::Server;
use crate::auth::Actor;

/// How long a client may take to say who it is.
const INIT_TIME: Duration = Duration::from_secs(10);
/// How long a client may take to make room for a message.
const SEND_TIME: Duration = Duration::from_secs(30);
/// How long what is under way may take to finish when the server is going.
const FINISH_TIME: Duration = Duration::from_secs(8);
/// How long to wait for the client's side of the close.
const CLOSE_TIME: Duration = Duration::from_secs(1);
/// How often the token is looked at.
const TICK: Duration = Duration::from_secs(1);
/// After how many ticks the client is pinged, for proxies that cut what is silent.
const TICKS_TO_PING: u32 = 12;
/// How many results may wait for the client before operations do.
const WAITING: usize = 16;

/// Opens a WebSocket.
pub async fn get(
    State(server): State<Server>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else { return not_a_socket().into_response() };
    if !upgrade.requested_protocols().any(|name| name == protocol::NAME) {
        return Problem::bad_request("The WebSocket must speak `graphql-transport-ws`.").into_response();
    }
    let actor = match credentials::actor(&headers, &server.env).await {
        Ok(actor) => actor,
        Err(problem) => return problem.into_response(),
    };
    let address = peer.map(|peer| peer.0.0.ip());
    // Somewhat more than is taken, so that the protocol can tell what was wrong.
    let upgrade = upgrade.protocols([protocol::NAME]).max_message_size(2 * MAX_BYTES).max_frame_size(2 * MAX_BYTES);
    upgrade.on_upgrade(move |socket| {
        let tasks = server.tasks.clone();
        tasks.track_future(Session::new(server, address, actor, socket).run())
    })
}

fn not_a_socket() -> impl IntoResponse {
    let message = "Operations are sent by POST; a GET opens a WebSocket.";
    ([(ALLOW, "POST")], Problem::new(StatusCode::METHOD_NOT_ALLOWED, "BAD_REQUEST", message))
}

/// What a task tells of its operation.
enum Told {
    Result(Executed),
    Broken(Vec<ServerError>),
    End,
}

/// An operation that runs. Dropped, it ends, but for a mutation that has begun.
struct Task {
    kind: OperationType,
    _handle: AbortOnDropHandle<()>,
}

struct Session {
    server: Server,
    address: Option<IpAddr>,
    actor: Option<Actor>,
    socket: WebSocket,
    protocol: Protocol,
    tasks: HashMap<u64, Task>,
    teller: mpsc::Sender<(u64, Told)>,
    told: mpsc::Receiver<(u64, Told)>,
    /// When the first message must have come.
    deadline: Instant,
}

/// What happens next to a session.
enum Happening {
    Heard(Option<Result<Message, axum::Error>>),
    Told(u64, Told),
    TooLate,
}

/// Why a session ends; none: the client has gone.
type End = Option<Close>;

impl Session {
    fn new(server: Server, address: Option<IpAddr>, actor: Option<Actor>, socket: WebSocket) -> Self {
        let (teller, told) = mpsc::channel(WAITING);
        let (protocol, tasks, deadline) = (Protocol::default(), HashMap::new(), Instant::now() + INIT_TIME);
        Self { server, address, actor, socket, protocol, tasks, teller, told, deadline }
    }

    async fn run(mut self) {
        let end = self.converse().await;
        // Whatever still runs has nobody to tell.
        self.tasks.clear();
        if let Err(Some(Close { code, reason })) = end {
            tracing::debug!(code, reason, "closing a socket");
            let frame = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
            if self.send(frame).await.is_err() {
                return;
            }
        }
        // Until both sides have closed: the client may not have read our close yet, and its own is answered by reading on.
        let _ = timeout(CLOSE_TIME, async { while let Some(Ok(_)) = self.socket.recv().await {} }).await;
    }

    async fn converse(&mut self) -> Result<(), End> {
        let stopping = self.server.stopping.clone();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut quiet = 0;
        loop {
            tokio::select! {
                // First of all: what subscriptions tell once the server is going is not for the client, who shall come again.
                biased;
                () = stopping.cancelled() => break,
                _ = ticks.tick() => {
                    self.require_token()?;
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

    async fn happens(&mut self) -> Happening {
        tokio::select! {
            heard = self.socket.recv() => Happening::Heard(heard),
            // Never none: the session itself has a sender.
            Some((number, told)) = self.told.recv() => Happening::Told(number, told),
            () = sleep_until(self.deadline), if !self.protocol.has_begun() => Happening::TooLate,
        }
    }

    async fn take(&mut self, happening: Happening) -> Result<(), End> {
        match happening {
            Happening::Heard(Some(Ok(Message::Text(text)))) => self.hear(text.as_str()).await,
            Happening::Heard(Some(Ok(Message::Binary(_)))) => Err(Some(Close::invalid("Messages are texts"))),
            Happening::Heard(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => Ok(()),
            Happening::Heard(Some(Ok(Message::Close(_)) | Err(_)) | None) => Err(None),
            Happening::Told(number, told) => self.tell(number, told).await,
            Happening::TooLate => Err(Some(Close::init_timeout())),
        }
    }

    /// Takes a message of the client.
    async fn hear(&mut self, text: &str) -> Result<(), End> {
        match self.protocol.receive(text)? {
            Step::Init(payload) => {
                let given = credentials::actor_of_payload(&payload, &self.server.env).await?;
                self.actor = given.or(self.actor);
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

    /// Begins an operation.
    async fn begin(&mut self, number: u64, asked: Asked) -> Result<(), End> {
        if self.has_run_out() {
            return Err(Some(Close::unauthorized(credentials::BAD_TOKEN)));
        }
        let prepared = match prepare(&self.server.documents, asked) {
            Ok(prepared) => prepared,
            Err(problem) => {
                let refused = self.protocol.refuse(number, &problem.errors);
                return self.say(refused).await;
            }
        };
        let caller = Caller { id: RequestId::random(), actor: self.actor, address: self.address };
        let (kind, operation) = (prepared.kind, Operation::new(&prepared, self.actor.as_ref()));
        let span = tracing::info_span!("request", request_id = %caller.id.0);
        let running = execute::run(&self.server, &caller, prepared);
        let task = perform(number, running, caller.id, operation, self.teller.clone());
        let handle = AbortOnDropHandle::new(tokio::spawn(task.instrument(span)));
        self.tasks.insert(number, Task { kind, _handle: handle });
        Ok(())
    }

    /// Hands on what an operation tells.
    async fn tell(&mut self, number: u64, told: Told) -> Result<(), End> {
        let text = match told {
            Told::Result(executed) => self.protocol.result(number, &executed),
            Told::Broken(errors) => self.protocol.refuse(number, &errors),
            Told::End => {
                self.tasks.remove(&number);
                self.protocol.complete(number)
            }
        };
        self.say(text).await
    }

    /// Ends subscriptions and lets the rest finish. Nothing new is begun.
    async fn finish(&mut self) -> Result<(), End> {
        self.tasks.retain(|_, task| task.kind != OperationType::Subscription);
        while !self.tasks.is_empty() {
            let Some((number, told)) = self.told.recv().await else { break };
            if self.tasks.contains_key(&number) {
                self.tell(number, told).await?;
            }
        }
        Ok(())
    }

    /// Ends once the token has run out, and the subscriptions have been told so.
    fn require_token(&self) -> Result<(), End> {
        let over = self.has_run_out() && self.protocol.is_idle();
        if over { Err(Some(Close::unauthorized(credentials::BAD_TOKEN))) } else { Ok(()) }
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
        match timeout(SEND_TIME, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(None),
        }
    }
}

/// Runs an operation and tells what comes of it.
async fn perform(
    number: u64,
    Running { refusals, mut results }: Running,
    id: RequestId,
    operation: Operation,
    teller: mpsc::Sender<(u64, Told)>,
) {
    let started = std::time::Instant::now();
    let mut codes = Codes::default();
    let telling = async {
        while let Some(executed) = results.next().await {
            codes.0.extend(executed.errors.iter().filter_map(code).map(str::to_owned));
            // Nobody listens any more: then this ends, too.
            let _ = teller.send((number, Told::Result(executed))).await;
        }
    };
    if AssertUnwindSafe(telling).catch_unwind().await.is_err() {
        tracing::error!(request_id = %id.0, "panicked while answering");
        let _ = teller.send((number, Told::Broken(Problem::internal(&id.0).errors))).await;
    }
    codes.0.extend(refusals.codes().into_iter().map(str::to_owned));
    log_in_socket(&id, &operation, started, &codes);
    let _ = teller.send((number, Told::End)).await;
}
