//! All paths that are served, and what surrounds them.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::Admission;
use super::execute::TimeLimits;
use super::{graphql, health};
use crate::graphql::documents::Documents;
use crate::graphql::schema::{self, Schema};
use crate::graphql::validation::Exposure;
use crate::operations::AppContext;
use crate::server::error::HttpError;
use crate::server::graphiql;
use crate::server::middleware::observe;

/// What the handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct ServerState {
    /// Executes operations.
    pub schema: Schema,
    /// The documents that were found good.
    pub documents: Arc<Documents>,
    /// Who is let in.
    pub admission: Admission,
    /// How long operations may take.
    pub time_limits: TimeLimits,
    /// Database, keys, clock.
    pub env: AppContext,
    /// Mutations that are under way, whether or not somebody still waits for them.
    pub tasks: TaskTracker,
    /// Cancelled when the server begins to shut down.
    pub stopping: CancellationToken,
}

/// The whole of HTTP.
pub fn router(server: ServerState) -> Router {
    let cors = server.admission.cors();
    let router = Router::new()
        .route("/graphql", post(graphql::post).get(graphql::get).options(graphql::options))
        .route("/schema.graphql", get(sdl))
        .route("/.well-known/jwks.json", get(jwks))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .with_state(server)
        .merge(graphiql::router())
        .fallback(async || HttpError::no_such_path())
        .method_not_allowed_fallback(method_not_allowed);
    let router = match cors {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.layer(middleware::from_fn(observe))
}

/// The schema, for code generators.
async fn sdl(State(server): State<ServerState>) -> Response {
    if server.documents.exposure() == Exposure::Hidden {
        return HttpError::no_such_path().into_response();
    }
    ([(CONTENT_TYPE, "application/graphql; charset=utf-8")], schema::sdl()).into_response()
}

/// The public keys that access tokens can be checked with.
async fn jwks(State(server): State<ServerState>) -> Response {
    Json(server.env.keys.jwks()).into_response()
}

/// The router adds which methods are.
async fn method_not_allowed() -> HttpError {
    let message = "This path does not take this method; the Allow header says which it takes.";
    HttpError::new(StatusCode::METHOD_NOT_ALLOWED, "BAD_REQUEST", message)
}
