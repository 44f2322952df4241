//! Serving, shared by `demo` and `serve`: listens, serves until a shutdown, and closes the database pool.

use tokio::net::TcpListener;

use crate::app::App;
use crate::commands::error::CliError;
use crate::config::HttpSettings;
use crate::server::shutdown;

/// Binds the listener, and returns it with the URL under which clients reach the server.
pub async fn listen(http: &HttpSettings) -> Result<(TcpListener, String), CliError> {
    let cannot = |cause| {
        CliError::new(format!(
            "Cannot listen on {}: {cause}; choose another address with GUILDHALL_LISTEN.",
            http.listen
        ))
    };
    let listener = TcpListener::bind(http.listen).await.map_err(cannot)?;
    let mut bound = listener.local_addr()?;
    if bound.ip().is_unspecified() {
        // All interfaces: links use the loopback address.
        bound.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        if http.public_url.is_none() {
            tracing::warn!("links in mails lead to this machine alone: set GUILDHALL_PUBLIC_URL");
        }
    }
    let public_url = http.public_url.clone().unwrap_or_else(|| format!("http://{bound}"));
    Ok((listener, public_url))
}

/// Serves until a shutdown, and lets running work finish.
pub async fn serve(listener: TcpListener, app: App) -> Result<(), CliError> {
    app.load_epochs().await?;
    app.spawn_event_dispatcher();
    app.spawn_maintenance();
    app.spawn_jwks_refresh();
    shutdown::serve(listener, app.router, app.admission, &app.shutdown).await;
    app.env.store.close();
    Ok(())
}
