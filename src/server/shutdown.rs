//! Serves until told to stop, then in two steps: the first signal stops accepting and lets what is under way finish for ten
//! seconds; the second one does not wait.

use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long requests may take to finish once the server is told to stop.
pub const GRACE: Duration = Duration::from_secs(10);

/// Tells everybody to stop, and knows who has not yet. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Cancelled first: accept nothing new, finish what is under way.
    pub soft: CancellationToken,
    /// Cancelled when there is no more time for that.
    pub hard: CancellationToken,
    /// Everything that should be finished before the process ends.
    pub tasks: TaskTracker,
}

impl Shutdown {
    /// From now on, SIGINT and SIGTERM shut down: the first softly, the second at once.
    pub fn listen_to_signals(&self) -> io::Result<()> {
        let mut signals = Signals::new()?;
        let shutdown = self.clone();
        tokio::spawn(async move {
            signals.next().await;
            tracing::info!("shutting down; once more to do so at once");
            shutdown.soft.cancel();
            signals.next().await;
            shutdown.hard.cancel();
        });
        Ok(())
    }

    /// Over when the grace period has passed or nobody wants to wait for it.
    async fn out_of_time(&self) {
        self.soft.cancelled().await;
        tokio::select! {
            () = tokio::time::sleep(GRACE) => {}
            () = self.hard.cancelled() => {}
        }
        self.hard.cancel();
    }
}

/// Serves until the shutdown is complete.
pub async fn serve(listener: TcpListener, router: Router, shutdown: &Shutdown) -> io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(shutdown.soft.clone().cancelled_owned());
    let finished = async {
        let result = server.into_future().await;
        // A server that fails takes the background tasks with it.
        shutdown.soft.cancel();
        shutdown.tasks.close();
        shutdown.tasks.wait().await;
        result
    };
    tokio::select! {
        result = finished => result,
        () = shutdown.out_of_time() => {
            tracing::warn!("not everything was finished in time");
            Ok(())
        }
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
