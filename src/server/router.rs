//! The router: all paths of the server, and the middleware around them.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};

use super::{graphql, health};
use crate::graphql::schema;
use crate::graphql::validation::Exposure;
use crate::server::error::HttpError;
use crate::server::graphiql;
use crate::server::middleware::observe;
use crate::server::state::ServerState;

/// Returns the router with all routes, CORS and the middleware for logging.
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

/// Returns the schema in SDL, for code generators; 404 if introspection is off.
async fn sdl(State(server): State<ServerState>) -> Response {
    if server.documents.exposure() == Exposure::Hidden {
        return HttpError::no_such_path().into_response();
    }
    ([(CONTENT_TYPE, "application/graphql; charset=utf-8")], schema::sdl()).into_response()
}

/// Returns the public keys that verify the server's access tokens.
async fn jwks(State(server): State<ServerState>) -> Response {
    Json(server.env.keys.jwks()).into_response()
}

/// Returns 405. The router adds the `Allow` header.
async fn method_not_allowed() -> HttpError {
    let message = "This path does not support this method; the Allow header lists the supported methods.";
    HttpError::new(StatusCode::METHOD_NOT_ALLOWED, "BAD_REQUEST", message)
}
