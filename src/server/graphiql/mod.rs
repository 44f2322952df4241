//! GraphiQL at `/graphiql`, served from this executable: nothing is fetched from another host. `vendor/` holds the
//! published files unchanged, with their origin and checksums in `CHECKSUMS.txt`; the page and its script are ours.

use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use crate::server::error::HttpError;

/// Content security policy of the page: scripts, files and connections only from this server, and no inline scripts.
/// Inline styles are allowed, because the editor sets them on its elements.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

static PAGE: LazyLock<Asset> = LazyLock::new(|| Asset::new("index.html", HTML, include_bytes!("index.html")));

static ASSETS: LazyLock<[Asset; 8]> = LazyLock::new(|| {
    [
        Asset::new("playground.js", SCRIPT, include_bytes!("playground.js")),
        Asset::new("playground.css", STYLE, include_bytes!("playground.css")),
        Asset::new("icon.svg", IMAGE, include_bytes!("icon.svg")),
        Asset::new("graphiql.min.js", SCRIPT, include_bytes!("vendor/graphiql.min.js")),
        Asset::new("graphiql.min.css", STYLE, include_bytes!("vendor/graphiql.min.css")),
        Asset::new("react.production.min.js", SCRIPT, include_bytes!("vendor/react.production.min.js")),
        Asset::new("react-dom.production.min.js", SCRIPT, include_bytes!("vendor/react-dom.production.min.js")),
        Asset::new("graphql-ws.min.js", SCRIPT, include_bytes!("vendor/graphql-ws.min.js")),
    ]
});

/// Routes `GET /graphiql` with its files, and a redirect from `/`.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(async || Redirect::temporary("/graphiql")))
        .route("/graphiql", get(async |headers: HeaderMap| PAGE.respond(&headers)))
        .route("/graphiql/{file}", get(asset))
}

async fn asset(file: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Response {
    let has_name = |asset: &&Asset| file.as_ref().is_ok_and(|Path(file)| asset.name == file);
    match ASSETS.iter().find(has_name) {
        Some(asset) => asset.respond(&headers),
        None => HttpError::no_such_path().into_response(),
    }
}

struct Asset {
    name: &'static str,
    content_type: &'static str,
    body: &'static [u8],
    /// Hash of the content. Browsers cache the file and revalidate it on each request.
    etag: String,
}

impl Asset {
    fn new(name: &'static str, content_type: &'static str, body: &'static [u8]) -> Self {
        Self { name, content_type, body, etag: format!("\"{}\"", sha256(body)) }
    }

    fn respond(&self, request: &HeaderMap) -> Response {
        let is_cached = self.is_cached_by(request);
        let body = if is_cached { Bytes::new() } else { Bytes::from_static(self.body) };
        let mut response = body.into_response();
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_TYPE);
        if is_cached {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        }
        let headers = response.headers_mut();
        headers.extend(HeaderValue::from_str(&self.etag).map(|etag| (header::ETAG, etag)));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
        response
    }

    fn is_cached_by(&self, request: &HeaderMap) -> bool {
        let lists = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
        lists.flat_map(|list| list.split(',')).any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag
        })
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
