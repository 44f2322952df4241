//! A TCP proxy in front of a database that freezes, delays, cuts and half-closes its connections.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;
use tokio_postgres::config::Host;

/// What the proxy does with the bytes of its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Forwards them.
    None,
    /// Forwards each chunk after this time.
    Delay(Duration),
    /// Keeps connections open and accepts new ones, but forwards nothing.
    Freeze,
    /// Resets every connection, and each new one.
    Cut,
    /// Closes the direction from the database to the client, and keeps the other one open.
    HalfClose,
}

/// A proxy that injects faults.
pub struct FaultProxy {
    /// URL of the database through the proxy.
    pub url: String,
    fault: Arc<watch::Sender<Fault>>,
}

impl FaultProxy {
    /// A proxy without faults to the database at `url`, which has a Unix socket.
    pub async fn to(url: &str) -> Self {
        let config: tokio_postgres::Config = url.parse().expect("a URL");
        let Some(Host::Unix(folder)) = config.get_hosts().first() else { panic!("no socket in {url}") };
        let socket = folder.join(".s.PGSQL.5432");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (user, database) = (config.get_user().expect("a user"), config.get_dbname().expect("a name"));
        let url = format!("postgres://{user}@{address}/{database}?sslmode=disable");
        let fault = Arc::new(watch::Sender::new(Fault::None));
        tokio::spawn(accept(listener, socket, fault.clone()));
        Self { url, fault }
    }

    /// Injects the fault into all present and later connections, until another one is set.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

async fn accept(listener: TcpListener, socket: PathBuf, fault: Arc<watch::Sender<Fault>>) {
    while let Ok((client, _)) = listener.accept().await {
        client.set_nodelay(true).expect("no delay");
        let Ok(server) = UnixStream::connect(&socket).await else { continue };
        let mut fault = fault.subscribe();
        tokio::spawn(async move {
            // A reset instead of an orderly end, as after a cut.
            let linger = socket2::SockRef::from(&client);
            linger.set_linger(Some(Duration::ZERO)).expect("no linger");
            let (mut from_client, mut to_client) = tokio::io::split(client);
            let (mut from_server, mut to_server) = tokio::io::split(server);
            let (up, down) = (fault.clone(), fault.clone());
            tokio::select! {
                () = async {
                    tokio::join!(
                        pass(&mut from_client, &mut to_server, up, false),
                        pass(&mut from_server, &mut to_client, down, true),
                    );
                } => {}
                _ = fault.wait_for(|fault| *fault == Fault::Cut) => {}
            }
        });
    }
}

/// Forwards bytes in one direction. `is_down`: from the database to the client.
async fn pass(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    mut fault: watch::Receiver<Fault>,
    is_down: bool,
) {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let length = tokio::select! {
            read = from.read(&mut chunk) => match read {
                Ok(length @ 1..) => length,
                Ok(0) | Err(_) => break,
            },
            _ = fault.wait_for(|fault| is_down && *fault == Fault::HalfClose) => break,
        };
        let now = *fault.borrow();
        if let Fault::Delay(time) = now {
            tokio::time::sleep(time).await;
        }
        if fault.wait_for(|fault| *fault != Fault::Freeze).await.is_err()
            || to.write_all(&chunk[..length]).await.is_err()
        {
            break;
        }
    }
    // The end of a frozen connection is not seen either.
    let _ = fault.wait_for(|fault| *fault != Fault::Freeze).await;
    let _ = to.shutdown().await;
}
