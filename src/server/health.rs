//! Health checks for monitoring: liveness of the process, and readiness to serve requests.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::state::ServerState;
use crate::domain::Error;
use crate::server::error::HttpError;
use crate::server::response;

/// How long the database may take to answer a readiness check.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// `/health/live`: returns 200 while the process runs.
pub async fn live() -> Response {
    Json(json!({"status": "live"})).into_response()
}

/// `/health/ready`: returns 200 if the database answers and the server is not shutting down, otherwise 503.
pub async fn ready(State(server): State<ServerState>) -> Response {
    let unavailable = |code, message| HttpError::new(StatusCode::SERVICE_UNAVAILABLE, code, message).into_response();
    if server.announced.is_cancelled() {
        return unavailable("SHUTTING_DOWN", "The server is shutting down.");
    }
    match tokio::time::timeout(PING_TIMEOUT, server.env.store.ping()).await {
        Ok(Ok(())) => return Json(json!({"status": "ready"})).into_response(),
        Ok(Err(Error::Failed(fault))) => {
            tracing::warn!(cause = response::chain(&fault), "database not responding")
        }
        Ok(Err(_)) | Err(_) => tracing::warn!("database not responding"),
    }
    unavailable("SERVICE_UNAVAILABLE", "The database does not respond.")
}
