//! Notices when nothing moves in a connection: no byte comes from the client, and none of what is for it goes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

/// When bytes last moved. Cheap to clone; the clones are of the same connection.
#[derive(Clone, Debug)]
pub struct Activity {
    begun: Instant,
    /// Milliseconds from the beginning to the last movement.
    last: Arc<AtomicU64>,
}

impl Default for Activity {
    fn default() -> Self {
        Self { begun: Instant::now(), last: Arc::default() }
    }
}

impl Activity {
    fn note(&self) {
        let elapsed = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(elapsed, Ordering::Relaxed);
    }

    /// Waits until nothing has moved for so long.
    pub async fn still_for(&self, time: Duration) {
        loop {
            let end = self.begun + Duration::from_millis(self.last.load(Ordering::Relaxed)) + time;
            if Instant::now() >= end {
                return;
            }
            sleep_until(end).await;
        }
    }
}

/// A stream that notes its movements, and holds something for as long as it lives.
pub struct Watched<S, H> {
    stream: S,
    activity: Activity,
    _held: H,
}

impl<S, H> Watched<S, H> {
    /// Watches the stream.
    pub fn new(stream: S, activity: Activity, held: H) -> Self {
        Self { stream, activity, _held: held }
    }
}

impl<S: AsyncRead + Unpin, H: Unpin> AsyncRead for Watched<S, H> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = ready!(Pin::new(&mut this.stream).poll_read(context, buffer));
        this.activity.note();
        Poll::Ready(result)
    }
}

impl<S: AsyncWrite + Unpin, H: Unpin> AsyncWrite for Watched<S, H> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = ready!(Pin::new(&mut this.stream).poll_write(context, bytes));
        this.activity.note();
        Poll::Ready(result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = ready!(Pin::new(&mut this.stream).poll_write_vectored(context, slices));
        this.activity.note();
        Poll::Ready(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const TIME: Duration = Duration::from_millis(200);
    /// What an instant is rounded by.
    const MILLISECOND: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn what_moves_is_not_still() {
        let (mut client, server) = duplex(4);
        let activity = Activity::default();
        let mut server = Watched::new(server, activity.clone(), ());
        let moving = async {
            for _ in 0..5 {
                tokio::time::sleep(TIME / 2).await;
                client.write_all(b"x").await.unwrap();
                server.read_u8().await.unwrap();
            }
        };
        let begun = Instant::now();
        tokio::select! {
            () = async { moving.await; std::future::pending().await } => {}
            () = activity.still_for(TIME) => {}
        }
        assert!(begun.elapsed() >= TIME / 2 * 5 + TIME - MILLISECOND, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn who_takes_nothing_keeps_still() {
        let (_client, server) = duplex(4);
        let activity = Activity::default();
        let mut server = Watched::new(server, activity.clone(), ());
        let begun = Instant::now();
        tokio::select! {
            result = server.write_all(b"longer than there is room for") => result.unwrap(),
            () = activity.still_for(TIME) => {}
        }
        assert!(begun.elapsed() >= TIME - MILLISECOND, "{:?}", begun.elapsed());
    }
}
