//! Graceful shutdown in two steps: the first signal stops accepting connections and gives running requests ten seconds
//! to finish; the second signal ends the server without waiting.

use std::io;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::Admission;
use crate::server::listener;

/// How long running requests may take to finish after a shutdown begins.
pub const GRACE: Duration = Duration::from_secs(10);

/// Signals a shutdown to all parts of the server, and tracks the tasks that must finish first. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Cancelled first: `/health/ready` fails, and requests are still served.
    pub announced: CancellationToken,
    /// Cancelled after the announcement: nothing new is accepted, running work may finish.
    pub soft: CancellationToken,
    /// Cancelled when the grace period is over, or at the second signal.
    pub hard: CancellationToken,
    /// Tasks that should finish before the process ends.
    pub tasks: TaskTracker,
}

impl Shutdown {
    /// Starts to listen for SIGINT and SIGTERM. The first signal announces the shutdown, and begins it after `delay`, so
    /// that load balancers stop sending requests before. The second signal ends the process at once.
    pub fn listen_to_signals(&self, delay: Duration) -> io::Result<()> {
        let mut signals = Signals::new()?;
        let shutdown = self.clone();
        tokio::spawn(async move {
            signals.next().await;
            tracing::info!(delay_seconds = delay.as_secs(), "shutting down gracefully; a second signal exits at once");
            shutdown.announced.cancel();
            let is_repeated = tokio::time::timeout(delay, signals.next()).await.is_ok();
            shutdown.soft.cancel();
            if !is_repeated {
                signals.next().await;
            }
            shutdown.hard.cancel();
        });
        Ok(())
    }

    /// Completes when the grace period has passed or a second signal has ended it; then cancels `hard`.
    async fn out_of_time(&self) {
        self.soft.cancelled().await;
        tokio::select! {
            () = tokio::time::sleep(GRACE) => {}
            () = self.hard.cancelled() => {}
        }
        self.hard.cancel();
    }
}

/// Runs the server until the shutdown is complete.
pub async fn serve(listener: TcpListener, router: Router, admission: Admission, shutdown: &Shutdown) {
    let finished = async {
        listener::serve(listener, router, admission, shutdown.soft.clone()).await;
        shutdown.tasks.close();
        shutdown.tasks.wait().await;
    };
    tokio::select! {
        () = finished => {}
        () = shutdown.out_of_time() => tracing::warn!("shutdown deadline reached with unfinished work"),
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::config::HttpPolicy;

    /// A server with one running request, which is answered when `finish` is notified.
    struct UnderWay {
        shutdown: Shutdown,
        finish: Arc<Notify>,
        server: JoinHandle<()>,
        client: TcpStream,
        address: SocketAddr,
    }

    async fn under_way() -> UnderWay {
        let (shutdown, begun, finish) = (Shutdown::default(), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (at_begin, at_end) = (begun.clone(), finish.clone());
        let slow = async move || {
            at_begin.notify_one();
            at_end.notified().await;
            "done"
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server_shutdown = shutdown.clone();
        let (router, admission) = (Router::new().route("/", get(slow)), Admission::new(HttpPolicy::default()));
        let server = tokio::spawn(async move { serve(listener, router, admission, &server_shutdown).await });
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        begun.notified().await;
        UnderWay { shutdown, finish, server, client, address }
    }

    #[tokio::test]
    async fn serve_finishes_running_requests_and_accepts_no_new_ones() {
        let UnderWay { shutdown, finish, server, mut client, address } = under_way().await;
        let task_done = Arc::new(Notify::new());
        let task = task_done.clone();
        shutdown.tasks.spawn(async move { task.notified().await });
        shutdown.soft.cancel();
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(!server.is_finished());
        finish.notify_one();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("done"), "{answer}");
        assert!(!server.is_finished(), "a task still runs");
        task_done.notify_one();
        server.await.unwrap();
        assert!(!shutdown.hard.is_cancelled());
    }

    #[tokio::test]
    async fn serve_ends_at_once_after_a_second_signal() {
        let UnderWay { shutdown, server, .. } = under_way().await;
        shutdown.soft.cancel();
        shutdown.hard.cancel();
        tokio::time::timeout(GRACE / 2, server).await.expect("at once").unwrap();
    }
}
